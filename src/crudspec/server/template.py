"""The template database: migrated once, cloned for everybody."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from crudspec.server import dsn as urls
from crudspec.server import migrate
from crudspec.server.binaries import PREFERRED
from crudspec.server.choice import ServerError
from crudspec.server.connections import connected, quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncpg import Connection

STARTING_SECONDS = 60
"""How long a container's server may take until it accepts connections; the image starts it twice."""

POOLER = "give the DSN of the server itself, not of a pooler such as PgBouncer"
"""What to do where databases can be made, and not be cloned or connected to."""


def name(prefix: str) -> str:
    """Return the name of a run's template database."""
    return f"{prefix}_template"


async def adopt(up: dict[str, Any], prefix: str) -> tuple[str, str]:
    """Make a cluster from the cache this run's own: a new password, and the template under the run's name.

    Over the Unix socket in a 0700 directory, where the cluster trusts whoever gets in.

    Returns:
        The maintenance DSN and the server's version.
    """
    port = int(up["dsn"].rpartition(":")[2].partition("/")[0])
    password = secrets.token_hex(16)
    async with connected(up["dsn"], host=up["socket"], port=port) as connection:
        version = await _version(connection, up["dsn"])
        await connection.execute(f"ALTER ROLE postgres PASSWORD '{password}'")
        (old,) = await connection.fetchrow(
            "SELECT datname FROM pg_database WHERE datname ~ '^crudspec_[0-9a-f]+_template$'"
        )
        await connection.execute(f"ALTER DATABASE {quoted(old)} RENAME TO {quoted(name(prefix))}")
    return urls.local(port, password), version


async def build(dsn: str, prefix: str, *, external: bool, reached: Callable[[], None]) -> str:
    """Create and migrate the template; nobody may connect to it afterwards, or it could not be cloned.

    Args:
        dsn: Where.
        prefix: The run's.
        external: Somebody's server: its role may lack a right, and it either runs or does not.
        reached: Called before anything is created.

    Returns:
        The server's version.

    Raises:
        ServerError: the server is too old, the role may not create databases, or a migration failed.
    """
    import asyncpg

    async with connected(dsn, patience=0 if external else STARTING_SECONDS) as connection:
        version = await _version(connection, dsn)
        if external:
            from crudspec.server.external import check

            await check(connection)
        reached()
        template = quoted(name(prefix))
        try:
            # template0: somebody's template1 may hold anything, a table tasks included.
            await connection.execute(f"CREATE DATABASE {template} TEMPLATE template0 ENCODING 'UTF8'")
            await migrate.upgrade(urls.with_database(dsn, name(prefix)))
            await connection.execute(f"ALTER DATABASE {template} ALLOW_CONNECTIONS false")
        except asyncpg.PostgresError as exc:
            raise ServerError(f"cannot make a database on {urls.shown(dsn)}: {urls.redacted(str(exc), dsn)}") from exc
        except ServerError as exc:
            raise ServerError(f"{exc}; {POOLER}" if external else str(exc)) from exc
    return version


async def _version(connection: Connection, dsn: str) -> str:
    number, text = await connection.fetchrow(
        "SELECT current_setting('server_version_num')::int, current_setting('server_version')"
    )
    if number < PREFERRED * 10_000:
        raise ServerError(
            f"{urls.shown(dsn)} is PostgreSQL {text.split()[0]}; the contract is stated for {PREFERRED}, "
            "and a newer one will do"
        )
    return text.split()[0]
