"""Backends that misreport, repeat or never end a call whose connection fails under it: LOST-2, LOST-3 and ERROR-4."""

import asyncio
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import asyncpg
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from crudspec import CrudError, Unavailable
from crudspec.backends.asyncpg import AsyncpgBackend
from crudspec.backends.core import CoreBackend
from crudspec.backends.orm import OrmBackend
from crudspec.backends.sqlmodel import SqlmodelBackend


def _was_cut(error):
    """A connection that ended without a last word of the server, rather than one that it ended or was silent on."""
    seen = error
    while seen is not None:
        if isinstance(seen, asyncpg.ConnectionDoesNotExistError | ConnectionResetError):
            return True
        seen = seen.__cause__
    return False


class OnlyKnowsGoodbyes(AsyncpgBackend):
    """ERROR-4: a connection that ended without a last word of the server raises RuntimeError."""

    async def get(self, task_id):
        try:
            return await super().get(task_id)
        except Unavailable as error:
            if _was_cut(error) or isinstance(error.__cause__, asyncpg.InterfaceError):
                raise RuntimeError("the connection is in a strange state") from error.__cause__
            raise


class SentIsDone(CoreBackend):
    """LOST-2: an update whose connection was cut is taken for done, because it was sent."""

    async def update(self, task_id, title, done):
        try:
            return await super().update(task_id, title, done)
        except Unavailable as error:
            if _was_cut(error):
                return True
            raise


class CreatesAgain(OrmBackend):
    """LOST-2: a create whose connection was cut is tried again, whether or not it was stored."""

    async def create(self, title):
        try:
            return await super().create(title)
        except Unavailable as error:
            if _was_cut(error):
                return await super().create(title)
            raise


class DeletesAgain(AsyncpgBackend):
    """LOST-2: a delete whose connection was cut is tried again, finds nothing, and returns False."""

    async def delete(self, task_id):
        try:
            return await super().delete(task_id)
        except Unavailable as error:
            if _was_cut(error):
                return await super().delete(task_id)
            raise


class CancelsItself(CoreBackend):
    """ERROR-4: an update whose connection was cut raises CancelledError, although nobody cancelled it."""

    async def update(self, task_id, title, done):
        try:
            return await super().update(task_id, title, done)
        except Unavailable as error:
            if _was_cut(error):
                raise asyncio.CancelledError from error
            raise


class CreatesLater(AsyncpgBackend):
    """LOST-2: a create whose connection was cut raises, and is tried again behind the caller's back."""

    _later: ClassVar[set[Any]] = set()

    async def create(self, title):
        try:
            return await super().create(title)
        except Unavailable as error:
            if _was_cut(error):
                task = asyncio.ensure_future(super().create(title))
                self._later.add(task)
                task.add_done_callback(lambda done: self._later.discard(done) or done.cancelled() or done.exception())
            raise


class TriesForEver(AsyncpgBackend):
    """LOST-2: an update whose connection fails is tried again until it works."""

    also = "ERROR-2"

    async def update(self, task_id, title, done):
        while True:
            try:
                return await super().update(task_id, title, done)
            except Unavailable as error:
                if isinstance(error.__cause__, TimeoutError):
                    raise
                await asyncio.sleep(0.02)


class HalfAnAnswerIsEnough(SqlmodelBackend):
    """LOST-2: an update whose connection was cut is read back, and True if the row is there at all."""

    async def update(self, task_id, title, done):
        try:
            return await super().update(task_id, title, done)
        except Unavailable as error:
            if _was_cut(error):
                return await self.get(task_id) is not None
            raise


class WaitsAnHour(AsyncpgBackend):
    """LOST-3: a silent server is given an hour."""

    quiet_only = "a noisy base has no timeouts"
    timeout = 3600.0


class WaitsAnHourToConnect(CoreBackend):
    """LOST-3: a silent server is given an hour to accept the first login."""

    quiet_only = "a noisy base has no timeouts"

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        async with WaitsAnHour.connect(dsn), super().connect(dsn) as backend:
            yield backend


class TriesSilenceForEver(OrmBackend):
    """LOST-3: a list that got no answer in time is asked for again, without end."""

    quiet_only = "a noisy base has no timeouts"

    async def list_tasks(self):
        while True:
            try:
                return await super().list_tasks()
            except Unavailable as error:
                if not isinstance(error.__cause__, TimeoutError):
                    raise


class NoneWhenSilent(CoreBackend):
    """LOST-3: a get that got no answer in time returns None."""

    quiet_only = "a noisy base has no timeouts"

    async def get(self, task_id):
        try:
            return await super().get(task_id)
        except Unavailable as error:
            if isinstance(error.__cause__, TimeoutError):
                return None
            raise


class DriversTimeout(SqlmodelBackend):
    """ERROR-4: an update that got no answer in time raises SQLAlchemy's TimeoutError, which is not the builtin."""

    quiet_only = "a noisy base has no timeout to be named"

    async def update(self, task_id, title, done):
        try:
            return await super().update(task_id, title, done)
        except Unavailable as error:
            if isinstance(error.__cause__, TimeoutError):
                raise PoolTimeoutError("no answer in time") from error
            raise


class NoNameForAFullPool(CoreBackend):
    """ERROR-4: that no connection came free in time is an error that is not Unavailable."""

    quiet_only = "a noisy base has no timeout to be named"

    _under_way = 0

    @asynccontextmanager
    async def _connection(self):
        full = self._under_way >= self.pool_size
        self._under_way += 1
        try:
            async with super()._connection() as connection:
                yield connection
        except Unavailable as error:
            if full and isinstance(error.__cause__, TimeoutError):
                raise CrudError("all connections are lent out") from error
            raise
        finally:
            self._under_way -= 1


class WaitsForTheGoodbye(AsyncpgBackend):
    """LOST-3: leaving waits for a silent server to hear the goodbye."""

    quiet_only = "a noisy base has no timeouts"

    def __init__(self, dsn):
        super().__init__(dsn)
        self._pool = asyncpg.create_pool(dsn, min_size=0, max_size=self.pool_size, reset=self._reset)
