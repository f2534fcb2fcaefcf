"""The first way: raw ``asyncpg``. SQL as text, a pool, records.

Every operation is one statement, so PostgreSQL's own autocommit is the transaction and one round trip is the
whole cost.
"""

from collections.abc import Sequence
from typing import ClassVar

import asyncpg

from crudspec.backends.common import CrudError, PoolBackend, Task, can_exist, check_done, check_title


class AsyncpgBackend(PoolBackend):
    """Tasks through an ``asyncpg`` pool."""

    round_trips: ClassVar = {"create": 1, "get": 1, "list_tasks": 1, "update": 1, "delete": 1}

    def __init__(self, dsn: str) -> None:
        """Describe the pool; :meth:`connect` opens it."""
        pool = asyncpg.create_pool(
            dsn,
            min_size=0,
            max_size=self.pool_size,
            # Connections stay until they break: closing idle ones only makes a later call pay for a new one.
            max_inactive_connection_lifetime=0,
            timeout=self.timeout,
            command_timeout=self.timeout,
            reset=self._reset,
        )
        super().__init__(pool)

    async def create(self, title: str) -> Task:
        """Store a task that is not done; returns it as stored."""
        check_title(title)
        # Columns by name, here and below: the plan of a "SELECT *" changes when a migration adds a column, and a
        # prepared statement whose plan changes its result fails.
        sql = "INSERT INTO tasks (title) VALUES ($1) RETURNING id, title, done, created_at"
        async with self._connection() as connection:
            row = await connection.fetchrow(sql, title)
        if row is None:
            # Only a trigger or a rule of somebody else's can make an INSERT of one row return none.
            raise CrudError("the database accepted the task and stored nothing")
        return Task(**row)

    async def get(self, task_id: int) -> Task | None:
        """Return the row, or None."""
        if not can_exist(task_id):
            return None
        sql = "SELECT id, title, done, created_at FROM tasks WHERE id = $1"
        async with self._connection() as connection:
            row = await connection.fetchrow(sql, task_id)
        return None if row is None else Task(**row)

    async def list_tasks(self) -> Sequence[Task]:
        """Return every row in ascending id order."""
        sql = "SELECT id, title, done, created_at FROM tasks ORDER BY id"
        async with self._connection() as connection:
            rows = await connection.fetch(sql)
        return [Task(**row) for row in rows]

    async def update(self, task_id: int, title: str, done: bool) -> bool:
        """Set both values; False if there is no such row."""
        check_title(title)
        check_done(done)
        if not can_exist(task_id):
            return False
        sql = "UPDATE tasks SET title = $2, done = $3 WHERE id = $1"
        async with self._connection() as connection:
            status = await connection.execute(sql, task_id, title, done)
        return status == "UPDATE 1"

    async def delete(self, task_id: int) -> bool:
        """Remove the row; False if this call did not."""
        if not can_exist(task_id):
            return False
        sql = "DELETE FROM tasks WHERE id = $1"
        async with self._connection() as connection:
            status = await connection.execute(sql, task_id)
        return status == "DELETE 1"
