"""The third way: SQLAlchemy ORM. A mapped class, a session per operation, the unit of work.

What creates or reads is one statement and runs in AUTOCOMMIT: one round trip. What changes a row is a read and
a write, needs a transaction around both and a lock on the row, and costs four. (An ORM-enabled
``update(TaskRow).where(...)`` would cost one, and is Core by another name: see the second way.)
"""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from sqlalchemy import BigInteger, DateTime, Identity, String, false, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from crudspec.backends.common import MAX_TITLE, EngineBackend, can_exist, check_done, check_title, settled


class Base(DeclarativeBase):
    """The declarative base, with a metadata of its own."""


class TaskRow(Base):
    """One row. Callers get it detached and fully loaded, a plain value: no session will ever look at it again."""

    __tablename__ = "tasks"

    # BigInteger is not what Mapped[int] gives: as INTEGER, an id over 2**31 is an error instead of no row.
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    title: Mapped[str] = mapped_column(String(MAX_TITLE))
    done: Mapped[bool] = mapped_column(server_default=false())
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class OrmBackend(EngineBackend):
    """Tasks through SQLAlchemy ORM sessions on ``asyncpg``."""

    metadata = Base.metadata
    round_trips: ClassVar = {"create": 1, "get": 1, "list_tasks": 1, "update": 4, "delete": 4}

    def __init__(self, dsn: str) -> None:
        """Describe the engine and the sessions on its one pool; :meth:`connect` opens them."""
        super().__init__(dsn, isolation_level="AUTOCOMMIT")
        self._single = self._sessions(AsyncSession)
        self._transaction = self._sessions(AsyncSession, isolation_level="READ COMMITTED")

    @settled
    async def create(self, title: str) -> TaskRow:
        """Store a task that is not done; returns it as stored."""
        # No refresh() afterwards: the INSERT's RETURNING has fetched what the server filled in.
        task = TaskRow(title=check_title(title), done=False)
        async with self._session(self._single) as session:
            session.add(task)
        return task

    @settled
    async def get(self, task_id: int) -> TaskRow | None:
        """Return the row, or None."""
        if not can_exist(task_id):
            return None
        # In a session of its own: one that has seen the row before would answer what it remembers.
        async with self._session(self._single) as session:
            return await session.get(TaskRow, task_id)

    @settled
    async def list_tasks(self) -> Sequence[TaskRow]:
        """Return every row in ascending id order."""
        statement = select(TaskRow).order_by(TaskRow.id)
        async with self._session(self._single) as session:
            result = await session.scalars(statement)  # execute() would give rows of one column each
            return result.all()

    @settled
    async def update(self, task_id: int, title: str, done: bool) -> bool:
        """Set both values; False if there is no such row."""
        check_title(title)
        check_done(done)
        if not can_exist(task_id):
            return False
        async with self._session(self._transaction) as session:
            # The unit of work writes only the columns that it saw change. Without the lock, another update
            # between this read and this write leaves a row that is half of each.
            task = await session.get(TaskRow, task_id, with_for_update=True)
            if task is None:
                return False
            task.title = title
            task.done = done
            return True

    @settled
    async def delete(self, task_id: int) -> bool:
        """Remove the row; False if this call did not."""
        if not can_exist(task_id):
            return False
        async with self._session(self._transaction) as session:
            # Without the lock, of two deletes that both read the row one finds nothing left to delete, and
            # the unit of work warns or raises where the answer is False.
            task = await session.get(TaskRow, task_id, with_for_update=True)
            if task is None:
                return False
            await session.delete(task)
            return True
