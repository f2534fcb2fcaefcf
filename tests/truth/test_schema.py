"""What the comparison of a mapped table with the migrated one sees, beyond Alembic's own."""

import asyncio

import pytest
from sqlalchemy import BigInteger, Boolean, Column, DateTime, Identity, MetaData, String, Table, Text, false, func
from sqlmodel import AutoString

from crudspec.truth.schema import differences


def mapped(title):
    metadata = MetaData()
    Table(
        "tasks",
        metadata,
        Column("id", BigInteger, Identity(), primary_key=True),
        Column("title", title, nullable=False),
        Column("done", Boolean, nullable=False, server_default=false()),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    )
    return metadata


@pytest.mark.parametrize("title", [String(255), AutoString(255)], ids=repr)
def test_the_migrated_length_is_no_difference(scratch_dsn, title):
    assert asyncio.run(differences(scratch_dsn, mapped(title))) == []


@pytest.mark.parametrize("title", [String(), AutoString(), String(254), Text()], ids=repr)
def test_another_length_or_none_is_a_difference(scratch_dsn, title):
    ((kind, *_),) = asyncio.run(differences(scratch_dsn, mapped(title)))[0]
    assert kind == "modify_type"


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE tasks ADD CONSTRAINT short CHECK (title <> 'x')",
        "CREATE TYPE mood AS ENUM ('sad', 'glad')",
        "CREATE DOMAIN title AS text",
        "CREATE INDEX ix ON tasks (done)",
    ],
)
def test_the_catalogue_shows_what_was_made(scratch, change):
    async def before_and_after():
        async with scratch.witness() as witness:
            before = await witness.catalogue()
            await witness.execute(change)
            return before, await witness.catalogue()

    before, after = asyncio.run(before_and_after())
    assert before != after
