"""Backends that are raced: right ones that hold their connections in ways of their own, and some that are wrong."""

import asyncio
from contextlib import asynccontextmanager, contextmanager
from typing import ClassVar

import asyncpg
import psycopg
from psycopg.rows import class_row

from crudspec import CrudError, Task, Unavailable
from crudspec.backends.asyncpg import AsyncpgBackend
from crudspec.backends.orm import OrmBackend

COLUMNS = "id, title, done, created_at"


class PerCall:
    """psycopg in threads, a connection for each call, a transaction for each statement."""

    def __init__(self, dsn):
        self._dsn = dsn

    @classmethod
    @contextmanager
    def connect(cls, dsn):
        yield cls(dsn)

    def _run(self, sql, *args):
        with (
            psycopg.connect(self._dsn, connect_timeout=10) as connection,
            connection.transaction(),
            connection.cursor(row_factory=class_row(Task)) as cursor,
        ):
            cursor.execute(sql, args)
            return cursor.fetchone() if cursor.description else cursor.rowcount == 1

    def create(self, title):
        return self._run(f"INSERT INTO tasks (title) VALUES (%s) RETURNING {COLUMNS}", title)

    def get(self, task_id):
        return self._run(f"SELECT {COLUMNS} FROM tasks WHERE id = %s", task_id)

    def update(self, task_id, title, done):
        return self._run("UPDATE tasks SET title = %s, done = %s WHERE id = %s", title, done, task_id)

    def delete(self, task_id):
        return self._run("DELETE FROM tasks WHERE id = %s", task_id)


class PerCallLooks(PerCall):
    """Says that it deleted what it found."""

    def delete(self, task_id):
        return self.get(task_id) is not None and (super().delete(task_id) or True)


_alone = asyncio.Lock()


class OneAtATime(AsyncpgBackend):
    """One lock for the whole process."""

    async def create(self, title):
        async with _alone:
            return await super().create(title)

    async def get(self, task_id):
        async with _alone:
            return await super().get(task_id)

    async def update(self, task_id, title, done):
        async with _alone:
            return await super().update(task_id, title, done)

    async def delete(self, task_id):
        async with _alone:
            return await super().delete(task_id)


class OneConnection(OrmBackend):
    """A pool of one."""

    pool_size = 1


class KeepsHouse(AsyncpgBackend):
    """Has a connection of its own; an update to 'a' leaves something under way there that takes for ever."""

    own: asyncpg.Connection
    ASKS = "DO $$ BEGIN RAISE NOTICE 'under way'; PERFORM pg_sleep(3600); END $$"

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        async with super().connect(dsn) as backend:
            backend.own = await asyncpg.connect(dsn)
            try:
                yield backend
            finally:
                backend.own.terminate()

    async def update(self, task_id, title, done):
        updated = await super().update(task_id, title, done)
        if title == "a":
            under_way = asyncio.Event()
            self.own.add_log_listener(lambda *_: under_way.set())
            self.asked = asyncio.gather(self.own.execute(self.ASKS), return_exceptions=True)
            await under_way.wait()
        return updated


class WritesWhatChanged(AsyncpgBackend):
    """Reads the row, then writes the columns that it has seen change, without ever waiting for a lock."""

    async def update(self, task_id, title, done):
        row = await self.get(task_id)
        if row is None:
            return False
        async with self._connection() as connection:
            if row.title != title:
                await connection.execute("UPDATE tasks SET title = $2 WHERE id = $1", task_id, title)
            if row.done != done:
                await connection.execute("UPDATE tasks SET done = $2 WHERE id = $1", task_id, done)
        return True


class Hangs(OrmBackend):
    """Where two delete at once, each waits for a lock that nobody will let go of; no timeout helps."""

    deleting = 0

    async def delete(self, task_id):
        Hangs.deleting += 1
        try:
            if Hangs.deleting > 1:
                await asyncio.Event().wait()
            return await super().delete(task_id)
        finally:
            Hangs.deleting -= 1


