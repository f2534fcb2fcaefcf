"""The backend's own idea of the table, and the migrated one."""

from typing import Any

import pytest
from sqlalchemy.types import NullType

from crudspec.suite import (
    ContractBroken,
    Subject,
    Witness,
    clause,
    current_run,
    differences,
    drop_scratch,
    expect,
    scratch_with,
    shown,
)


@clause("SCHEMA-1")
async def test_metadata_equals_the_migrated_schema(backend: Subject) -> None:
    metadata: Any = backend.adapter.cls.metadata
    found = await differences(backend.dsn, metadata)
    # Alembic passes over them, although a database made from this metadata could not even have them.
    columns = [column for table in metadata.tables.values() for column in table.columns]
    found += [("no type", column) for column in columns if isinstance(column.type, NullType)]
    if found:
        raise ContractBroken(
            "Alembic's comparison of the backend's metadata with the database",
            expected="no difference",
            seen="; ".join(map(shown, found)),
        )


@clause("SCHEMA-2")
async def test_using_the_backend_leaves_the_catalogue_alone(backend: Subject, request: pytest.FixtureRequest) -> None:
    """Catches create_all at start-up: it hides the drift that the migrations would show. In a database that the
    backend has never seen: to the one of the other checks it has connected before.
    """
    server = current_run(request.config).running_server()
    dsn, sample = await scratch_with(server, f"{backend.name} schema", backend.adapter.entity)
    try:
        async with Witness.connect(dsn, sample) as witness:
            before = await witness.catalogue()
            async with backend.another(dsn) as other:
                row = backend.read("the created row", await other.create(**sample.new()))
                await other.list_all()
                await other.delete(*row.key)
            expect("the database's catalogue", await witness.catalogue(), before)
    finally:
        await drop_scratch(server, dsn)
