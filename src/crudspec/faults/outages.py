"""Calls that meet a lost connection, one of each kind, and what they raise."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from crudspec.backend import WRITES
from crudspec.contract.failures import ContractBroken
from crudspec.faults.clock import pass_time
from crudspec.faults.injection import cut_before_client, gone, idle_ended, silent
from crudspec.faults.lost import Outcome, arguments, fill_pool, outcome, working
from crudspec.truth.gates import together

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable

    from crudspec.harness.subject import Subject
    from crudspec.truth.witness import Witness
    from crudspec.wire import Proxy

SKIPPED_SECONDS = 120.0
"""By which the event loop's clock is put forward at most, for a timeout to be met."""

_SILENT_SECONDS = 1.0
"""After which a silent server resets its connections, where no timeout goes by the event loop's clock."""

PATIENCE = 6.0

_CROWD, _CROWD_IN_THREADS = 40, 20
"""Calls beside those of each operation: more than a usual pool has connections, so that some wait for the pool."""


async def lost_calls(backend: Subject, witness: Witness, proxy: Proxy) -> AsyncIterator[tuple[str, BaseException]]:
    """Make calls whose connection is lost.

    Args:
        backend: The backend; instances of it are opened on the proxy.
        witness: Of its database.
        proxy: In a thread of its own.

    Yields:
        What was called and when, and what it raised. A call that returned, or hung, is left out: what that means,
        other clauses ask.
    """
    row = await witness.insert()
    sample = witness.sample
    for reset in (True, False):
        for operation in working(backend):
            asked = arguments(sample, operation, row.key)
            async with _filled(backend, witness, proxy) as subject:
                with idle_ended(proxy, reset=reset):
                    seen = await _ended(subject.call(operation, *asked))
            if seen.error is not None:
                how = "a reset" if reset else "an end of stream"
                yield f"{backend.shown(operation, *asked)}, its idle connection having ended with {how}", seen.error
    for operation in (name for name in working(backend) if name in WRITES):
        asked = arguments(sample, operation, row.key)
        async with _filled(backend, witness, proxy) as subject:
            with cut_before_client(proxy, 1, logged_in_only=True):
                cut = await _ended(subject.call(operation, *asked))
        async with _filled(backend, witness, proxy) as subject, gone(proxy):
            lost = await _ended(subject.call(operation, *asked))
        for when, seen in (("cut before its first answer", cut), ("when the server is gone", lost)):
            if seen.error is not None:
                yield f"{backend.shown(operation, *asked)}, {when}", seen.error
    async with _filled(backend, witness, proxy) as subject:
        crowding = working(backend)[:1] * (_CROWD_IN_THREADS if subject.in_threads else _CROWD)
        calls = [(name, arguments(sample, name, row.key)) for name in (*working(backend), *crowding)]
        with silent(proxy, seconds=_SILENT_SECONDS):
            deadline = SKIPPED_SECONDS + PATIENCE
            ended = await _all_ended([subject.call(name, *asked, deadline=deadline) for name, asked in calls])
    for (operation, asked), seen in zip(calls, ended, strict=True):
        if seen.error is not None:
            yield f"{backend.shown(operation, *asked)}, with a server that is silent", seen.error


@asynccontextmanager
async def _filled(backend: Subject, witness: Witness, proxy: Proxy) -> AsyncGenerator[Subject]:
    await backend.make_room()
    subject = backend.sibling(proxy.dsn)
    await subject.open()
    try:
        await fill_pool(subject, witness)
        yield subject
    finally:
        with suppress(ContractBroken):  # whether it can be left after that, LOST-3 asks
            await subject.close(deadline=PATIENCE)


async def _ended(call: Awaitable[object]) -> Outcome:
    (seen,) = await _all_ended([call], skip=False)
    return seen


async def _all_ended(calls: list[Awaitable[object]], *, skip: bool = True) -> list[Outcome]:
    """What became of calls; nothing where one did not come back, or broke the contract in itself."""
    async with together() as start:
        tasks = [start(outcome(call)) for call in calls]
        if skip:
            await pass_time(tasks, SKIPPED_SECONDS, lambda: None)
        await asyncio.wait(tasks, timeout=PATIENCE)
        return [
            Outcome() if not task.done() or task.cancelled() or task.exception() is not None else task.result()
            for task in tasks
        ]
