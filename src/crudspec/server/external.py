"""Somebody's server: what must hold before a run begins, and how nothing of the run stays there."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from crudspec.server.choice import ServerError
from crudspec.server.connections import connected, quoted

if TYPE_CHECKING:
    from asyncpg import Connection

CLEAN_SECONDS = 60
"""How long the removal of the run's databases may take, a server that restarts meanwhile included."""


async def check(connection: Connection) -> None:
    """Refuse a role that may not create databases, before anything is tried.

    Raises:
        ServerError: with what to grant.
    """
    role, may = await connection.fetchrow(
        "SELECT rolname, rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
    )
    if not may:
        raise ServerError(
            f"role {role} may not create databases, and the suite works only in its own; "
            f'grant it with ALTER ROLE "{role}" CREATEDB, or use another role'
        )


def clean(dsn: str, prefix: str) -> None:
    """Drop this run's databases, known by their random prefix; says so in the log if some could not be."""
    import asyncio

    try:
        asyncio.run(asyncio.wait_for(_drop_all(dsn, prefix), CLEAN_SECONDS))
    except (ServerError, TimeoutError) as exc:
        sys.stderr.write(f"databases {prefix}_* may be left: {exc}\n")


async def _drop_all(dsn: str, prefix: str) -> None:
    import asyncpg

    async with connected(dsn, patience=CLEAN_SECONDS / 2) as connection:
        # starts_with, not LIKE: the underscores of the prefix would match anything.
        found = await connection.fetch(
            "SELECT datname FROM pg_database WHERE starts_with(datname, $1) ORDER BY 1", f"{prefix}_"
        )
        for (name,) in found:
            try:
                await connection.execute(f"DROP DATABASE IF EXISTS {quoted(name)} WITH (FORCE)")
            except (asyncpg.PostgresError, ValueError) as exc:
                sys.stderr.write(f"database {name} is left: {exc}\n")
