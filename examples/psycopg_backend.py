"""A fifth way: psycopg 3 with its own pool. Copy this file to start an adapter for a driver of yours.

    crudspec check examples/psycopg_backend.py:PsycopgBackend

An adapter needs no base class and does not have to import crudspec: the checks are a few lines, and any
``ValueError``, ``ConnectionError`` or ``TimeoutError`` does what the three errors do.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec, TypeVar

import psycopg
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool

from crudspec import CrudError, InvalidValue, Task, Unavailable, can_exist, check_done, check_title

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
    from typing import Self

_P = ParamSpec("_P")
_T = TypeVar("_T")


def _settled(operation: Callable[_P, Coroutine[Any, Any, _T]]) -> Callable[_P, Coroutine[Any, Any, _T]]:
    """Let a cancelled operation come to its end before its caller goes on.

    psycopg asks the server to cancel the statement and waits for it, but a second cancellation makes it drop the
    connection instead, and the statement would write later. In a task of its own it is cancelled once.
    """

    @wraps(operation)
    async def settled(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        work = asyncio.create_task(operation(*args, **kwargs))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            work.cancel()
            while not work.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait({work})
            if not work.cancelled():
                work.exception()
            raise

    return settled


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

    @_settled
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

    @_settled
    async def get(self, task_id: int) -> Task | None:
        if not can_exist(task_id):
            return None
        async with self._cursor() as cursor:
            await cursor.execute("SELECT id, title, done, created_at FROM tasks WHERE id = %s", [int(task_id)])
            return await cursor.fetchone()

    @_settled
    async def list_tasks(self) -> Sequence[Task]:
        async with self._cursor() as cursor:
            await cursor.execute("SELECT id, title, done, created_at FROM tasks ORDER BY id")
            return await cursor.fetchall()

    @_settled
    async def update(self, task_id: int, title: str, done: bool) -> bool:
        title = str.__str__(check_title(title))
        check_done(done)
        if not can_exist(task_id):
            return False
        async with self._cursor() as cursor:
            await cursor.execute("UPDATE tasks SET title = %s, done = %s WHERE id = %s", [title, done, int(task_id)])
            return cursor.rowcount == 1

    @_settled
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
            raise _translated(error) from error

    @asynccontextmanager
    async def _cursor(self) -> AsyncGenerator[psycopg.AsyncCursor[Task]]:
        """Lend a cursor for one operation, and turn what psycopg raises into what a caller may see."""
        try:
            async with asyncio.timeout(self.timeout), self._pool.connection() as connection:
                yield connection.cursor(row_factory=class_row(Task))
        except (psycopg.Error, OSError) as error:
            raise _translated(error) from error


def _translated(error: Exception) -> CrudError:
    """Name the error as the contract does; the DB-API's classes say which is which."""
    text = f"{type(error).__name__} {getattr(error, 'sqlstate', None) or ''}".strip()
    if isinstance(error, psycopg.DataError | psycopg.IntegrityError):
        return InvalidValue(f"the database refused the value: {text}")
    # InternalError holds what is wrong with the transaction: a standby, for one, is read only.
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError | psycopg.InternalError | OSError):
        return Unavailable(f"the database is not available: {text}")
    return CrudError(f"the database could not do it: {text}")
