"""Lies about ``created_at``."""

from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import func

from crudspec.backends.asyncpg import AsyncpgBackend
from crudspec.backends.core import CoreBackend, tasks
from crudspec.backends.orm import OrmBackend, TaskRow
from crudspec.backends.sqlmodel import SqlmodelBackend
from crudspec.backends.sqlmodel import TaskRow as SqlmodelRow
from crudspec.task import Task, check_title

_LOADED = datetime.now(UTC)


class ClientClock(SqlmodelBackend):
    """CREATE-2: the client's clock says when a row was created."""

    async def create(self, title):
        task = SqlmodelRow(title=check_title(title), created_at=datetime.now(UTC))
        async with self._session(self._single) as session:
            session.add(task)
        return task


class DefaultEvaluatedOnce(OrmBackend):
    """CREATE-2: every row was created when the module was loaded."""

    async def create(self, title):
        task = TaskRow(title=check_title(title), done=False, created_at=_LOADED)
        async with self._session(self._single) as session:
            session.add(task)
        return task


class CreatedDone(AsyncpgBackend):
    """CREATE-2: a new task is done."""

    also = "CREATE-8"

    async def create(self, title):
        check_title(title)
        async with self._connection() as connection:
            row = await connection.fetchrow(
                "INSERT INTO tasks (title, done) VALUES ($1, true) RETURNING id, title, done, created_at", title
            )
        return Task(**row)


class NaiveInLists(AsyncpgBackend):
    """LIST-1: the times in a list have lost their zone."""

    also = "CREATE-7 LIST-2 LIST-3 UPDATE-6 INDEPENDENT-1"

    async def list_tasks(self):
        return [replace(row, created_at=row.created_at.replace(tzinfo=None)) for row in await super().list_tasks()]


class UpdateResetsCreatedAt(CoreBackend):
    """UPDATE-1: an update stores the default of created_at once more."""

    also = "UPDATE-4 UPDATE-6 SATURATE-1 INDEPENDENT-1 DDL-1"

    async def update(self, task_id, title, done):
        updated = await super().update(task_id, title, done)
        if updated:
            async with self._connection() as connection:
                await connection.execute(tasks.update().where(tasks.c.id == task_id).values(created_at=func.now()))
        return updated
