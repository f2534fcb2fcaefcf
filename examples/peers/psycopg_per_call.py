"""psycopg 3 without a pool: a connection for each call, whose block commits or rolls back and closes it."""

from contextlib import asynccontextmanager

from psycopg import AsyncConnection
from psycopg.rows import dict_row


class Backend:
    def __init__(self, dsn):
        self.dsn = dsn

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        yield cls(dsn)

    async def create(self, title):
        async with await AsyncConnection.connect(self.dsn, row_factory=dict_row) as conn:
            cur = await conn.execute("INSERT INTO tasks (title) VALUES (%s) RETURNING *", [title])
            return await cur.fetchone()

    async def get(self, task_id):
        async with await AsyncConnection.connect(self.dsn, row_factory=dict_row) as conn:
            cur = await conn.execute("SELECT * FROM tasks WHERE id = %s", [task_id])
            return await cur.fetchone()

    async def list_tasks(self):
        async with await AsyncConnection.connect(self.dsn, row_factory=dict_row) as conn:
            cur = await conn.execute("SELECT * FROM tasks ORDER BY id")
            return await cur.fetchall()

    async def update(self, task_id, title, done):
        async with await AsyncConnection.connect(self.dsn) as conn:
            cur = await conn.execute("UPDATE tasks SET title = %s, done = %s WHERE id = %s", [title, done, task_id])
            return cur.rowcount == 1

    async def delete(self, task_id):
        async with await AsyncConnection.connect(self.dsn) as conn:
            cur = await conn.execute("DELETE FROM tasks WHERE id = %s", [task_id])
            return cur.rowcount == 1
