"""Reading a table from the server: what its columns are, and which of them the operations are given."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from crudspec.backend import OPERATIONS
from crudspec.entity import catalogue
from crudspec.entity.client_side import without_filled
from crudspec.entity.describe import table_of
from crudspec.entity.errors import EntityError
from crudspec.entity.moving import with_moving_columns
from crudspec.entity.untouched import untouched

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crudspec.entity.entity import Entity
    from crudspec.entity.table import Table


async def reflect(dsn: str, entity: Entity) -> Table:
    """Read the table that an entity names, and what of it create and update are given.

    Nothing is left behind, but for what a trigger does outside of the database.

    Args:
        dsn: Plain ``postgresql://`` URL of a database in which the table has been made.
        entity: What the user says of it.

    Raises:
        EntityError: it cannot be used; what to write.
    """
    async with untouched(dsn) as connection:
        schema, name, oid = await catalogue.find(connection, entity.table)
        rules = await catalogue.rules(connection, oid)
        if rules.exclusions:
            one = rules.exclusions[0]
            raise EntityError(
                f"table {name!r}: {one['name']}, {one['said']}: which rows exclude one another is not known; "
                "name another table, or leave this out of schema="
            )
        table = await table_of(connection, schema, name, oid, rules, evaluated=True)
        _check_names(table, entity)
        if rules.has_triggers:
            table = await with_moving_columns(connection, table, entity)
    table = without_filled(table, entity)
    table = replace(
        table,
        columns=tuple(replace(one, moves=one.moves or one.name in entity.moves) for one in table.columns),
        creates=tuple(name for name in table.creates if name not in entity.moves),
        updates=tuple(name for name in table.updates if name not in entity.moves),
    )
    table = replace(
        table,
        creates=_in_order(table, entity.create) if entity.create is not None else table.creates,
        updates=_in_order(table, entity.update) if entity.update is not None else table.updates,
        order=None if entity.order is None else tuple(entity.order),
        returns=_in_order(table, entity.returns) if entity.returns is not None else table.returns,
        names=dict(entity.names),
    )
    _check_types(table, entity)
    return table


def _in_order(table: Table, names: Iterable[str]) -> tuple[str, ...]:
    wanted = set(names)
    return tuple(name for name in table.by_name if name in wanted)


def _check_names(table: Table, entity: Entity) -> None:
    order = [name.removeprefix("-") for name in entity.order or ()]
    said: Mapping[str, Iterable[str]] = {
        "values": entity.values,
        "order": order,
        "create": entity.create or (),
        "update": entity.update or (),
        "returns": entity.returns or (),
        "moves": entity.moves,
    }
    for argument, names in said.items():
        for name in names:
            if name not in table.by_name:
                raise EntityError(
                    f"{argument}: {table.name!r} has no column {name!r}{catalogue.meant(name, table.by_name)}"
                )
    for name in entity.names:
        if name not in OPERATIONS:
            raise EntityError(f"names: there is no operation {name!r}{catalogue.meant(name, OPERATIONS)}")
    for argument, names in (("create", entity.create or ()), ("update", entity.update or ())):
        for name in names:
            if table.by_name[name].computed:
                raise EntityError(f"{argument}: column {name!r} is computed by the server; leave it out")
    for name in entity.moves:
        if name in {*(entity.create or ()), *(entity.update or ())}:
            raise EntityError(f"moves: column {name!r} is set by the data layer; leave it out of create and update")
    for name in entity.update or ():
        if name in table.key:
            raise EntityError(f"update: column {name!r} belongs to the key, which says which row it is; leave it out")


def _check_types(table: Table, entity: Entity) -> None:
    for name in dict.fromkeys((*table.inserts, *table.updates)):
        column = table.by_name[name]
        if column.type.kind == "unknown" and not (name in entity.values and entity.values[name].valid):
            raise EntityError(
                f"column {name!r} is of type {column.type.sql}, of which no values are known: "
                f'say values={{"{name}": Values(valid=[…])}}'
            )
