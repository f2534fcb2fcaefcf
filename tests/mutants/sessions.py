"""Lies that come with a unit of work: identity maps, expired attributes, columns that look unchanged."""

from sqlalchemy import inspect, select
from sqlalchemy.ext.asyncio import async_sessionmaker
from sqlalchemy.orm import load_only, make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value

from crudspec.backends.asyncpg import AsyncpgBackend
from crudspec.backends.core import CoreBackend, tasks
from crudspec.backends.orm import OrmBackend, TaskRow
from crudspec.backends.sqlmodel import SqlmodelBackend
from crudspec.backends.sqlmodel import TaskRow as SqlmodelRow
from crudspec.task import can_exist, check_done, check_title


class ExpiredRow(OrmBackend):
    """CREATE-1: the COMMIT expires the row, and its session is closed when the caller looks at it."""

    also = (
        "CREATE-2 CREATE-3 CREATE-5 CREATE-6 CREATE-7 USABLE-1 HYGIENE-1 "
        "SATURATE-1 CANCEL-1 INDEPENDENT-1 RACE-1 DDL-1 LOOP-1 SCHEMA-2"
    )

    async def create(self, title):
        task = TaskRow(title=check_title(title), done=False)
        async with self._session(async_sessionmaker(self._engine)) as session:
            session.add(task)
        return task


class ColumnLeftOut(OrmBackend):
    """LIST-1: a column of a list is loaded when it is first read, from a session that is closed."""

    also = "CREATE-7 LIST-2 LIST-3 UPDATE-6 INDEPENDENT-1"

    async def list_tasks(self):
        columns = load_only(TaskRow.id, TaskRow.title, TaskRow.done)
        async with self._session(self._single) as session:
            return (await session.scalars(select(TaskRow).options(columns).order_by(TaskRow.id))).all()


class RowsShared(AsyncpgBackend):
    """CREATE-7: each row is one dict, handed to everybody and brought up to date by every get."""

    def __init__(self, dsn):
        super().__init__(dsn)
        self._rows = {}

    async def get(self, task_id):
        row = await super().get(task_id)
        if row is None:
            return None
        shared = self._rows.setdefault(row.id, {})
        shared.update(id=row.id, title=row.title, done=row.done, created_at=row.created_at)
        return shared


class RowsAlive(OrmBackend):
    """CREATE-7: rows from get stay in the session, so what the caller does to them is stored with the next create."""

    def __init__(self, dsn):
        super().__init__(dsn)
        self._rows = []

    async def get(self, task_id):
        row = await super().get(task_id)
        if row is not None:
            self._rows.append(row)
        return row

    async def create(self, title):
        rows, self._rows = self._rows, []
        task = TaskRow(title=check_title(title), done=False)
        async with self._session(self._single) as session:
            session.add_all([task, *{row.id: row for row in rows if inspect(row).modified}.values()])
        return task


class IdentityMapKept(OrmBackend):
    """GET-4: a session's identity map outlives it, and answers for the row that was read last."""

    also = "HYGIENE-3"
    _known = None

    async def get(self, task_id):
        if not can_exist(task_id):
            return None
        async with self._session(self._single) as session:
            if self._known is not None:
                known = TaskRow(**self._known)
                make_transient_to_detached(known)
                session.add(known)
            row = await session.get(TaskRow, task_id)
        names = ("id", "title", "done", "created_at")
        self._known = {name: getattr(row, name) for name in names} if row is not None else None
        return row

    async def update(self, task_id, title, done):
        self._known = None
        return await super().update(task_id, title, done)

    async def delete(self, task_id):
        self._known = None
        return await super().delete(task_id)


class ColumnsThoughtUnchanged(OrmBackend):
    """UPDATE-6: what a list has shown last counts as what is stored, and only what differs from it is written."""

    def __init__(self, dsn):
        super().__init__(dsn)
        self._listed = {}

    async def list_tasks(self):
        rows = await super().list_tasks()
        self._listed = {row.id: (row.title, row.done) for row in rows}
        return rows

    async def update(self, task_id, title, done):
        check_title(title)
        check_done(done)
        if not can_exist(task_id):
            return False
        async with self._session(self._transaction) as session:
            task = await session.get(TaskRow, task_id, with_for_update=True)
            if task is None:
                return False
            if task_id in self._listed:
                known_title, known_done = self._listed.pop(task_id)
                set_committed_value(task, "title", known_title)
                set_committed_value(task, "done", known_done)
            task.title, task.done = title, done
            return True


class FoundAsListed(CoreBackend):
    """UPDATE-6: a row that a list has shown must still have that title, or it counts as not found."""

    def __init__(self, dsn):
        super().__init__(dsn)
        self._listed = {}

    async def list_tasks(self):
        rows = await super().list_tasks()
        self._listed = {row.id: row.title for row in rows}
        return rows

    async def update(self, task_id, title, done):
        check_title(title)
        check_done(done)
        if not can_exist(task_id):
            return False
        here = [tasks.c.id == task_id]
        if task_id in self._listed:
            here.append(tasks.c.title == self._listed.pop(task_id))
        async with self._connection() as connection:
            result = await connection.execute(tasks.update().where(*here).values(title=title, done=done))
        return result.rowcount == 1


class MergedBack(SqlmodelBackend):
    """UPDATE-3: a row that was read before is merged into the session, which makes it anew where it is gone."""

    def __init__(self, dsn):
        super().__init__(dsn)
        self._read = {}

    async def get(self, task_id):
        row = await super().get(task_id)
        if row is not None:
            self._read = {task_id: row.created_at}
        return row

    async def update(self, task_id, title, done):
        check_title(title)
        check_done(done)
        if not can_exist(task_id) or task_id not in self._read:
            return await super().update(task_id, title, done)
        async with self._session(self._transaction) as session:
            await session.merge(SqlmodelRow(id=task_id, title=title, done=done, created_at=self._read[task_id]))
        return True

    async def delete(self, task_id):
        if can_exist(task_id):
            self._read.pop(task_id, None)
        return await super().delete(task_id)
