"""The keys that the suite asks for: those of no row, what is no key, and those that look like one that is there."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from crudspec.entity import key_values
from crudspec.entity.candidates import candidates
from crudspec.entity.key_values import NEIGHBOURS, NOT_INTS
from crudspec.entity.row import matches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from crudspec.entity.proven import Proven
    from crudspec.entity.row import Key
    from crudspec.entity.table import Column, Table


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
    parts = [key_values.large(column.type) for column in table.key_columns]
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
        return {name: (value,) for name, value in key_values.alike(table.key_columns[0].type, key[0]).items()}
    found: dict[str, Key] = {}
    for place, column in enumerate(table.key_columns):
        for name, value in islice(key_values.alike(column.type, key[place]).items(), 2):
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
    found = key_values.missing(column.type)
    if column.type.kind == "int" or not found:
        return found
    known = proven.columns.get(column.name)
    if known is not None and column.type.kind == "text" and "percent" not in known.valid:
        # A convention, by which a data layer may refuse what is merely odd.
        return {"never created": known.fresh[-1]} if known.fresh else {}
    used = {*(known.fresh if known else ()), *(one[column.name] for one in proven.variants if column.name in one)}
    return {name: value for name, value in found.items() if value not in used}


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
    made = key_values.neighbours(column.type)
    if known is None:  # the server makes it, and any will do
        return made or list(candidates(column.type).plain)
    fresh = list(known.fresh) or list(known.valid.values())
    if not referring and made and all(any(matches(one, other) for other in fresh) for one in made):
        return made
    return fresh[: len(NEIGHBOURS)]
