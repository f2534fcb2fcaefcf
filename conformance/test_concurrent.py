"""Many operations at once: all finish, none waits for a stranger, and each row is its own."""

import asyncio

from crudspec.suite import (
    DELETES_RACE,
    ContractBroken,
    Sample,
    Subject,
    Witness,
    clause,
    expect,
    matches,
    outcome,
    row_locked,
    shown,
    table_locked,
    together,
    wait_for_blocked,
)

MANY = 60
"""Concurrent operations: several times a usual pool, and fewer than a server's usual 100 connections."""


@clause("SATURATE-1")
async def test_many_more_operations_than_connections_all_finish(
    backend: Subject, witness: Witness, sample: Sample
) -> None:
    """They all stand at a locked table first, so that they really are under way at once. Catches a pool that
    gives up, an operation that takes a second connection while it holds one, and answers that cross.
    """
    table, share = sample.table, min(MANY, sample.most_rows) // 3
    rows = [await witness.insert() for _ in range(share)]
    after = {row.key: sample.change(1 + number) for number, row in enumerate(rows) if table.updates}
    given = [sample.new(1 + number) for number in range(share)]
    async with table_locked(witness) as release, together() as start:
        gets = [start(backend.get(*row.key)) for row in rows]
        updates = [start(backend.update(*key, **values)) for key, values in after.items()]
        creates = [start(backend.create(**values)) for values in given]
        calls = [*gets, *updates, *creates]
        await wait_for_blocked(witness, 1, f"all of {len(calls)} operations wait at the locked table", calls=calls)
        await release()
        for row, got in zip(rows, await asyncio.gather(*gets), strict=True):
            seen = backend.read("the row", got)
            if not any(matches(seen, one) for one in (row, table.updated(row, after.get(row.key, {})))):
                what = f"{backend.shown('get', row.key)} among many"
                raise ContractBroken(what, expected=f"{shown(row)}, or as updated", seen=shown(seen))
        for updated in await asyncio.gather(*updates):
            backend.told("update", "update among many", updated, True)
        created = [backend.read("the created row", row) for row in await asyncio.gather(*creates)]
    stored = {row.key: row for row in await witness.rows()}
    expect("the number of rows", len(stored), len(rows) + len(created))
    for row, values in zip(created, given, strict=True):
        expect("a row created among many", stored.get(row.key), row)
        expect("a row created among many, as stored", stored[row.key], table.holding(values))
    for row in rows:
        expect("a row updated among many", stored[row.key], table.updated(row, after.get(row.key, {})))


@clause("INDEPENDENT-1")
async def test_a_blocked_row_holds_up_no_other_row(backend: Subject, witness: Witness, sample: Sample) -> None:
    """Catches one global lock, one connection, and one thread for all."""
    table = sample.table
    write = "update" if table.updates else "delete"
    blocked, free, doomed = [await witness.insert() for _ in range(3)]
    values = sample.change() if table.updates else {}
    async with row_locked(witness, blocked.key) as release, together() as start:
        waiting = start(backend.call(write, blocked.key, values))
        await wait_for_blocked(witness, 1, f"{write} waits for a locked row", calls=[waiting])
        expect("get of another row", backend.read("the row", await backend.get(*free.key)), free)
        if table.updates:
            updated = await backend.update(*free.key, **sample.change())
            backend.told("update", "update of another row", updated, True)
        created = backend.read("the created row", await backend.create(**sample.new()))
        listed = backend.read_all(backend.shown("list_all"), await backend.list_all())
        there = table.in_key_order([blocked, free, doomed, created])
        keys = [row.key for row in table.in_key_order(listed)]
        expect(f"{backend.shown('list_all')} meanwhile: the keys", keys, [row.key for row in there])
        backend.told("delete", "delete of another row", await backend.delete(*doomed.key), True)
        if waiting.done():
            raise ContractBroken(
                f"operations on other rows, while {write} waits for a locked row",
                expected=f"they end before {write} does",
                seen=f"{write}, blocked as it was, ended first",
            ) from waiting.exception()
        await release()
        backend.told(write, f"{write}, that waited", await waiting, True)
    after = table.updated(blocked, values) if table.updates else None
    expect("its row", await witness.row(blocked.key), after)


@clause("RACE-1")
async def test_concurrent_creates_make_distinct_rows(backend: Subject, witness: Witness, sample: Sample) -> None:
    """Catches an id that was looked up rather than returned: it is somebody else's by then."""
    given = [sample.new(number) for number in range(min(40, sample.most_rows))]
    async with table_locked(witness) as release, together() as start:
        creates = [start(backend.create(**values)) for values in given]
        await wait_for_blocked(witness, 2, "two creates wait at the locked table", calls=creates)
        await release()
        rows = [backend.read("the created row", row) for row in await asyncio.gather(*creates)]
    expect("the number of distinct keys", len({row.key for row in rows}), len(rows))
    stored = {row.key: row for row in await witness.rows()}
    for row, values in zip(rows, given, strict=True):
        expect("the row with its key", stored.get(row.key), row)
        expect("a row created among others, as stored", stored[row.key], sample.table.holding(values))
    expect("the number of rows", len(stored), len(rows))


@clause("RACE-1")
async def test_of_concurrent_deletes_one_wins(backend: Subject, witness: Witness) -> None:
    """All of them have found the row before any of them may delete it."""
    for _ in range(3):
        row = await witness.insert()
        async with row_locked(witness, row.key) as release, together() as start:
            deletes = [start(backend.delete(*row.key)) for _ in range(6)]
            await wait_for_blocked(witness, 2, "two deletes wait for the row", calls=deletes)
            await release()
            # One that finds the row gone may say so by an exception: what that is called is not asked here.
            ended = [result for result in await asyncio.gather(*map(outcome, deletes)) if result.error is None]
            results = [bool(result.value) for result in ended]
        expect("the row", await witness.row(row.key), None)
        if not backend.abilities.is_mute("delete") and results.count(True) != 1:
            seen = "all return True" if results == [True] * len(deletes) else f"{results.count(True)} do"
            raise ContractBroken(
                f"{len(deletes)} concurrent deletes of one row",
                expected="exactly one returns True",
                seen=seen,
                cause=DELETES_RACE,
            )
