"""Backends that cannot be opened or closed, or not more than one of them: CONNECT-1 and CONNECT-2."""

import asyncio
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from crudspec.backends.asyncpg import AsyncpgBackend
from crudspec.backends.core import CoreBackend
from crudspec.backends.orm import OrmBackend
from crudspec.backends.sqlmodel import SqlmodelBackend


class LeavingRaises(AsyncpgBackend):
    """CONNECT-1: leaving closes the pool and then asks it to say goodbye."""

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        async with super().connect(dsn) as backend:
            yield backend
        await backend._pool.execute("SELECT 1")


class LeavingUnusedHangs(CoreBackend):
    """CONNECT-1: leaving waits for a background task, which does not end before the first operation."""

    also = "HYGIENE-1"
    _begun: Any = None

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        async with super().connect(dsn) as backend:
            backend._begun = asyncio.Event()
            yield backend
            await backend._begun.wait()

    def _connection(self):
        if self._begun is not None:
            self._begun.set()
        return super()._connection()


class LeavingFindsWork(OrmBackend):
    """CONNECT-1: a backend that has created a row raises when it is left, as its last session is still open."""

    _session_open = False

    async def create(self, title):
        row = await super().create(title)
        self._session_open = True
        return row

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        async with super().connect(dsn) as backend:
            yield backend
        if backend._session_open:
            raise RuntimeError("a session is still open")


class EngineMoved(CoreBackend):
    """CONNECT-2: there is one engine in the process, and a second connect moves it to its own database."""

    also = "HYGIENE-2 CREATE-7 ERROR-1 LOOP-1"
    _engines: ClassVar[list[Any]] = []

    @property
    def _engine(self):
        return self._engines[-1]

    @_engine.setter
    def _engine(self, engine):
        self._engines.append(engine)


class ClosedForAll(AsyncpgBackend):
    """CONNECT-2: instances on one database share a pool, and whoever leaves first closes it."""

    also = "CREATE-8 USABLE-1 HYGIENE-2"
    _pools: ClassVar[dict[Any, Any]] = {}

    def __init__(self, dsn):
        super().__init__(dsn)
        self._key = dsn, asyncio.get_running_loop()
        self._pool = self._pools.setdefault(self._key, self._pool)

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        async with super().connect(dsn) as backend:
            try:
                yield backend
            finally:
                cls._pools.pop(backend._key, None)


class OneAtATime(OrmBackend):
    """CONNECT-2: a second instance is refused while the first is open."""

    also = "CREATE-7 ERROR-1 LOOP-1"
    _open: ClassVar[set[str]] = set()

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        if cls._open:
            raise RuntimeError("already connected")
        cls._open.add(dsn)
        try:
            async with super().connect(dsn) as backend:
                yield backend
        finally:
            cls._open.discard(dsn)


class LatestSessions(SqlmodelBackend):
    """CONNECT-2: the sessions for updates and deletes are those of the instance that was made last."""

    also = "HYGIENE-2 CREATE-7 ERROR-1 LOOP-1"
    _latest: ClassVar[list[Any]] = []

    @property
    def _transaction(self):
        return self._latest[-1]

    @_transaction.setter
    def _transaction(self, sessions):
        self._latest.append(sessions)
