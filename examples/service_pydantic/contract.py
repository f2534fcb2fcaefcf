"""A service that takes Pydantic models and returns them: a class derived from it makes the models of the values."""

from contextlib import asynccontextmanager

import asyncpg
from booking.models import BookingCreate, BookingUpdate
from booking.service import BookingService

from crudspec import Entity, translated


@translated  # what the models refuse is told by Pydantic's ValidationError, and not by the service
class Bookings(BookingService):
    entity = Entity(
        table="bookings",
        schema="schema.sql",
        order=("arrives", "id"),
        names={"list_all": "upcoming", "delete": "cancel"},
    )

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        async with asyncpg.create_pool(dsn, min_size=0, timeout=5, command_timeout=5) as pool:
            yield cls(pool)

    async def create(self, **values):
        return await super().create(BookingCreate(**values))

    async def update(self, booking_id, **values):
        return await super().update(booking_id, BookingUpdate(**values)) is not None
