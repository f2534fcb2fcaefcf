"""Text from strangers, made fit for a terminal, a file and another process."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich.cells import cell_len

if TYPE_CHECKING:
    from collections.abc import Mapping

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_BLANK = re.compile(r"(?<! ) (?! )")
_CARRIAGE = re.compile(r"\r\n?")

PLAIN = str.maketrans({"…": "...", "·": ".", "✓": "+", "✗": "x", "→": "->", "—": "-", "–": "-"})
"""What stands for our own symbols where the encoding is not UTF-8."""


def printable(text: str) -> str:
    r"""The text with control characters and lone surrogates written out, as ``\x1b``; newlines and tabs stay.

    An escape sequence in a message could wipe the screen, and a surrogate can be neither printed nor sent.
    """
    return _CONTROL.sub(lambda match: ascii(match[0])[1:-1], _CARRIAGE.sub("\n", text))


def cut(text: str, length: int) -> str:
    """At most that many characters, with the beginning and a part of the end."""
    if len(text) <= length:
        return text
    tail = length // 4
    return f"{text[: length - tail - 3]} … {text[-tail:]}"


def wrapped(text: str, width: int, indent: int) -> str:
    """The text broken between words, so that no line is longer than it has to be; all but the first are indented.

    Only where one blank stands alone: of several in a row, in a title, say, each counts.
    """
    lines: list[str] = []
    for line in text.split("\n"):
        first, *words = _BLANK.split(line)
        lines.append(first)
        for word in words:
            longer = f"{lines[-1]} {word}"
            if cell_len(longer) <= width:
                lines[-1] = longer
            else:
                lines.append(" " * indent + word)
    return "\n".join(lines)


def told_once(told: Mapping[str, str]) -> str:
    """What is said of several by name: once, and without the names, where it is the same of all."""
    texts = dict.fromkeys(told.values())
    return next(iter(texts)) if len(texts) == 1 else "; ".join(f"{name}: {text}" for name, text in told.items())
