"""Values that went over the wire, for a reader.

The types of bound values are known only to those who prepared the statement. They are guessed: what is printable
is text, of what is not one byte is a bool, and two, four or eight are a number. Nothing is decided by it.
"""

from __future__ import annotations

import re
import struct
from functools import cache
from typing import TYPE_CHECKING

from crudspec.wire import messages as m

if TYPE_CHECKING:
    from crudspec.entity.table import Table
    from crudspec.wire.framing import Frame

_INT = {2: ">h", 4: ">i", 8: ">q"}
_LARGEST = 2**48
_LONG = 24
_PLACEHOLDER = re.compile(r"\$(\d+)(?:::[A-Za-z]+(?: [A-Za-z]+)*?(?:\(\d+\))?(?=[\s,)]|$))?")
_BEGIN = re.compile(r"^BEGIN ISOLATION LEVEL READ COMMITTED\b|^START TRANSACTION$", re.IGNORECASE)


@cache
def _said_anyway(table: str, columns: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """A column with its table's name before it; and all columns in their order."""
    names = rf'(?:"?\w+"?\.)?"?{re.escape(table)}"?'
    every = r",\s*".join(rf'"?{re.escape(name)}"?' for name in columns)
    return re.compile(rf'{names}\."?(\w+)"?(?: AS \w+)?'), re.compile(every)


def statement(table: Table, sql: str, frame: Frame) -> str:
    """The SQL in one line, with the bound values in it and without what says nothing."""
    column, every = _said_anyway(table.name, tuple(table.by_name))
    text = every.sub("…", column.sub(r"\1", " ".join(sql.split()).rstrip(";")))
    text = _BEGIN.sub("BEGIN", text)
    if frame.code != b"B":
        return text
    values = bound(frame)

    def value(match: re.Match[str]) -> str:
        place = int(match[1]) - 1
        return values[place] if place < len(values) else match[0]

    return _PLACEHOLDER.sub(value, text)


def bound(frame: Frame) -> list[str]:
    """The values of a Bind message."""
    raw = frame.raw
    at = raw.index(b"\0", raw.index(b"\0", 5) + 1) + 1
    at += 2 + 2 * struct.unpack_from(">H", raw, at)[0]
    return _values(raw, at)


def row(frame: Frame) -> str:
    """The values of a DataRow message; where it ends in a point in time, without that."""
    values = _values(frame.raw, 5)
    if len(values) > 1 and values[-1] == "…":
        values.pop()
    return f"({', '.join(values)})"


def answer(frame: Frame) -> str:
    """One message of the server in a few words; empty where it says nothing new."""
    if frame.code == b"D":
        return row(frame)
    if frame.code == b"E":
        error = m.read_error(frame)
        return f"{error.severity} {error.sqlstate}: {error.message}"
    tag = m.query_text(frame) if frame.code == b"C" else ""
    if tag.startswith("SELECT"):
        return "no row" if tag == "SELECT 0" else ""
    return "" if tag in {"BEGIN", "COMMIT", "ROLLBACK"} else tag


def _values(raw: bytes, at: int) -> list[str]:
    """Count, then length and bytes of each value; a length of -1 is NULL."""
    (count,) = struct.unpack_from(">H", raw, at)
    at += 2
    found = []
    for _ in range(count):
        (length,) = struct.unpack_from(">i", raw, at)
        at += 4
        found.append("NULL" if length < 0 else _guess(raw[at : at + length]))
        at += max(length, 0)
    return found


def _guess(data: bytes) -> str:
    text = data.decode("utf-8", "replace")
    if text.isprintable() and "\ufffd" not in text:
        if text.isdigit():
            return text
        return "…" if len(text) > _LONG else {"t": "true", "f": "false"}.get(text, f"'{text}'")
    if len(data) == 1:
        return "true" if data[0] else "false"
    if len(data) in _INT:
        (number,) = struct.unpack(_INT[len(data)], data)
        return str(number) if abs(number) < _LARGEST else "…"  # a point in time
    return "…"
