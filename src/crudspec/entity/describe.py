"""A table made of what the catalogue says, and of what its defaults give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crudspec.entity import catalogue
from crudspec.entity.errors import EntityError
from crudspec.entity.literals import from_server
from crudspec.entity.partial import understood
from crudspec.entity.row import matches
from crudspec.entity.table import Column, Reference, Table, Unique, literal, quoted
from crudspec.entity.untouched import anew

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncpg import Connection

    from crudspec.entity.catalogue import Found, Rules
    from crudspec.entity.table import Default


async def table_of(
    connection: Connection, schema: str, name: str, oid: int, rules: Rules, *, evaluated: bool = False
) -> Table:
    """Read a table of which nobody says anything.

    Args:
        connection: Of :func:`~crudspec.entity.untouched.untouched`.
        schema: That it stands in.
        name: Of it.
        oid: Of it.
        rules: Of it.
        evaluated: Ask the server what its defaults give, which begins another transaction; else every default counts as
            generated.

    Raises:
        EntityError: it has no primary key.
    """
    if not rules.key:
        raise EntityError(f"table {name!r} has no primary key: name one that has, rows cannot be told apart without")
    found = await catalogue.columns(connection, oid)
    partial = await understood(connection, found, rules)
    defaults = await _defaults(connection, found, evaluated=evaluated)
    columns = tuple(
        Column(
            one.name,
            one.type,
            nullable=not one.required,
            default=defaults[one.name][0],
            constant=defaults[one.name][1],
            makes=_makes(schema, name, one),
            computed=one.computed,
        )
        for one in found
    )
    # What is of a type that nobody here knows stays NULL, where it can.
    given = [
        one
        for one in columns
        if not one.computed and one.name not in partial.left_out and not (one.type.kind == "unknown" and one.nullable)
    ]
    return Table(
        name,
        columns,
        rules.key,
        creates=tuple(one.name for one in given if not one.default),
        updates=tuple(
            one.name
            for one in given
            if one.name not in rules.key and one.default in ("", "constant") and one.type.kind != "unknown"
        ),
        schema=schema,
        unique=(
            *(Unique(one["name"], tuple(one["columns"]), one["nulls_distinct"]) for one in rules.unique),
            *partial.unique,
        ),
        references=tuple(
            Reference(one["name"], tuple(one["columns"]), catalogue.parent_of(one), tuple(one["to"]))
            for one in rules.references
        ),
        checks={one["name"]: one["said"] for one in rules.checks},
    )


def _makes(schema: str, table: str, column: Found) -> str:
    """SQL that gives what the server would fill in next."""
    if not column.identity:
        return column.default
    place = f"{quoted(schema)}.{quoted(table)}"
    return f"nextval(pg_get_serial_sequence({literal(place)}, {literal(column.name)}))"


async def _defaults(
    connection: Connection, found: Sequence[Found], *, evaluated: bool
) -> dict[str, tuple[Default, Any]]:
    """What kind of default each column has, and the value of a constant one: each is evaluated in two transactions."""
    made: dict[str, tuple[Default, Any]] = {
        one.name: ("generated" if one.identity or one.default else "", None) for one in found
    }
    asked = [one for one in found if one.default and not one.identity]
    if not asked or not evaluated:
        return made
    # It is not the first statement of its transaction: there, statement_timestamp() would be now().
    terms = [
        f"({one.default})::{one.type.sql}::{one.type.shown}"
        + (f", ({one.default})::timestamptz = now()" if one.type.kind == "timestamptz" else ", false")
        for one in asked
    ]
    first = await _evaluated(connection, terms)
    await anew(connection)
    second = await _evaluated(connection, terms)
    for one, before, after in zip(asked, first, second, strict=True):
        if before is None or after is None:
            continue  # it raises, as some do on purpose
        if before[1]:
            made[one.name] = ("clock", None)
        elif matches(before[0], after[0]) and not _tells_the_time(one.default):
            made[one.name] = ("", None) if before[0] is None else ("constant", from_server(one.type, before[0]))
    return made


def _tells_the_time(expression: str) -> bool:
    """Whether a default that is the same twice in a moment is another one tomorrow, such as CURRENT_DATE."""
    text = expression.lower()
    return any(word in text for word in ("current_", "localtime", "now()", "_timestamp()"))


async def _evaluated(connection: Connection, terms: Sequence[str]) -> list[tuple[Any, bool] | None]:
    """The value of each default and whether it is now(); None where it raises."""
    import asyncpg

    await connection.execute("SAVEPOINT defaults")
    try:
        row = await connection.fetchrow(f"SELECT {', '.join(terms)}")
        return list(zip(row[::2], row[1::2], strict=True))
    except asyncpg.PostgresError:
        await connection.execute("ROLLBACK TO defaults")
        if len(terms) == 1:
            return [None]
        return [one for term in terms for one in await _evaluated(connection, [term])]
