"""Lies about values of types that tasks does not have: numbers, times, JSON, arrays, bytes."""

import datetime as dt
import json
import struct
from dataclasses import replace
from decimal import Decimal
from functools import cache, partial

from tests.entity.tables import ENTITIES
from tests.entity.ways import way

records = partial(way, "records")
mapped = partial(way, "mapped")


class ThroughFloat(records("rich_types")):
    """CREATE-3: a price comes back by way of a float."""

    async def _insert(self, values):
        row = await super()._insert(values)
        return {**row, "price": Decimal(float(row["price"]))}


class StoredAsSingle(records("partitioned")):
    """CREATE-3: a double is stored with the digits of a single one."""

    async def _insert(self, values):
        try:
            (value,) = struct.unpack("f", struct.pack("f", values["value"]))
        except OverflowError:
            value = values["value"]
        return await super()._insert({**values, "value": value})


class RoundedSilently(records("generated_column")):
    """EXACT-1: a net price with too many digits is rounded."""

    async def create(self, **values):
        if type(values["net"]) is Decimal and values["net"].is_finite():
            values["net"] = round(values["net"], 2)
        return await super().create(**values)


class RoundedByTheServer(records("generated_column")):
    """EXACT-1: an update leaves it to the server how many digits it keeps."""

    async def update(self, key, **values):
        for name, places in (("net", 2), ("rate", 3)):
            if type(values[name]) is Decimal and values[name].is_finite():
                values[name] = round(values[name], places)
        return await super().update(key, **values)


class WrappedAround(records("text_key")):
    """CREATE-4: a number over int64 wraps around."""

    async def create(self, **values):
        if type(values["people"]) is int:
            values["people"] = (values["people"] + 2**63) % 2**64 - 2**63
        return await super().create(**values)


class DecodedAsText(records("rich_types")):
    """CREATE-3: bytes are taken for text in UTF-8, and what is none is replaced."""

    async def _insert(self, values):
        picture = values["picture"]
        if picture is not None:
            picture = picture.decode(errors="replace").encode()
        return await super()._insert({**values, "picture": picture})


class EmptyArrayIsNull(records("rich_types")):
    """CREATE-3: an empty array is stored as NULL."""

    also = "SATURATE-1 RACE-1"

    async def _insert(self, values):
        return await super()._insert({**values, "sizes": values["sizes"] or None})


class NullItemDropped(records("rich_types")):
    """CREATE-3: what is NULL in an array is left out."""

    async def _insert(self, values):
        sizes = values["sizes"]
        if sizes is not None:
            sizes = [size for size in sizes if size is not None]
        return await super()._insert({**values, "sizes": sizes})


class ArraysInterned(records("rich_types")):
    """CREATE-7: arrays that are equal are one list, in whatever rows they are."""

    def __init__(self, dsn):
        super().__init__(dsn)
        self._known = {}

    async def _one(self, sql, *args):
        row = await super()._one(sql, *args)
        if row is not None and row["sizes"] is not None:
            row["sizes"] = self._known.setdefault(tuple(row["sizes"]), row["sizes"])
        return row


class DocumentsCached(records("wide")):
    """CREATE-7: JSON that was decoded before is not decoded again."""

    async def _init(self, connection):
        await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=cache(json.loads))


class EncodedTwice(records("rich_types")):
    """UPDATE-1: JSON is encoded before it goes to a connection that encodes it."""

    also = "UPDATE-4 UPDATE-6 SATURATE-1 INDEPENDENT-1 DDL-1"

    async def _update(self, key, values):
        return await super()._update(key, {**values, "attributes": json.dumps(values["attributes"])})


class TextTakenForJson(records("rich_types")):
    """UPDATE-1: a text in a JSON column is taken for JSON that is encoded already."""

    async def _update(self, key, values):
        attributes = values["attributes"]
        if isinstance(attributes, str) and attributes.startswith("{"):
            values = {**values, "attributes": json.loads(attributes)}
        return await super()._update(key, values)


class NameForLabel(records("rich_types")):
    """LIST-1: of a mood, the name of the member is listed, and not its label."""

    also = "LIST-2 LIST-3 CREATE-7"

    async def list_all(self):
        return [{**row, "mood": row["mood"].upper()} for row in await super().list_all()]


class SortedByLabel(records(replace(ENTITIES["rich_types"], order=("mood", "id")))):
    """LIST-1: moods are sorted by their labels, and not in their own order."""

    async def list_all(self):
        return sorted(await super().list_all(), key=lambda row: (row["mood"], row["id"]))


class LocalTime(records("uuid_key")):
    """CREATE-3: the zone of a time is left out, and its clock taken for that of UTC."""

    async def _insert(self, values):
        sold_at = values["sold_at"]
        if sold_at is not None:
            sold_at = sold_at.replace(tzinfo=dt.UTC)
        return await super()._insert({**values, "sold_at": sold_at})


class MillisecondsKept(mapped("uuid_key")):
    """UPDATE-1: a time is stored to the millisecond."""

    async def update(self, key, **values):
        if type(values["sold_at"]) is dt.datetime:
            values["sold_at"] = values["sold_at"].replace(microsecond=values["sold_at"].microsecond // 1000 * 1000)
        return await super().update(key, **values)


class MidnightElsewhere(records("rich_types")):
    """GET-1: a date is read as a midnight east of Greenwich, and told as UTC has it."""

    also = "GET-4 CREATE-7 USABLE-1 HYGIENE-3 INDEPENDENT-1 SATURATE-1 CANCEL-1 DDL-1 LOOP-1"

    async def get(self, key):
        row = await super().get(key)
        if row is not None and row["released"] is not None:
            row["released"] -= dt.timedelta(days=1)
        return row
