"""The table ``tasks`` as a test knows it that needs no server: its columns, rows of it, and the values that it has.

``tests/entity`` compares all of it with what a server says.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from crudspec.entity.proven import ColumnValues, Proven
from crudspec.entity.row import Row
from crudspec.entity.sample import Sample
from crudspec.entity.table import Column, Table
from crudspec.entity.types import Type

NOW = datetime(2020, 1, 1, tzinfo=UTC)

BIGINT = Type("int", "bigint", bits=64)
TITLE = Type("text", "character varying(255)", length=255)
DONE = Type("bool", "boolean")
_NEXT = """nextval(pg_get_serial_sequence('"public"."tasks"', 'id'))"""

TABLE = Table(
    "tasks",
    (
        Column("id", BIGINT, default="generated", makes=_NEXT),
        Column("title", TITLE),
        Column("done", DONE, default="constant", constant=False, makes="false"),
        Column("created_at", Type("timestamptz", "timestamp with time zone"), default="clock", makes="now()"),
    ),
    key=("id",),
    creates=("title",),
    updates=("title", "done"),
    names={"list_all": "list_tasks"},
)


def row(task_id: Any, title: Any, done: Any = False, created_at: Any = NOW) -> Row:
    """A row as the witness would read it."""
    return TABLE.Row((task_id, title, done, created_at))


def sample() -> Sample:
    """Values for the table."""
    return Sample(TABLE, PROVEN)


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

CUT_TITLES: dict[str, str] = {
    "255 letters and a blank": "x" * 255 + " ",
    "250 letters and 10 blanks": "x" * 250 + " " * 10,
}
"""PostgreSQL would store their first 255 characters."""

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
    "largest int64": 2**63 - 1,
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
    "largest int64": 2**63 - 1,
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


VARIANTS = (("a", False), ("b", True), ("", False), ("a", True), ("b", False), ("", True))

PROVEN = Proven(
    tuple({"title": title, "done": done} for title, done in VARIANTS),
    {
        "title": ColumnValues(
            VALID_TITLES, INVALID_TITLES, {name: (one, one[:255]) for name, one in CUT_TITLES.items()}
        ),
        "done": ColumnValues({"False": False, "True": True}, INVALID_DONES),
    },
)
