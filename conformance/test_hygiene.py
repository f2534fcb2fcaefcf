"""After a failure: the backend works on, and leaves nothing open behind it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from crudspec.suite import (
    ONE_ROW,
    SETTLE_SECONDS,
    ContractBroken,
    Inconclusive,
    Key,
    Proxy,
    Sample,
    Subject,
    Witness,
    answer_held,
    arguments,
    attempt,
    clause,
    commits_fail,
    current_run,
    expect,
    failing_calls,
    hostile_calls,
    is_clean,
    shown_error,
    statements_fail,
    table_locked,
    threaded,
    together,
    until,
    wait_for_blocked,
    working,
    works,
)


@clause("USABLE-1")
async def test_works_after_a_refused_value(backend: Subject, witness: Witness) -> None:
    """A session that needs a rollback, or a connection in a failed transaction, fails the next caller."""
    row = await witness.insert()
    for name, call in hostile_calls(backend, witness, row.key):
        await attempt(call)
        await works(backend, witness, name)


@clause("USABLE-1")
async def test_works_after_the_server_refused(backend: Subject, witness: Witness) -> None:
    row = await witness.insert()
    for gate in (statements_fail, commits_fail):
        for name, call in failing_calls(backend, witness, row.key):
            async with gate(witness):
                await attempt(call)
            await works(backend, witness, name)
    gets = [backend.get(*row.key) for _ in range(30)]
    for returned in await asyncio.gather(*gets):
        expect("one of many gets afterwards", backend.read("the row", returned), row)


@clause("HYGIENE-1")
async def test_nothing_is_left_open(backend: Subject, witness: Witness, sample: Sample) -> None:
    """An idle transaction holds locks and snapshots; after a value that the driver refuses in the middle of a
    statement, a connection that gets no reset stays active, and anybody's DDL hangs.
    """
    row = backend.read("the created row", await backend.create(**sample.new()))
    asked = [(name, row.key) for name in sample.table.operations if name != "delete"]
    asked += [(f"{name} of no row", sample.missing_key) for name in ONE_ROW if name in sample.table.operations]
    calls = (
        (name, partial(backend.call, operation, *arguments(sample, operation, key)))
        for name, key in asked
        for operation in [name.partition(" ")[0]]
    )
    for some in (calls, hostile_calls(backend, witness, row.key)):
        for name, call in some:
            await attempt(call)
            await is_clean(backend, witness, name)
    for gate in (statements_fail, commits_fail):
        for name, call in failing_calls(backend, witness, row.key):
            async with gate(witness):
                await attempt(call)
                await is_clean(backend, witness, name)
    await attempt(lambda: backend.delete(*row.key))
    await is_clean(backend, witness, "delete")


@clause("HYGIENE-1")
async def test_a_value_that_a_new_connection_refuses_leaves_nothing_open(
    backend: Subject, witness: Witness, sample: Sample
) -> None:
    """A driver may prepare a statement and then refuse to encode its value. A connection that has prepared it
    before has nothing to leave open, so each call meets a backend that was just opened.
    """
    row = await witness.insert()
    # Not each of them: to open a backend takes its time. One value of another type for each column, and two keys.
    calls: _Calls = [("create", (), values) for values in sample.of_another_type("create")]
    calls += [("update", row.key, values) for values in sample.of_another_type("update")]
    for key in sample.unencodable_keys:
        calls += [(name, *arguments(sample, name, key)) for name in ONE_ROW if name in sample.table.operations]
    for operation, key, values in calls:
        async with backend.another() as other:
            await attempt(partial(other.call, operation, key, values))
            await is_clean(other, witness, backend.shown(operation, key, values))


_Calls = list[tuple[str, Key, Mapping[str, Any]]]


@clause("HYGIENE-1")
async def test_a_call_cancelled_as_its_answer_comes_leaves_nothing_open(
    backend: Subject, witness: Witness, sample: Sample
) -> None:
    """The answer is there, and the call has not seen it: a driver has nothing under way that it would stop. Where
    it had asked for no more than the statement's description, the statement then stays open with its lock. Each
    answer, on a connection that does not know the statement.
    """
    row = await witness.insert()
    asked = ("create", "update") if "create" in working(backend) else ("update",)
    left: _Calls = [(name, *arguments(sample, name, row.key)) for name in asked if name in working(backend)]
    if not left:
        backend.abilities.require("create")
    with threaded(backend.wire_dsn) as proxy:
        answer = 1
        while left:
            left = await _cancelled_at(answer, 1, backend, witness, proxy, left)
            for steps in (2, 3) if left else ():
                await _cancelled_at(answer, steps, backend, witness, proxy, left)
            answer += 1


async def _cancelled_at(
    answer: int, steps: int, beside: Subject, witness: Witness, proxy: Proxy, calls: _Calls
) -> _Calls:
    """Cancel calls at their n-th answer, so many steps of the event loop on; those that have so many answers.

    One that connects for each call takes its connection with it: there is nothing to ask.
    """
    have_so_many = []
    async with (
        beside.another(proxy.dsn) as subject,
        together() as start,
    ):
        for operation, key, values in calls:
            await subject.list_all()  # now it is connected
            with answer_held(proxy, answer) as hold:
                call = start(subject.call(operation, key, values))

                async def come() -> bool:
                    return hold.held or call.done()  # noqa: B023 - it is asked at once

                await until(come)
                # As the block is left, the loop stands still until the answer is in the client's socket. Of what is
                # ready, the loop calls us first, then reads the socket, and wakes whoever waits at its next step.
            if not hold.asked:
                raise Inconclusive(f"{operation} asks the server through the wire")
            for _ in range(steps):
                await asyncio.sleep(0)
            call.cancel()
            await asyncio.wait({call}, timeout=SETTLE_SECONDS)
            await is_clean(subject, witness, f"{operation}, cancelled as its answer {answer} came")
            if hold.held:
                have_so_many.append((operation, key, values))
    return have_so_many


@clause("HYGIENE-2")
async def test_close_leaves_no_connection(backend: Subject, witness: Witness) -> None:
    """It is the one that all checks have used, and no other is open: a pool may grow in the background, and whose
    a connection is, nobody can tell.
    """
    backend.failed = True  # it is opened anew for the next check
    async with table_locked(witness) as release, together() as start:
        # Several at once, so that a pool has opened more than its first connection when it is closed.
        calls = [start(backend.list_all()) for _ in range(5)]
        await wait_for_blocked(witness, 1, "several operations wait at once", calls=calls)
        await release()
        await asyncio.gather(*calls)
    await backend.close()

    async def gone() -> bool:
        return not await witness.pids()

    if not await until(gone):
        left = await witness.pids()
        with suppress(Inconclusive):  # what is wrong is known already
            await witness.end(left)
        raise ContractBroken(
            "the backend's connections after close", expected="none", seen=f"{len(left)} still on the server"
        )


@clause("HYGIENE-3")
async def test_failures_and_cancellations_do_not_exhaust_the_pool(
    backend: Subject, witness: Witness, request: pytest.FixtureRequest
) -> None:
    """One connection lost per failure goes unnoticed until the pool is empty: so many that it is."""
    enough = current_run(request.config).effort.failures
    row = await witness.insert()
    for name, call in hostile_calls(backend, witness, row.key):
        await _failed(backend, row.key, name, call)
    async with statements_fail(witness):
        for _ in range(enough // 2):
            for name, call in failing_calls(backend, witness, row.key):
                await _failed(backend, row.key, name, call)
    cancelled = 0
    while cancelled < enough:
        await _failed(backend, row.key, "a cancelled get", partial(backend.get, *row.key))
        async with table_locked(witness) as release, together() as start:
            calls = [start(backend.get(*row.key)) for _ in range(12)]
            await wait_for_blocked(witness, 1, "operations are under way when they are cancelled", calls=calls)
            # Only those count that had a connection: the others may still have waited for one.
            cancelled += len(await witness.waiting())
            for call in calls:
                call.cancel()
            if backend.in_threads:
                await release()  # a thread cannot be cancelled; its caller waits for it
            patience = backend.deadline + SETTLE_SECONDS
            await asyncio.wait(calls, timeout=patience)
            for call in calls:
                if not call.done():
                    raise ContractBroken(
                        "a cancelled get that waited for a lock",
                        expected="it ends",
                        seen=f"not in {patience:g} seconds",
                    )
                with suppress(asyncio.CancelledError):
                    if isinstance(call.exception(), ContractBroken):
                        await call
    stored = await witness.row(row.key)  # a value that should have been refused is not this clause's
    for returned in await asyncio.gather(*(backend.get(*row.key) for _ in range(30))):
        expect("one of many gets afterwards", backend.read("the row", returned), stored)


async def _failed(backend: Subject, key: Key, name: str, call: Callable[[], Awaitable[object]]) -> None:
    """One failure of hundreds. Where no connection came free for it, all those to come would wait in vain, too."""
    try:
        await call()
    except ContractBroken:
        raise
    except (ConnectionError, TimeoutError) as error:
        try:
            await backend.get(*key)
        except (ConnectionError, TimeoutError):
            raise ContractBroken(
                f"get after {name}, one failure of many", expected="it works", seen=f"raised {shown_error(error)}"
            ) from error
    except Exception:  # noqa: BLE001 - which exception is right, other clauses say
        pass
