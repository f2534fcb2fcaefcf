"""What the four ways share: what a value may be, how an error is named, how a call ends, how a backend opens.

Whoever copies a way takes this file along. It needs two modules of crudspec, which need nothing: ``crudspec.task``, the
limits of the domain, and ``crudspec.errors``. Of the two classes below, a copy keeps the one that it derives from.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from functools import wraps
from typing import TYPE_CHECKING, ClassVar, ParamSpec, TypeVar

from crudspec.errors import CrudError, InvalidValue, Unavailable, from_sqlstate
from crudspec.task import MAX_TITLE, Task, can_exist, check_done, check_title

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
    from typing import Any, Self

    from asyncpg import Connection
    from asyncpg.pool import Pool, PoolConnectionProxy
    from pydantic import ValidationError
    from sqlalchemy import MetaData
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker

__all__ = [
    "MAX_TITLE",
    "CrudError",
    "EngineBackend",
    "PoolBackend",
    "Task",
    "can_exist",
    "check_done",
    "check_title",
    "named",
    "refused",
    "settled",
]

_P = ParamSpec("_P")
_T = TypeVar("_T")
_S = TypeVar("_S", bound="AsyncSession")

_GRACE = 2.0
"""Seconds for a cancelled statement to end before its connection is given up."""


def settled(operation: Callable[_P, Coroutine[Any, Any, _T]]) -> Callable[_P, Coroutine[Any, Any, _T]]:
    """Let a cancelled operation come to its end before its caller goes on.

    On cancellation SQLAlchemy, as psycopg, asks the server to stop the statement and waits for it, which is right.
    Cancelled once more while it waits (anyio cancels again and again), it drops the connection and the request with it:
    the statement stays, waits for its lock, and writes after the caller was told that it is cancelled. In a task of its
    own the operation is cancelled once.
    """

    @wraps(operation)
    async def call(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        work = asyncio.create_task(operation(*args, **kwargs))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            work.cancel()
            await _ended(work)
            raise

    return call


async def _ended(work: asyncio.Future[Any]) -> None:
    """Wait for it, however often this task is cancelled meanwhile, and never raise."""
    while not work.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait({work})
    if not work.cancelled():
        work.exception()


def named(error: Exception, kinds: Mapping[type[Exception], type[CrudError]]) -> CrudError:
    """Name what a library raised as the contract does: by the server's SQLSTATE, else by its class.

    What a client says of itself may quote the DSN, and stays out.

    Args:
        error: What was raised.
        kinds: What it is where neither the server nor a builtin base says so; the first that fits.
    """
    if isinstance(error, TimeoutError):
        return Unavailable("the database did not answer in time")
    server = getattr(error, "orig", error)  # where SQLAlchemy has the driver's own
    if state := getattr(server, "sqlstate", None):
        return from_sqlstate(state, str(server))
    name = type(error).__name__
    if isinstance(error, ValueError):
        return InvalidValue(f"a value was refused before it reached the database ({name})")
    kind = next((kind for cls, kind in kinds.items() if isinstance(error, cls)), Unavailable)
    if kind is Unavailable:
        return Unavailable(f"the connection to the database failed ({name})")
    return kind(f"the database could not be asked ({name})")


def refused(error: ValidationError) -> InvalidValue:
    """Say in the contract's words what Pydantic refused."""
    return InvalidValue("; ".join(f"{problem['loc'][0]}: {problem['msg']}" for problem in error.errors()))


class _Timed:
    """A backend whose operations have a deadline, and whose library's errors no caller sees."""

    timeout: ClassVar[float] = 10.0
    """Seconds that one operation may take, the wait for a connection included; then 2 more for it to be stopped."""

    pool_size: ClassVar[int] = 5
    """Connections at most."""

    round_trips: ClassVar[Mapping[str, int]]
    """The published budget: what each operation costs at most on a warm connection."""

    _errors: Mapping[type[Exception], type[CrudError]]
    """What the library raises, and what a caller sees where the server has not said why."""

    @asynccontextmanager
    async def _timed(self) -> AsyncGenerator[None]:
        try:
            async with asyncio.timeout(self.timeout):
                yield
        except (*self._errors, OSError) as error:
            raise named(error, self._errors) from error


