"""Backends that do not get a connection back as it was, or at all: the clauses on hygiene and saturation."""

import asyncio
import sys
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from typing import Any, ClassVar

import asyncpg
from sqlalchemy.exc import IntegrityError

from crudspec import InvalidValue, Task, Unavailable, can_exist, check_title
from crudspec.backends.asyncpg import AsyncpgBackend
from crudspec.backends.core import CoreBackend, tasks
from crudspec.backends.orm import OrmBackend
from crudspec.backends.sqlmodel import SqlmodelBackend


class SessionWithoutRollback(OrmBackend):
    """USABLE-1: a session whose flush failed is used again without a rollback."""

    also = "ERROR-2"

    def __init__(self, dsn):
        super().__init__(dsn)
        self._kept: list[Any] = []

    @asynccontextmanager
    async def _session(self, sessions):
        kept = self._kept.pop() if self._kept else self._transaction()
        lend: Any = partial(nullcontext, kept)
        refused = False
        try:
            async with super()._session(lend) as session:
                yield session
                try:
                    await session.flush()
                except IntegrityError:
                    refused = True
                    raise
        finally:
            if not refused:
                await kept.rollback()
            kept.expunge_all()
            self._kept.append(kept)


class LateRollback(SqlmodelBackend):
    """USABLE-1: the rollback that a refused write needs is done at the end of the next one, and undoes that."""

    _owed = False

    @asynccontextmanager
    async def _session(self, sessions):
        async with super()._session(self._transaction) as session:
            yield session
            writes = session.new or session.dirty or session.deleted
            try:
                await session.flush()
            except IntegrityError:
                self._owed = True
                raise
            if writes and self._owed:
                await session.rollback()
            self._owed = False


class CircuitBreaker(AsyncpgBackend):
    """USABLE-1: after a statement that failed, the next operation is refused unheard."""

    also = "ERROR-2"

    _open: asyncpg.PostgresError | None = None

    @asynccontextmanager
    async def _connection(self):
        async with super()._connection() as connection, connection.transaction():
            error, self._open = self._open, None
            if error is not None:
                raise Unavailable("one moment, please") from error
            try:
                yield connection
            except asyncpg.PostgresError as error:
                self._open = error
                raise


class TransactionLeftOpen(CoreBackend):
    """HYGIENE-1: an update that finds no row returns without ending its transaction."""

    _open: Any = None

    @asynccontextmanager
    async def _connection(self):
        left, self._open = self._open, None
        if left is not None:
            await left.execute("ROLLBACK")
        async with super()._connection() as connection:
            yield connection

    async def update(self, task_id, title, done):
        if await super().update(task_id, title, done):
            return True
        if can_exist(task_id):
            async with self._connection() as connection:
                await connection.exec_driver_sql("BEGIN")
                await connection.execute(tasks.update().where(tasks.c.id == task_id).values(title=title))
                self._open = (await connection.get_raw_connection()).driver_connection
        return False


class FailedTransactionLeftOpen(CoreBackend):
    """HYGIENE-1: a transaction that failed stays open, until the connection's next operation ends it."""

    @asynccontextmanager
    async def _connection(self):
        async with super()._connection() as connection:
            await connection.exec_driver_sql("ROLLBACK")
            await connection.exec_driver_sql("BEGIN")
            yield connection
            await connection.exec_driver_sql("COMMIT")


class StatementLeftUnfinished(AsyncpgBackend):
    """HYGIENE-1: a title that the driver refuses between Parse and Bind leaves its connection active."""

    async def create(self, title):
        if isinstance(title, str):
            check_title(title)
        sql = "INSERT INTO tasks (title) VALUES ($1) RETURNING id, title, done, created_at"
        async with self._connection() as connection:
            return Task(**await connection.fetchrow(sql, title))

    async def _reset(self, connection):
        pass


