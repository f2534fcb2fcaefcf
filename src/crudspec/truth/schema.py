"""Alembic's comparison of a model's metadata with a migrated database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import String, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

if TYPE_CHECKING:
    from alembic.runtime.migration import MigrationContext
    from sqlalchemy import Column, Connection, MetaData
    from sqlalchemy.types import TypeEngine


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
    from alembic.autogenerate import compare_metadata  # a fifth of a second, which few runs need
    from alembic.runtime import migration

    options = {"compare_type": _types_differ, "compare_server_default": True}
    found = list(compare_metadata(migration.MigrationContext.configure(connection, opts=options), metadata))
    # Alembic never compares primary keys.
    there = inspect(connection)
    for table in metadata.tables.values():
        if there.has_table(table.name, schema=table.schema):
            key = there.get_pk_constraint(table.name, schema=table.schema)["constrained_columns"]
            if key != [column.name for column in table.primary_key]:
                found.append(("another primary key", table.name, key))
    return found


def _types_differ(
    _context: MigrationContext,
    _inspected: Column[Any],
    _mapped: Column[Any],
    inspected_type: TypeEngine[Any],
    mapped_type: TypeEngine[Any],
) -> bool | None:
    """Add to Alembic's comparison the length of a string; None leaves the rest to it.

    Alembic compares the arguments of two types only where both have some: a mapped ``String()`` counts as equal to
    the ``VARCHAR(255)`` of the database, although it makes a column without a limit.
    """
    if not isinstance(inspected_type, String) or not hasattr(mapped_type, "length"):
        return None
    return True if inspected_type.length != mapped_type.length else None
