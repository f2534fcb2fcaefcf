"""The second way: SQLAlchemy Core. A table described in Python, statements built from it, rows.

Every operation is one statement on a connection in AUTOCOMMIT, so no BEGIN and COMMIT travel around it and one
round trip is the whole cost.
"""

from collections.abc import Sequence
from typing import ClassVar

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Identity, MetaData, String, Table, false, func

from crudspec.backends.common import MAX_TITLE, EngineBackend, Task, can_exist, check_done, check_title, settled

tasks = Table(
    "tasks",
    MetaData(),
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("title", String(MAX_TITLE), nullable=False),
    Column("done", Boolean, nullable=False, server_default=false()),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)


class CoreBackend(EngineBackend):
    """Tasks through SQLAlchemy Core on ``asyncpg``."""

    metadata = tasks.metadata
    round_trips: ClassVar = {"create": 1, "get": 1, "list_tasks": 1, "update": 1, "delete": 1}

    def __init__(self, dsn: str) -> None:
        """Describe the engine; :meth:`connect` opens it."""
        super().__init__(dsn, isolation_level="AUTOCOMMIT")

    @settled
    async def create(self, title: str) -> Task:
        """Store a task that is not done; returns it as stored."""
        check_title(title)
        statement = tasks.insert().values(title=title).returning(tasks)
        async with self._connection() as connection:
            result = await connection.execute(statement)
            return Task(**result.mappings().one())

    @settled
    async def get(self, task_id: int) -> Task | None:
        """Return the row, or None."""
        if not can_exist(task_id):
            return None
        statement = tasks.select().where(tasks.c.id == task_id)
        async with self._connection() as connection:
            result = await connection.execute(statement)
        row = result.mappings().one_or_none()
        return None if row is None else Task(**row)

    @settled
    async def list_tasks(self) -> Sequence[Task]:
        """Return every row in ascending id order."""
        statement = tasks.select().order_by(tasks.c.id)
        async with self._connection() as connection:
            result = await connection.execute(statement)
        return [Task(**row) for row in result.mappings()]

    @settled
    async def update(self, task_id: int, title: str, done: bool) -> bool:
        """Set both values; False if there is no such row."""
        check_title(title)
        check_done(done)
        if not can_exist(task_id):
            return False
        statement = tasks.update().where(tasks.c.id == task_id).values(title=title, done=done)
        async with self._connection() as connection:
            result = await connection.execute(statement)
        return result.rowcount == 1

    @settled
    async def delete(self, task_id: int) -> bool:
        """Remove the row; False if this call did not."""
        if not can_exist(task_id):
            return False
        statement = tasks.delete().where(tasks.c.id == task_id)
        async with self._connection() as connection:
            result = await connection.execute(statement)
        return result.rowcount == 1
