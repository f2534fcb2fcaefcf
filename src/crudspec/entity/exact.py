"""Reading one value that a backend returned, of exactly its column's type: it is a stranger's, and may do anything."""

from __future__ import annotations

import ipaddress
import uuid
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, NoReturn

from crudspec.entity.row import UNREAD

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from crudspec.entity.types import Kind, Type


class WrongType(Exception):
    """A value is not of a column's type.

    Attributes:
        expected: What it should be, for a failure: ``exactly int``.
    """

    def __init__(self, expected: str) -> None:
        super().__init__(expected)
        self.expected = expected


def read(kind: Type, value: object) -> object:
    """Read a value that is not None: see :meth:`crudspec.entity.types.Type.read`."""
    try:
        return _READERS[kind.kind](kind, value)
    except (KeyboardInterrupt, WrongType):
        raise
    except BaseException:  # noqa: BLE001 - a stranger's value raises what it likes
        raise WrongType(_EXPECTED[kind.kind]) from None


def in_utc(value: datetime) -> datetime:
    """The same instant in UTC, where that has a year from 1 to 9999."""
    try:
        return value.astimezone(UTC)
    except OverflowError:
        return value


def _exactly(kind: Type, value: object) -> object:
    # Not isinstance: a subclass may compare equal to everything.
    value = _of_member(value)
    return value if type(value) is _EXACT[kind.kind] else _wrong(kind)


def _text(kind: Type, value: object) -> object:
    value = _of_member(value)
    if type(value) is not str:
        _wrong(kind)
    # PostgreSQL means nothing by the blanks at the end of a char(n), and fills them up.
    return value.rstrip(" ") if kind.padded else value


def _of_member(value: object) -> object:
    """The value of an Enum's member, which stands for it in a column that has no type for that."""
    # Not .value: a member's class may replace it.
    return object.__getattribute__(value, "_value_") if issubclass(type(value), Enum) else value


def _label(kind: Type, value: Any) -> object:
    if type(value) is str:
        return value
    if issubclass(type(value), Enum):
        # Not .value and .name: a member's class may replace them.
        for label in (object.__getattribute__(value, "_value_"), object.__getattribute__(value, "_name_")):
            if type(label) is str and label in kind.labels:
                return label
    return _wrong(kind)


def _instant(kind: Type, value: object) -> object:
    if type(value) is not datetime or value.utcoffset() is None:
        _wrong(kind)
    # In UTC two equal instants compare equal, also one from the hour that a clock shows twice, and nothing of the
    # stranger's time zone stays.
    return in_utc(value)


def _naive(kind: Type, value: object) -> object:
    if type(value) is not datetime or value.tzinfo is not None:
        _wrong(kind)
    return value


def _time(kind: Type, value: object) -> object:
    if type(value) is not time or value.tzinfo is not None:
        _wrong(kind)
    return value


def _uuid(kind: Type, value: Any) -> object:
    # Some drivers have a faster class of their own.
    if not issubclass(type(value), uuid.UUID) or type(number := value.int) is not int:
        _wrong(kind)
    return uuid.UUID(int=number)


def _bytes(kind: Type, value: Any) -> object:
    return bytes(value) if type(value) in (bytes, bytearray, memoryview) else _wrong(kind)


def _json(kind: Type, value: Any) -> object:
    if value is None or type(value) in (str, int, float, bool):
        return value
    # The base class's methods: a subclass, such as SQLAlchemy's MutableDict, may have replaced its own.
    if issubclass(type(value), dict):
        items = list(dict.items(value))
        return {_name(kind, name): _json(kind, part) for name, part in items}
    if issubclass(type(value), list):
        return [_json(kind, part) for part in list.__iter__(value)]
    return _wrong(kind)


def _name(kind: Type, name: object) -> str:
    return name if type(name) is str else _wrong(kind)


def _address(kind: Type, value: object) -> object:
    if type(value) not in (str, *_ADDRESSES):
        _wrong(kind)
    if kind.sql == "cidr":
        return ipaddress.ip_network(str(value))
    found = ipaddress.ip_interface(str(value))
    return found.ip if found.network.prefixlen == found.max_prefixlen else found


def _items(kind: Type, value: Any) -> object:
    assert kind.item is not None
    if issubclass(type(value), list):
        items = list(list.__iter__(value))
    elif type(value) is tuple:
        items = list(value)
    else:
        _wrong(kind)
    return [None if item is None else read(kind.item, item) for item in items]


def _unread(_kind: Type, _value: object) -> object:
    return UNREAD


def _wrong(kind: Type) -> NoReturn:
    raise WrongType(_EXPECTED[kind.kind])


_ADDRESSES = (
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
    ipaddress.IPv4Interface,
    ipaddress.IPv6Interface,
    ipaddress.IPv4Network,
    ipaddress.IPv6Network,
)

_EXACT: Mapping[Kind, type] = {
    "bool": bool,
    "int": int,
    "numeric": Decimal,
    "float": float,
    "date": date,
    "interval": timedelta,
}

_EXPECTED: Mapping[Kind, str] = {
    **{kind: f"exactly {one.__name__}" for kind, one in _EXACT.items()},
    "text": "exactly str",
    "uuid": "a UUID",
    "time": "a time without a time zone",
    "timestamp": "a naive datetime",
    "timestamptz": "an aware datetime",
    "bytes": "bytes",
    "json": "what JSON is in Python",
    "enum": "one of the labels as str, or a member of an Enum of them",
    "inet": "an address of ipaddress, or one as str",
    "array": "a list of what the column has",
}

_READERS: Mapping[Kind, Callable[[Type, Any], object]] = {
    **dict.fromkeys(_EXACT, _exactly),
    "text": _text,
    "uuid": _uuid,
    "time": _time,
    "timestamp": _naive,
    "timestamptz": _instant,
    "bytes": _bytes,
    "json": _json,
    "enum": _label,
    "inet": _address,
    "array": _items,
    "unknown": _unread,
}
