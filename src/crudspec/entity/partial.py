"""Unique indexes with an expression or a predicate: what they promise, where that can be known.

Whoever stores rows that such an index refuses, and does not know of it, blames a data layer for what the table does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crudspec.entity.choices import names_column
from crudspec.entity.table import Unique, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asyncpg import Connection

    from crudspec.entity.catalogue import Found, Rules


@dataclass
class Partial:
    """What is made of a table's unique indexes with an expression or a predicate.

    Attributes:
        unique: Those that refuse two rows with the same values in these columns, whatever else these rows hold.
        left_out: Columns that nobody is given, so that a predicate is always true, or always false; with why.
        notes: What is not asked, a line each.
    """

    unique: list[Unique] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


async def understood(connection: Connection, columns: Sequence[Found], rules: Rules) -> Partial:
    """Make of each index what can be known of it.

    An expression alone: rows that are equal in its columns collide. ``WHERE deleted_at IS NULL``: if nobody is given
    that column, its default decides for all rows, and the server says how.

    Args:
        connection: Of :func:`~crudspec.entity.untouched.untouched`.
        columns: Of the table.
        rules: Of the table.
    """
    found = Partial()
    for index in rules.partial:
        terms, predicate = index["terms"] or "", index["predicate"] or ""
        own = [one.name for one in columns if one.name in index["columns"] or names_column(terms, one.name)]
        asked = [one for one in columns if names_column(predicate, one.name)]
        unique = Unique(index["name"], tuple(own), index["nulls_distinct"])
        if not predicate or _is_there(predicate, own):
            found.unique.append(unique)
            continue
        left_alone = bool(asked) and all(_can_be_left_out(one, rules) for one in asked)
        holds = left_alone and await _holds(connection, asked, predicate)
        if left_alone and not (holds and any(one.name in own for one in asked)):
            found.left_out |= {one.name: f"always its default: {index['name']}, WHERE {predicate}" for one in asked}
            found.unique += [unique] * holds
        else:
            said = ", ".join(f'"{one.name}": Values(valid=[…])' for one in asked)
            found.notes.append(
                f"{index['name']}, unique only WHERE {predicate}, is not known to any clause: "
                f"say values={{{said}}} that keep out of it"
            )
    return found


def _is_there(predicate: str, own: Sequence[str]) -> bool:
    """Whether a predicate says no more than that the index's own column is not NULL, as NULLs are distinct anyway."""
    return predicate in {f"({name} IS NOT NULL)" for one in own for name in (one, quoted(one))}


def _can_be_left_out(column: Found, rules: Rules) -> bool:
    given: list[Mapping[str, Any]] = [*rules.references, *rules.unique]
    if column.name in rules.key or any(column.name in one["columns"] for one in given):
        return False
    return not column.required or bool(column.default)


async def _holds(connection: Connection, columns: Sequence[Found], predicate: str) -> bool:
    """Whether a predicate is true of a row that has the defaults of these columns."""
    defaults = ", ".join(f"({one.default or 'NULL'})::{one.type.sql} AS {quoted(one.name)}" for one in columns)
    return bool(await connection.fetchval(f"SELECT {predicate} FROM (SELECT {defaults}) AS row"))
