"""Piccolo, as its documentation has it: one engine for the table, with a connection pool."""

from contextlib import asynccontextmanager

from piccolo.columns import BigSerial, Boolean, Timestamptz, Varchar
from piccolo.engine.postgres import PostgresEngine
from piccolo.table import Table


class Task(Table, tablename="tasks"):
    id = BigSerial(primary_key=True)
    title = Varchar(length=255)
    done = Boolean(default=False)
    created_at = Timestamptz()


class Backend:
    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        engine = PostgresEngine(config={"dsn": dsn})
        Task._meta.db = engine
        await engine.start_connection_pool()
        yield cls()
        await engine.close_connection_pool()

    async def create(self, title):
        return await Task.objects().create(title=title)

    async def get(self, task_id):
        return await Task.objects().get(Task.id == task_id)

    async def list_tasks(self):
        return await Task.objects().order_by(Task.id)

    async def update(self, task_id, title, done):
        task = await Task.objects().get(Task.id == task_id)
        if task is None:
            return False
        task.title = title
        task.done = done
        await task.save()
        return True

    async def delete(self, task_id):
        task = await Task.objects().get(Task.id == task_id)
        if task is None:
            return False
        await task.remove()
        return True
