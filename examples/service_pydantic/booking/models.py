"""What the service takes and returns."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

Guest = Annotated[str, Field(max_length=120, pattern=r"^[^\x00]*$")]
Note = Annotated[str, Field(pattern=r"^[^\x00]*$")]


class Status(StrEnum):
    requested = "requested"
    confirmed = "confirmed"
    cancelled = "cancelled"


class Model(BaseModel):
    # The service is called by Python, not by JSON: a number is no text, and "1" is no number.
    model_config = ConfigDict(strict=True)


class BookingCreate(Model):
    room_id: PositiveInt
    guest: Guest
    arrives: date
    departs: date
    note: Note | None = None

    @model_validator(mode="after")
    def at_least_a_night(self) -> Self:
        if self.departs <= self.arrives:
            raise ValueError("a booking is for a night at least")
        return self


class BookingUpdate(Model):
    """What is left out stays."""

    room_id: PositiveInt = 0
    guest: Guest = ""
    arrives: date = date.min
    departs: date = date.min
    status: Annotated[Status, Field(strict=False)] = Status.requested
    note: Note | None = None


class Booking(BookingCreate):
    id: int
    status: Annotated[Status, Field(strict=False)]
    created_at: datetime
