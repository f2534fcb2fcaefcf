"""Tortoise's models, as the routes of an application use them."""

from contextlib import asynccontextmanager

from events import database, models

from crudspec import Entity, Values, translated


@translated
class Events:
    entity = Entity("events", "schema.sql", values={"kind": Values(valid=[*models.Kind])}, moves=("created", "updated"))

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        async with database.opened(f"{dsn}?command_timeout=5".replace("postgresql", "asyncpg", 1)):
            yield cls()

    async def create(self, **values):
        return await models.Event.create(**values)

    async def get(self, event_id):
        return await models.Event.get_or_none(id=event_id)

    async def list_all(self):
        return await models.Event.all()

    async def update(self, event_id, **values):
        return await models.Event.filter(id=event_id).update(**values) > 0

    async def delete(self, event_id):
        return await models.Event.filter(id=event_id).delete() > 0
