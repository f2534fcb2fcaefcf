"""asyncpg with a pool, as its documentation and most tutorials have it: ``SELECT *``, and records returned."""

from contextlib import asynccontextmanager

import asyncpg


class Backend:
    def __init__(self, pool):
        self.pool = pool

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        async with asyncpg.create_pool(dsn) as pool:
            yield cls(pool)

    async def create(self, title):
        async with self.pool.acquire() as connection:
            return await connection.fetchrow("INSERT INTO tasks (title) VALUES ($1) RETURNING *", title)

    async def get(self, task_id):
        async with self.pool.acquire() as connection:
            return await connection.fetchrow("SELECT * FROM tasks WHERE id = $1", task_id)

    async def list_tasks(self):
        async with self.pool.acquire() as connection:
            return await connection.fetch("SELECT * FROM tasks ORDER BY id")

    async def update(self, task_id, title, done):
        async with self.pool.acquire() as connection:
            query = "UPDATE tasks SET title = $2, done = $3 WHERE id = $1"
            return await connection.execute(query, task_id, title, done) == "UPDATE 1"

    async def delete(self, task_id):
        async with self.pool.acquire() as connection:
            return await connection.execute("DELETE FROM tasks WHERE id = $1", task_id) == "DELETE 1"
