"""A table and what the server has said of it as JSON, for a cache: the same schema need not be asked about twice."""

from __future__ import annotations

import base64
import ipaddress
import json
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from crudspec.entity.candidates import candidates
from crudspec.entity.proven import ColumnValues, Proven
from crudspec.entity.row import UNREAD
from crudspec.entity.table import Column, Reference, Table, Unique
from crudspec.entity.types import Type

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FORMAT = 1
"""Another number makes another file of what is in a cache."""


def to_json(table: Table, proven: Proven) -> str:
    """Write a table and its values; what is of no type that a server has, such as a set, is made again when read.

    Returns:
        ASCII text.
    """
    return json.dumps({"format": FORMAT, "table": _packed(table), "proven": _packed(proven)})


def from_json(text: str) -> tuple[Table, Proven]:
    """Read what :func:`to_json` has written.

    Raises:
        ValueError: it is something else, or of another version.
    """
    try:
        read = json.loads(text)
        if read["format"] != FORMAT:
            raise ValueError(f"format {read['format']}, not {FORMAT}")
        table, proven = _unpacked(read["table"]), _unpacked(read["proven"])
        columns = [(table.by_name[name], values) for name, values in proven.columns.items()]
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise ValueError(f"not what this version wrote: {error!r}") from error
    for column, values in columns:
        wrong = candidates(column.type, nullable=column.nullable).wrong
        values.invalid.update({said: wrong[said] for said, value in values.invalid.items() if value is _NO_VALUE})
    return table, proven


_NO_VALUE = object()

_CLASSES: Mapping[str, type] = {
    one.__name__: one for one in (Column, ColumnValues, Proven, Reference, Table, Type, Unique)
}

# Each value that is not JSON's own is a list of a tag and a text; each list, a list of "list" and its items.
_TAGS: Mapping[type, tuple[str, Callable[[Any], Any], Callable[[Any], Any]]] = {
    int: ("int", str, int),  # other readers of JSON know no big ones
    float: ("float", repr, float),
    Decimal: ("Decimal", str, Decimal),
    UUID: ("UUID", str, UUID),
    datetime: ("datetime", datetime.isoformat, datetime.fromisoformat),
    date: ("date", date.isoformat, date.fromisoformat),
    time: ("time", time.isoformat, time.fromisoformat),
    timedelta: ("timedelta", lambda one: [one.days, one.seconds, one.microseconds], lambda parts: timedelta(*parts)),
    bytes: ("bytes", lambda one: base64.b64encode(one).decode(), base64.b64decode),
    **{
        one: (one.__name__, str, one)
        for one in (
            ipaddress.IPv4Address,
            ipaddress.IPv6Address,
            ipaddress.IPv4Interface,
            ipaddress.IPv6Interface,
            ipaddress.IPv4Network,
            ipaddress.IPv6Network,
        )
    },
}

_BY_TAG = {tag: read for tag, _, read in _TAGS.values()}


def _packed(value: Any) -> Any:
    if value is None or type(value) in (bool, str):
        return value
    if type(value) in _TAGS:
        tag, write, _ = _TAGS[type(value)]
        return [tag, write(value)]
    if value is UNREAD:
        return ["UNREAD"]
    if type(value) in (list, tuple):
        return [type(value).__name__, [_packed(item) for item in value]]
    if isinstance(value, dict):
        return ["dict", [[_packed(name), _packed(part)] for name, part in value.items()]]
    if is_dataclass(value):
        return [type(value).__name__, {one.name: _packed(getattr(value, one.name)) for one in fields(value)}]
    return ["?"]


def _unpacked(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    tag, *parts = value
    if tag in _BY_TAG:
        return _BY_TAG[tag](parts[0])
    if tag == "UNREAD":
        return UNREAD
    if tag in ("list", "tuple"):
        items = [_unpacked(item) for item in parts[0]]
        return items if tag == "list" else tuple(items)
    if tag == "dict":
        return {_unpacked(name): _unpacked(part) for name, part in parts[0]}
    if tag == "?":
        return _NO_VALUE
    return _CLASSES[tag](**{name: _unpacked(part) for name, part in parts[0].items()})
