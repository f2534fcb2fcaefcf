"""What belongs to the suite, in the database, is changed or gone."""

import contextlib
from contextlib import asynccontextmanager

import asyncpg
from tests.hostile.ends import _Good


class _Executes(_Good):
    statement = ""

    async def get(self, task_id):
        async with self._pool.acquire() as connection:
            await connection.execute(self.statement)
        return await super().get(task_id)


class DropsTheTable(_Executes):
    verdicts = {"GET-1": "fail"}
    statement = "DROP TABLE IF EXISTS tasks"


class ChangesTheTable(_Executes):
    verdicts = {"GET-1": "fail"}
    statement = "ALTER TABLE tasks RENAME COLUMN title TO heading"


class EndsEveryConnection(_Executes):
    """Those of the suite, too."""

    verdicts = {"GET-1": "fail"}
    statement = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


class ChangesItsRole(_Executes):
    verdicts = {"GET-1": "fail"}
    statement = "SET ROLE pg_read_all_stats"


class TakesAllConnections(_Good):
    """As many as the server has; nobody else gets one, the suite included."""

    verdicts = {}
    taken: list = []

    async def get(self, task_id):
        with contextlib.suppress(asyncpg.PostgresError):
            while True:
                self.taken.append(await asyncpg.connect(self.dsn))
        return await super().get(task_id)

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        async with _Good.connect(dsn) as backend:
            backend.__class__ = cls
            backend.dsn = dsn
            yield backend
