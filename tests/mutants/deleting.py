"""Lies about what ``delete`` has removed."""

from sqlalchemy import delete as deleting

from crudspec.backends.asyncpg import AsyncpgBackend
from crudspec.backends.core import CoreBackend, tasks
from crudspec.backends.orm import OrmBackend, TaskRow
from crudspec.backends.sqlmodel import SqlmodelBackend
from crudspec.errors import InvalidValue, MissingReference
from crudspec.task import can_exist


class _Statement(AsyncpgBackend):
    """What the mutants that are one wrong statement share."""

    sql = "DELETE FROM tasks WHERE id = $1"

    async def delete(self, task_id):
        if not can_exist(task_id):
            return False
        async with self._connection() as connection:
            return await connection.execute(self.sql, task_id) != "DELETE 0"


class SameTitleDeleted(_Statement):
    """DELETE-1: every row that has the title of the row is deleted with it."""

    sql = "DELETE FROM tasks WHERE title = (SELECT title FROM tasks WHERE id = $1)"


class EarlierRowsRewritten(OrmBackend):
    """DELETE-1: a delete writes the rows before it, too, with what they have."""

    also = "INDEPENDENT-1"

    async def delete(self, task_id):
        deleted = await super().delete(task_id)
        if deleted:
            async with self._session(self._single) as session:
                await session.execute(tasks.update().where(tasks.c.id < task_id).values(title=tasks.c.title))
        return deleted


class MovedAway(CoreBackend):
    """DELETE-1: the row is kept, hidden under its negative id."""

    async def delete(self, task_id):
        if not can_exist(task_id):
            return False
        async with self._connection() as connection:
            statement = tasks.update().where(tasks.c.id == task_id).values(id=-tasks.c.id)
            return (await connection.execute(statement)).rowcount == 1

    async def list_tasks(self):
        return [row for row in await super().list_tasks() if row.id > 0]


class DeleteForgotten(OrmBackend):
    """DELETE-1: the delete is flushed and then rolled back."""

    also = "CREATE-8 GET-2 DELETE-2 RACE-1 ERROR-1"

    async def delete(self, task_id):
        if not can_exist(task_id):
            return False
        async with self._session(self._transaction) as session:
            deleted = await session.scalar(deleting(TaskRow).where(TaskRow.id == task_id).returning(TaskRow.id))
            await session.rollback()
        return deleted is not None


class DeleteOfMissingRaises(SqlmodelBackend):
    """DELETE-2: a row that does not exist is an error."""

    also = "RESULT-1 RACE-1 DDL-1 COST-1"

    async def delete(self, task_id):
        if not await super().delete(task_id):
            raise MissingReference("no such task")
        return True


class MissingIsDeleted(AsyncpgBackend):
    """DELETE-2: a row that does not exist is reported as deleted."""

    also = "RESULT-1 RACE-1 DDL-1"

    async def delete(self, task_id):
        await super().delete(task_id)
        return True


class DeleteOverflows(CoreBackend):
    """DELETE-2: an id that no bigint can hold is refused."""

    async def delete(self, task_id):
        if isinstance(task_id, int) and not -(2**63) <= task_id < 2**63:
            raise InvalidValue("an id is a bigint")
        return await super().delete(task_id)


class NegatedIsDeleted(AsyncpgBackend):
    """DELETE-2: the sign of an id is ignored."""

    async def delete(self, task_id):
        return await super().delete(abs(task_id) if type(task_id) is int else task_id)


class DeleteWrapsAround(SqlmodelBackend):
    """DELETE-2: an id that no bigint can hold wraps around to one, as in C."""

    async def delete(self, task_id):
        return await super().delete((task_id + 2**63) % 2**64 - 2**63 if type(task_id) is int else task_id)


class DeleteTakesText(OrmBackend):
    """GET-3: a delete takes the text of an id for the id."""

    async def delete(self, task_id):
        return await super().delete(int(task_id) if isinstance(task_id, str) and task_id.isdecimal() else task_id)


class DeleteCutsFloat(AsyncpgBackend):
    """GET-3: a float is cut to an id, and a stranger's row is gone."""

    quiet_only = "asyncpg itself cuts a float"

    async def delete(self, task_id):
        return await super().delete(int(task_id) if isinstance(task_id, float) else task_id)


class DeleteOfNoneIsAll(CoreBackend):
    """GET-3: a filter that is None is dropped, and every row is deleted."""

    also = "HYGIENE-3 ERROR-1"

    async def delete(self, task_id):
        if task_id is not None:
            return await super().delete(task_id)
        async with self._connection() as connection:
            return (await connection.execute(tasks.delete())).rowcount > 0


class ReadMeansThere(SqlmodelBackend):
    """DELETE-2: a row that was read before is reported as deleted, though somebody else has deleted it since."""

    def __init__(self, dsn):
        super().__init__(dsn)
        self._read: set[int] = set()

    async def get(self, task_id):
        row = await super().get(task_id)
        if row is not None:
            self._read.add(task_id)
        return row

    async def delete(self, task_id):
        deleted = await super().delete(task_id)
        if not can_exist(task_id) or task_id not in self._read:
            return deleted
        self._read.discard(task_id)
        return True


class DeleteReturnsNone(CoreBackend):
    """RESULT-1: where there was no such row, a delete returns None."""

    async def delete(self, task_id):
        return await super().delete(task_id) or None
