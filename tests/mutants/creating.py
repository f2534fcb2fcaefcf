"""Lies about what ``create`` has stored."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col

from crudspec.backends.asyncpg import AsyncpgBackend
from crudspec.backends.common import named
from crudspec.backends.core import CoreBackend, tasks
from crudspec.backends.orm import OrmBackend, TaskRow
from crudspec.backends.sqlmodel import SqlmodelBackend
from crudspec.backends.sqlmodel import TaskRow as SqlmodelRow
from crudspec.errors import Duplicate
from crudspec.task import Task, can_exist, check_done, check_title


class CommitForgotten(OrmBackend):
    """CREATE-1: the row is flushed and then rolled back."""

    also = (
        "CREATE-2 CREATE-3 CREATE-5 CREATE-6 CREATE-7 CREATE-8 USABLE-1 "
        "SATURATE-1 CANCEL-1 INDEPENDENT-1 RACE-1 ERROR-1 DDL-1 LOOP-1"
    )

    async def create(self, title):
        task = TaskRow(title=check_title(title), done=False)
        async with self._session(self._transaction) as session:
            session.add(task)
            await session.flush()
            session.expunge(task)
            await session.rollback()
        return task


class ReturningDropped(AsyncpgBackend):
    """CREATE-1: the returned row is made up from the argument and the client's clock."""

    also = "CREATE-2 CREATE-6 CREATE-7 USABLE-1 SATURATE-1 CANCEL-1 RACE-1 DDL-1 LOOP-1"

    async def create(self, title):
        return replace(await super().create(title), created_at=datetime.now(UTC))


class LookedUpByTitle(CoreBackend):
    """CREATE-1: the row is looked up after the INSERT, as the newest one with that title."""

    also = "RACE-1"

    async def create(self, title):
        await super().create(title)
        statement = tasks.select().where(tasks.c.title == title).order_by(tasks.c.created_at.desc()).limit(1)
        async with self._connection() as connection:
            return Task(**(await connection.execute(statement)).mappings().one())


class OldestOfTheTitle(CoreBackend):
    """CREATE-6: the row is looked up after the INSERT, as the first open one with that title."""

    # Wherever two rows have the same values: CREATE-1 also asks beside older rows of others.
    also = "CREATE-1 CREATE-5 USABLE-1 CANCEL-1 INDEPENDENT-1 RACE-1"

    async def create(self, title):
        await super().create(title)
        statement = tasks.select().where(tasks.c.title == title, ~tasks.c.done).order_by(tasks.c.id).limit(1)
        async with self._connection() as connection:
            return Task(**(await connection.execute(statement)).mappings().one())


class MergedByTitle(SqlmodelBackend):
    """CREATE-6: a row with that title that is there already is returned, and none is made."""

    also = "CREATE-1 CREATE-5 CREATE-8 USABLE-1 SATURATE-1 CANCEL-1 RACE-1 INDEPENDENT-1 ERROR-2 LOOP-1"

    async def create(self, title):
        check_title(title)
        async with self._session(self._single) as session:
            statement = select(SqlmodelRow).where(col(SqlmodelRow.title) == title).limit(1)
            found = await session.scalar(statement)
        return found or await super().create(title)


class TitlesUnique(AsyncpgBackend):
    """CREATE-6: a title that is taken is refused as a duplicate."""

    also = (
        "CREATE-1 CREATE-2 CREATE-5 CREATE-8 USABLE-1 SATURATE-1 CANCEL-1 INDEPENDENT-1 RACE-1 "
        "ERROR-1 ERROR-2 DDL-1 LOOP-1 COST-1"
    )

    async def create(self, title):
        check_title(title)
        async with self._connection() as connection:
            if await connection.fetchval("SELECT count(*) FROM tasks WHERE title = $1", title):
                raise Duplicate("there is a task with this title")
        return await super().create(title)


class SequenceRewound(AsyncpgBackend):
    """CREATE-5: a delete sets the sequence back, so that no id is wasted."""

    also = "DDL-1"

    async def delete(self, task_id):
        deleted = await super().delete(task_id)
        if deleted:
            async with self._connection() as connection:
                await connection.execute(
                    "SELECT setval(pg_get_serial_sequence('tasks', 'id'), coalesce(max(id), 0) + 1, false) FROM tasks"
                )
        return deleted


class WrappedId(AsyncpgBackend):
    """CREATE-5: the new row's id is cut to 32 bits."""

    async def create(self, title):
        row = await super().create(title)
        return replace(row, id=row.id & 0x7FFFFFFF)


class CommitLeftToATask(OrmBackend):
    """CREATE-8: the COMMIT is waited for only a while, then left to a task of its own."""

    async def create(self, title):
        task = TaskRow(title=check_title(title), done=False)
        session, commit = self._transaction(), None
        try:
            session.add(task)
            await session.flush()
            commit = asyncio.ensure_future(self._commit(session))
            await asyncio.wait({commit}, timeout=0.06)
            if commit.done():
                commit.result()
        except SQLAlchemyError as error:
            raise named(error, self._errors) from error
        finally:
            if commit is None:
                await session.close()
        return task

    async def _commit(self, session):
        async with session:
            await session.commit()


class UpdateCommitSuppressed(SqlmodelBackend):
    """CREATE-8: an update whose COMMIT fails is reported as a success."""

    also = "ERROR-1"

    async def update(self, task_id, title, done):
        check_title(title)
        check_done(done)
        if not can_exist(task_id):
            return False
        async with self._session(self._transaction) as session:
            task = await session.get(SqlmodelRow, task_id, with_for_update=True)
            if task is None:
                return False
            task.title, task.done = title, done
            await session.flush()
            try:
                await session.commit()
            except SQLAlchemyError:
                await session.rollback()
            return True
