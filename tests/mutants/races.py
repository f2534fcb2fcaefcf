"""Backends whose operations get in each other's way: INDEPENDENT-1 and RACE-1."""

import asyncio

from crudspec import CrudError, Task, can_exist, check_title
from crudspec.backends.asyncpg import AsyncpgBackend
from crudspec.backends.core import CoreBackend, tasks


class OneUpdateAtATime(AsyncpgBackend):
    """INDEPENDENT-1: updates wait for each other at one lock."""

    timeout = 1.0

    def __init__(self, dsn):
        super().__init__(dsn)
        self._lock = asyncio.Lock()

    async def update(self, task_id, title, done):
        async with self._lock:
            return await super().update(task_id, title, done)


class OneConnection(CoreBackend):
    """INDEPENDENT-1: all operations share one connection, one after the other."""

    also = "RACE-1"
    timeout = 1.0
    pool_size = 1


class ListLocksEveryRow(CoreBackend):
    """INDEPENDENT-1: list_tasks locks the rows that it reads, and waits for those that are locked."""

    timeout = 1.0

    async def list_tasks(self):
        async with self._connection() as connection:
            result = await connection.execute(tasks.select().order_by(tasks.c.id).with_for_update(read=True))
        return [Task(**row) for row in result.mappings()]


class CreateLocksTheTable(AsyncpgBackend):
    """INDEPENDENT-1: a create locks the table against every other write."""

    timeout = 1.0

    async def create(self, title):
        check_title(title)
        sql = "INSERT INTO tasks (title) VALUES ($1) RETURNING id, title, done, created_at"
        async with self._connection() as connection, connection.transaction():
            await connection.execute("LOCK TABLE tasks IN SHARE ROW EXCLUSIVE MODE")
            return Task(**await connection.fetchrow(sql, title))


class LastOfTheSequence(AsyncpgBackend):
    """RACE-1: a created row is looked up by the last id that the sequence gave to anybody."""

    also = "SATURATE-1 DDL-1"

    async def create(self, title):
        check_title(title)
        sql = "SELECT id, title, done, created_at FROM tasks WHERE id = (SELECT last_value FROM tasks_id_seq)"
        async with self._connection() as connection:
            await connection.execute("INSERT INTO tasks (title) VALUES ($1)", title)
            row = await connection.fetchrow(sql)
        if row is None:
            raise CrudError("somebody else is quicker")
        return Task(**row)


class LooksBeforeItDeletes(CoreBackend):
    """RACE-1: a delete says whether it found the row, not whether it removed it."""

    async def delete(self, task_id):
        if not can_exist(task_id):
            return False
        async with self._connection() as connection:
            found = await connection.execute(tasks.select().where(tasks.c.id == task_id))
            if found.one_or_none() is None:
                return False
            await connection.execute(tasks.delete().where(tasks.c.id == task_id))
        return True


class CheckThenInsert(AsyncpgBackend):
    """RACE-1: a create takes the id that is free when it looks; whoever inserts second finds it taken."""

    also = "CREATE-1 SATURATE-1 DDL-1"

    async def create(self, title):
        check_title(title)
        async with self._connection() as connection:
            number = await connection.fetchval(
                "SELECT greatest((SELECT max(id) FROM tasks), (SELECT last_value FROM tasks_id_seq)) + 1"
            )
            row = await connection.fetchrow(
                "INSERT INTO tasks (id, title) OVERRIDING SYSTEM VALUE VALUES ($1, $2) "
                "RETURNING id, title, done, created_at",
                number,
                title,
            )
            await connection.execute(
                "SELECT setval('tasks_id_seq', greatest(last_value, $1)) FROM tasks_id_seq", number
            )
        return Task(**row)