class HangsUnderAnotherName(Hangs):
    """Catches everything, and so the end of its time, too."""

    async def delete(self, task_id):
        try:
            return await super().delete(task_id)
        except asyncio.CancelledError:
            raise Unavailable("no answer") from None


class Versioned(AsyncpgBackend):
    """Optimistic: an update that finds the row changed since it looked is refused, as its caller may try again."""

    async def update(self, task_id, title, done):
        row = await self.get(task_id)
        if row is None:
            return False
        sql = "UPDATE tasks SET title = $2, done = $3 WHERE id = $1 AND title = $4 AND done = $5"
        async with self._connection() as connection:
            if await connection.execute(sql, task_id, title, done, row.title, row.done) == "UPDATE 1":
                return True
        raise CrudError("somebody else has changed the row")


class VersionedByHalves(Versioned):
    """Has written the title when it refuses."""

    async def update(self, task_id, title, done):
        try:
            return await super().update(task_id, title, done)
        except CrudError:
            async with self._connection() as connection:
                await connection.execute("UPDATE tasks SET title = $2 WHERE id = $1", task_id, title)
            raise


class RefusesTheSecond(AsyncpgBackend):
    """Refuses an update while another one is under way, where plain SQL waits."""

    busy = False

    async def update(self, task_id, title, done):
        if self.busy:
            raise Unavailable("busy")
        self.busy = True
        try:
            return await super().update(task_id, title, done)
        finally:
            self.busy = False


class RefusesBoth(AsyncpgBackend):
    """Of two updates that meet, both are refused."""

    under_way: ClassVar = set()
    met: ClassVar = set()

    async def update(self, task_id, title, done):
        me = object()
        self.under_way.add(me)
        if len(self.under_way) > 1:
            self.met.update(self.under_way)
        try:
            await self.get(task_id)
            if me in self.met:
                raise Unavailable("somebody else is about")
            return await super().update(task_id, title, done)
        finally:
            self.under_way.discard(me)


class RefusesAlways(AsyncpgBackend):
    """No update works."""

    async def update(self, task_id, title, done):
        raise Unavailable("not today")


class TellsLittle(AsyncpgBackend):
    """Its rows have no time and a title in bytes; a delete does not tell whether it found something."""

    def _short(self, task):
        return task and {"id": task.id, "title": task.title.encode(), "done": task.done}

    async def create(self, title):
        return self._short(await super().create(title))

    async def get(self, task_id):
        return self._short(await super().get(task_id))

    async def delete(self, task_id):
        await super().delete(task_id)


class TellsLittleAndBringsItBack(TellsLittle):
    """And an update that has found the row puts it back, if it was deleted meanwhile."""

    async def update(self, task_id, title, done):
        if await self.get(task_id) is None:
            return False
        upsert = (
            "INSERT INTO tasks (id, title, done) OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3) "
            "ON CONFLICT (id) DO UPDATE SET title = excluded.title, done = excluded.done"
        )
        async with self._connection() as connection:
            await connection.execute(upsert, task_id, title, done)
        return True


class HangsUp(AsyncpgBackend):
    """Hangs up on a delete that is under way, and that comes to its end all the same."""

    def __init__(self, dsn):
        super().__init__(dsn)
        self._dsn = dsn

    async def delete(self, task_id):
        connection = await asyncpg.connect(self._dsn)
        under_way = asyncio.Event()
        connection.add_log_listener(lambda *_: under_way.set())
        slowly = f"RAISE NOTICE 'under way'; PERFORM pg_sleep(0.3); DELETE FROM tasks WHERE id = {task_id}"
        asked = asyncio.gather(connection.execute(f"DO $$ BEGIN {slowly}; END $$"), return_exceptions=True)
        await under_way.wait()
        connection.terminate()
        await asked
        raise Unavailable("it took too long")
