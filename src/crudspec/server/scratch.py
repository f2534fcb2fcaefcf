"""Scratch databases: clones of the migrated template, one for each who needs a table of their own."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

from crudspec.server import dsn as urls
from crudspec.server import template
from crudspec.server.choice import ServerError
from crudspec.server.connections import connected, quoted

if TYPE_CHECKING:
    from crudspec.entity.source import Source
    from crudspec.server.choice import Server

_LONGEST_LABEL = 30
"""With the prefix and a number, a name stays well below PostgreSQL's 63 bytes, which it would cut silently."""

_numbers = itertools.count(1)


async def create_scratch(server: Server, label: str, source: Source | None = None) -> str:
    """Clone the template of a schema into a new, empty database; the template is made on first use.

    Args:
        server: Where.
        label: For people who look at the server: who uses it. Everything but letters and digits becomes ``_``.
        source: Of the schema; None is the built-in one, the table ``tasks``.

    Returns:
        The clone's DSN.

    Raises:
        EntityError: the schema cannot be made; says what to write.
        ServerError: the server cannot be reached or refuses.
    """
    import asyncpg

    plain = re.sub(r"[^a-z0-9]+", "_", label.lower())[:_LONGEST_LABEL].strip("_") or "scratch"
    async with connected(server.dsn) as connection:
        whole = quoted(await template.have(connection, server, source))
        for number in _numbers:
            name = f"{server.prefix}_{plain}_{number}"
            try:
                await connection.execute(f"CREATE DATABASE {quoted(name)} TEMPLATE {whole}")
            except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
                # Another process of this run took the number; the server is the only one who knows them all.
                continue
            except asyncpg.PostgresError as exc:
                raise ServerError(f"cannot clone the template: {urls.redacted(str(exc), server.dsn)}") from exc
            return urls.plain(urls.with_database(server.dsn, name))
    raise AssertionError("numbers do not end")


async def drop_scratch(server: Server, dsn: str) -> None:
    """Drop a scratch database, whoever is still connected to it; nothing happens if it is gone.

    Raises:
        ServerError: it is not one of this run's, or it is a template; nothing was touched.
    """
    name = urls.database_of(dsn)
    if not name.startswith(f"{server.prefix}_") or template.is_one(server.prefix, name):
        raise ServerError(f"database {name} is not a scratch database of this run and is left alone")
    async with connected(server.dsn) as connection:
        await connection.execute(f"DROP DATABASE IF EXISTS {quoted(name)} WITH (FORCE)")


async def try_out(server: Server) -> None:
    """Make a scratch database, connect to it, and drop it: what every check needs.

    Somebody's server may be a pooler, which keeps its connections to the template, so that it cannot be cloned, or
    knows only some databases.

    Raises:
        ServerError: it does not work; what to do.
    """
    try:
        dsn = await create_scratch(server, "try")
        async with connected(dsn):
            pass
        await drop_scratch(server, dsn)
    except ServerError as exc:
        raise ServerError(f"{urls.shown(server.dsn)}: {exc}; {template.POOLER}") from exc
