"""The fourth way: SQLModel. One set of fields for the table and for the validation, on SQLAlchemy's session.

What creates or reads is one statement and runs in AUTOCOMMIT: one round trip. What changes a row is a read and
a write, needs a transaction around both and a lock on the row, and costs four.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, ClassVar

from pydantic import AfterValidator, StrictBool, StrictStr, ValidationError
from sqlalchemy import BigInteger, Boolean, DateTime, Identity, String, false, func
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from crudspec.backends.common import MAX_TITLE, EngineBackend, can_exist, check_title, refused, settled


class TaskData(SQLModel, registry=registry()):  # or its metadata would be one for the whole process
    """What a caller may write. Strict, or ``1`` and ``"yes"`` would become True."""

    # Pydantic knows the length and the surrogates, but lets NUL pass.
    title: Annotated[StrictStr, AfterValidator(check_title)] = Field(max_length=MAX_TITLE, sa_type=String(MAX_TITLE))
    done: StrictBool = Field(default=False, sa_type=Boolean, sa_column_kwargs={"server_default": false()})


class TaskRow(TaskData, table=True):
    """One row. Callers get it detached and fully loaded, a plain value: no session will ever look at it again."""

    __tablename__ = "tasks"

    # BigInteger is not what int gives: as INTEGER, an id over 2**31 is an error instead of no row.
    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity()])
    created_at: datetime | None = Field(
        default=None, nullable=False, sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": func.now()}
    )


class SqlmodelBackend(EngineBackend):
    """Tasks through SQLModel sessions on ``asyncpg``."""

    metadata = TaskRow.metadata
    round_trips: ClassVar = {"create": 1, "get": 1, "list_tasks": 1, "update": 4, "delete": 4}

    def __init__(self, dsn: str) -> None:
        """Describe the engine and the sessions on its one pool; :meth:`connect` opens them."""
        super().__init__(dsn, isolation_level="AUTOCOMMIT")
        self._single = self._sessions(AsyncSession)
        self._transaction = self._sessions(AsyncSession, isolation_level="READ COMMITTED")

    @settled
    async def create(self, title: str) -> TaskRow:
        """Store a task that is not done; returns it as stored."""
        # Two models: one that is a table checks nothing that it is given.
        try:
            data = TaskData.model_validate({"title": title})
        except ValidationError as error:
            raise refused(error) from error
        # No refresh() afterwards: the INSERT's RETURNING has fetched what the server filled in.
        task = TaskRow.model_validate(data)
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
        statement = select(TaskRow).order_by(col(TaskRow.id))
        async with self._session(self._single) as session:
            result = await session.exec(statement)
            return result.all()

    @settled
    async def update(self, task_id: int, title: str, done: bool) -> bool:
        """Set both values; False if there is no such row."""
        try:
            data = TaskData.model_validate({"title": title, "done": done})
        except ValidationError as error:
            raise refused(error) from error
        if not can_exist(task_id):
            return False
        async with self._session(self._transaction) as session:
            # The unit of work writes only the columns that it saw change. Without the lock, another update
            # between this read and this write leaves a row that is half of each.
            task = await session.get(TaskRow, task_id, with_for_update=True)
            if task is None:
                return False
            task.sqlmodel_update(data)
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
