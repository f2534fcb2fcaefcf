"""Lies about what ``get`` finds."""

from dataclasses import replace

from sqlalchemy import Integer, select, text, type_coerce

from crudspec.backends.asyncpg import AsyncpgBackend
from crudspec.backends.core import CoreBackend, tasks
from crudspec.backends.orm import OrmBackend, TaskRow
from crudspec.backends.sqlmodel import SqlmodelBackend
from crudspec.errors import MissingReference
from crudspec.task import Task, can_exist

_COLUMNS = "id, title, done, created_at"


class FloatKey(AsyncpgBackend):
    """GET-1: the id goes through a float, so above 2**53 a neighbour is looked for."""

    async def get(self, task_id):
        return await super().get(int(float(task_id)) if can_exist(task_id) else task_id)


class MappedAsInt(OrmBackend):
    """GET-1: the id is mapped as INTEGER, which is what ``Mapped[int]`` gives, so a large one is a driver's error."""

    also = "GET-2 HYGIENE-1 ERROR-1"

    async def get(self, task_id):
        if not can_exist(task_id):
            return None
        async with self._session(self._single) as session:
            return await session.scalar(select(TaskRow).where(TaskRow.id == type_coerce(task_id, Integer)))


class MicrosecondsCut(CoreBackend):
    """GET-1: the row from get has lost its microseconds."""

    also = "CREATE-7 GET-4 USABLE-1 HYGIENE-3 SATURATE-1 CANCEL-1 INDEPENDENT-1 DDL-1 LOOP-1"

    async def get(self, task_id):
        row = await super().get(task_id)
        return row and replace(
            row, created_at=row.created_at.replace(microsecond=row.created_at.microsecond // 1000 * 1000)
        )


class GetOfMissingRaises(SqlmodelBackend):
    """GET-2: a row that does not exist is an error, as with ``one()``."""

    also = "GET-4 GET-5 COST-1"

    async def get(self, task_id):
        row = await super().get(task_id)
        if row is None:
            raise MissingReference("no such task")
        return row


class GetOverflows(AsyncpgBackend):
    """GET-2: an id that no bigint can hold is given to the driver."""

    quiet_only = "a noisy base gives every id to its driver"

    async def get(self, task_id):
        can_exist(task_id)
        async with self._connection() as connection:
            row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM tasks WHERE id = $1", task_id)
        return None if row is None else Task(**row)


class NextRow(CoreBackend):
    """GET-2: where a row is missing, the next one is returned."""

    async def get(self, task_id):
        if not can_exist(task_id):
            return None
        statement = tasks.select().where(tasks.c.id >= task_id).order_by(tasks.c.id).limit(1)
        async with self._connection() as connection:
            row = (await connection.execute(statement)).mappings().one_or_none()
        return None if row is None else Task(**row)


class NegatedIsFound(OrmBackend):
    """GET-2: the sign of an id is ignored."""

    async def get(self, task_id):
        return await super().get(abs(task_id) if type(task_id) is int else task_id)


class FoundBy32Bits(CoreBackend):
    """GET-2: where there is no such row, one with the same lower 32 bits is returned."""

    async def get(self, task_id):
        row = await super().get(task_id)
        return row or await super().get(task_id & 0xFFFFFFFF if type(task_id) is int else task_id)


class GetWrapsAround(AsyncpgBackend):
    """GET-2: an id that no bigint can hold wraps around to one, as in C."""

    async def get(self, task_id):
        return await super().get((task_id + 2**63) % 2**64 - 2**63 if type(task_id) is int else task_id)


class GetTakesText(OrmBackend):
    """GET-3: the text of an id is taken for the id."""

    async def get(self, task_id):
        return await super().get(int(task_id) if isinstance(task_id, str) else task_id)


class NoneDropsTheFilter(SqlmodelBackend):
    """GET-3: a filter that is None is dropped, and the first row comes back."""

    async def get(self, task_id):
        if task_id is not None:
            return await super().get(task_id)
        return next(iter(await self.list_tasks()), None)


class MissRemembered(CoreBackend):
    """GET-4: that there was no such row is remembered until this backend creates one."""

    _missed: frozenset[int] = frozenset()

    async def create(self, title):
        row = await super().create(title)
        self._missed -= {row.id}
        return row

    async def get(self, task_id):
        if can_exist(task_id) and task_id in self._missed:
            return None
        row = await super().get(task_id)
        if row is None and can_exist(task_id):
            self._missed |= {task_id}
        return row


class ReadTouches(AsyncpgBackend):
    """GET-5: a read writes the row back, and with it a new row version."""

    async def get(self, task_id):
        if not can_exist(task_id):
            return None
        async with self._connection() as connection:
            row = await connection.fetchrow(f"UPDATE tasks SET done = done WHERE id = $1 RETURNING {_COLUMNS}", task_id)
        return None if row is None else Task(**row)


class ListTidies(OrmBackend):
    """GET-5: a list writes back the rows that it reads."""

    also = "INDEPENDENT-1"

    async def list_tasks(self):
        rows = await super().list_tasks()
        async with self._session(self._single) as session:
            await session.execute(text("UPDATE tasks SET title = title"))
        return rows


class TrueIsOne(AsyncpgBackend):
    """GET-6: True is taken for the id 1."""

    quiet_only = "a noisy base takes True for 1 itself"

    async def get(self, task_id):
        return await super().get(int(task_id) if isinstance(task_id, bool) else task_id)
