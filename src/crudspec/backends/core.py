"""The second way: SQLAlchemy Core. A table described in Python, statements built from it, rows.

Every operation is one statement on a connection in AUTOCOMMIT, so no BEGIN and COMMIT travel around it and one
round trip is the whole cost.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from functools import wraps
from typing import TYPE_CHECKING, ClassVar, ParamSpec, TypeVar

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Identity, MetaData, String, Table, false, func
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import create_async_engine

from crudspec.errors import CrudError, Unavailable, from_sqlstate
from crudspec.task import MAX_TITLE, Task, can_exist, check_done, check_title

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
    from typing import Any, Self

    from sqlalchemy.ext.asyncio import AsyncConnection

tasks = Table(
    "tasks",
    MetaData(),
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("title", String(MAX_TITLE), nullable=False),
    Column("done", Boolean, nullable=False, server_default=false()),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)


_P = ParamSpec("_P")
_T = TypeVar("_T")


def _settled(operation: Callable[_P, Coroutine[Any, Any, _T]]) -> Callable[_P, Coroutine[Any, Any, _T]]:
    """Let a cancelled operation come to its end before its caller goes on.

    On cancellation SQLAlchemy asks the server to stop the statement and waits for it, which is right. Cancelled
    once more while it waits (anyio cancels again and again), it drops the connection and the request with it:
    the statement stays, waits for its lock, and writes after the caller was told that it is cancelled. In a task
    of its own the operation is cancelled once.
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


class CoreBackend:
    """Tasks through SQLAlchemy Core on ``asyncpg``."""

    metadata: ClassVar[MetaData] = tasks.metadata
    """The table as this backend sees it; equal to what the migrations make."""

    timeout: ClassVar[float] = 10.0
    """Seconds that one operation may take, the wait for a connection included; then 2 more for it to be stopped."""

    pool_size: ClassVar[int] = 5
    """Connections at most."""

    round_trips: ClassVar[Mapping[str, int]] = {"create": 1, "get": 1, "list_tasks": 1, "update": 1, "delete": 1}
    """The published budget: what each operation costs at most on a warm connection."""

    def __init__(self, dsn: str) -> None:
        """Describe the engine; :meth:`connect` opens it."""
        self._engine = create_async_engine(
            _url(dsn),
            isolation_level="AUTOCOMMIT",
            pool_size=self.pool_size,
            max_overflow=0,
            pool_timeout=self.timeout,
            # No pool_pre_ping: it is three round trips on every checkout. A lost connection fails one call,
            # and SQLAlchemy then replaces the whole pool.
            connect_args={"timeout": self.timeout, "command_timeout": self.timeout},
        )

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn: str) -> AsyncGenerator[Self]:
        """Open the backend on ``postgresql://user:password@host:port/database``.

        Raises:
            Unavailable: nothing answers there. The first connection is made here, to know it at once.
        """
        backend = cls(dsn)
        try:
            async with backend._connection():
                pass
            yield backend
        finally:
            await backend._engine.dispose()

    @_settled
    async def create(self, title: str) -> Task:
        """Store a task that is not done; returns it as stored."""
        check_title(title)
        async with self._connection() as connection:
            result = await connection.execute(tasks.insert().values(title=title).returning(tasks))
            return Task(**result.mappings().one())

    @_settled
    async def get(self, task_id: int) -> Task | None:
        """Return the row, or None."""
        if not can_exist(task_id):
            return None
        async with self._connection() as connection:
            result = await connection.execute(tasks.select().where(tasks.c.id == task_id))
        row = result.mappings().one_or_none()
        return None if row is None else Task(**row)

    @_settled
    async def list_tasks(self) -> Sequence[Task]:
        """Return every row in ascending id order."""
        async with self._connection() as connection:
            result = await connection.execute(tasks.select().order_by(tasks.c.id))
        return [Task(**row) for row in result.mappings()]

    @_settled
    async def update(self, task_id: int, title: str, done: bool) -> bool:
        """Set both values; False if there is no such row."""
        check_title(title)
        check_done(done)
        if not can_exist(task_id):
            return False
        statement = tasks.update().where(tasks.c.id == task_id).values(title=title, done=done)
        async with self._connection() as connection:
            result = await connection.execute(statement)
        return result.rowcount == 1

    @_settled
    async def delete(self, task_id: int) -> bool:
        """Remove the row; False if this call did not."""
        if not can_exist(task_id):
            return False
        async with self._connection() as connection:
            result = await connection.execute(tasks.delete().where(tasks.c.id == task_id))
        return result.rowcount == 1

    @asynccontextmanager
    async def _connection(self) -> AsyncGenerator[AsyncConnection]:
        """Lend a connection for one operation, and turn what SQLAlchemy raises into what a caller may see."""
        try:
            async with asyncio.timeout(self.timeout), self._engine.connect() as connection:
                yield connection
        except (SQLAlchemyError, OSError) as error:
            raise _translated(error) from error


def _url(dsn: str) -> URL:
    """Name the driver in the URL; nothing is formatted or parsed by hand, so any password survives."""
    try:
        return make_url(dsn).set(drivername="postgresql+asyncpg")
    except (ArgumentError, ValueError):
        # From None: the text of the error may quote the DSN, and a misread password with it.
        raise Unavailable("the DSN is not a database URL") from None


def _translated(error: Exception) -> CrudError:
    """Name the error as the contract does. Texts of client-side errors stay out: they may quote the DSN."""
    if isinstance(error, TimeoutError | PoolTimeoutError):
        return Unavailable("the database did not answer in time")
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None)
        if state:
            return from_sqlstate(state, str(error.orig))
    if isinstance(error, DBAPIError | OSError):
        return Unavailable(f"the connection to the database failed ({type(error).__name__})")
    return CrudError(f"SQLAlchemy could not do it ({type(error).__name__})")
