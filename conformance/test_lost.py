"""Connections that end, schemas that grow, loops that come and go."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from crudspec.suite import (
    NEVER_RECOVERS,
    OPERATIONS,
    ContractBroken,
    Key,
    Row,
    Sample,
    Subject,
    Witness,
    arguments,
    attempt,
    clause,
    expect,
    expect_listed,
    fill_pool,
    outcome,
    shown,
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
    row = await witness.insert()
    doomed = await witness.insert()
    sample, unknown = witness.sample, witness.table.unpredictable
    every: list[tuple[str, Callable[[], Awaitable[object]]]] = [
        ("get", lambda: backend.get(*row.key)),
        ("create", lambda: backend.create(**sample.new(1))),
        ("update", lambda: backend.update(*row.key, **sample.same(row))),
        ("list_all", backend.list_all),
        ("delete", lambda: backend.delete(*doomed.key)),
    ]
    calls = [(name, call) for name, call in every if name in working(backend)]
    refused, in_a_row, turn = 0, 0, first
    created: list[Row] = []
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
            what = f"{name} after the connections were ended"
            if name in {"get", "create"}:
                got = backend.read(what, seen.value)
                expect(what, got, row.without(unknown) if name == "get" else await witness.row(got.key))
                created += [got] if name == "create" else []
            elif name == "list_all":
                expect_listed(backend.table, what, backend.read_all(what, seen.value), await witness.rows())
            elif name == "update":
                backend.told(name, what, seen.value, True)
            else:
                expect("a row after its delete", await witness.row(doomed.key), None)
                doomed = await witness.insert()
    stored = {one.key: one for one in await witness.rows()}
    for one in (row, *created):
        expect(f"the row {shown(one.key)}, in the end", stored.get(one.key), sample.table.updated(one, {}))


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
        async with witness.another() as other:
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
async def test_an_additive_migration_fails_no_operation(backend: Subject, witness: Witness, sample: Sample) -> None:
    """Catches SELECT * in a cached statement: its result type has changed. Each connection is tried."""
    async with backend.another() as other:
        row = await witness.insert()
        await witness.insert_many(min(len(OPERATIONS) * AT_ONCE * (USES + 2), sample.most_rows))
        spares = [spare.key for spare in await witness.rows() if spare != row]
        await fill_pool(other, witness)
        for _ in range(USES):
            await _all_at_once(other, witness, row, spares, "before a column is added")
        await witness.execute(f"ALTER TABLE {sample.table.quoted} ADD COLUMN crudspec_note text")
        backend.failed = True  # its statements, too, were prepared for another table: open it anew afterwards
        try:
            # One after another at first: of calls that run at once, the statements cannot be told apart in a failure.
            for name in working(other):
                await _works(other, witness, name, row, spares, "after a column was added")
            for _ in range(2):
                await _all_at_once(other, witness, row, spares, "after a column was added")
                if sample.table.updates:
                    values = sample.change()
                    returned = await other.update(*row.key, **values)
                    backend.told("update", "update after a column was added", returned, True)
                    row = sample.table.updated(row, values)
        finally:
            await witness.unblocked(f"ALTER TABLE {sample.table.quoted} DROP COLUMN crudspec_note")


async def _all_at_once(backend: Subject, witness: Witness, row: Row, spares: list[Key], when: str) -> None:
    """Each of the five operations several times, so that each connection meets each of them."""
    async with together() as start:
        calls = [
            start(_works(backend, witness, name, row, spares, when))
            for _ in range(AT_ONCE)
            for name in working(backend)
        ]
        await asyncio.gather(*calls)


async def _works(backend: Subject, witness: Witness, name: str, row: Row, spares: list[Key], when: str) -> None:
    if name == "delete" and not spares:
        return  # no more rows can be made for it
    key, values = arguments(witness.sample, name, spares.pop() if name == "delete" else row.key)
    if name == "update":
        values = witness.sample.same(row)
    seen, what = await outcome(backend.call(name, key, values)), f"{name} {when}"
    if seen.error is not None:
        raise ContractBroken(what, expected="it works", seen=str(seen)) from seen.error
    if name in {"update", "delete"}:
        backend.told(name, what, seen.value, True)
    elif name == "get":
        expect(what, backend.read("the row", seen.value), row.without(backend.table.unpredictable))
    elif name == "create":
        backend.read("the created row", seen.value)


@clause("LOOP-1")
async def test_connects_in_a_second_event_loop(backend: Subject, witness: Witness, sample: Sample) -> None:
    """Catches an engine or a lock made when the module was imported: it belongs to the first loop.

    That loop stands still meanwhile: a connection that both use would be read by two threads at once, and a driver
    written in C may end the process for it.
    """
    first = backend.read("the row created in the first loop", await backend.create(**sample.new()))
    await asyncio.gather(*(backend.get(*first.key) for _ in range(MANY)))

    async def use() -> None:
        async with backend.another() as other:
            row = backend.read("a row created in a second loop", await other.create(**sample.new()))
            # More than any pool or limit lets through at once: a lock belongs to a loop once somebody waits for it.
            for returned in await asyncio.gather(*(other.get(*row.key) for _ in range(MANY))):
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
        await attempt(backend.list_all)
    expect("the number of rows", len(await witness.rows()), 2)
