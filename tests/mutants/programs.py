"""Lies that need a sequence: no check of a single operation sees them, generated programs do."""

from collections import deque

from crudspec.backends.asyncpg import AsyncpgBackend
from crudspec.backends.core import CoreBackend
from crudspec.backends.orm import OrmBackend
from crudspec.backends.sqlmodel import SqlmodelBackend
from crudspec.task import can_exist, check_done, check_title


class TwinsListedOnce(AsyncpgBackend):
    """PROGRAM-1: of rows with one title, the list shows the last one only."""

    also = "INDEPENDENT-1"

    async def list_tasks(self):
        newest = {row.title: row for row in await super().list_tasks()}
        return sorted(newest.values(), key=lambda row: row.id)


class RepeatTakenForRetry(OrmBackend):
    """PROGRAM-1: an update that was asked for before is taken for a retry and not done again."""

    def __init__(self, dsn):
        super().__init__(dsn)
        self._seen = set()

    async def update(self, task_id, title, done):
        check_title(title)
        check_done(done)
        if can_exist(task_id) and (task_id, title, done) in self._seen:
            return True
        updated = await super().update(task_id, title, done)
        if updated:
            self._seen.add((task_id, title, done))
        return updated

    async def delete(self, task_id):
        deleted = await super().delete(task_id)
        if deleted:
            self._seen = {request for request in self._seen if request[0] != task_id}
        return deleted


class EmptyTitleIsNoRow(SqlmodelBackend):
    """PROGRAM-1: a row with an empty title is taken for one that is not there."""

    async def get(self, task_id):
        row = await super().get(task_id)
        return row if row is not None and row.title else None


class OwnWritesRemembered(AsyncpgBackend):
    """MIX-1: rows are shown as this backend itself has written them, whoever has written since."""

    def __init__(self, dsn):
        super().__init__(dsn)
        self._own = {}

    def _remember(self, row):
        self._own[row.id] = row
        if len(self._own) > 5:
            del self._own[next(iter(self._own))]

    async def create(self, title):
        row = await super().create(title)
        self._remember(row)
        return row

    async def get(self, task_id):
        if can_exist(task_id) and task_id in self._own:
            return self._own[task_id]
        return await super().get(task_id)

    async def list_tasks(self):
        return [self._own.get(row.id, row) for row in await super().list_tasks()]

    async def update(self, task_id, title, done):
        updated = await super().update(task_id, title, done)
        if updated:
            row = await super().get(task_id)
            self._remember(row)
        return updated

    async def delete(self, task_id):
        deleted = await super().delete(task_id)
        if deleted:
            self._own.pop(task_id, None)
        return deleted


class OwnRowsTrusted(CoreBackend):
    """MIX-1: a write to a row that this backend has just created is never in vain, it says."""

    def __init__(self, dsn):
        super().__init__(dsn)
        self._own = deque(maxlen=5)

    async def create(self, title):
        row = await super().create(title)
        self._own.append(row.id)
        return row

    async def update(self, task_id, title, done):
        updated = await super().update(task_id, title, done)
        return updated or (can_exist(task_id) and task_id in self._own)

    async def delete(self, task_id):
        deleted = await super().delete(task_id)
        own = can_exist(task_id) and task_id in self._own
        if own:
            self._own.remove(task_id)
        return deleted or own
