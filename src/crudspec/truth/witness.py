"""The witness: an independent connection that reads and changes the table behind the backend's back."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import asyncpg

from crudspec.contract.failures import ContractBroken, Inconclusive
from crudspec.truth.model import Row

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable
    from datetime import datetime

    from asyncpg.prepared_stmt import PreparedStatement

APPLICATION_NAME = "crudspec-witness"
LOCK_TIMEOUT_MS = 2_000
STATEMENT_TIMEOUT_MS = 20_000
END_SECONDS = 5.0

_COLUMNS = "id, title, done, created_at"
_VERSIONED = f"SELECT {_COLUMNS}, xmin::text AS xmin, ctid::text AS ctid FROM tasks ORDER BY id"
_BLOCKERS = """
SELECT a.pid, a.state, a.application_name, a.query,
       round(extract(epoch FROM clock_timestamp() - a.state_change))::int AS seconds
FROM pg_stat_activity a
WHERE a.datname = current_database() AND a.usename = current_user AND a.backend_type = 'client backend'
  AND a.application_name <> $1
  AND (a.state <> 'idle' OR EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.relation = 'tasks'::regclass))
ORDER BY a.pid
"""


class Version(NamedTuple):
    """One stored row with its row version: any write makes a new ``xmin`` and ``ctid``."""

    row: Row
    xmin: str
    ctid: str


@dataclass(frozen=True, slots=True)
class Blocker:
    """A connection of the backend that is in the way."""

    pid: int
    state: str
    query: str
    seconds: int

    def __str__(self) -> str:
        query = " ".join(self.query.split())
        return f"connection {self.pid} ({self.state} for {self.seconds} s), its last statement: {query[:200]!r}"


class Witness:
    """Sees what is committed. Every statement has a lock and a statement timeout, so it never hangs."""

    def __init__(self, connection: asyncpg.Connection, rows: PreparedStatement) -> None:
        self._connection = connection
        self._rows = rows  # asked after every step of every program: prepared once

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn: str) -> AsyncGenerator[Witness]:
        connection = await asyncpg.connect(
            dsn,
            timeout=10,
            server_settings={
                "application_name": APPLICATION_NAME,
                "lock_timeout": str(LOCK_TIMEOUT_MS),
                "statement_timeout": str(STATEMENT_TIMEOUT_MS),
                "timezone": "UTC",
            },
        )
        try:
            rows = await connection.prepare(f"SELECT {_COLUMNS} FROM tasks ORDER BY id")
            # asyncpg prepares without a Sync: until the next statement the connection would hold a lock on the
            # table, and its statement_timeout would run.
            await rows.fetch()
            yield cls(connection, rows)
        finally:
            await connection.close(timeout=5)

    async def rows(self) -> list[Row]:
        """Every committed row in id order."""
        return [Row(*row) for row in await self._rows.fetch()]

    async def row(self, task_id: int) -> Row | None:
        found = await self._connection.fetchrow(
            f"SELECT {_COLUMNS} FROM tasks WHERE id = $1",
            task_id,
        )
        return None if found is None else Row(*found)

    async def outer_ids(self, count: int) -> list[int]:
        """The ids of the committed rows at both ends, so many at each, lowest first."""
        found = await self._connection.fetch(
            "(SELECT id FROM tasks ORDER BY id LIMIT $1) UNION (SELECT id FROM tasks ORDER BY id DESC LIMIT $1) "
            "ORDER BY id",
            count,
        )
        return [row["id"] for row in found]

    async def versions(self) -> dict[int, Version]:
        """Every committed row with its row version, by id."""
        found = await self._connection.fetch(_VERSIONED)
        return {row["id"]: Version(Row(*tuple(row)[:4]), row["xmin"], row["ctid"]) for row in found}

    async def insert(
        self,
        title: str = "by the witness",
        done: bool = False,
        *,
        id: int | None = None,  # noqa: A002 - the column's name
        created_at: datetime | None = None,
    ) -> Row:
        """Write a row as another client of the database would."""
        row = await self._connection.fetchrow(
            "INSERT INTO tasks (id, title, done, created_at) VALUES "
            "(coalesce($1, nextval(pg_get_serial_sequence('tasks', 'id'))), $2, $3, coalesce($4, now())) "
            f"RETURNING {_COLUMNS}",
            id,
            title,
            done,
            created_at,
        )
        assert row is not None
        return Row(*row)

    async def insert_many(self, count: int) -> None:
        """Write ``count`` rows in one statement, the later ids first, so that heap order is not id order."""
        await self._connection.execute(
            "INSERT INTO tasks (id, title) SELECT id, 'row ' || id FROM "
            "(SELECT nextval(pg_get_serial_sequence('tasks', 'id')) AS id FROM generate_series(1, $1::int)) AS new "
            "ORDER BY id DESC",
            count,
        )

    async def update(self, task_id: int, title: str, done: bool) -> None:
        await self._connection.execute("UPDATE tasks SET title = $2, done = $3 WHERE id = $1", task_id, title, done)

    async def delete(self, task_id: int) -> None:
        await self._connection.execute("DELETE FROM tasks WHERE id = $1", task_id)

    async def empty(self) -> None:
        """Empty the table: one statement, one round trip. DELETE, because TRUNCATE costs three times as much."""
        await self.unblocked("DELETE FROM tasks")

    async def execute(self, sql: str) -> None:
        """Run any statement of a check's own."""
        await self._connection.execute(sql)

    async def fetchval(self, sql: str, *args: object) -> object:
        return await self._connection.fetchval(sql, *args)

    async def unblocked(self, sql: str) -> None:
        """Run a statement that nothing should be in the way of.

        Raises:
            ContractBroken: a connection blocks it. The failure names the connection and its statement, and
                the connection is ended, so that it cannot hang the rest of the run.
        """
        try:
            await self._connection.execute(sql)
        except (asyncpg.LockNotAvailableError, asyncpg.QueryCanceledError) as error:
            await self._connection.execute("ROLLBACK")
            blockers = await self.blockers()
            with suppress(Inconclusive):  # what is wrong is known already
                await self.end(blocker.pid for blocker in blockers)
            await self._connection.execute(sql)
            seen = "; ".join(map(str, blockers)) or "a lock that is gone by now"
            raise ContractBroken(
                f"{sql!r} by an independent connection, between operations",
                expected="no connection of the backend is in its way",
                seen=f"blocked by {seen}; ended by the witness",
            ) from error

    async def blockers(self) -> list[Blocker]:
        """Connections of the backend that are not idle, or hold a lock on the table."""
        found = await self._connection.fetch(_BLOCKERS, APPLICATION_NAME)
        return [Blocker(row["pid"], row["state"] or "?", row["query"], row["seconds"] or 0) for row in found]

    async def end(self, pids: Iterable[int]) -> None:
        """End connections, and wait until the server has let go of them.

        Raises:
            Inconclusive: one of them is still there after a while.
        """
        doomed = set(pids)
        await self._connection.execute("SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid", list(doomed))
        deadline = asyncio.get_running_loop().time() + END_SECONDS
        # Polled, as the server tells nobody when a connection is gone.
        while doomed & set(await self.pids()) and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.002)
        if left := doomed & set(await self.pids()):
            raise Inconclusive(f"the server ends connections {sorted(left)} within {END_SECONDS:g} seconds")

    async def pids(self) -> list[int]:
        """Server processes of all connections to this database but the witnesses' own."""
        found = await self._connection.fetch(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user "
            "AND application_name <> $1 AND backend_type = 'client backend' ORDER BY pid",
            APPLICATION_NAME,
        )
        return [row["pid"] for row in found]

    async def waiting(self) -> list[int]:
        """Server processes of the backend that wait for a lock."""
        found = await self._connection.fetch(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user "
            "AND application_name <> $1 AND backend_type = 'client backend' AND wait_event_type = 'Lock' ORDER BY pid",
            APPLICATION_NAME,
        )
        return [row["pid"] for row in found]

    async def server_start(self) -> datetime:
        """When the server was started: another time is another server."""
        return await self._connection.fetchval("SELECT pg_postmaster_start_time()")

    async def catalogue(self) -> str:
        """The definition of every table, column, index, constraint, type, sequence, function and trigger, by lines."""
        found = await self._connection.fetch(
            "SELECT 'class' AS kind, c.relname::text AS name, c.relkind::text AS detail FROM pg_class c "
            "WHERE c.relnamespace = 'public'::regnamespace "
            "UNION ALL SELECT 'column', c.relname || '.' || a.attname, concat_ws(' ', "
            "format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, pg_get_expr(d.adbin, d.adrelid)) "
            "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
            "LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum "
            "WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped "
            "UNION ALL SELECT 'function', p.proname, p.prosrc FROM pg_proc p "
            "WHERE p.pronamespace = 'public'::regnamespace "
            "UNION ALL SELECT 'trigger', t.tgname, pg_get_triggerdef(t.oid) FROM pg_trigger t WHERE NOT t.tgisinternal "
            "UNION ALL SELECT 'constraint', k.conname, pg_get_constraintdef(k.oid) FROM pg_constraint k "
            "WHERE k.connamespace = 'public'::regnamespace "
            "UNION ALL SELECT 'type', y.typname, concat_ws(' ', y.typtype, (SELECT string_agg(e.enumlabel, ', ' "
            "ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = y.oid)) FROM pg_type y "
            "WHERE y.typnamespace = 'public'::regnamespace "
            "UNION ALL SELECT 'schema', n.nspname, '' FROM pg_namespace n WHERE n.nspname !~ '^pg_(temp|toast)' "
            "ORDER BY 1, 2, 3"
        )
        return "\n".join(" ".join(" ".join(filter(None, row)).split()) for row in found)
