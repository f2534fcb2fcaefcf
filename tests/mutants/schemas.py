"""Lies about the table: a picture of it that is not the migrated one, or a schema of the backend's own."""

from contextlib import asynccontextmanager
from typing import ClassVar

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Identity,
    Index,
    MetaData,
    String,
    Table,
    false,
    func,
    text,
)

from crudspec.backends.core import CoreBackend
from crudspec.backends.orm import OrmBackend
from crudspec.backends.sqlmodel import SqlmodelBackend


def _drawn(**wrong) -> MetaData:
    """The table as migrated, but for the columns given; None leaves a column out."""
    columns = {
        "id": Column("id", BigInteger, Identity(), primary_key=True),
        "title": Column("title", String(255), nullable=False),
        "done": Column("done", Boolean, nullable=False, server_default=false()),
        "created_at": Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    } | wrong
    metadata = MetaData()
    Table("tasks", metadata, *[column for column in columns.values() if column is not None])
    return metadata


class NoServerDefault(CoreBackend):
    """SCHEMA-1: done has no default in the picture, only in the model."""

    metadata: ClassVar[MetaData] = _drawn(done=Column("done", Boolean, nullable=False, default=False))


class NoPrimaryKey(CoreBackend):
    """SCHEMA-1: the id is no primary key in the picture."""

    metadata: ClassVar[MetaData] = _drawn(id=Column("id", BigInteger, Identity(), nullable=False))


class AnotherLength(OrmBackend):
    """SCHEMA-1: the title has one character more in the picture."""

    metadata: ClassVar[MetaData] = _drawn(title=Column("title", String(256), nullable=False))


class Nullable(SqlmodelBackend):
    """SCHEMA-1: the title may be NULL in the picture."""

    metadata: ClassVar[MetaData] = _drawn(title=Column("title", String(255)))


class IndexMissing(CoreBackend):
    """SCHEMA-1: the picture has an index that the migrations do not make."""

    metadata: ClassVar[MetaData] = _drawn()
    Index("ix_tasks_title", metadata.tables["tasks"].c.title)


class CreateAllAtConnect(CoreBackend):
    """SCHEMA-2: what the picture has and the migrations do not make is made when the backend connects."""

    metadata: ClassVar[MetaData] = _drawn()
    Table("task_tags", metadata, Column("name", String(50), primary_key=True))

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        async with super().connect(dsn) as backend:
            async with backend._engine.begin() as connection:
                await connection.run_sync(cls.metadata.create_all)
            yield backend


class IndexAtConnect(OrmBackend):
    """SCHEMA-2: an index is made when the backend connects."""

    metadata: ClassVar[MetaData] = _drawn()
    Index("ix_tasks_done", metadata.tables["tasks"].c.done)

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        async with super().connect(dsn) as backend:
            async with backend._session(backend._single) as session:
                await session.execute(text("CREATE INDEX IF NOT EXISTS ix_tasks_done ON tasks (done)"))
            yield backend
