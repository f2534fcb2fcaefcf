"""Bookings, on asyncpg."""

import asyncpg

from booking.models import Booking, BookingCreate, BookingUpdate

MAX_ID = 2**63 - 1


class BookingError(Exception):
    """What the database did not do."""


class NotAllowed(BookingError, ValueError):
    """The values of a booking contradict each other."""


class NoSuchRoom(BookingError, LookupError):
    """The room of a booking does not exist."""


class TryAgainLater(BookingError, ConnectionError):
    """The database cannot be reached, or is busy."""


class BookingService:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def create(self, booking: BookingCreate) -> Booking:
        values = booking.model_dump()
        marks = ", ".join(f"${number}" for number in range(1, len(values) + 1))
        query = f"INSERT INTO bookings ({', '.join(values)}) VALUES ({marks}) RETURNING *"
        row = await self._one(query, *values.values())
        return Booking(**row)

    async def get(self, booking_id: int) -> Booking | None:
        row = await self._one("SELECT * FROM bookings WHERE id = $1", booking_id) if exists(booking_id) else None
        return Booking(**row) if row is not None else None

    async def upcoming(self) -> list[Booking]:
        """All of them, the next arrival first."""
        rows = await self._run("fetch", "SELECT * FROM bookings ORDER BY arrives, id")
        return [Booking(**row) for row in rows]

    async def update(self, booking_id: int, changes: BookingUpdate) -> Booking | None:
        values = changes.model_dump(exclude_unset=True)
        if not values or not exists(booking_id):
            return await self.get(booking_id)
        sets = ", ".join(f"{name} = ${number}" for number, name in enumerate(values, 2))
        row = await self._one(f"UPDATE bookings SET {sets} WHERE id = $1 RETURNING *", booking_id, *values.values())
        return Booking(**row) if row is not None else None

    async def cancel(self, booking_id: int) -> bool:
        """Forget it altogether."""
        return (
            exists(booking_id)
            and await self._one("DELETE FROM bookings WHERE id = $1 RETURNING id", booking_id) is not None
        )

    async def _one(self, query: str, *values: object) -> asyncpg.Record | None:
        return await self._run("fetchrow", query, *values)

    async def _run(self, method: str, query: str, *values: object):
        try:
            return await getattr(self._pool, method)(query, *values)
        except asyncpg.ForeignKeyViolationError as error:
            raise NoSuchRoom("there is no such room") from error
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
            raise NotAllowed(f"the database refused it: {error}") from error
        except (asyncpg.SyntaxOrAccessError, asyncpg.FeatureNotSupportedError) as error:
            raise BookingError(f"the database cannot do it: {type(error).__name__}") from error
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise TryAgainLater(f"the database did not do it: {type(error).__name__}") from error


def exists(booking_id: int) -> bool:
    """Whether there can be such a booking."""
    if type(booking_id) is not int:
        raise NotAllowed(f"{booking_id!r} is no number of a booking")
    return 0 < booking_id <= MAX_ID
