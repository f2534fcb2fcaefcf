"""The texts that are tried on a column, as data: each with a name that a failure can show.

Legal text and hostile text are kept apart on purpose: a generator that draws a lone surrogate by accident
fails in the reporter, not in the backend.
"""

from __future__ import annotations

from typing import Any

USUAL_LENGTH = 255
"""Taken for a column that limits nothing, or nothing that anybody reaches."""

LONG = 10_000

_LONGEST_TRIED = 100_000

EVERYDAY: dict[str, str] = {
    "plain": "buy milk",
    "empty": "",
    "one blank": " ",
    "blanks around": "  \t milk \n ",
    "quotes": """it's "quoted" `so`""",
    "percent": "100%",
    "percent s": "%s %d %(id)s",
    "underscore": "a_b",
    "backslash": r"C:\new\table",
    "trailing backslash": "end\\",
    "newlines": "one\ntwo\r\nthree",
    "SQL text": "x'); DROP TABLE tasks; --",
    "dollar quoting": "$$ $1 $title$",
    "named parameter": ":title :id ::text",
    "braces": "{0} {} {title}",
    "NULL as text": "NULL",
    "emoji outside the BMP": "\N{GRINNING FACE}\N{FAMILY}",
    "decomposed accent": "e\N{COMBINING ACUTE ACCENT}",
    "composed accent": "\N{LATIN SMALL LETTER E WITH ACUTE}",
    "upper and lower case": "MiXeD İıßẞ",
    "right to left": "שלום \N{RIGHT-TO-LEFT MARK}!",
    "control characters": "\x01\x1f\x7f\x85",
    "byte order mark": "\ufeffmilk",
}

WRONG: dict[str, Any] = {
    "lone high surrogate": "a\ud800b",
    "lone low surrogate": "\udfff",
    "int": 123,
    "bytes": b"milk",
    "bool": True,
    "list": ["milk"],
}
"""What reaches no server: UTF-8 has no surrogates, and the rest is no text."""


def edges(length: int | None) -> dict[str, str]:
    """Texts for the server to judge: those that a column of this length should take, then those that it should not."""
    limit = length if length and length <= _LONGEST_TRIED else None
    n = limit or USUAL_LENGTH
    found = {name: text for name, text in EVERYDAY.items() if len(text) <= n}
    found |= {
        f"{n:,} letters": "x" * n,
        f"{n:,} blanks": " " * n,
        f"{n:,} accented letters": "é" * n,
        f"{n:,} astral code points": "\N{GRINNING FACE}" * n,
    }
    if limit:
        found |= {
            f"{n + 1:,} letters": "x" * (n + 1),
            f"{n:,} letters and a blank": "x" * n + " ",
            f"{n + 1:,} astral code points": "\N{GRINNING FACE}" * (n + 1),
        }
        if n > 10:
            found[f"{n - 5:,} letters and 10 blanks"] = "x" * (n - 5) + " " * 10
    if f"{LONG:,} letters" not in found:
        found[f"{LONG:,} letters"] = "x" * LONG
    return found | {"NUL": "a\0b", "only NUL": "\0"}
