"""A caller that gives up: the operation ends with it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial

from crudspec.suite import (
    CANCELLED,
    LATER_SECONDS,
    SETTLE_SECONDS,
    WRITES,
    ContractBroken,
    Inconclusive,
    Request,
    Row,
    Subject,
    Witness,
    apply,
    arguments,
    change_blocked,
    clause,
    matches,
    row_locked,
    shown,
    shown_error,
    table_locked,
    together,
    until,
    wait_for_blocked,
    works,
)

AGAIN = 6
"""How often a call is cancelled once more while it ends."""


@clause("CANCEL-1")
async def test_a_cancelled_operation_ends(backend: Subject, witness: Witness) -> None:
    """Each operation is cancelled while it waits in the server, so that it really is under way. Catches a
    cancellation that is swallowed, a query that nobody waits for any more, and a write that comes later.
    """
    await _each_cancelled(backend, witness)


@clause("CANCEL-2")
async def test_a_cancelled_operation_ends_however_often_it_is_cancelled(backend: Subject, witness: Witness) -> None:
    """Some callers (anyio's scopes) cancel again until the call has ended. Catches a clean-up that is cancelled."""
    await _each_cancelled(backend, witness, again=AGAIN)


async def _each_cancelled(backend: Subject, witness: Witness, *, again: int = 0) -> None:
    try:
        await _each(backend, witness, again)
    except Inconclusive:
        raise
    except ContractBroken as broken:
        broken.cause = CANCELLED
        raise


async def _each(backend: Subject, witness: Witness, again: int) -> None:
    sample = witness.sample
    row = await witness.insert()
    changed_columns = [name for name in sample.table.updates if sample.change()[name] != row[name]]
    # An update that is made of two has then done one half.
    halves = [("update", change_blocked(witness, name)) for name in (changed_columns[:1] + changed_columns[1:][-1:])]
    table = await witness.rows()
    for name, gate in (
        ("create", table_locked(witness)),
        ("get", table_locked(witness)),
        ("list_all", table_locked(witness)),
        ("update", row_locked(witness, row.key)),
        *halves,
        ("delete", row_locked(witness, row.key)),
    ):
        if name not in sample.table.operations:
            continue
        asked = Request(name, *arguments(sample, name, row.key))
        # With a deadline that is over only after the check's own: it would be a second cancellation.
        call = partial(backend.call, name, asked.key, asked.values, deadline=2 * SETTLE_SECONDS)
        table = await _cancelled_while_blocked(backend, witness, asked, call, gate, table, row, again)
        await works(backend, witness, f"a cancelled {name}")
        now = await witness.rows()
        later = [one for one in now if one in table]
        _expect_unchanged(f"the table some time after a cancelled {name}", table, later)
        table = now

    async def changed() -> bool:
        return await witness.rows() != table

    await until(changed, deadline=LATER_SECONDS, every=LATER_SECONDS / 4)
    _expect_unchanged(f"the table {LATER_SECONDS:g} seconds after the last", table, await witness.rows())


async def _cancelled_while_blocked(
    backend: Subject,
    witness: Witness,
    asked: Request,
    call: Callable[[], Awaitable[object]],
    gate: AbstractAsyncContextManager[Callable[[], Awaitable[None]]],
    before: list[Row],
    row: Row,
    again: int,
) -> list[Row]:
    """Cancel one operation while it waits at the gate; returns the table as it then is."""
    name = asked.operation
    async with gate as release, together() as start:
        task = start(call())
        await wait_for_blocked(witness, 1, f"{name} waits for a lock when it is cancelled", calls=[task])
        task.cancel()
        if backend.in_threads:
            await release()  # a thread cannot be cancelled; its caller waits until it has ended
        for _ in range(0 if backend.in_threads else again):
            await asyncio.sleep(0)  # one turn of the event loop, as anyio's scopes leave between two cancellations
            task.cancel()
        await _raised_cancelled(name, task)

        async def nothing_waits() -> bool:
            return not await witness.waiting()

        if not await until(nothing_waits):
            left = await witness.blockers()
            raise ContractBroken(
                f"the backend's connections after a cancelled {name}",
                expected=f"no query running {SETTLE_SECONDS:g} seconds later",
                seen="; ".join(map(str, left)) or "one still waits for a lock",
            )
    after = await witness.rows()
    new = next((one for one in after if all(one.key != other.key for other in before)), None)
    done, _ = apply(backend.table, {one.key: one for one in before}, asked, new)
    is_done = name in WRITES and matches(backend.table.in_key_order(done.values()), after)
    if not (is_done and backend.in_threads):
        _expect_unchanged(f"the table after a cancelled {name} that had ended while it was blocked", before, after)
    if after != before and name != "create":
        await witness.delete(row.key)
        await witness.insert(key=row.key)
        after = await witness.rows()
    return after


def _expect_unchanged(what: str, before: list[Row], after: list[Row]) -> None:
    if after != before:
        raise ContractBroken(what, expected=shown(before), seen=shown(after))


async def _raised_cancelled(name: str, task: asyncio.Future[object]) -> None:
    await asyncio.wait({task}, timeout=SETTLE_SECONDS)
    if not task.done():
        seen = f"it goes on {SETTLE_SECONDS:g} seconds later"
    elif task.cancelled():
        return
    elif (error := task.exception()) is not None:
        seen = f"raised {shown_error(error)}"
    else:
        seen = f"returned {shown(task.result())}"
    raise ContractBroken(f"a {name} that was cancelled", expected="CancelledError", seen=seen)
