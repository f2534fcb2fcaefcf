"""What belongs to the suite, in the database, is changed or gone."""

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

    verdicts = {}
    statement = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


class ChangesItsRole(_Executes):
    verdicts = {"GET-1": "fail"}
    statement = "SET ROLE pg_read_all_stats"
