"""connect: the backend opens, closes, and is not the only one of its kind."""

import asyncio

from crudspec.suite import (
    LEAVE,
    Key,
    Sample,
    Subject,
    Witness,
    accepted,
    clause,
    expect,
)


@clause("CONNECT-1")
async def test_can_be_entered_and_left(backend: Subject) -> None:
    """Again and again, used or not: what was opened is closed, and nothing stays behind that the next one meets."""
    backend.abilities.require(LEAVE)
    for calls in (0, 1, 5):
        async with backend.another() as other:
            await asyncio.gather(*(other.list_all() for _ in range(calls)))


@clause("CONNECT-2")
async def test_instances_on_two_databases_live_side_by_side(backend: Subject) -> None:
    """Catches an engine that belongs to the module: who connects last moves everybody to another database. It was
    tried before the first check, as all checks that open a second instance depend on it.
    """
    if backend.abilities.apart is not None:
        raise backend.abilities.apart


@clause("CONNECT-2")
async def test_instances_on_one_database_live_side_by_side(backend: Subject, witness: Witness, sample: Sample) -> None:
    """Catches a pool that all instances share, and that the first to leave closes."""
    if backend.abilities.apart is not None:
        raise backend.abilities.apart
    row = await witness.insert()
    async with backend.another() as second:
        async with backend.another() as third:
            for instance in (backend, second, third):
                await _works(instance, sample, row.key)
        await _works(second, sample, row.key)
    await _works(backend, sample, row.key)


async def _works(instance: Subject, sample: Sample, key: Key) -> None:
    when = "with other instances open, or left"
    returned = await accepted(instance, "get", key, name=when)
    expect("the key of the row from get", instance.read("the row", returned).key, key)
    if sample.table.updates:
        await accepted(instance, "update", key, sample.change(), name=when)
