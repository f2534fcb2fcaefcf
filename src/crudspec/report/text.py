"""Text from strangers, made fit for a terminal, a file and another process."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
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
