"""The backend's own idea of the table, and the migrated one."""

from typing import Any

from crudspec.checks import ContractBroken, clause, expect, read, shown
from crudspec.schema import differences
from crudspec.subject import Subject
from crudspec.witness import Witness


@clause("SCHEMA-1")
async def test_metadata_equals_the_migrated_schema(backend: Subject) -> None:
    metadata: Any = backend.adapter.cls.metadata
    found = await differences(backend.dsn, metadata)
    if found:
        raise ContractBroken(
            "Alembic's comparison of the backend's metadata with the database",
            expected="no difference",
            seen="; ".join(map(shown, found)),
        )


@clause("SCHEMA-2")
async def test_using_the_backend_leaves_the_catalogue_alone(backend: Subject, witness: Witness) -> None:
    """Catches create_all at start-up: it hides the drift that the migrations would show."""
    before = await witness.catalogue()
    async with Subject(backend.adapter, backend.dsn, deadline=backend.deadline) as other:
        row = read("the created row", await other.create("a"))
        await other.list_tasks()
        await other.delete(row.id)
    expect("the database's catalogue", await witness.catalogue(), before)
