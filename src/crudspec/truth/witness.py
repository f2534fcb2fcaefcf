"""The witness: an independent connection that reads and changes the table behind the backend's back."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncpg

from crudspec.contract.failures import ContractBroken, Inconclusive
from crudspec.entity.codecs import plain_values
from crudspec.entity.row import UNREAD, Row, thawed
from crudspec.entity.sample import Sample
from crudspec.truth.statements import Statements

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Mapping
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from asyncpg.prepared_stmt import PreparedStatement

    from crudspec.entity.row import Key

APPLICATION_NAME = "crudspec-witness"
LOCK_TIMEOUT_MS = 2_000
STATEMENT_TIMEOUT_MS = 20_000
END_SECONDS = 5.0

_BLOCKERS = """
SELECT a.pid, a.state, a.application_name, a.query,
       round(extract(epoch FROM clock_timestamp() - a.state_change))::int AS seconds
FROM pg_stat_activity a
WHERE a.datname = current_database() AND a.usename = current_user AND a.backend_type = 'client backend'
  AND a.application_name <> $1
  AND (a.state <> 'idle' OR EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.relation = $2::text::regclass))
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

    def __init__(self, dsn: str, connection: asyncpg.Connection, sample: Sample, rows: PreparedStatement) -> None:
        self._dsn = dsn
        self.table = sample.table
        self.sample = sample
        self._connection = connection
        self._rows = rows  # asked after every step of every program: prepared once
        self._sql = Statements(sample.table)
        self._stored = sample.table.stored

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn: str, sample: Sample) -> AsyncGenerator[Witness]:
        """Connect to a database that has the sample's table."""
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
            await plain_values(connection, sample.table)
            rows = await connection.prepare(Statements(sample.table).rows)
            # asyncpg prepares without a Sync: until the next statement the connection would hold a lock on the
            # table, and its statement_timeout would run.
            await rows.fetch()
            yield cls(dsn, connection, sample, rows)
        finally:
            await connection.close(timeout=5)

    def another(self) -> AbstractAsyncContextManager[Witness]:
        """One more connection, to the same database."""
        return Witness.connect(self._dsn, self.sample)

    @property
    def one_row(self) -> str:
        """The statement that reads the row of a key."""
        return self._sql.row

    async def rows(self) -> list[Row]:
        """Every committed row in the order of the keys."""
        return [self._stored(row) for row in await self._rows.fetch()]

    async def row(self, key: Key) -> Row | None:
        found = await self._connection.fetchrow(self._sql.row, *key)
        return None if found is None else self._stored(found)

    async def outer_keys(self, count: int) -> list[Key]:
        """The keys of the committed rows at both ends, so many at each, lowest first."""
        kinds = [column.type for column in self.table.key_columns]
        found = await self._connection.fetch(self._sql.outer_keys, count)
        return [tuple(kind.read(part) for kind, part in zip(kinds, row, strict=True)) for row in found]

    async def versions(self) -> dict[Key, Version]:
        """Every committed row with its row version, by key."""
        found = {}
        for record in await self._connection.fetch(self._sql.versions):
            *values, xmin, ctid = record
            row = self._stored(values)
            found[row.key] = Version(row, xmin, ctid)
        return found

    async def insert(self, values: Mapping[str, Any] | None = None, *, key: Key = ()) -> Row:
        """Write a row as another client of the database would.

        Args:
            values: By column; the sample's plain ones where nothing is said.
            key: Its key, where it matters.
        """
        given = {**(self.sample.row() if values is None else values), **dict(zip(self.table.key, key, strict=False))}
        row = await self._connection.fetchrow(self._sql.insert(given), *map(thawed, given.values()))
        assert row is not None
        return self._stored(row)

    async def insert_many(self, count: int) -> None:
        """Write ``count`` rows in one statement, in such an order that heap order is no order of the keys."""
        some = [self.sample.row() for _ in range(count)]
        names = list(self.sample.row())
        if not names:
            await self._connection.executemany(self._sql.insert({}), [()] * count)
            return
        made = [name for name in self.table.key if name not in names]
        if made:
            keys = await self._connection.fetch(self._sql.next_keys(made), count)
            some = [{**values, **dict(zip(made, key, strict=True))} for values, key in zip(some, keys, strict=True)]
        records = [tuple(values.values()) for values in reversed(some)]
        try:
            await self._connection.copy_records_to_table(
                self.table.name, schema_name=self.table.schema, columns=[*names, *made], records=records
            )
        except asyncpg.InternalClientError:  # a type of an extension, which has no binary form that asyncpg knows
            await self._connection.executemany(self._sql.insert([*names, *made]), records)

    async def update(self, key: Key, values: Mapping[str, Any]) -> None:
        await self._connection.execute(self._sql.update(values), *key, *map(thawed, values.values()))

    async def delete(self, key: Key) -> None:
        await self._connection.execute(self._sql.delete, *key)

    async def empty(self) -> None:
        """Empty the table: one statement, one round trip. DELETE, because TRUNCATE costs three times as much."""
        await self.unblocked(f"DELETE FROM {self.table.quoted}")

    async def reset(self, row: Row) -> Row:
        """Leave one row only, with these values, its key and what the server's clock fills in included."""
        await self.empty()
        return await self.insert({name: value for name, value in row.given().items() if self._is_settable(name, value)})

    def _is_settable(self, name: str, value: object) -> bool:
        return value is not UNREAD and not self.table.by_name[name].computed

    async def execute(self, sql: str) -> None:
        """Run any statement of a check's own."""
        await self._connection.execute(sql)

    async def fetchrow(self, sql: str, *args: object) -> Mapping[str, Any] | None:
        return await self._connection.fetchrow(sql, *args)

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
        found = await self._connection.fetch(_BLOCKERS, APPLICATION_NAME, self.table.quoted)
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
            "WITH ours AS (SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema') "
            "SELECT 'class' AS kind, c.relname::text AS name, c.relkind::text AS detail FROM pg_class c "
            "WHERE c.relnamespace IN (SELECT oid FROM ours) "
            "UNION ALL SELECT 'column', c.relname || '.' || a.attname, concat_ws(' ', "
            "format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, pg_get_expr(d.adbin, d.adrelid)) "
            "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
            "LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum "
            "WHERE c.relnamespace IN (SELECT oid FROM ours) AND a.attnum > 0 AND NOT a.attisdropped "
            "UNION ALL SELECT 'function', p.proname, p.prosrc FROM pg_proc p "
            "WHERE p.pronamespace IN (SELECT oid FROM ours) "
            "UNION ALL SELECT 'trigger', t.tgname, pg_get_triggerdef(t.oid) FROM pg_trigger t WHERE NOT t.tgisinternal "
            "UNION ALL SELECT 'constraint', k.conname, pg_get_constraintdef(k.oid) FROM pg_constraint k "
            "WHERE k.connamespace IN (SELECT oid FROM ours) "
            "UNION ALL SELECT 'type', y.typname, concat_ws(' ', y.typtype, (SELECT string_agg(e.enumlabel, ', ' "
            "ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = y.oid)) FROM pg_type y "
            "WHERE y.typnamespace IN (SELECT oid FROM ours) "
            "UNION ALL SELECT 'schema', n.nspname, '' FROM pg_namespace n WHERE n.nspname !~ '^pg_(temp|toast)' "
            "ORDER BY 1, 2, 3"
        )
        return "\n".join(" ".join(" ".join(filter(None, row)).split()) for row in found)
