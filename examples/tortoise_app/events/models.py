"""Events, and the venues in which they take place."""

from enum import StrEnum

from tortoise import fields
from tortoise.models import Model


class Kind(StrEnum):
    concert = "concert"
    reading = "reading"
    other = "other"


class Venue(Model):
    id = fields.IntField(primary_key=True)
    name = fields.CharField(max_length=100, unique=True)

    class Meta:
        table = "venues"


class Event(Model):
    id = fields.BigIntField(primary_key=True)
    venue = fields.ForeignKeyField("models.Venue", related_name="events", on_delete=fields.RESTRICT)
    slug = fields.CharField(max_length=60, unique=True)
    title = fields.CharField(max_length=200)
    kind = fields.CharEnumField(Kind, default=Kind.other)
    seats = fields.IntField(null=True)
    free = fields.BooleanField(default=False)
    details = fields.JSONField(default=dict)
    starts_at = fields.DatetimeField()
    created = fields.DatetimeField(auto_now_add=True)
    updated = fields.DatetimeField(auto_now=True)

    class Meta:
        table = "events"
        ordering = ["id"]