class StatementLeftUnfinishedInAutocommit(CoreBackend):
    """HYGIENE-1: in AUTOCOMMIT nothing is sent after a title that the driver refused, and its lock stays."""

    quiet_only = "on a noisy base each value that the driver refuses does that"

    async def create(self, title):
        if isinstance(title, str):
            check_title(title)
        try:
            async with self._connection() as connection:
                result = await connection.execute(tasks.insert().values(title=title).returning(tasks))
                return Task(**result.mappings().one())
        except Unavailable as error:
            if isinstance(title, str):
                raise
            raise InvalidValue("the driver refused the title") from error.__cause__


class NothingSentAfterCancellation(AsyncpgBackend):
    """HYGIENE-1: a create that is cancelled as the answer to its Parse comes leaves its connection active."""

    async def _reset(self, connection):
        pass


class EngineNotDisposed(CoreBackend):
    """HYGIENE-2: leaving the context forgets the engine, and its pool stays connected."""

    _forgotten: ClassVar[list[Any]] = []

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        backend = cls(dsn)
        async with backend._connection():
            pass
        cls._forgotten.append(backend)
        yield backend


class OneConnectionAside(AsyncpgBackend):
    """HYGIENE-2: a connection of its own, for notifications, is never closed."""

    _listeners: ClassVar[list[Any]] = []

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        async with super().connect(dsn) as backend:
            cls._listeners.append(await asyncpg.connect(dsn))
            yield backend


class _Leaks(AsyncpgBackend):
    """A pool so large that only hundreds of losses empty it, and that does not wait for what is lost."""

    pool_size = 30
    timeout = 1.0

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        async with super().connect(dsn) as backend:
            yield backend
            backend._pool.terminate()


class LeaksOnError(_Leaks):
    """HYGIENE-3: an operation that the server refuses never gives its connection back."""

    also = "ERROR-2"

    async def _release_after_failure(self, connection):
        if isinstance(sys.exception(), asyncio.CancelledError):
            await super()._release_after_failure(connection)


class LeaksOnCancel(_Leaks):
    """HYGIENE-3: a cancelled operation never gives its connection back."""

    also = "HYGIENE-1"

    async def _release_after_failure(self, connection):
        if not isinstance(sys.exception(), asyncio.CancelledError):
            await super()._release_after_failure(connection)


class LosesSlots(CoreBackend):
    """HYGIENE-3: a limit on concurrent operations is counted down by each, and up only by those that succeed."""

    also = "ERROR-2"

    timeout = 1.0

    def __init__(self, dsn):
        super().__init__(dsn)
        self._slots = asyncio.Semaphore(30)

    @asynccontextmanager
    async def _connection(self):
        try:
            async with asyncio.timeout(self.timeout):
                await self._slots.acquire()
        except TimeoutError:
            raise Unavailable("no slot came free") from None
        async with super()._connection() as connection:
            yield connection
        self._slots.release()


class RefusesOneTooMany(AsyncpgBackend):
    """SATURATE-1: an operation that finds all connections lent out gives up at once."""

    pool_size = 41
    _lent = 0

    @asynccontextmanager
    async def _connection(self):
        if self._lent == self.pool_size:
            raise Unavailable("no connection is free")
        self._lent += 1
        try:
            async with super()._connection() as connection:
                yield connection
        finally:
            self._lent -= 1


class SecondConnection(CoreBackend):
    """SATURATE-1: an update takes a second connection while it holds the first."""

    also = "DDL-1"
    timeout = 1.0

    async def update(self, task_id, title, done):
        async with self._connection():
            return await super().update(task_id, title, done)


class CrossedRows(AsyncpgBackend):
    """SATURATE-1: a row that was read is kept on the backend until it is returned, where another read replaces it."""

    async def get(self, task_id):
        row = await super().get(task_id)
        self._row = row
        await asyncio.sleep(0.01)
        return self._row


class ShedsLoad(SqlmodelBackend):
    """SATURATE-1: an update that comes while ten are under way is taken as done."""

    _under_way = 0

    async def update(self, task_id, title, done):
        if self._under_way >= 10:
            return True
        self._under_way += 1
        try:
            return await super().update(task_id, title, done)
        finally:
            self._under_way -= 1
