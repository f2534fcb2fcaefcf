"""By type, the values that keys are made of: those of no row, those at the far end, and those that look alike."""

from __future__ import annotations

import uuid
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from crudspec.entity.types import Kind, Type

MISSING_INTS: dict[str, int] = {
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
NOT_INTS: dict[str, Any] = {
    "text": "1",
    "text with blanks": " 1 ",
    "float": 1.5,
    "float just below": 0.6,
    "whole float": 1.0,
    "None": None,
    "bytes": b"1",
    "list": [1],  # the ORM's session.get takes one for the parts of a key
}

NEIGHBOURS = (1, 2, 10, 11, 12, 21, 101, 111)
"""Numbers that begin with one another, end with one another, or contain one another."""


def missing(kind: Type) -> dict[str, Any]:
    """Values that no row has, by name."""
    if kind.kind == "int":
        return MISSING_INTS | ({"never created": 30_011} if kind.bits == 16 else {})
    made = _MISSING.get(kind.kind)
    return made(kind) if made else {}


def alike(kind: Type, value: Any) -> dict[str, Any]:
    """Values that a careless conversion or comparison takes for this one, by name."""
    made = _ALIKE.get(kind.kind)
    return made(value) if made else {}


def neighbours(kind: Type) -> list[Any]:
    """Values that begin with one another, end with one another, or contain one another; empty where none do."""
    made = _NEIGHBOURS.get(kind.kind)
    return made() if made else []


def large(kind: Type) -> dict[str, Any]:
    """Values at the far end of what a type holds, by name."""
    if kind.kind == "int":
        numbers = {"over int32": 2**31, "over 2**53": 2**53 + 1, "largest int64": 2**63 - 1}
        return numbers if kind.bits == 64 else {f"largest int{kind.bits}": 2 ** (kind.bits - 1) - 1}
    if kind.kind == "uuid":
        return {"largest": uuid.UUID(int=2**128 - 1)}
    if kind.kind == "text" and kind.length:
        return {"longest": "z" * kind.length}
    if kind.kind == "date":
        return {"far future": date(9998, 12, 31)}
    return {}


def _missing_texts(kind: Type) -> dict[str, Any]:
    found = {"never created": "nobody's"[: kind.length], "empty": "", "one blank": " ", "percent": "%"}
    found |= {
        "underscore": "_",
        "quotes": "' OR '1'='1"[: kind.length],
        "far too long": "x" * ((kind.length or 1000) + 1),
    }
    return found


def _ints_alike(number: int) -> dict[str, Any]:
    """Abs, and a cut to 32 or 64 bits, make each of them the row's."""
    return {
        "negated": -number,
        "plus 2**32": number + 2**32,
        "minus 2**32": number - 2**32,
        "plus 2**64": number + 2**64,
        "minus 2**64": number - 2**64,
    }


def _uuids_alike(one: uuid.UUID) -> dict[str, Any]:
    return {
        "last bit": uuid.UUID(int=one.int ^ 1),
        "first bit": uuid.UUID(int=one.int ^ (1 << 127)),
        "a bit in the middle": uuid.UUID(int=one.int ^ (1 << 64)),
    }


def _texts_alike(text: str) -> dict[str, Any]:
    found = {
        "a part of it": text[:-1],
        "other case": text.swapcase(),
        "blank behind": f"{text} ",
        "blank before": f" {text}",
        "percent": f"{text[:1]}%",
        "only percent": "%",
        "underscores": "_" * len(text),
    }
    return {name: value for name, value in found.items() if value != text}


_ALIKE: Mapping[Kind, Callable[[Any], dict[str, Any]]] = {
    "int": _ints_alike,
    "uuid": _uuids_alike,
    "text": _texts_alike,
    "date": lambda day: {"a day later": day + timedelta(1), "a century before": day.replace(year=day.year - 100)},
    "timestamp": lambda then: {"a microsecond later": then + timedelta(microseconds=1)},
    "timestamptz": lambda then: {"a microsecond later": then + timedelta(microseconds=1)},
    "numeric": lambda number: {"negated": -number} if number else {},
}

_MISSING: Mapping[Kind, Callable[[Type], dict[str, Any]]] = {
    "text": _missing_texts,
    "uuid": lambda _kind: {
        "never created": uuid.uuid5(uuid.NAMESPACE_URL, "never created"),
        "nil": uuid.UUID(int=0),
        "largest": uuid.UUID(int=2**128 - 1),
    },
    "date": lambda _kind: {
        "never created": date(1871, 1, 1),
        "far past": date(2, 1, 1),
        "far future": date(9998, 12, 31),
    },
    "timestamp": lambda _kind: {"never created": datetime(1871, 1, 1)},  # noqa: DTZ001
    "numeric": lambda _kind: {"never created": Decimal(-7)},
}

_NEIGHBOURS: Mapping[Kind, Callable[[], list[Any]]] = {
    "int": lambda: list(NEIGHBOURS),
    "text": lambda: [f"a{number}" for number in NEIGHBOURS],
    "uuid": lambda: [uuid.UUID(int=(1 << 100) + number) for number in NEIGHBOURS],
}
