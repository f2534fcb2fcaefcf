"""Connections that end, schemas that grow, loops that come and go."""

import asyncio
from collections.abc import Awaitable, Callable

from crudspec.backend import OPERATIONS
from crudspec.checks import ContractBroken, clause, expect, is_drivers_own, read, read_all, shown_error
from crudspec.gates import table_locked, together, wait_for_blocked
from crudspec.hostile import attempt
from crudspec.subject import Subject
from crudspec.witness import Witness

MANY = 40
"""Concurrent operations: more than a usual pool has connections."""


async def fill_pool(backend: Subject, witness: Witness) -> None:
    """Make the backend open as many connections as it will for a few operations at once."""
    async with table_locked(backend.dsn) as release, together() as start:
        calls = [start(backend.list_tasks()) for _ in range(5)]
        await wait_for_blocked(witness, 1, "several operations wait at once", calls=calls)
        await release()
        await asyncio.gather(*calls)


async def recovers(backend: Subject, witness: Witness, lost: int, *, first: int = 0) -> None:
    """At most ``lost`` calls are refused, as Unavailable, and then all is as it was.

    The operation that comes ``first`` meets the loss: many a pool replaces all of its connections after that.
    """
    await witness.empty()
    row = await witness.insert("kept")
    calls: list[tuple[str, Callable[[], Awaitable[object]]]] = [
        ("get", lambda: backend.get(row.id)),
        ("create", lambda: backend.create("new")),
        ("update", lambda: backend.update(row.id, "kept", False)),
        ("list_tasks", backend.list_tasks),
        ("delete", lambda: backend.delete(2**40)),
    ]
    refused, in_a_row, turn, creates = 0, 0, first, 0
    while in_a_row < 2 * len(calls):
        name, call = calls[turn % len(calls)]
        turn += 1
        try:
            returned = await call()
        except ContractBroken:
            raise
        except Exception as error:
            refused, in_a_row = refused + 1, 0
            if not isinstance(error, ConnectionError | TimeoutError) or is_drivers_own(error):
                raise ContractBroken(
                    f"{name} after its connection was ended",
                    expected="Unavailable",
                    seen=f"raised {shown_error(error)}",
                ) from error
            if refused > lost:
                raise ContractBroken(
                    f"calls refused after {lost} connections were ended",
                    expected=f"at most {lost}",
                    seen=f"{refused}, the last: {name} raised {shown_error(error)}",
                ) from error
        else:
            in_a_row += 1
            creates += name == "create"
            what = f"{name} after the connections were ended"
            if name in {"get", "create"}:
                seen = read(what, returned)
                expect(what, seen, row if name == "get" else seen._replace(title="new", done=False))
            elif name == "list_tasks":
                expect(f"{what}: the number of rows", len(read_all(what, returned)), creates + 1)
            else:
                expect(what, bool(returned), name == "update")
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


def _in_a_blocking_thread(work: Callable[[], Awaitable[None]]) -> None:
    """Run a coroutine in a loop of another thread, and hold this thread, its event loop included, until it is done."""
    import threading

    async def run() -> None:
        await work()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    thread.join(30)


@clause("DDL-1")
async def test_an_additive_migration_fails_no_operation(backend: Subject, witness: Witness) -> None:
    """Catches SELECT * in a cached statement: its result type has changed. Each connection is tried."""
    async with Subject(backend.adapter, backend.dsn, deadline=backend.deadline, beside=backend) as other:
        await fill_pool(other, witness)
        row = read("the created row", await other.create("before"))
        await other.get(row.id)
        await other.update(row.id, row.title, row.done)
        await witness.execute("ALTER TABLE tasks ADD COLUMN crudspec_note text")
        backend.failed = True  # its statements, too, were prepared for another table: open it anew afterwards
        try:
            for _ in range(2):
                gets = [other.get(row.id) for _ in range(10)]
                for returned in await asyncio.gather(*gets):
                    expect("get after a column was added", read("the row", returned), row)
                read("the created row", await other.create("after"))
                await other.list_tasks()
                row = row._replace(done=not row.done)
                expect("update after a column was added", bool(await other.update(row.id, row.title, row.done)), True)
                expect("delete after a column was added", bool(await other.delete(2**40)), False)
        except ContractBroken:
            raise
        except Exception as error:
            raise ContractBroken(
                str(other.calls[-1]), expected="it works after a column was added", seen=f"raised {shown_error(error)}"
            ) from error
        finally:
            await witness.unblocked("ALTER TABLE tasks DROP COLUMN crudspec_note")


@clause("LOOP-1")
async def test_connects_in_a_second_event_loop(backend: Subject, witness: Witness) -> None:
    """Catches an engine or a lock made when the module was imported: it belongs to the first loop."""
    first = read("the row created in the first loop", await backend.create("in the first loop"))
    await asyncio.gather(*(backend.get(first.id) for _ in range(MANY)))

    async def use() -> None:
        async with Subject(backend.adapter, backend.dsn, deadline=backend.deadline, beside=backend) as other:
            row = read("a row created in a second loop", await other.create("in the second loop"))
            # More than any pool or limit lets through at once: a lock belongs to a loop once somebody waits for it.
            for returned in await asyncio.gather(*(other.get(row.id) for _ in range(MANY))):
                expect("get in a second loop", read("the row", returned), row)

    def in_a_new_loop() -> None:
        asyncio.run(use())

    for _ in range(2):
        try:
            await asyncio.to_thread(in_a_new_loop)
        except ContractBroken:
            raise
        except Exception as error:
            raise ContractBroken(
                "a second connect, in another event loop", expected="it works", seen=f"raised {shown_error(error)}"
            ) from error
    await attempt(backend.list_tasks)
    expect("the number of rows", len(await witness.rows()), 3)
