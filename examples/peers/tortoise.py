"""Tortoise ORM, as its own FastAPI example has it: ``Tortoise.init``, and queries on the model."""

from contextlib import asynccontextmanager

from tortoise import Tortoise, fields
from tortoise.models import Model


class Task(Model):
    id = fields.BigIntField(primary_key=True)
    title = fields.CharField(max_length=255)
    done = fields.BooleanField(default=False)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "tasks"


class Backend:
    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        await Tortoise.init(db_url=dsn, modules={"models": [__name__]})
        yield cls()
        await Tortoise.close_connections()

    async def create(self, title):
        return await Task.create(title=title)

    async def get(self, task_id):
        return await Task.get_or_none(id=task_id)

    async def list_tasks(self):
        return await Task.all().order_by("id")

    async def update(self, task_id, title, done):
        return await Task.filter(id=task_id).update(title=title, done=done) > 0

    async def delete(self, task_id):
        return await Task.filter(id=task_id).delete() > 0
