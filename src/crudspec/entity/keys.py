"""The keys that the suite asks for: those of no row, what is no key, and those that look like one that is there."""

from __future__ import annotations

import uuid
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any

from crudspec.entity.candidates import candidates
from crudspec.entity.row import matches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from crudspec.entity.proven import Proven
    from crudspec.entity.row import Key
    from crudspec.entity.table import Column, Table
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


def missing(table: Table, proven: Proven) -> dict[str, Key]:
    """Keys of no row, each by a name: of none that a variant, a fresh value or a neighbour makes.

    Some are beyond what the key's type holds: no row can have them, and who asks for one should hear just that.
    """
    return _by_part(table, proven, lambda column: _missing_of(column, proven))


def no_keys(table: Table) -> dict[str, Any]:
    """What is no key, each by a name; of a composite key, what is no first part of one."""
    kind = table.key_columns[0].type
    if kind.kind == "int":
        return dict(NOT_INTS)
    wrong = candidates(kind).wrong
    return {name: value for name, value in wrong.items() if not isinstance(value, str) or value.isascii()}


def large(table: Table, proven: Proven | None = None) -> dict[str, Key]:
    """Keys at the far end of what their type holds; none where it has no end, or where it refers to another table.

    Args:
        table: Whose keys.
        proven: With it, only those are given that the server takes, where the client chooses the key.
    """
    if {name for one in table.references for name in one.columns} & set(table.key):
        return {}
    parts = [_large_of(column.type) for column in table.key_columns]
    if proven is not None:
        parts = [
            {name: value for name, value in part.items() if _is_taken(column, proven, value)}
            for column, part in zip(table.key_columns, parts, strict=True)
        ]
    if len(parts) == 1:
        return {name: (value,) for name, value in parts[0].items()}
    if not all(parts):
        return {}
    return {"largest": tuple(list(part.values())[-1] for part in parts)}


def look_alikes(table: Table, key: Key) -> dict[str, Key]:
    """Keys of no row, each of which a careless conversion or comparison makes that of a row.

    Args:
        table: Whose keys.
        key: That of the row. It may be the only one of its table.
    """
    if len(key) == 1:
        made = _ALIKE.get(table.key_columns[0].type.kind)
        return {name: (value,) for name, value in made(key[0]).items()} if made else {}
    found: dict[str, Key] = {}
    for place, column in enumerate(table.key_columns):
        made = _ALIKE.get(column.type.kind)
        for name, value in islice((made(key[place]) if made else {}).items(), 2):
            found[f"{column.name} {name}"] = (*key[:place], value, *key[place + 1 :])
    kinds = [column.type.kind for column in table.key_columns]
    if len(set(kinds)) == 1 and key[::-1] != key:
        found["parts swapped"] = key[::-1]
    return found


def neighbours(table: Table, proven: Proven) -> list[Key]:
    """Keys of rows that a loose predicate takes for one another; at most eight. All of them may be stored at once."""
    columns = table.key_columns
    if len(columns) == 1:
        return [(value,) for value in _neighbours_of(table, columns[0], proven)]
    # Two of each part, in every combination, before more of the last one: a predicate that forgets a part finds two.
    parts = [_neighbours_of(table, column, proven) for column in columns]
    if not all(parts):
        return []
    found: list[Key] = []
    for spread in range(max(map(len, parts))):
        for flags in range(2 ** len(parts)):
            key = tuple(part[min(spread * 2 + (flags >> place & 1), len(part) - 1)] for place, part in enumerate(parts))
            if key not in found and len(found) < len(NEIGHBOURS):
                found.append(key)
    return found


def _by_part(table: Table, proven: Proven, make: Callable[[Column], dict[str, Any]]) -> dict[str, Key]:
    if len(table.key) == 1:
        return {name: (value,) for name, value in make(table.key_columns[0]).items()}
    there = [_some(column, proven) for column in table.key_columns]
    parts = [make(column) for column in table.key_columns]
    found: dict[str, Key] = {}
    for place, column in enumerate(table.key_columns):
        for name, value in parts[place].items():
            found[f"{column.name} {name}"] = (*there[:place], value, *there[place + 1 :])
    return {"never created": tuple(next(iter(part.values()), one) for part, one in zip(parts, there, strict=True))} | (
        found
    )


def _some(column: Column, proven: Proven) -> Any:
    """A value that a row may well have."""
    if proven.variants and column.name in proven.variants[0]:
        return proven.variants[0][column.name]
    return next(iter(candidates(column.type).plain), None)


def _missing_of(column: Column, proven: Proven) -> dict[str, Any]:
    kind = column.type
    if kind.kind == "int":
        if kind.bits == 16:
            return {"never created": 30_011, **{name: MISSING_INTS[name] for name in list(MISSING_INTS)[1:]}}
        return dict(MISSING_INTS)
    made = _MISSING.get(kind.kind)
    found = made(kind) if made else {}
    used = proven.columns[column.name].fresh if column.name in proven.columns else ()
    used = (*used, *(one[column.name] for one in proven.variants if column.name in one))
    return {name: value for name, value in found.items() if value not in used}


def _missing_texts(kind: Type) -> dict[str, Any]:
    found = {"never created": "nobody's"[: kind.length], "empty": "", "one blank": " ", "percent": "%"}
    found |= {
        "underscore": "_",
        "quotes": "' OR '1'='1"[: kind.length],
        "far too long": "x" * ((kind.length or 1000) + 1),
    }
    return found


def _large_of(kind: Type) -> dict[str, Any]:
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


def _is_taken(column: Column, proven: Proven, value: Any) -> bool:
    known = proven.columns.get(column.name)
    # Any text of a length stands for one: which letters, is not what is asked of it.
    if known is None or (isinstance(value, str) and any(len(one) == len(value) for one in _texts_of(known.valid))):
        return True
    return any(matches(value, one) for one in known.valid.values())


def _texts_of(valid: Mapping[str, Any]) -> Iterable[str]:
    return (value for value in valid.values() if isinstance(value, str))


def _neighbours_of(table: Table, column: Column, proven: Proven) -> list[Any]:
    known = proven.columns.get(column.name)
    referring = any(column.name in one.columns for one in table.references)
    made = _NEIGHBOURS.get(column.type.kind, list)()
    if known is None:  # the server makes it, and any will do
        return made or list(candidates(column.type).plain)
    fresh = list(known.fresh) or list(known.valid.values())
    if not referring and made and all(any(matches(one, other) for other in fresh) for one in made):
        return made
    return fresh[: len(NEIGHBOURS)]


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
