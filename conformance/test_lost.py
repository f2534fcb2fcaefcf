"""Connections that end, schemas that grow, loops that come and go."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from crudspec.suite import (
    NEVER_RECOVERS,
    OPERATIONS,
    ContractBroken,
    Row,
    Subject,
    Witness,
    attempt,
    clause,
    expect,
    fill_pool,
    outcome,
    shown_error,
    together,
    working,
)

BLOCKED_SECONDS = 30.0
"""How long the event loop is held at most, while another thread has the word."""

USES = 7
"""Calls of each kind, per connection, before a statement is taken for prepared: psycopg prepares at the sixth."""

AT_ONCE = 5
"""Concurrent calls of each kind."""

MANY = 40
"""Concurrent operations: more than a usual pool has connections."""


async def recovers(backend: Subject, witness: Witness, lost: int, *, first: int = 0) -> None:
    """At most ``lost`` calls raise, and then all is as it was.

    The operation that comes ``first`` meets the loss: many a pool replaces all of its connections after that.
    """
    await witness.empty()
    row = await witness.insert("kept")
    doomed = await witness.insert("doomed")
    every: list[tuple[str, Callable[[], Awaitable[object]]]] = [
        ("get", lambda: backend.get(row.id)),
        ("create", lambda: backend.create("new")),
        ("update", lambda: backend.update(row.id, "kept", False)),
        ("list_tasks", backend.list_tasks),
        ("delete", lambda: backend.delete(doomed.id)),
    ]
    calls = [(name, call) for name, call in every if name in working(backend)]
    refused, in_a_row, turn, creates = 0, 0, first, 0
    while in_a_row < 2 * len(calls):
        name, call = calls[turn % len(calls)]
        turn += 1
        seen = await outcome(call())
        if seen.error is not None:
            refused, in_a_row = refused + 1, 0
            if refused > lost:
                raise ContractBroken(
                    f"calls that raised after {lost} connections were ended",
                    expected=f"at most {lost}; then it works again",
                    seen=f"{refused}, the last: {name} {seen}",
                    cause=NEVER_RECOVERS,
                ) from seen.error
        else:
            in_a_row += 1
            creates += name == "create"
            what = f"{name} after the connections were ended"
            if name in {"get", "create"}:
                got = backend.read(what, seen.value)
                expect(what, got, row if name == "get" else got.but(title="new", done=False))
            elif name == "list_tasks":
                listed = backend.read_all(what, seen.value)
                expect(f"{what}: the ids", [one.id for one in listed], [one.id for one in await witness.rows()])
            elif name == "update":
                backend.told(name, what, seen.value, True)
            else:
                expect("a row after its delete", await witness.row(doomed.id), None)
                doomed = await witness.insert("doomed")
    stored = await witness.rows()
    if sum(other.title == "new" for other in stored) < creates or row not in stored:
        raise ContractBroken("the table", expected=f"{creates} created rows and {row}", seen=str(stored))


@clause("LOST-1")
async def test_recovers_when_the_server_ends_its_connections(backend: Subject, witness: Witness) -> None:
    for _ in range(2):
        await fill_pool(backend, witness)
        pids = await witness.pids()
        await witness.end(pids)
        await recovers(backend, witness, len(pids))


@clause("LOST-1")
async def test_recovers_when_it_had_no_chance_to_notice(backend: Subject, witness: Witness) -> None:
    """The event loop stands still while the connections end: the driver finds out in the middle of a call."""
    pids: list[int] = []

    async def end_them() -> None:
        async with Witness.connect(backend.dsn) as other:
            await other.end(pids)

    for first in range(len(OPERATIONS)):
        await fill_pool(backend, witness)
        pids[:] = await witness.pids()
        _in_a_blocking_thread(end_them)
        await recovers(backend, witness, len(pids), first=first)


def _in_a_blocking_thread(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine in a loop of another thread, and hold this thread, its event loop included, until it is done."""
    pool = ThreadPoolExecutor(1)
    try:
        # What it raises has to come out here: a check whose connections did not end would pass.
        pool.submit(asyncio.run, work()).result(BLOCKED_SECONDS)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


@clause("DDL-1")
async def test_an_additive_migration_fails_no_operation(backend: Subject, witness: Witness) -> None:
    """Catches SELECT * in a cached statement: its result type has changed. Each connection is tried."""
    async with backend.another() as other:
        row = await witness.insert("before")
        await witness.insert_many(len(OPERATIONS) * AT_ONCE * (USES + 2))
        spares = [spare.id for spare in await witness.rows() if spare != row]
        await fill_pool(other, witness)
        for _ in range(USES):
            await _all_at_once(other, row, spares, "before a column is added")
        await witness.execute("ALTER TABLE tasks ADD COLUMN crudspec_note text")
        backend.failed = True  # its statements, too, were prepared for another table: open it anew afterwards
        try:
            # One after another at first: of calls that run at once, the statements cannot be told apart in a failure.
            for name in working(other):
                await _works(other, name, row, spares, "after a column was added")
            for _ in range(2):
                await _all_at_once(other, row, spares, "after a column was added")
                row = row._replace(done=not row.done)
                returned = await other.update(row.id, row.title, row.done)
                backend.told("update", "update after a column was added", returned, True)
        finally:
            await witness.unblocked("ALTER TABLE tasks DROP COLUMN crudspec_note")


async def _all_at_once(backend: Subject, row: Row, spares: list[int], when: str) -> None:
    """Each of the five operations several times, so that each connection meets each of them."""
    async with together() as start:
        calls = [start(_works(backend, name, row, spares, when)) for _ in range(AT_ONCE) for name in working(backend)]
        await asyncio.gather(*calls)


async def _works(backend: Subject, name: str, row: Row, spares: list[int], when: str) -> None:
    args: dict[str, tuple[object, ...]] = {
        "create": ("another",),
        "get": (row.id,),
        "list_tasks": (),
        "update": (row.id, row.title, row.done),
        "delete": (spares.pop() if name == "delete" else None,),
    }
    seen, what = await outcome(backend.call(name, *args[name])), f"{name} {when}"
    if seen.error is not None:
        raise ContractBroken(what, expected="it works", seen=str(seen)) from seen.error
    if name in {"update", "delete"}:
        backend.told(name, what, seen.value, True)
    elif name == "get":
        expect(what, backend.read("the row", seen.value), row)
    elif name == "create":
        backend.read("the created row", seen.value)


@clause("LOOP-1")
async def test_connects_in_a_second_event_loop(backend: Subject, witness: Witness) -> None:
    """Catches an engine or a lock made when the module was imported: it belongs to the first loop.

    That loop stands still meanwhile: a connection that both use would be read by two threads at once, and a driver
    written in C may end the process for it.
    """
    first = backend.read("the row created in the first loop", await backend.create("in the first loop"))
    await asyncio.gather(*(backend.get(first.id) for _ in range(MANY)))

    async def use() -> None:
        async with backend.another() as other:
            row = backend.read("a row created in a second loop", await other.create("in the second loop"))
            # More than any pool or limit lets through at once: a lock belongs to a loop once somebody waits for it.
            for returned in await asyncio.gather(*(other.get(row.id) for _ in range(MANY))):
                expect("get in a second loop", backend.read("the row", returned), row)

    await backend.make_room()
    try:
        _in_a_blocking_thread(use)
    except ContractBroken:
        raise
    except Exception as error:
        raise ContractBroken(
            "a second connect, in another event loop", expected="it works", seen=f"raised {shown_error(error)}"
        ) from error
    if backend.abilities.side_by_side:
        await attempt(backend.list_tasks)
    expect("the number of rows", len(await witness.rows()), 2)
