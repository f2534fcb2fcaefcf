"""Tortoise's models, as the routes of an application use them."""

from contextlib import asynccontextmanager

from events.database import database
from events.models import Event, Kind

from crudspec import Entity, Values, translated


@translated
class Events:
    entity = Entity(
        table="events",
        schema="schema.sql",
        order=("starts_at", "id"),
        values={"kind": Values(valid=list(Kind))},
        create=("venue_id", "slug", "title", "seats", "details", "starts_at"),
        update=("venue_id", "slug", "title", "kind", "seats", "free", "details", "starts_at"),
    )

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        async with database(f"{dsn}?command_timeout=5".replace("postgresql", "asyncpg", 1)):
            yield cls()

    async def create(self, **values):
        return await Event.create(**values)

    async def get(self, event_id):
        return await Event.get_or_none(id=event_id)

    async def list_all(self):
        return await Event.all()

    async def update(self, event_id, **values):
        return await Event.filter(id=event_id).update(**values) > 0

    async def delete(self, event_id):
        return await Event.filter(id=event_id).delete() > 0
