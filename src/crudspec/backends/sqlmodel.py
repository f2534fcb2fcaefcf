"""The fourth way: SQLModel. One set of fields for the table and for the validation, on SQLAlchemy's session.

What creates or reads is one statement and runs in AUTOCOMMIT: one round trip. What changes a row is a read and
a write, needs a transaction around both and a lock on the row, and costs four.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from functools import wraps
from typing import TYPE_CHECKING, Annotated, ClassVar, ParamSpec, TypeVar

from pydantic import AfterValidator, StrictBool, StrictStr, ValidationError
from sqlalchemy import BigInteger, Boolean, DateTime, Identity, MetaData, String, false, func
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from crudspec.errors import CrudError, InvalidValue, Unavailable, from_sqlstate
from crudspec.task import MAX_TITLE, can_exist, check_title

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
    from typing import Any, Self


class Base(SQLModel, registry=registry()):
    """A base with a metadata of its own: ``SQLModel.metadata`` is one for the whole process."""


class TaskData(Base):
    """What a caller may write.

    A ``table=True`` model checks nothing that it is given, so this one has to exist. It is strict, or ``1`` and
    ``"yes"`` would become True. Pydantic knows the length and the surrogates, but lets NUL pass.
    """

    title: Annotated[StrictStr, AfterValidator(check_title)] = Field(max_length=MAX_TITLE, sa_type=String(MAX_TITLE))
    done: StrictBool = Field(default=False, sa_type=Boolean, sa_column_kwargs={"server_default": false()})


class TaskRow(TaskData, table=True):
    """One row. Callers get it detached and fully loaded, a plain value: no session will ever look at it again."""

    __tablename__ = "tasks"

    # BigInteger is not what int gives: as INTEGER, an id over 2**31 is an error instead of no row.
    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    created_at: datetime | None = Field(
        default=None,
        nullable=False,
        sa_type=DateTime(timezone=True),
        sa_column_kwargs={"server_default": func.now()},
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


class SqlmodelBackend:
    """Tasks through SQLModel sessions on ``asyncpg``."""

    metadata: ClassVar[MetaData] = Base.metadata
    """The table as this backend sees it; equal to what the migrations make."""

    timeout: ClassVar[float] = 10.0
    """Seconds that one operation may take, the wait for a connection included; then 2 more for it to be stopped."""

    pool_size: ClassVar[int] = 5
    """Connections at most."""

    round_trips: ClassVar[Mapping[str, int]] = {"create": 1, "get": 1, "list_tasks": 1, "update": 4, "delete": 4}
    """The published budget: what each operation costs at most on a warm connection.

    Four are BEGIN, the read that locks, the write, and COMMIT.
    """

    def __init__(self, dsn: str) -> None:
        """Describe the engine and the sessions; :meth:`connect` opens them."""
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
        # Both share the engine's pool. Without expire_on_commit=False the first look at a returned row would be
        # a query, on a session that is closed.
        self._single = async_sessionmaker(self._engine, class_=AsyncSession, expire_on_commit=False)
        self._transaction = async_sessionmaker(
            self._engine.execution_options(isolation_level="READ COMMITTED"),
            class_=AsyncSession,
            expire_on_commit=False,
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
            async with backend._session(backend._single) as session:
                await session.connection()
            yield backend
        finally:
            await backend._engine.dispose()

    @_settled
    async def create(self, title: str) -> TaskRow:
        """Store a task that is not done; returns it as stored."""
        # No refresh() afterwards: the INSERT's RETURNING has fetched what the server filled in.
        task = TaskRow.model_validate(_checked(title=title))
        async with self._session(self._single) as session:
            session.add(task)
        return task

    @_settled
    async def get(self, task_id: int) -> TaskRow | None:
        """Return the row, or None."""
        if not can_exist(task_id):
            return None
        async with self._session(self._single) as session:
            return await session.get(TaskRow, task_id)

    @_settled
    async def list_tasks(self) -> Sequence[TaskRow]:
        """Return every row in ascending id order."""
        async with self._session(self._single) as session:
            result = await session.exec(select(TaskRow).order_by(col(TaskRow.id)))
            return result.all()

    @_settled
    async def update(self, task_id: int, title: str, done: bool) -> bool:
        """Set both values; False if there is no such row."""
        data = _checked(title=title, done=done)
        if not can_exist(task_id):
            return False
        async with self._session(self._transaction) as session:
            # The unit of work writes only the columns that it saw change. Without the lock, another update
            # between this read and this write leaves a row that is half of each.
            task = await session.get(TaskRow, task_id, with_for_update=True)
            if task is None:
                return False
            task.sqlmodel_update(data)
            return True

    @_settled
    async def delete(self, task_id: int) -> bool:
        """Remove the row; False if this call did not."""
        if not can_exist(task_id):
            return False
        async with self._session(self._transaction) as session:
            # Without the lock, of two deletes that both read the row one finds nothing left to delete, and
            # the unit of work warns or raises where the answer is False.
            task = await session.get(TaskRow, task_id, with_for_update=True)
            if task is None:
                return False
            await session.delete(task)
            return True

    @asynccontextmanager
    async def _session(self, sessions: async_sessionmaker[AsyncSession]) -> AsyncGenerator[AsyncSession]:
        """Lend a session for one operation, commit it, and turn what SQLAlchemy raises into what a caller may see."""
        try:
            # Not sessions.begin(): its end, with the flush that writes, runs in a task that neither a cancellation
            # nor the timeout reaches.
            async with asyncio.timeout(self.timeout), sessions() as session:
                yield session
                await session.commit()
        except (SQLAlchemyError, OSError) as error:
            raise _translated(error) from error


def _checked(**values: Any) -> TaskData:
    """Validate, and say what is wrong in the contract's words: a ``ValidationError`` is Pydantic's."""
    try:
        return TaskData.model_validate(values)
    except ValidationError as error:
        problems = "; ".join(f"{problem['loc'][0]}: {problem['msg']}" for problem in error.errors())
        raise InvalidValue(problems) from error


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
