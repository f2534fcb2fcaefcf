"""Lies about keys that are no int or have several parts, and about what a server fills in beside the values given."""

from dataclasses import replace
from functools import partial

from tests.entity.tables import ENTITIES
from tests.entity.ways import can_exist, way

records = partial(way, "records")
mapped = partial(way, "mapped")


class KeyWithoutCase(records("text_key")):
    """GET-2: a key is compared without its case."""

    async def get(self, key):
        row = await super().get(key)
        return row or await self._one(f"SELECT {self._columns} FROM countries WHERE lower(code) = lower($1)", key)


class KeyTrimmed(records("text_key")):
    """GET-2: blanks around a key are cut."""

    async def get(self, key):
        return await super().get(key.strip() if isinstance(key, str) else key)


class LikeForEquals(records("text_key")):
    """DELETE-2: a key is compared by LIKE."""

    also = "HYGIENE-3"

    async def delete(self, key):
        can_exist(self.table, (key,))
        async with self._connection() as connection:
            return await connection.execute("DELETE FROM countries WHERE code LIKE $1", key) != "DELETE 0"


class FirstPartOfTheKey(records("composite_key")):
    """UPDATE-2: a line is updated by its order alone."""

    also = "UPDATE-3"

    async def _update(self, key, values):
        async with self._connection() as connection:
            status = await connection.execute(
                "UPDATE order_lines SET article = $3, amount = $4 WHERE order_id = $1 AND $2::int IS NOT NULL",
                *key,
                *values.values(),
            )
        return status != "UPDATE 0"


class LastPartOfTheKey(records("composite_key")):
    """DELETE-1: lines are deleted by their number, whatever their order."""

    also = "DELETE-2"

    async def delete(self, order_id, line):
        deleted = await super().delete(order_id, line)
        async with self._connection() as connection:
            others = await connection.execute("DELETE FROM order_lines WHERE line = $1", line) if deleted else ""
        return deleted or others not in {"", "DELETE 0"}


class PartsSwapped(records("composite_key")):
    """GET-2: a line that is not found is looked for with the parts of its key swapped."""

    async def get(self, order_id, line):
        return await super().get(order_id, line) or await super().get(line, order_id)


class OnePartitionRead(records("partitioned")):
    """LIST-1: of a partitioned table one part is listed."""

    also = "LIST-2 LIST-3 CREATE-7 INDEPENDENT-1"

    async def list_all(self):
        async with self._connection() as connection:
            rows = await connection.fetch("SELECT id, sensor, value FROM measurements_0 ORDER BY id")
        return [dict(row) for row in rows]


class NullsFirst(records(replace(ENTITIES["serial"], order=("seen", "id")))):
    """LIST-1: rows with NULL in what decides the order come first, as most languages sort."""

    async def list_all(self):
        rows = await super().list_all()
        return sorted(rows, key=lambda row: (row["seen"] is not None, bool(row["seen"]), row["id"]))


class OldestFirst(mapped("check_pair")):
    """LIST-1: what has to descend ascends."""

    async def list_all(self):
        return sorted(await super().list_all(), key=lambda row: (row.starts, row.id))


class DefaultOfItsOwn(records("serial")):
    """CREATE-2: the model has another default than the table."""

    async def _insert(self, values):
        return await super()._insert({**values, "rank": 0})


class NotRefreshed(records("updated_at")):
    """CREATE-1: what a trigger has written is not read back, but guessed."""

    also = "CREATE-6 CREATE-7 USABLE-1 SATURATE-1 RACE-1 DDL-1 LOOP-1 CANCEL-1 INDEPENDENT-1"

    async def _insert(self, values):
        return {**await super()._insert(values), "slug": ""}


class RevisionRemembered(records("updated_at")):
    """GET-4: the revision, which a trigger counts, is that of the first time that the row was read."""

    def __init__(self, dsn):
        super().__init__(dsn)
        self._revisions = {}

    async def get(self, key):
        row = await super().get(key)
        return row and {**row, "revision": self._revisions.setdefault(key, row["revision"])}


class SumRemembered(mapped("generated_column")):
    """GET-4: a computed column is read once, and then told from memory."""

    def __init__(self, dsn):
        super().__init__(dsn)
        self._sums = {}

    async def get(self, key):
        row = await super().get(key)
        if row is not None:
            row.__dict__["gross"] = self._sums.setdefault(key, row.gross)
        return row


class CreatedAgain(records("uuid_key")):
    """UPDATE-1: an update sets what it was not given to its default."""

    also = "UPDATE-4 UPDATE-6 SATURATE-1 INDEPENDENT-1 DDL-1"

    async def _update(self, key, values):
        async with self._connection() as connection:
            status = await connection.execute(
                "UPDATE items SET name = $2, price = $3, sold_at = $4, created_at = DEFAULT WHERE id = $1",
                *key,
                *(values[name] for name in ("name", "price", "sold_at")),
            )
        return status == "UPDATE 1"


class NoneIgnored(records("uuid_key")):
    """UPDATE-1: a column that is to be NULL stays as it is."""

    also = "UPDATE-6 SATURATE-1"

    async def _update(self, key, values):
        return await super()._update(key, {name: value for name, value in values.items() if value is not None})


class FalsyIgnored(records("serial")):
    """UPDATE-1: what counts as false, 0 and the empty text included, is not written."""

    also = "UPDATE-6 SATURATE-1"

    async def _update(self, key, values):
        given = {name: value for name, value in values.items() if value}
        return await super()._update(key, given) if given else await self.get(*key) is not None
