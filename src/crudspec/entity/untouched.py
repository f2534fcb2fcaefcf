"""A transaction in which everything may be tried, as nothing of it stays."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from asyncpg import Connection

CONNECT_SECONDS = 10
STATEMENT_SECONDS = 20


@asynccontextmanager
async def untouched(dsn: str) -> AsyncGenerator[Connection]:
    """A connection in whose one transaction everything may be tried: it is rolled back, its sequences are put back.

    Constraints are checked at once, also those that would wait for the commit. The session's time zone is UTC.

    Args:
        dsn: Plain ``postgresql://`` URL.
    """
    import asyncpg

    connection = await asyncpg.connect(
        dsn,
        timeout=CONNECT_SECONDS,
        command_timeout=STATEMENT_SECONDS,
        server_settings={"application_name": "crudspec-witness", "timezone": "UTC", "jit": "off"},
    )
    try:
        sequences = await connection.fetch("SELECT schemaname, sequencename, last_value FROM pg_sequences")
        try:
            await connection.execute(_BEGIN)
            yield connection
        finally:
            if not connection.is_closed():
                await asyncio.shield(_put_back(connection, sequences))
    finally:
        await connection.close(timeout=CONNECT_SECONDS)


async def anew(connection: Connection) -> None:
    """Roll back what was tried, and begin another transaction, with another ``now()``."""
    await connection.execute(f"ROLLBACK; {_BEGIN}")


_BEGIN = "BEGIN; SET CONSTRAINTS ALL IMMEDIATE"


async def _put_back(connection: Connection, sequences: list[Any]) -> None:
    await connection.execute("ROLLBACK")
    # A sequence does not take part in a transaction.
    await connection.execute(
        "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, "
        "coalesce(was, start_value), was IS NOT NULL) FROM pg_sequences "
        "JOIN unnest($1::text[], $2::text[], $3::bigint[]) AS before (schema, name, was) "
        "ON schema = schemaname AND name = sequencename WHERE last_value IS DISTINCT FROM was",
        *([one[place] for one in sequences] for place in range(3)),
    )
