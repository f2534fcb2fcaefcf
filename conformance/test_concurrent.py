"""Many operations at once: all finish, none waits for a stranger, and each row is its own."""

import asyncio

from crudspec.checks import ContractBroken, Inconclusive, clause, expect, read, read_all
from crudspec.gates import row_locked, table_locked, together, wait_for_blocked
from crudspec.subject import Subject
from crudspec.witness import Witness

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
        await wait_for_blocked(witness, 1, "operations wait at the locked table")
        if any(task.done() for task in [*gets, *updates, *creates]):
            early = next(task for task in [*gets, *updates, *creates] if task.done())
            await early
            raise Inconclusive(f"all of {MANY} operations are under way at once")
        await release()
        for row, got in zip(rows, await asyncio.gather(*gets), strict=True):
            seen = read("the row", got)
            if seen not in (row, row._replace(title=f"new {row.id}", done=True)):
                raise ContractBroken(f"get({row.id}) among many", expected=f"{row}, or as updated", seen=str(seen))
        for updated in await asyncio.gather(*updates):
            expect("update among many", updated, True)
        created = [read("the created row", row) for row in await asyncio.gather(*creates)]
    for number, row in enumerate(created):
        expect("the title of a row created among many", row.title, f"created {number}")
    stored = {row.id: row for row in await witness.rows()}
    expect("the number of rows", len(stored), len(rows) + len(created))
    for row in created:
        expect("a row created among many", stored[row.id], row)
    for row in rows:
        expect("a row updated among many", stored[row.id], row._replace(title=f"new {row.id}", done=True))


@clause("INDEPENDENT-1")
async def test_a_blocked_row_holds_up_no_other_row(backend: Subject, witness: Witness) -> None:
    """Catches one global lock, one connection, and one thread for all."""
    blocked, free, doomed = [await witness.insert(title) for title in ("blocked", "free", "doomed")]
    async with row_locked(backend.dsn, blocked.id) as release, together() as start:
        waiting = start(backend.update(blocked.id, "after", True))
        await wait_for_blocked(witness, 1, "an update waits for a locked row")
        expect("get of another row", read("the row", await backend.get(free.id)), free)
        expect("update of another row", await backend.update(free.id, "new", True), True)
        created = read("the created row", await backend.create("new"))
        listed = read_all("list_tasks()", await backend.list_tasks())
        expect("list_tasks meanwhile", [row.id for row in listed], [blocked.id, free.id, doomed.id, created.id])
        expect("delete of another row", await backend.delete(doomed.id), True)
        if waiting.done():
            raise Inconclusive("the update still waits for the locked row")
        await release()
        expect("the update that waited", await waiting, True)
    expect("its row", await witness.row(blocked.id), blocked._replace(title="after", done=True))


@clause("RACE-1")
async def test_concurrent_creates_make_distinct_rows(backend: Subject, witness: Witness) -> None:
    """Catches an id that was looked up rather than returned: it is somebody else's by then."""
    async with table_locked(backend.dsn) as release, together() as start:
        creates = [start(backend.create(f"title {number}")) for number in range(40)]
        await wait_for_blocked(witness, 2, "two creates wait at the locked table")
        await release()
        rows = [read("the created row", row) for row in await asyncio.gather(*creates)]
    expect("the number of distinct ids", len({row.id for row in rows}), len(rows))
    stored = {row.id: row for row in await witness.rows()}
    for number, row in enumerate(rows):
        expect("the title of a row created among others", row.title, f"title {number}")
        expect("the row with its id", stored.get(row.id), row)
    expect("the number of rows", len(stored), len(rows))


@clause("RACE-1")
async def test_of_concurrent_deletes_one_wins(backend: Subject, witness: Witness) -> None:
    """All of them have found the row before any of them may delete it."""
    for _ in range(3):
        row = await witness.insert("wanted by many")
        async with row_locked(backend.dsn, row.id) as release, together() as start:
            deletes = [start(backend.delete(row.id)) for _ in range(6)]
            await wait_for_blocked(witness, 2, "two deletes wait for the row")
            await release()
            results = await asyncio.gather(*deletes)
        expect("the results of concurrent deletes of one row", sorted(results), [False] * 5 + [True])
        expect("the row", await witness.row(row.id), None)
