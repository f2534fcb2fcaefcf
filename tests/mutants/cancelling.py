"""Backends that do not stop when they are told to: CANCEL-1."""

import asyncio

from crudspec import Task, Unavailable, can_exist, check_done, check_title
from crudspec.backends.asyncpg import AsyncpgBackend
from crudspec.backends.core import CoreBackend
from crudspec.backends.orm import OrmBackend
from crudspec.backends.sqlmodel import SqlmodelBackend


class SwallowsTheCancellation(AsyncpgBackend):
    """CANCEL-1: a cancelled update returns False."""

    async def update(self, task_id, title, done):
        try:
            return await super().update(task_id, title, done)
        except asyncio.CancelledError:
            return False


class RenamesTheCancellation(CoreBackend):
    """CANCEL-1: a cancelled get raises Unavailable."""

    async def get(self, task_id):
        try:
            return await super().get(task_id)
        except asyncio.CancelledError as error:
            raise Unavailable("interrupted") from error


class TriesOnceMore(CoreBackend):
    """CANCEL-1: a create that was cancelled is tried once more."""

    async def create(self, title):
        try:
            return await super().create(title)
        except asyncio.CancelledError:
            return await super().create(title)


class GoesOn(OrmBackend):
    """CANCEL-1: a cancelled delete is shielded, and goes on behind its caller's back."""

    async def delete(self, task_id):
        return await asyncio.shield(super().delete(task_id))


class HangsUp(AsyncpgBackend):
    """CANCEL-1: a cancelled create hangs up without a word to the server, where the statement waits on."""

    async def create(self, title):
        sql = "INSERT INTO tasks (title) VALUES ($1) RETURNING id, title, done, created_at"
        check_title(title)
        async with self._connection() as connection:
            work = asyncio.ensure_future(connection.fetchrow(sql, title))
            try:
                return Task(**await asyncio.shield(work))
            except asyncio.CancelledError:
                connection.terminate()
                await asyncio.gather(work, return_exceptions=True)
                raise


class WritesLater(SqlmodelBackend):
    """CANCEL-1: a cancelled delete is done all the same, a moment later."""

    async def delete(self, task_id):
        try:
            return await super().delete(task_id)
        except asyncio.CancelledError:
            self._later = asyncio.ensure_future(self._delete(task_id))
            raise

    async def _delete(self, task_id):
        await asyncio.sleep(0.05)
        await super().delete(task_id)


class HalfAnUpdate(AsyncpgBackend):
    """CANCEL-1: an update is two statements, each committed by itself, and a cancellation comes between them."""

    also = "SATURATE-1"

    async def update(self, task_id, title, done):
        check_title(title)
        check_done(done)
        if not can_exist(task_id):
            return False
        async with self._connection() as connection:
            await connection.execute("UPDATE tasks SET title = $2 WHERE id = $1", task_id, title)
            status = await connection.execute("UPDATE tasks SET done = $2 WHERE id = $1", task_id, done)
        return status == "UPDATE 1"


class PoisonsTheNext(AsyncpgBackend):
    """CANCEL-1: the request to stop a cancelled update comes too late, and stops the next operation."""

    _late = False

    async def update(self, task_id, title, done):
        try:
            return await super().update(task_id, title, done)
        except asyncio.CancelledError:
            self._late = True
            raise

    def _connection(self):
        if self._late:
            self._late = False
            raise Unavailable("canceling statement due to user request")
        return super()._connection()


class StopsStopping(OrmBackend):
    """CANCEL-2: an update that is cancelled again while it stops lets its statement wait for the lock, and write."""

    update = vars(OrmBackend)["update"].__wrapped__
