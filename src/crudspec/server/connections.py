"""Maintenance connections, and what a refused one means for the person who reads it."""

from __future__ import annotations

import re
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from crudspec.server import dsn as urls
from crudspec.server.choice import ServerError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from asyncpg import Connection

CONNECT_SECONDS = 10
"""How long a server may take to answer."""


@asynccontextmanager
async def connected(dsn: str, *, patience: float = 0, **options: Any) -> AsyncGenerator[Connection]:
    """Open a connection to do maintenance on.

    Args:
        dsn: Where.
        patience: Seconds to go on trying while a server that is just starting refuses.
        options: For ``asyncpg.connect``, over what the URL says.

    Raises:
        ServerError: it cannot be had: unreachable, refused, wrong password, no such database.
    """
    connection = await _connect(dsn, time.monotonic() + patience, options)
    try:
        yield connection
    finally:
        await connection.close(timeout=CONNECT_SECONDS)


async def _connect(dsn: str, deadline: float, options: dict[str, Any]) -> Connection:
    import asyncio

    import asyncpg

    starting = (OSError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError)
    while True:
        try:
            return await asyncpg.connect(dsn, timeout=CONNECT_SECONDS, **options)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as exc:
            if not isinstance(exc, starting) or time.monotonic() >= deadline:
                raise ServerError(_meaning(exc, dsn)) from None
            await asyncio.sleep(0.05)


def _meaning(exc: Exception, dsn: str) -> str:
    import asyncpg

    where = urls.shown(dsn)
    if isinstance(exc, asyncpg.InvalidAuthorizationSpecificationError):
        return f"{where} refuses the user or the password; check both in the DSN"
    if isinstance(exc, asyncpg.InvalidCatalogNameError):
        return f"{where} has no such database; name an existing one in the DSN, for example postgres"
    if isinstance(exc, TimeoutError):
        return f"{where} does not answer within {CONNECT_SECONDS} s; check host, port and firewall"
    if isinstance(exc, asyncpg.CannotConnectNowError | asyncpg.TooManyConnectionsError):
        return f"{where} accepts no connection now: {urls.redacted(str(exc), dsn)}"
    if isinstance(exc, OSError):
        return f"{where} cannot be reached ({_why(exc, dsn)}); check host and port, and that it runs"
    return f"cannot connect to {where}: {urls.redacted(str(exc), dsn)}"


def _why(exc: OSError, dsn: str) -> str:
    return exc.strerror or urls.redacted(str(exc), dsn) or type(exc).__name__


def quoted(name: str) -> str:
    """Return the name of one of our databases, ready for SQL, in which a name cannot be a parameter.

    Raises:
        ValueError: not of the form that this package gives; no escaping, because there is nothing to escape.
    """
    if not re.fullmatch(r"crudspec_[a-z0-9_]{1,54}", name):
        raise ValueError(f"not a database of ours: {name!r}")
    return f'"{name}"'
