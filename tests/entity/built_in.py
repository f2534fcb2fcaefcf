"""What tasks has always been tried with, said once more: what is made from its types has to come to the same."""

from __future__ import annotations

from typing import Any

INT32_MAX = 2**31 - 1
INT64_MAX = 2**63 - 1

VALID_TITLES: dict[str, str] = {
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
    "255 letters": "x" * 255,
    "255 blanks": " " * 255,
    "255 accented letters": "é" * 255,
    "255 astral code points": "\N{GRINNING FACE}" * 255,
}

INVALID_TITLES: dict[str, Any] = {
    "256 letters": "x" * 256,
    "255 letters and a blank": "x" * 255 + " ",
    "250 letters and 10 blanks": "x" * 250 + " " * 10,
    "256 astral code points": "\N{GRINNING FACE}" * 256,
    "10,000 letters": "x" * 10_000,
    "NUL": "a\0b",
    "only NUL": "\0",
    "lone high surrogate": "a\ud800b",
    "lone low surrogate": "\udfff",
    "None": None,
    "int": 123,
    "bytes": b"milk",
    "bool": True,
    "list": ["milk"],
}

INVALID_DONES: dict[str, Any] = {
    "None": None,
    "1": 1,
    "0": 0,
    "text": "false",
    "empty text": "",
}

MISSING_IDS: dict[str, int] = {
    "never created": 1_000_000_007,
    "0": 0,
    "negative": -1,
    "smallest int32": -(2**31),
    "over int32": 2**31,
    "over 2**53": 2**53 + 1,
    "largest int64": INT64_MAX,
    "over int64": 2**63,
    "far over int64": 2**200,
    "under int64": -(2**63) - 1,
}

# Each of them is 1 to somebody.
NOT_IDS: dict[str, Any] = {
    "text": "1",
    "text with blanks": " 1 ",
    "float": 1.5,
    "float just below": 0.6,
    "whole float": 1.0,
    "None": None,
    "bytes": b"1",
    "list": [1],  # the ORM's session.get takes one for the parts of a key
}

LARGE_IDS: dict[str, int] = {
    "over int32": 2**31,
    "over 2**53": 2**53 + 1,
    "largest int64": INT64_MAX,
}


def look_alikes(task_id: int) -> dict[str, int]:
    """Ids of no row, each of which a careless conversion makes that of the row: abs, and a cut to 32 or 64 bits."""
    return {
        "negated": -task_id,
        "plus 2**32": task_id + 2**32,
        "minus 2**32": task_id - 2**32,
        "plus 2**64": task_id + 2**64,
        "minus 2**64": task_id - 2**64,
    }