class PoolBackend(_Timed):
    """A backend on a pool of asyncpg's."""

    def __init__(self, pool: Pool) -> None:
        """Take the pool, which is made with :meth:`_reset`; :meth:`connect` opens it."""
        from asyncpg import InterfaceError, InternalClientError, PostgresError  # here: not every copy has asyncpg

        self._errors = {PostgresError: CrudError, InterfaceError: Unavailable, InternalClientError: Unavailable}
        self._pool = pool
        self._doubtful: set[int] = set()

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn: str) -> AsyncGenerator[Self]:
        """Open the backend on ``postgresql://user:password@host:port/database``.

        Raises:
            Unavailable: nothing answers there. The first connection is made here, to know it at once.
        """
        backend = cls(dsn)  # ty: ignore[invalid-argument-type] - a way is made from a DSN, and makes the pool
        await backend._pool
        try:
            await backend._check()
            yield backend
        finally:
            # A server that does not even answer a goodbye: the pool has then dropped the connections itself.
            with suppress(*backend._errors, OSError):
                await backend._pool.close()

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
        """Lend a connection for one operation."""
        async with self._timed():
            connection = await self._pool.acquire()
            pid = connection.get_server_pid()
            try:
                yield connection
            except BaseException:
                self._doubtful.add(pid)
                await self._release_after_failure(connection)
                raise
            await self._pool.release(connection)

    async def _release_after_failure(self, connection: PoolConnectionProxy) -> None:
        """Give the connection back when the server has confirmed the end of what it was doing; never raise.

        The release survives the cancellation of this task, but would then go on behind its back, and the
        statement could still find its lock free and write after the caller was told that it is cancelled. Some
        callers (anyio) cancel again and again until the task is gone. The wait is bounded by ``_GRACE``.
        """
        await _ended(asyncio.ensure_future(self._pool.release(connection, timeout=_GRACE)))

    async def _reset(self, connection: Connection) -> None:
        """Clean a connection on its way back into the pool, only where there is something to clean.

        asyncpg's own reset (advisory locks, cursors, LISTEN, settings) is a round trip after every operation, for
        session state that no statement of ours ever makes. But a call that was cancelled between Parse and Sync leaves
        its connection ``active`` with a lock on the table; the next command ends that, so after a failure the reset is
        sent.
        """
        pid = connection.get_server_pid()
        if pid in self._doubtful:
            await connection.reset(timeout=_GRACE)
            self._doubtful.discard(pid)


class EngineBackend(_Timed):
    """A backend on an engine of SQLAlchemy's, on asyncpg."""

    metadata: ClassVar[MetaData]
    """The table as this backend sees it; equal to what the migrations make."""

    def __init__(self, dsn: str, **options: Any) -> None:
        """Describe the engine; :meth:`connect` opens it."""
        from sqlalchemy.engine import make_url  # here: not every copy has SQLAlchemy
        from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
        from sqlalchemy.exc import TimeoutError as PoolTimeoutError
        from sqlalchemy.ext.asyncio import create_async_engine

        self._errors = {DBAPIError: Unavailable, PoolTimeoutError: Unavailable, SQLAlchemyError: CrudError}
        try:
            # Nothing is formatted or parsed by hand, so any password survives.
            url = make_url(dsn).set(drivername="postgresql+asyncpg")
        except (ArgumentError, ValueError):
            # From None: the text of the error may quote the DSN, and a misread password with it.
            raise Unavailable("the DSN is not a database URL") from None
        self._engine: AsyncEngine = create_async_engine(
            url,
            pool_size=self.pool_size,
            max_overflow=0,
            pool_timeout=self.timeout,
            # No pool_pre_ping: it is three round trips on every checkout. A lost connection fails one call,
            # and SQLAlchemy then replaces the whole pool.
            connect_args={"timeout": self.timeout, "command_timeout": self.timeout},
            **options,
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

    @asynccontextmanager
    async def _connection(self) -> AsyncGenerator[AsyncConnection]:
        """Lend a connection for one operation."""
        async with self._timed(), self._engine.connect() as connection:
            yield connection

    def _sessions(self, kind: type[_S], **options: Any) -> async_sessionmaker[_S]:
        """Describe sessions on the engine's one pool."""
        from sqlalchemy.ext.asyncio import async_sessionmaker  # as above

        # Without expire_on_commit=False the first look at a returned row would be a query, on a session that is closed.
        return async_sessionmaker(self._engine.execution_options(**options), class_=kind, expire_on_commit=False)

    @asynccontextmanager
    async def _session(self, sessions: async_sessionmaker[_S]) -> AsyncGenerator[_S]:
        """Lend a session for one operation, and commit it."""
        # Not sessions.begin(): its end, with the flush that writes, runs in a task that neither a cancellation
        # nor the timeout reaches.
        async with self._timed(), sessions() as session:
            yield session
            await session.commit()
