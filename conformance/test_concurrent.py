"""Many operations at once: all finish, none waits for a stranger, and each row is its own."""

import asyncio

from crudspec.suite import (
    DELETES_RACE,
    ContractBroken,
    Subject,
    Witness,
    clause,
    expect,
    matches,
    outcome,
    row_locked,
    table_locked,
    together,
    wait_for_blocked,
)

MANY = 60
"""Concurrent operations: several times a usual pool, and fewer than a server's usual 100 connections."""


@clause("SATURATE-1")
async def test_many_more_operations_than_connections_all_finish(backend: Subject, witness: Witness) -> None:
    """They all stand at a locked table first, so that they really are under way at once. Catches a pool that
    gives up, an operation that takes a second connection while it holds one, and answers that cross.
    """
    rows = [await witness.insert(f"row {number}") for number in range(MANY // 3)]
    async with table_locked(backend.dsn) as release, together() as start:
        gets = [start(backend.get(row.id)) for row in rows]
        updates = [start(backend.update(row.id, f"new {row.id}", True)) for row in rows]
        creates = [start(backend.create(f"created {number}")) for number in range(MANY // 3)]
        calls = [*gets, *updates, *creates]
        await wait_for_blocked(witness, 1, f"all of {MANY} operations wait at the locked table", calls=calls)
        await release()
        for row, got in zip(rows, await asyncio.gather(*gets), strict=True):
            seen = backend.read("the row", got)
            if not any(matches(seen, one) for one in (row, row._replace(title=f"new {row.id}", done=True))):
                raise ContractBroken(f"get({row.id}) among many", expected=f"{row}, or as updated", seen=str(seen))
        for updated in await asyncio.gather(*updates):
            backend.told("update", "update among many", updated, True)
        created = [backend.read("the created row", row) for row in await asyncio.gather(*creates)]
    stored = {row.id: row for row in await witness.rows()}
    expect("the number of rows", len(stored), len(rows) + len(created))
    for number, row in enumerate(created):
        expect("a row created among many", stored.get(row.id), row)
        expect("the title of a row created among many", stored[row.id].title, f"created {number}")
    for row in rows:
        expect("a row updated among many", stored[row.id], row._replace(title=f"new {row.id}", done=True))


@clause("INDEPENDENT-1")
async def test_a_blocked_row_holds_up_no_other_row(backend: Subject, witness: Witness) -> None:
    """Catches one global lock, one connection, and one thread for all."""
    blocked, free, doomed = [await witness.insert(title) for title in ("blocked", "free", "doomed")]
    async with row_locked(backend.dsn, blocked.id) as release, together() as start:
        waiting = start(backend.update(blocked.id, "after", True))
        await wait_for_blocked(witness, 1, "an update waits for a locked row", calls=[waiting])
        expect("get of another row", backend.read("the row", await backend.get(free.id)), free)
        backend.told("update", "update of another row", await backend.update(free.id, "new", True), True)
        created = backend.read("the created row", await backend.create("new"))
        listed = backend.read_all("list_tasks()", await backend.list_tasks())
        expect("list_tasks meanwhile", [row.id for row in listed], [blocked.id, free.id, doomed.id, created.id])
        backend.told("delete", "delete of another row", await backend.delete(doomed.id), True)
        if waiting.done():
            raise ContractBroken(
                "operations on other rows, while an update waits for a locked row",
                expected="they end before the update does",
                seen="the update, blocked as it was, ended first",
            ) from waiting.exception()
        await release()
        backend.told("update", "the update that waited", await waiting, True)
    expect("its row", await witness.row(blocked.id), blocked._replace(title="after", done=True))


@clause("RACE-1")
async def test_concurrent_creates_make_distinct_rows(backend: Subject, witness: Witness) -> None:
    """Catches an id that was looked up rather than returned: it is somebody else's by then."""
    async with table_locked(backend.dsn) as release, together() as start:
        creates = [start(backend.create(f"title {number}")) for number in range(40)]
        await wait_for_blocked(witness, 2, "two creates wait at the locked table", calls=creates)
        await release()
        rows = [backend.read("the created row", row) for row in await asyncio.gather(*creates)]
    expect("the number of distinct ids", len({row.id for row in rows}), len(rows))
    stored = {row.id: row for row in await witness.rows()}
    for number, row in enumerate(rows):
        expect("the row with its id", stored.get(row.id), row)
        expect("the title of a row created among others", stored[row.id].title, f"title {number}")
    expect("the number of rows", len(stored), len(rows))


@clause("RACE-1")
async def test_of_concurrent_deletes_one_wins(backend: Subject, witness: Witness) -> None:
    """All of them have found the row before any of them may delete it."""
    for _ in range(3):
        row = await witness.insert("wanted by many")
        async with row_locked(backend.dsn, row.id) as release, together() as start:
            deletes = [start(backend.delete(row.id)) for _ in range(6)]
            await wait_for_blocked(witness, 2, "two deletes wait for the row", calls=deletes)
            await release()
            # One that finds the row gone may say so by an exception: what that is called is not asked here.
            ended = [result for result in await asyncio.gather(*map(outcome, deletes)) if result.error is None]
            results = [bool(result.value) for result in ended]
        expect("the row", await witness.row(row.id), None)
        if not backend.abilities.is_mute("delete") and results.count(True) != 1:
            seen = "all return True" if results == [True] * len(deletes) else f"{results.count(True)} do"
            raise ContractBroken(
                f"{len(deletes)} concurrent deletes of one row",
                expected="exactly one returns True",
                seen=seen,
                cause=DELETES_RACE,
            )
