"""The first way: raw ``asyncpg``. SQL as text, a pool, records.

Every operation is one statement, so PostgreSQL's own autocommit is the transaction and one round trip is the
whole cost.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, ClassVar

import asyncpg

from crudspec.errors import CrudError, InvalidValue, Unavailable, from_sqlstate
from crudspec.task import Task, can_exist, check_done, check_title

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence
    from typing import Self

    from asyncpg.pool import PoolConnectionProxy

# Columns by name: the plan of a "SELECT *" changes when a migration adds a column, and a prepared statement
# whose plan changes its result fails.
_CREATE = "INSERT INTO tasks (title) VALUES ($1) RETURNING id, title, done, created_at"
_GET = "SELECT id, title, done, created_at FROM tasks WHERE id = $1"
_LIST = "SELECT id, title, done, created_at FROM tasks ORDER BY id"
_UPDATE = "UPDATE tasks SET title = $2, done = $3 WHERE id = $1"
_DELETE = "DELETE FROM tasks WHERE id = $1"


class AsyncpgBackend:
    """Tasks through an ``asyncpg`` pool."""

    timeout: ClassVar[float] = 10.0
    """Seconds that one operation may take, the wait for a connection included; then 2 more for it to be stopped."""

    pool_size: ClassVar[int] = 5
    """Connections at most."""

    round_trips: ClassVar[Mapping[str, int]] = {"create": 1, "get": 1, "list_tasks": 1, "update": 1, "delete": 1}
    """The published budget: what each operation costs at most on a warm connection."""

    def __init__(self, dsn: str) -> None:
        """Describe the pool; :meth:`connect` opens it."""
        self._pool = asyncpg.create_pool(
            dsn,
            min_size=0,
            max_size=self.pool_size,
            # Connections stay until they break: closing idle ones only makes a later call pay for a new one.
            max_inactive_connection_lifetime=0,
            timeout=self.timeout,
            command_timeout=self.timeout,
            reset=self._reset,
        )
        self._doubtful: set[int] = set()

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn: str) -> AsyncGenerator[Self]:
        """Open the backend on ``postgresql://user:password@host:port/database``.

        Raises:
            Unavailable: nothing answers there. The first connection is made here, to know it at once.
        """
        backend = cls(dsn)
        await backend._pool
        try:
            await backend._check()
            yield backend
        finally:
            # A server that does not even answer a goodbye: the pool has then dropped the connections itself.
            with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                await backend._pool.close()

    async def create(self, title: str) -> Task:
        """Store a task that is not done; returns it as stored."""
        check_title(title)
        async with self._connection() as connection:
            row = await connection.fetchrow(_CREATE, title)
        if row is None:
            # Only a trigger or a rule of somebody else's can make an INSERT of one row return none.
            raise CrudError("the database accepted the task and stored nothing")
        return Task(**row)

    async def get(self, task_id: int) -> Task | None:
        """Return the row, or None."""
        if not can_exist(task_id):
            return None
        async with self._connection() as connection:
            row = await connection.fetchrow(_GET, task_id)
        return None if row is None else Task(**row)

    async def list_tasks(self) -> Sequence[Task]:
        """Return every row in ascending id order."""
        async with self._connection() as connection:
            rows = await connection.fetch(_LIST)
        return [Task(**row) for row in rows]

    async def update(self, task_id: int, title: str, done: bool) -> bool:
        """Set both values; False if there is no such row."""
        check_title(title)
        check_done(done)
        if not can_exist(task_id):
            return False
        async with self._connection() as connection:
            status = await connection.execute(_UPDATE, task_id, title, done)
        return status == "UPDATE 1"

    async def delete(self, task_id: int) -> bool:
        """Remove the row; False if this call did not."""
        if not can_exist(task_id):
            return False
        async with self._connection() as connection:
            status = await connection.execute(_DELETE, task_id)
        return status == "DELETE 1"

    async def _check(self) -> None:
        """Connect once."""
        try:
            async with self._connection():
                pass
        except ValueError:
            # From None: the text of the error may quote the DSN, and a misread password with it.
            raise Unavailable("the DSN is not a database URL") from None

    @asynccontextmanager
    async def _connection(self) -> AsyncGenerator[PoolConnectionProxy]:
        """Lend a connection for one operation, and turn what asyncpg raises into what a caller may see."""
        try:
            async with asyncio.timeout(self.timeout):
                connection = await self._pool.acquire()
                pid = connection.get_server_pid()
                try:
                    yield connection
                except BaseException:
                    self._doubtful.add(pid)
                    await self._release_after_failure(connection)
                    raise
                await self._pool.release(connection)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
            raise _translated(error) from error

    async def _release_after_failure(self, connection: PoolConnectionProxy) -> None:
        """Give the connection back when the server has confirmed the end of what it was doing; never raise.

        The release survives the cancellation of this task, but would then go on behind its back, and the
        statement could still find its lock free and write after the caller was told that it is cancelled. Some
        callers (anyio) cancel again and again until the task is gone. The wait is bounded by ``_GRACE``.
        """
        release = asyncio.ensure_future(self._pool.release(connection, timeout=_GRACE))
        while not release.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait({release})
        if not release.cancelled():
            release.exception()

    async def _reset(self, connection: asyncpg.Connection) -> None:
        """Clean a connection on its way back into the pool, only where there is something to clean.

        asyncpg's own reset (advisory locks, cursors, LISTEN, settings) is a round trip after every operation,
        for session state that no statement above ever makes. But a call that was cancelled between Parse and
        Sync leaves its connection ``active`` with a lock on the table; the next command ends that, so after a
        failure the reset is sent.
        """
        pid = connection.get_server_pid()
        if pid in self._doubtful:
            await connection.reset(timeout=_GRACE)
            self._doubtful.discard(pid)


_GRACE = 2.0
"""Seconds for a cancelled statement to end before its connection is given up."""


def _translated(error: Exception) -> CrudError:
    """Name the error as the contract does. Texts of client-side errors stay out: they may quote the DSN."""
    if isinstance(error, TimeoutError):
        return Unavailable("the database did not answer in time")
    if isinstance(error, asyncpg.PostgresError):
        return from_sqlstate(getattr(error, "sqlstate", None), str(error))
    if isinstance(error, ValueError):
        # asyncpg.DataError is an InterfaceError and a ValueError: a value that it could not encode.
        return InvalidValue(f"asyncpg refused a value ({type(error).__name__})")
    return Unavailable(f"the connection to the database failed ({type(error).__name__})")
