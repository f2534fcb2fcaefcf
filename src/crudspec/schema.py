"""Alembic's comparison of a model's metadata with a migrated database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

if TYPE_CHECKING:
    from sqlalchemy import Connection, MetaData


async def differences(dsn: str, metadata: MetaData) -> list[Any]:
    """What would have to be migrated for the database to be as the metadata says, types and defaults included.

    Args:
        dsn: Plain ``postgresql://`` URL of a migrated database.
        metadata: What the backend maps.
    """
    engine = create_async_engine(make_url(dsn).set(drivername="postgresql+asyncpg"), poolclass=NullPool)
    async with engine.connect() as connection:
        return await connection.run_sync(_compare, metadata)


def _compare(connection: Connection, metadata: MetaData) -> list[Any]:
    options = {"compare_type": True, "compare_server_default": True}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))
