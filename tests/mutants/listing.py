"""Lies about what ``list_tasks`` shows."""

from collections.abc import Sequence
from typing import Any

from crudspec.backends.asyncpg import AsyncpgBackend
from crudspec.backends.core import CoreBackend, tasks
from crudspec.backends.orm import OrmBackend
from crudspec.task import Task


class _Ordered(CoreBackend):
    """What the mutants about order share."""

    order = ()

    async def list_tasks(self):
        async with self._connection() as connection:
            result = await connection.execute(tasks.select().order_by(*self.order))
        return [Task(**row) for row in result.mappings()]


class Capped(AsyncpgBackend):
    """LIST-1: the list ends after a hundred rows."""

    async def list_tasks(self):
        return (await super().list_tasks())[:100]


class NotOrdered(_Ordered):
    """LIST-1: rows come as they lie in the heap."""

    also = "LIST-2 LIST-3 INDEPENDENT-1"


class OpenOnly(OrmBackend):
    """LIST-1: what is done is not listed."""

    also = "LIST-3 INDEPENDENT-1"

    async def list_tasks(self):
        return [row for row in await super().list_tasks() if not row.done]


class EmptyIsNone(AsyncpgBackend):
    """LIST-1: where there are no rows, the list is None."""

    async def list_tasks(self):
        return await super().list_tasks() or None


class Generated(CoreBackend):
    """LIST-1: a generator is returned, which can be read once."""

    also = "CREATE-7 LIST-2 LIST-3 UPDATE-6 INDEPENDENT-1"

    async def list_tasks(self):
        rows = await super().list_tasks()
        return (row for row in rows)


class OneListForAll(AsyncpgBackend):
    """LIST-2: each call refills one and the same list."""

    def __init__(self, dsn):
        super().__init__(dsn)
        self._listed = []

    async def list_tasks(self):
        self._listed[:] = await super().list_tasks()
        return self._listed


class CacheGivenAway(OrmBackend):
    """LIST-2: a cache is kept until a row changes, and is what the caller gets."""

    _stored = None
    _listed: Sequence[Any] = ()

    async def list_tasks(self):
        rows = await super().list_tasks()
        stored = [(row.id, row.title, row.done) for row in rows]
        if stored != self._stored:
            self._stored, self._listed = stored, rows
        return self._listed


class RefreshedByCount(AsyncpgBackend):
    """LIST-3: the list is read anew only when this backend wrote or the number of rows is another one."""

    _count = -1
    _listed: Sequence[Any] = ()

    async def list_tasks(self):
        async with self._connection() as connection:
            count = await connection.fetchval("SELECT count(*) + coalesce(max(id), 0) FROM tasks")
        if count != self._count:
            self._listed = await super().list_tasks()
            self._count = count
        return list(self._listed)

    async def update(self, task_id, title, done):
        self._count = -1
        return await super().update(task_id, title, done)
