"""Backends that are right as long as nobody else is about: RACE-2."""

import asyncio
from typing import ClassVar
from weakref import WeakKeyDictionary

from crudspec import Task, Unavailable, can_exist, check_done, check_title
from crudspec.backends.asyncpg import AsyncpgBackend
from crudspec.backends.core import CoreBackend
from crudspec.backends.orm import OrmBackend, TaskRow
from crudspec.backends.sqlmodel import SqlmodelBackend
from crudspec.backends.sqlmodel import TaskRow as SqlmodelRow


class DirtyColumns(OrmBackend):
    """RACE-2: an update reads the row without a lock, and the unit of work writes what it saw change."""

    async def update(self, task_id, title, done):
        check_title(title)
        check_done(done)
        if not can_exist(task_id):
            return False
        async with self._session(self._transaction) as session:
            task = await session.get(TaskRow, task_id)
            if task is None:
                return False
            task.title = title
            task.done = done
            return True


class OneLockPerProcess(SqlmodelBackend):
    """RACE-2: an update is read, change, write; a lock of this process is all that keeps others out."""

    also = "INDEPENDENT-1"
    timeout = 1.0

    def __init__(self, dsn):
        super().__init__(dsn)
        self._alone = asyncio.Lock()

    async def update(self, task_id, title, done):
        check_title(title)
        check_done(done)
        if not can_exist(task_id):
            return False
        async with asyncio.timeout(self.timeout), self._alone, self._session(self._transaction) as session:
            task = await session.get(SqlmodelRow, task_id)
            if task is None:
                return False
            task.title = title
            task.done = done
            session.add(task)
            return True


class LockOfThisProcess(OneLockPerProcess):
    """INDEPENDENT-1: an update is read, change, write, with a lock that all backends of this process share."""

    also = ""  # RACE-2 cannot be asked of it: in this process there never is a race
    _locks: ClassVar = WeakKeyDictionary()

    def __init__(self, dsn):
        super().__init__(dsn)
        self._alone = self._locks.setdefault(asyncio.get_running_loop(), self._alone)


class UpdateInTwoStatements(AsyncpgBackend):
    """RACE-2: an update writes the title, then done, each on its own."""

    also = "CREATE-8 SATURATE-1 CANCEL-1"

    async def update(self, task_id, title, done):
        check_title(title)
        check_done(done)
        if not can_exist(task_id):
            return False
        async with self._connection() as connection:
            first = await connection.execute("UPDATE tasks SET title = $2 WHERE id = $1", task_id, title)
            if first == "UPDATE 0":
                return False
            await connection.execute("UPDATE tasks SET done = $2 WHERE id = $1", task_id, done)
        return True


class UpdateReplacesTheRow(AsyncpgBackend):
    """RACE-2: an update removes the row and puts a new one in its place; in between there is none."""

    also = "CREATE-8 USABLE-1 CANCEL-1 DDL-1"

    async def update(self, task_id, title, done):
        check_title(title)
        check_done(done)
        if not can_exist(task_id):
            return False
        put = "INSERT INTO tasks (id, title, done, created_at) OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3, $4)"
        async with self._connection() as connection:
            since = await connection.fetchval("DELETE FROM tasks WHERE id = $1 RETURNING created_at", task_id)
            if since is None:
                return False
            await connection.execute(put, task_id, title, done, since)
        return True


class UpdateBringsItBack(AsyncpgBackend):
    """RACE-2: an update that has found the row writes it by an upsert: one that was deleted meanwhile is back."""

    async def update(self, task_id, title, done):
        check_title(title)
        check_done(done)
        row = await self.get(task_id)
        if row is None:
            return False
        upsert = (
            "INSERT INTO tasks (id, title, done, created_at) OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3, $4) "
            "ON CONFLICT (id) DO UPDATE SET title = excluded.title, done = excluded.done"
        )
        async with self._connection() as connection:
            await connection.execute(upsert, task_id, title, done, row.created_at)
        return True


class LostRaceIsFalse(AsyncpgBackend):
    """RACE-2: an update that finds the row changed since it looked returns False, as if there were none."""

    async def update(self, task_id, title, done):
        check_title(title)
        check_done(done)
        row = await self.get(task_id)
        if row is None:
            return False
        sql = "UPDATE tasks SET title = $2, done = $3 WHERE id = $1 AND title = $4 AND done = $5"
        async with self._connection() as connection:
            return await connection.execute(sql, task_id, title, done, row.title, row.done) == "UPDATE 1"


class RefusesWhileBusy(AsyncpgBackend):
    """RACE-2: an update raises while another one of its row is under way, instead of waiting for it."""

    also = "DDL-1"

    def __init__(self, dsn):
        super().__init__(dsn)
        self._busy = set()

    async def update(self, task_id, title, done):
        if task_id in self._busy:
            raise Unavailable("somebody else updates this row")
        self._busy.add(task_id)
        try:
            return await super().update(task_id, title, done)
        finally:
            self._busy.discard(task_id)


class LookThenDelete(CoreBackend):
    """RACE-2: a delete that has found the row says True, whoever removed it."""

    also = "RACE-1"

    async def delete(self, task_id):
        if await self.get(task_id) is None:
            return False
        await super().delete(task_id)
        return True


class GetInTwoReads(AsyncpgBackend):
    """RACE-2: a get reads the title, then the rest: half of it is from before an update."""

    also = "SATURATE-1"

    async def get(self, task_id):
        if not can_exist(task_id):
            return None
        async with self._connection() as connection:
            title = await connection.fetchval("SELECT title FROM tasks WHERE id = $1", task_id)
            rest = await connection.fetchrow("SELECT id, done, created_at FROM tasks WHERE id = $1", task_id)
        return None if title is None or rest is None else Task(title=title, **rest)
