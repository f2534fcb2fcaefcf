"""What a data layer fills in by itself: the client-side defaults of its SQLAlchemy models.

The table is what the server has, and models are only a claim about it. But that a column is filled in by the client, no
server can tell: a model with ``default=uuid4`` has a key that nobody gives.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from crudspec.entity.sources import as_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crudspec.entity.entity import Entity
    from crudspec.entity.table import Table


@dataclass(frozen=True, slots=True)
class Filled:
    """One column that the client fills in.

    Attributes:
        table: Schema and name of its table.
        column: Its name.
        first: When the row is created.
        anew: With another value each time, such as ``uuid4()`` or the time: no update is given it either.
        moves: Also when the row is updated: ``onupdate=``.
        hidden: It is there for SQLAlchemy alone (``insert_sentinel``), and no row shows it.
    """

    table: tuple[str, str]
    column: str
    first: bool
    anew: bool
    moves: bool
    hidden: bool


def filled(entity: Entity) -> list[Filled]:
    """The columns of all tables that the entity's models fill in; none where there are no models."""
    return [
        Filled(
            (table.schema or "public", table.name),
            column.name,
            first=column.default is not None,
            anew=column.default is not None and not _is_constant(column.default),
            moves=column.onupdate is not None,
            hidden=_is_sentinel(column),
        )
        for table in _tables(entity)
        for column in table.columns
        if column.default is not None or column.onupdate is not None or _is_sentinel(column)
    ]


def without_filled(table: Table, entity: Entity) -> Table:
    """The table, its create and update not given what the models fill in."""
    found = [one for one in filled(entity) if one.table == (table.schema, table.name)]
    if not found:
        return table
    by_client = {one.column for one in found if one.first or one.hidden}
    anew = {one.column for one in found if one.anew or one.moves or one.hidden}
    moves = {one.column for one in found if one.moves}
    hidden = {one.column for one in found if one.hidden}
    return replace(
        table,
        columns=tuple(replace(column, moves=column.moves or column.name in moves) for column in table.columns),
        creates=tuple(name for name in table.creates if name not in by_client),
        updates=tuple(name for name in table.updates if name not in anew),
        returns=tuple(name for name in table.by_name if name not in hidden) if hidden else table.returns,
    )


def _tables(entity: Entity) -> Iterator[Any]:
    source = as_source(entity.schema)
    models = entity.models if entity.models is not None else getattr(source, "metadata", None)
    if models is not None:
        yield from models.tables.values()


def _is_constant(default: Any) -> bool:
    """Whether it gives the same each time; ``list`` and ``dict`` do, if another object."""
    if not default.is_callable:
        return default.is_scalar
    try:
        first, second = default.arg(None), default.arg(None)
        return type(first) in (list, dict, set, tuple) and first == second
    except Exception:  # noqa: BLE001 - it needs the row, or whatever else
        return False


def _is_sentinel(column: Any) -> bool:
    """Whether it is one of SQLAlchemy's ``insert_sentinel()``; no public name says so."""
    return bool(getattr(column, "_insert_sentinel", False))
