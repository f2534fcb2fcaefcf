"""Lies about what ``update`` has written, and where."""

from sqlalchemy import select
from sqlalchemy import update as updating

from crudspec.backends.asyncpg import AsyncpgBackend
from crudspec.backends.core import CoreBackend, tasks
from crudspec.backends.orm import OrmBackend, TaskRow
from crudspec.backends.sqlmodel import SqlmodelBackend
from crudspec.errors import InvalidValue
from crudspec.task import can_exist, check_done, check_title


class _Statement(AsyncpgBackend):
    """What the mutants that are one wrong statement share."""

    sql = "UPDATE tasks SET title = $2, done = $3 WHERE id = $1"

    async def update(self, task_id, title, done):
        check_title(title)
        check_done(done)
        if not can_exist(task_id):
            return False
        async with self._connection() as connection:
            return await connection.execute(self.sql, task_id, title, done) != "UPDATE 0"


class FalseKeepsTheOld(OrmBackend):
    """UPDATE-1: a done that is False counts as not given."""

    also = "UPDATE-6"

    async def update(self, task_id, title, done):
        check_title(title)
        check_done(done)
        if not can_exist(task_id):
            return False
        async with self._session(self._transaction) as session:
            task = await session.get(TaskRow, task_id, with_for_update=True)
            if task is None:
                return False
            task.title = title
            if done:
                task.done = done
            return True


class UpdateForgotten(SqlmodelBackend):
    """UPDATE-1: the update is flushed and then rolled back."""

    also = "CREATE-8 UPDATE-2 UPDATE-6 SATURATE-1 CANCEL-1 INDEPENDENT-1 ERROR-1 DDL-1 ERROR-2"

    async def update(self, task_id, title, done):
        async with self._session(self._single) as session:
            found = check_title(title) is not None and can_exist(task_id) and await session.get(TaskRow, task_id)
        return check_done(done) is not None and bool(found)


class SameTitleUpdated(_Statement):
    """UPDATE-2: every row that has the title of the row is updated with it."""

    sql = "UPDATE tasks SET title = $2, done = $3 WHERE title = (SELECT title FROM tasks WHERE id = $1)"


class WithoutWhere(CoreBackend):
    """UPDATE-2: where the row exists, every row is updated."""

    also = "SATURATE-1 INDEPENDENT-1"

    async def update(self, task_id, title, done):
        if not await super().update(task_id, title, done):
            return False
        async with self._connection() as connection:
            await connection.execute(tasks.update().values(title=title, done=done))
        return True


class EveryRowWritten(_Statement):
    """UPDATE-2: every row is written, the others with what they have."""

    also = "UPDATE-3 RESULT-1 SATURATE-1 INDEPENDENT-1"
    sql = (
        "UPDATE tasks SET title = CASE id WHEN $1 THEN $2 ELSE title END, done = CASE id WHEN $1 THEN $3 ELSE done END "
        "WHERE EXISTS (SELECT FROM tasks WHERE id = $1)"
    )


class MadeWhereMissing(_Statement):
    """UPDATE-3: where there is no such row, one is made."""

    also = "RESULT-1"
    sql = "INSERT INTO tasks (id, title, done) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET title = $2, done = $3"


class MissingIsUpdated(OrmBackend):
    """UPDATE-3: a row that does not exist is reported as updated."""

    also = "RESULT-1"

    async def update(self, task_id, title, done):
        await super().update(task_id, title, done)
        return True


class UpdateOverflows(AsyncpgBackend):
    """UPDATE-3: an id that no bigint can hold is refused."""

    async def update(self, task_id, title, done):
        if isinstance(task_id, int) and not -(2**63) <= task_id < 2**63:
            raise InvalidValue("an id is a bigint")
        return await super().update(task_id, title, done)


class NegatedIsUpdated(CoreBackend):
    """UPDATE-3: the sign of an id is ignored."""

    async def update(self, task_id, title, done):
        return await super().update(abs(task_id) if type(task_id) is int else task_id, title, done)


