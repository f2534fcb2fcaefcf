"""A fifth way: psycopg 3 with its own pool. Copy this file to start an adapter for a driver of yours.

    crudspec check examples/psycopg_backend.py:PsycopgBackend

An adapter needs no base class and does not have to import crudspec: the checks are a few lines, and any
``ValueError``, ``ConnectionError`` or ``TimeoutError`` does what the three errors do. How an error is named and how a
cancelled call ends is not psycopg's business: both stand in ``crudspec/backends/common.py``, as for the four ways.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, ClassVar

import psycopg
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool

from crudspec import CrudError, InvalidValue, Task, Unavailable, can_exist, check_done, check_title
from crudspec.backends.common import named, settled

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence
    from typing import Self

# By the DB-API's classes, where the server has not said it by a SQLSTATE.
_ERRORS: Mapping[type[Exception], type[CrudError]] = {
    psycopg.DataError: InvalidValue,
    psycopg.OperationalError: Unavailable,
    psycopg.InterfaceError: Unavailable,
    psycopg.Error: CrudError,
}


class PsycopgBackend:
    """Tasks through a psycopg 3 pool in autocommit: one statement, one round trip per operation."""

    timeout: ClassVar[float] = 10.0
    """Seconds that one operation may take, the wait for a connection included.

    Where the server is silent, psycopg adds up to 10 of its own for the cancellation.
    """

    round_trips: ClassVar[Mapping[str, int]] = {"create": 1, "get": 1, "list_tasks": 1, "update": 1, "delete": 1}
    """The published budget, which COST-2 holds the class to; leave it out and nothing is claimed."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        # No check=: it is a round trip on every checkout. A lost connection fails one call and is replaced.
        self._pool = AsyncConnectionPool(
            dsn,
            kwargs={"autocommit": True, "connect_timeout": 10, "prepare_threshold": 0},
            min_size=1,
            max_size=10,
            open=False,
        )

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn: str) -> AsyncGenerator[Self]:
        backend = cls(dsn)
        await backend._check()
        async with backend._pool:
            yield backend

    @settled
    async def create(self, title: str) -> Task:
        # psycopg sends the member of an enum by its name, whatever str it is.
        title = str.__str__(check_title(title))
        query = "INSERT INTO tasks (title) VALUES (%s) RETURNING id, title, done, created_at"
        async with self._cursor() as cursor:
            await cursor.execute(query, [title])
            row = await cursor.fetchone()
        if row is None:
            raise CrudError("the database accepted the task and stored nothing")
        return row

    @settled
    async def get(self, task_id: int) -> Task | None:
        if not can_exist(task_id):
            return None
        async with self._cursor() as cursor:
            await cursor.execute("SELECT id, title, done, created_at FROM tasks WHERE id = %s", [int(task_id)])
            return await cursor.fetchone()

    @settled
    async def list_tasks(self) -> Sequence[Task]:
        async with self._cursor() as cursor:
            await cursor.execute("SELECT id, title, done, created_at FROM tasks ORDER BY id")
            return await cursor.fetchall()

    @settled
    async def update(self, task_id: int, title: str, done: bool) -> bool:
        title = str.__str__(check_title(title))
        check_done(done)
        if not can_exist(task_id):
            return False
        async with self._cursor() as cursor:
            await cursor.execute("UPDATE tasks SET title = %s, done = %s WHERE id = %s", [title, done, int(task_id)])
            return cursor.rowcount == 1

    @settled
    async def delete(self, task_id: int) -> bool:
        if not can_exist(task_id):
            return False
        async with self._cursor() as cursor:
            await cursor.execute("DELETE FROM tasks WHERE id = %s", [int(task_id)])
            return cursor.rowcount == 1

    async def _check(self) -> None:
        """Connect once: the pool would retry until its timeout where nothing listens."""
        try:
            connection = await psycopg.AsyncConnection.connect(self._dsn, connect_timeout=10)
            await connection.close()
        except psycopg.ProgrammingError:
            # From None: the text quotes the DSN, its password included.
            raise Unavailable("the DSN is not a database URL") from None
        except psycopg.Error as error:
            raise named(error, _ERRORS) from error

    @asynccontextmanager
    async def _cursor(self) -> AsyncGenerator[psycopg.AsyncCursor[Task]]:
        """Lend a cursor for one operation, and turn what psycopg raises into what a caller may see."""
        try:
            async with asyncio.timeout(self.timeout), self._pool.connection() as connection:
                yield connection.cursor(row_factory=class_row(Task))
        except (psycopg.Error, OSError) as error:
            raise named(error, _ERRORS) from error
