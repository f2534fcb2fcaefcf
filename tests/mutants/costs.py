"""Backends that are right and cost too much: the clauses on round trips."""

from __future__ import annotations

from typing import ClassVar

import asyncpg
from sqlalchemy.ext.asyncio import create_async_engine

from crudspec import Task, can_exist, check_title
from crudspec.backends.asyncpg import AsyncpgBackend
from crudspec.backends.core import CoreBackend
from crudspec.backends.orm import OrmBackend, TaskRow
from crudspec.backends.sqlmodel import SqlmodelBackend

_COLUMNS = "id, title, done, created_at"
_ONE_EACH = {"create": 1, "get": 1, "list_tasks": 1, "update": 1, "delete": 1}


class AskedRowByRow(AsyncpgBackend):
    """COST-1: list_tasks reads the ids, and then each of the first hundred rows alone."""

    async def list_tasks(self):
        async with self._connection() as connection, connection.transaction(isolation="repeatable_read"):
            ids = [row["id"] for row in await connection.fetch("SELECT id FROM tasks ORDER BY id")]
            one = f"SELECT {_COLUMNS} FROM tasks WHERE id = $1"
            rows = [await connection.fetchrow(one, task_id) for task_id in ids[:100]]
            rows += await connection.fetch(f"SELECT {_COLUMNS} FROM tasks WHERE id = ANY($1) ORDER BY id", ids[100:])
        return [Task(**row) for row in rows]


class FetchedThroughACursor(AsyncpgBackend):
    """COST-1: list_tasks goes through a server-side cursor that fetches fifty rows at a time."""

    async def list_tasks(self):
        async with self._connection() as connection, connection.transaction():
            cursor = connection.cursor(f"SELECT {_COLUMNS} FROM tasks ORDER BY id", prefetch=50)
            return [Task(**row) async for row in cursor]


class LookedThroughUpwards(AsyncpgBackend):
    """COST-1: get reads the table from the oldest row on until it comes to the one that was asked for."""

    async def get(self, task_id):
        if not can_exist(task_id):
            return None
        page = f"SELECT {_COLUMNS} FROM tasks WHERE id > $1 AND id <= $2 ORDER BY id LIMIT 200"
        last = 0
        async with self._connection() as connection:
            while rows := await connection.fetch(page, last, task_id):
                last = rows[-1]["id"]
                if last == task_id:
                    return Task(**rows[-1])
        return None


class PingedBeforeEachCall(CoreBackend):
    """COST-2: pool_pre_ping asks the server at each checkout whether it is there."""

    round_trips: ClassVar = _ONE_EACH

    def __init__(self, dsn):
        super().__init__(dsn)
        self._engine = create_async_engine(
            self._engine.url,
            isolation_level="AUTOCOMMIT",
            pool_size=self.pool_size,
            max_overflow=0,
            pool_timeout=self.timeout,
            pool_pre_ping=True,
            connect_args={"timeout": self.timeout, "command_timeout": self.timeout},
        )


class ResetAtEachRelease(AsyncpgBackend):
    """COST-2: asyncpg's own reset is sent after each operation, as its pool does by default."""

    round_trips: ClassVar = _ONE_EACH

    async def _reset(self, connection: asyncpg.Connection) -> None:
        await connection.reset(timeout=2)
        self._doubtful.discard(connection.get_server_pid())


class RefreshedAfterTheInsert(OrmBackend):
    """COST-2: create reads back the row that INSERT ... RETURNING has brought already."""

    round_trips: ClassVar = OrmBackend.round_trips

    async def create(self, title):
        task = TaskRow(title=check_title(title), done=False)
        async with self._session(self._transaction) as session:
            session.add(task)
            await session.flush()
            await session.refresh(task)
        return task


class SecondLookAtAMiss(AsyncpgBackend):
    """COST-2: a get that finds nothing looks once more; only a row that is there costs what was published."""

    round_trips: ClassVar = _ONE_EACH

    async def get(self, task_id):
        return await super().get(task_id) or await super().get(task_id)


class BudgetForReadsOnly(SqlmodelBackend):
    """COST-2: the budget says nothing about writes."""

    round_trips: ClassVar = {"get": 1, "list_tasks": 1}
