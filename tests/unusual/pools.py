"""Correct backends that come by their connections in an unusual way."""

import asyncio
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from crudspec.backends.asyncpg import AsyncpgBackend
from crudspec.backends.core import CoreBackend


class OneKept(CoreBackend):
    """One kept connection, more where it is busy: a hard limit of one would break INDEPENDENT-1."""

    def __init__(self, dsn):
        super().__init__(dsn)
        self._engine = create_async_engine(
            self._engine.url,
            isolation_level="AUTOCOMMIT",
            pool_size=1,
            max_overflow=9,
            pool_timeout=self.timeout,
            connect_args={"timeout": self.timeout, "command_timeout": self.timeout},
        )


class ConnectionPerCall(CoreBackend):
    """No pool: each operation connects, and closes its connection."""

    def __init__(self, dsn):
        super().__init__(dsn)
        self._engine = create_async_engine(
            self._engine.url,
            isolation_level="AUTOCOMMIT",
            poolclass=NullPool,
            connect_args={"timeout": self.timeout, "command_timeout": self.timeout},
        )


class LastInFirstOut(CoreBackend):
    """The connection that was given back last is lent next, after it was asked whether it is still there."""

    def __init__(self, dsn):
        super().__init__(dsn)
        self._engine = create_async_engine(
            self._engine.url,
            isolation_level="AUTOCOMMIT",
            pool_size=3,
            max_overflow=2,
            pool_timeout=self.timeout,
            pool_use_lifo=True,
            pool_pre_ping=True,
            connect_args={"timeout": self.timeout, "command_timeout": self.timeout},
        )


class OneDeleteAtATimePerRow(CoreBackend):
    """Deletes of one row wait for each other here, and only one of them at the server."""

    def __init__(self, dsn):
        super().__init__(dsn)
        self._turns = WeakValueDictionary()

    async def delete(self, task_id):
        if not isinstance(task_id, int):
            return await super().delete(task_id)
        async with self._turns.setdefault(task_id, asyncio.Lock()):
            return await super().delete(task_id)


class TransactionPerCall(AsyncpgBackend):
    """Every operation, a read too, in an explicit transaction."""

    @asynccontextmanager
    async def _connection(self):
        async with super()._connection() as connection, connection.transaction():
            yield connection