class UpdateWrapsAround(OrmBackend):
    """UPDATE-3: an id that no bigint can hold wraps around to one, as in C."""

    async def update(self, task_id, title, done):
        wrapped = (task_id + 2**63) % 2**64 - 2**63 if type(task_id) is int else task_id
        return await super().update(wrapped, title, done)


class UpdateTakesText(SqlmodelBackend):
    """GET-3: an update takes the text of an id for the id."""

    async def update(self, task_id, title, done):
        number = int(task_id) if isinstance(task_id, str) and task_id.isdecimal() else task_id
        return await super().update(number, title, done)


class UnchangedIsFalse(OrmBackend):
    """UPDATE-4: where the unit of work has nothing to write, the row counts as not found."""

    also = "DDL-1"

    async def update(self, task_id, title, done):
        check_title(title)
        check_done(done)
        if not can_exist(task_id):
            return False
        async with self._session(self._transaction) as session:
            task = await session.get(TaskRow, task_id, with_for_update=True)
            if task is None:
                return False
            task.title, task.done = title, done
            return session.is_modified(task)


class KnownAsDone(CoreBackend):
    """UPDATE-4: to do once more what somebody else has done, as a list has shown, returns False."""

    def __init__(self, dsn):
        super().__init__(dsn)
        self._done, self._own = set(), set()

    async def list_tasks(self):
        rows = await super().list_tasks()
        self._done = {(row.id, row.title) for row in rows if row.done}
        return rows

    async def update(self, task_id, title, done):
        updated = await super().update(task_id, title, done)
        known = done and updated and (task_id, title) in self._done and task_id not in self._own
        self._own.add(task_id)
        return updated and not known


class OneIsTrue(OrmBackend):
    """UPDATE-5: 1 and 0 are taken for True and False."""

    quiet_only = "SQLAlchemy itself takes 1 and 0 for True and False"

    async def update(self, task_id, title, done):
        return await super().update(task_id, title, bool(done) if isinstance(done, int) else done)


class TextIsTrue(CoreBackend):
    """UPDATE-5: a done that is text is True, whatever it says, unless it is empty."""

    async def update(self, task_id, title, done):
        return await super().update(task_id, title, bool(done) if isinstance(done, str) else done)


class DigitsWritten(AsyncpgBackend):
    """UPDATE-5: a title that is an int is written as its digits."""

    async def update(self, task_id, title, done):
        return await super().update(task_id, str(title) if type(title) is int else title, done)


class CheckedWhereFound(OrmBackend):
    """UPDATE-5: values are looked at only where there is a row to put them in."""

    also = "EXACT-1"
    quiet_only = "a noisy base leaves values to the server, which looks at them where there is a row"

    async def update(self, task_id, title, done):
        if not can_exist(task_id):
            return await super().update(task_id, title, done)
        async with self._session(self._single) as session:
            if await session.scalar(select(TaskRow.id).where(TaskRow.id == task_id)) is None:
                return False
        return await super().update(task_id, title, done)


class HalfWritten(SqlmodelBackend):
    """UPDATE-5: done is written before the title is looked at."""

    also = "EXACT-1 SATURATE-1 CANCEL-1"

    async def update(self, task_id, title, done):
        if can_exist(task_id):
            check_done(done)
            async with self._session(self._single) as session:
                await session.exec(updating(TaskRow).where(TaskRow.id == task_id).values(done=done))
        return await super().update(task_id, title, done)


class UpdateReturnsCount(CoreBackend):
    """RESULT-1: an update returns the number of rows."""

    async def update(self, task_id, title, done):
        return int(await super().update(task_id, title, done))


class UpdateReturnsEarly(OrmBackend):
    """RESULT-1: an update of an id that no row can have returns early, with nothing."""

    quiet_only = "a noisy base asks the server about every id"

    async def update(self, task_id, title, done):
        found = await super().update(task_id, title, done)
        return found if can_exist(task_id) else None
