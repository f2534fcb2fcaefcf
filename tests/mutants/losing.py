"""Backends that a lost connection, a new column or a new event loop breaks: LOST-1, ERROR-4, DDL-1 and LOOP-1."""

import asyncio
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from sqlalchemy import text

from crudspec import InvalidValue, StaleRow, Task, Unavailable, can_exist
from crudspec.backends.asyncpg import AsyncpgBackend
from crudspec.backends.core import CoreBackend
from crudspec.backends.orm import OrmBackend


class NeverReconnects(AsyncpgBackend):
    """LOST-1: a lost connection closes the pool for good."""

    also = "ERROR-2"

    @asynccontextmanager
    async def _connection(self):
        try:
            async with super()._connection() as connection:
                yield connection
        except Unavailable:
            self._pool.terminate()
            raise


class OutOfOrder(CoreBackend):
    """LOST-1: after a lost connection the next twenty operations are refused unheard."""

    also = "ERROR-2"

    _refuse = 0

    @asynccontextmanager
    async def _connection(self):
        if self._refuse:
            self._refuse -= 1
            raise Unavailable("closed for repairs")
        try:
            async with super()._connection() as connection:
                yield connection
        except Unavailable:
            self._refuse = 20
            raise


class LetsTheDriverSpeak(AsyncpgBackend):
    """ERROR-4: a get whose connection was lost raises what the driver raises."""

    quiet_only = "what the driver raises is what a noisy base raises"

    async def get(self, task_id):
        try:
            return await super().get(task_id)
        except Unavailable as error:
            raise (error.__cause__ or error) from None


class BlamesTheCaller(CoreBackend):
    """ERROR-4: an update whose connection was lost raises InvalidValue."""

    also = "ERROR-2"

    async def update(self, task_id, title, done):
        try:
            return await super().update(task_id, title, done)
        except Unavailable as error:
            raise InvalidValue("the update was refused") from error


class LostIsStale(OrmBackend):
    """ERROR-4: a create whose connection was lost raises an error that is about the row's version."""

    also = "ERROR-2"

    async def create(self, title):
        try:
            return await super().create(title)
        except Unavailable as error:
            raise StaleRow("somebody else was first") from error


class NewColumnIsUnknown(AsyncpgBackend):
    """DDL-1: a row is made of whatever columns the table has."""

    async def get(self, task_id):
        if not can_exist(task_id):
            return None
        async with self._connection() as connection:
            row = await connection.fetchrow("SELECT * FROM tasks WHERE id = $1", task_id)
        return None if row is None else Task(**row)


class PlanOfAllColumns(CoreBackend):
    """DDL-1: SELECT * as a prepared statement, which fails once when its result has another column."""

    async def get(self, task_id):
        if not can_exist(task_id):
            return None
        async with self._connection() as connection:
            result = await connection.execute(text("SELECT * FROM tasks WHERE id = :id"), {"id": task_id})
        row = result.one_or_none()
        return None if row is None else Task(row.id, row.title, row.done, row.created_at)


class EngineOfTheProcess(CoreBackend):
    """LOOP-1: one engine per database, for the life of the process, with connections of the first event loop."""

    _engines: ClassVar[dict[str, Any]] = {}

    def __init__(self, dsn):
        super().__init__(dsn)
        self._engine = self._engines.setdefault(dsn, self._engine)


class SlotsOfTheProcess(AsyncpgBackend):
    """LOOP-1: a limit on concurrent operations is made with the class, and belongs to the loop that first waits."""

    _slots: ClassVar[asyncio.Semaphore] = asyncio.Semaphore(20)

    @asynccontextmanager
    async def _connection(self):
        async with self._slots, super()._connection() as connection:
            yield connection


class LoopOfTheFirst(OrmBackend):
    """LOOP-1: an operation runs in the loop of the first backend that was opened on its database."""

    _loops: ClassVar[dict[str, asyncio.AbstractEventLoop]] = {}

    def __init__(self, dsn):
        super().__init__(dsn)
        self._loop = self._loops.setdefault(dsn, asyncio.get_running_loop())

    async def get(self, task_id):
        return await self._loop.create_task(super().get(task_id))
