"""Lies about what must be unique, and about what refers to other tables."""

from functools import partial

from tests.entity.ways import checked, way

from crudspec.backends.common import settled
from crudspec.errors import CrudError, Duplicate, InvalidValue, MissingReference

records = partial(way, "records")
mapped = partial(way, "mapped")


class ConflictSwallowed(records("unique_pair")):
    """UNIQUE-1: where a seat is taken, nothing is stored, and the row that has it is returned."""

    async def _insert(self, values):
        try:
            return await super()._insert(values)
        except Duplicate:
            place = "room = $1 AND seat IS NOT DISTINCT FROM $2"
            other = await self._one(f"SELECT {self._columns} FROM seats WHERE {place}", values["room"], values["seat"])
            if other is None:
                raise
            return other


class UpsertForCreate(records("text_key")):
    """UNIQUE-1: a create writes over the row that is there."""

    async def _insert(self, values):
        return await self._one(
            "INSERT INTO countries (code, name, people) VALUES ($1, $2, $3) "
            "ON CONFLICT (code) DO UPDATE SET name = excluded.name, people = excluded.people "
            f"RETURNING {self._columns}",
            *(values[name] for name in ("code", "name", "people")),
        )


class MergedByKey(mapped("text_key")):
    """UNIQUE-1: a session merges a new row into the one that is there."""

    @settled
    async def create(self, **values):
        checked(self.table, values)
        async with self._session(self._transaction) as session:
            row = self.model()
            for name, value in values.items():
                setattr(row, name, value)
            return await session.merge(row)


class TakenIsFalse(records("unique_pair")):
    """UNIQUE-1: an update to a value that is taken returns False, as if there were no such row."""

    async def _update(self, key, values):
        try:
            return await super()._update(key, values)
        except Duplicate:
            return False


class NullsCollide(records("unique_pair")):
    """UNIQUE-1: a seat without a number is taken for one that another has."""

    also = "CREATE-3 SATURATE-1 RACE-1"

    async def _insert(self, values):
        place = "room = $1 AND seat IS NOT DISTINCT FROM $2"
        if await self._one(f"SELECT id FROM seats WHERE {place}", values["room"], values["seat"]):
            raise Duplicate("the seat is taken")
        return await super()._insert(values)


class TakenIsAnyError(records("unique_pair")):
    """UNIQUE-2: that a value is taken is told as an error like any other."""

    async def _insert(self, values):
        try:
            return await super()._insert(values)
        except Duplicate as error:
            raise CrudError("the row could not be stored") from error


class TakenIsUnknown(mapped("text_key")):
    """UNIQUE-2: every violated constraint is told as a reference to no row."""

    async def create(self, **values):
        try:
            return await super().create(**values)
        except Duplicate as error:
            raise MissingReference("something is wrong with what it refers to") from error


class ParentMade(records("parents")):
    """REFERENCE-1: a publisher that is not there is made."""

    async def _insert(self, values):
        async with self._connection() as connection:
            if values["publisher"] is not None:
                await connection.execute(
                    "INSERT INTO publishers (code) VALUES ($1) ON CONFLICT DO NOTHING", values["publisher"]
                )
        return await super()._insert(values)


class UnknownIsNull(records("parents")):
    """REFERENCE-1: an editor that is not there is stored as NULL."""

    async def _insert(self, values):
        try:
            return await super()._insert(values)
        except MissingReference:
            return await super()._insert({**values, "editor_id": None})


class UnknownIsNoRow(mapped("parents")):
    """REFERENCE-1: an update to an author that is not there returns False, as if there were no such book."""

    async def update(self, *key, **values):
        try:
            return await super().update(*key, **values)
        except MissingReference:
            return False


class NoneIsEmpty(records("parents")):
    """REFERENCE-1: a book without a publisher refers to the one whose code is empty."""

    also = "CREATE-3 SATURATE-1 RACE-1"

    async def _insert(self, values):
        return await super()._insert({**values, "publisher": values["publisher"] or ""})


class ParentRequired(mapped("parents")):
    """REFERENCE-1: a book without an editor is refused."""

    also = "CREATE-3 SATURATE-1 RACE-1"

    async def create(self, **values):
        if values["editor_id"] is None:
            raise InvalidValue("a book has an editor")
        return await super().create(**values)


class UnknownIsTaken(records("parents")):
    """REFERENCE-2: every violated constraint is told as a value that is taken."""

    async def _insert(self, values):
        try:
            return await super()._insert(values)
        except MissingReference as error:
            raise Duplicate("there is one already") from error


class UnknownIsUnavailable(mapped("composite_key")):
    """REFERENCE-2: a reference to no row is told as a server that cannot do it now."""

    async def create(self, **values):
        try:
            return await super().create(**values)
        except MissingReference as error:
            raise ConnectionError("try again") from error
