"""Connections that are cut in the middle of a write, and servers that fall silent: faults made on the wire.

The wire runs in a thread of its own: a backend that blocks the event loop would otherwise wait for itself.
"""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, suppress
from functools import partial
from typing import Any

from crudspec.suite import (
    SETTLE_SECONDS,
    Consequence,
    ContractBroken,
    CutFault,
    DaemonPool,
    Inconclusive,
    Key,
    Outcome,
    Proxy,
    Sample,
    Silence,
    Subject,
    Sweep,
    Witness,
    arguments,
    clause,
    cut_before_client,
    cut_before_server,
    cut_midway,
    expect,
    fill_pool,
    gone,
    idle_ended,
    outcome,
    pass_time,
    silent,
    threaded,
    together,
    until,
    working,
    works_again,
    writes_of,
)

SKIPPED_SECONDS = 120.0
"""By which the event loop's clock is put forward at most. The longest default of a usual driver is 60."""

PATIENCE, PATIENCE_IN_THREADS = 12.0, 20.0
"""Seconds to wait in real time, for a timeout that does not go by the event loop's clock; for a backend in threads,
twice what it may take. No multiple of the run's deadline: that is for operations where nothing is wrong.
"""

CROWD = 40
"""Gets that want a connection at the same time: more than a usual pool has, so that some wait for the pool."""

CROWD_IN_THREADS = 20
"""The same where each call needs a worker thread: those beyond would wait for a thread, and only then for the pool."""


def _patience(backend: Subject) -> float:
    return PATIENCE_IN_THREADS if backend.in_threads else PATIENCE


BEFORE: list[CutFault] = [cut_before_server, partial(cut_before_server, reset=False)]
"""A reset and an end of stream, which a driver meets in different places."""

AFTER: list[CutFault] = [partial(cut_before_client, reset=False), cut_before_client, cut_midway]


@clause("LOST-1")
async def test_recovers_when_idle_connections_end(backend: Subject, witness: Witness) -> None:
    """With a reset and with an end of stream, as a firewall or a pooler ends them: there is no last word of the server
    to understand. Noticed by the event loop before the next call, and in the middle of it, whichever operation that is.
    """
    with threaded(backend.wire_dsn) as proxy:
        async with backend.another(proxy.dsn) as subject:
            for operation in working(backend):
                for reset in (True, False):
                    for notices in (True, False):
                        await _ended_before(operation, subject, witness, proxy, reset=reset, notices=notices)


async def _ended_before(
    operation: str, subject: Subject, witness: Witness, proxy: Proxy, *, reset: bool, notices: bool
) -> None:
    row = await witness.insert()
    await fill_pool(subject, witness)
    pids = {link.session.pid for link in proxy.links}
    with idle_ended(proxy, reset=reset) as lost:
        if notices:

            async def ended() -> bool:
                return pids.isdisjoint(await witness.pids())

            await until(ended)
        when = f"after {lost} idle connections ended with {'a reset' if reset else 'an end of stream'}"
        await works_again(subject, witness, row.key, lost, when, operations=(operation, "create", "list_all"))


@clause("LOST-2")
async def test_cut_before_the_server_hears_a_message_of_a_write(backend: Subject, witness: Witness) -> None:
    """Each message in turn. Catches a made-up success, and one taken for granted because the request was sent."""
    await _sweep(backend, witness, BEFORE)


@clause("LOST-2")
async def test_cut_after_the_server_did_it_and_before_the_client_hears(backend: Subject, witness: Witness) -> None:
    """Each message in turn, the answer to a COMMIT included. Catches a retry of what may have happened."""
    await _sweep(backend, witness, AFTER)


async def _sweep(backend: Subject, witness: Witness, cuts: list[CutFault]) -> None:
    """Every message of every write; once more, in one way, with a statement that the connection does not know."""
    with threaded(backend.wire_dsn) as proxy:
        sweep = Sweep(backend, witness, proxy)
        for operation in writes_of(backend):
            await sweep.run(operation, cuts, warm=True)
            await sweep.run(operation, cuts[:1], warm=False)


@clause("LOST-2")
async def test_the_server_is_gone_for_good(backend: Subject, witness: Witness) -> None:
    """The next message meets a reset, and every new connection is refused. Catches trying again for ever."""
    row = await witness.insert()
    limit = _patience(backend)
    with threaded(backend.wire_dsn) as proxy:
        async with backend.another(proxy.dsn) as subject:
            await fill_pool(subject, witness)
            connections = len(proxy.links)
            async with gone(proxy), together() as start:
                deadline = SKIPPED_SECONDS + limit + SETTLE_SECONDS
                calls = {
                    backend.shown(name, *asked): start(outcome(subject.call(name, *asked, deadline=deadline)))
                    for name in writes_of(backend)
                    for asked in [arguments(witness.sample, name, row.key)]
                }
                await pass_time(calls.values(), SKIPPED_SECONDS, lambda: None)
                await asyncio.wait(calls.values(), timeout=limit)
                for what, call in calls.items():
                    if not call.done():
                        raise _hangs(backend, f"{what}, when the server is gone")
                    if call.result().error is None:
                        raise ContractBroken(
                            f"{what}, when the server is gone", expected="an exception", seen=str(call.result())
                        )
            expect("the table", await witness.rows(), [row])
            await works_again(subject, witness, row.key, connections, "after the server came back")


@clause("LOST-3")
async def test_a_silent_server_does_not_hang_a_call(backend: Subject, witness: Witness) -> None:
    """On connections in use, on new ones, and in ``connect`` itself, all at once: one wait for three timeouts.

    Time passes only for the event loop, which is exact and takes no time. What does not go by the event loop's clock
    (threads, for one) is waited for in real time.
    """
    row = await witness.insert()
    at_once = backend.abilities.side_by_side
    for places in [SILENT] if at_once else [(place,) for place in SILENT]:
        await _silent_at(places, backend, witness, row.key)
    expect("the table", await witness.rows(), [row])


async def _silent_at(places: Sequence[str], backend: Subject, witness: Witness, key: Key) -> None:
    in_use, new, first = SILENT
    limit = _patience(backend)
    async with AsyncExitStack() as stack, together() as start:
        proxies = {place: stack.enter_context(threaded(backend.wire_dsn)) for place in places}
        subjects = {
            place: await stack.enter_async_context(backend.another(proxies[place].dsn))
            for place in places
            if place != first
        }
        for subject in subjects.values():
            await fill_pool(subject, witness)
        if new in places:
            with idle_ended(proxies[new], reset=True):
                pass
        waits = {}
        with ExitStack() as silences:
            for place in places:
                silence = silences.enter_context(silent(proxies[place], seconds=limit))
                if place == in_use:
                    call = _calls(subjects[place], witness.sample, key, silence, limit)
                elif place == new:
                    call = _calls_until_met(subjects[place], witness.sample, key, silence, limit)
                else:
                    await backend.make_room()
                    answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
                    start(_connect(backend, key, proxies[place].dsn, limit, answer))
                    call = _named("connect", answer, silence)
                waits[place] = (silence, start(call))
            await _judge(backend, waits, limit)
        for place, subject in subjects.items():
            silence, _ = waits[place]
            await works_again(subject, witness, key, silence.connections, "after the server had been silent")


@clause("LOST-3")
async def test_leaving_does_not_wait_for_a_silent_server(backend: Subject) -> None:
    """Catches a goodbye that waits for its answer. That it was not heard may be said, as Unavailable."""
    limit = _patience(backend)
    with threaded(backend.wire_dsn) as proxy:
        await backend.make_room()
        subject = backend.sibling(proxy.dsn)
        await subject.open()
        await subject.list_all()  # now it is connected
        async with together() as start:
            with silent(proxy, seconds=limit) as silence:
                leaving = start(subject.close(deadline=SKIPPED_SECONDS + limit + SETTLE_SECONDS))
                await pass_time([leaving], SKIPPED_SECONDS, lambda: None)
                await asyncio.wait([leaving], timeout=limit + SETTLE_SECONDS)
                if silence.broken or not leaving.done():
                    raise _hangs(backend, "leaving `connect`, with a server that is silent", expected="it ends")
            with suppress(ContractBroken):  # that its goodbye was not heard may be said, by whatever exception
                await leaving


SILENT = "on connections in use", "on new connections", "at the first connection"
"""Where a server may fall silent."""

Ended = list[tuple[str, Outcome, bool]]
"""Calls, what became of them, and whether that was only when the silence was over."""


async def _judge(backend: Subject, waits: Mapping[str, tuple[Silence, asyncio.Future[Ended]]], limit: float) -> None:
    tasks = [task for _, task in waits.values()]
    await pass_time(tasks, SKIPPED_SECONDS, lambda: [silence.swallowed for silence, _ in waits.values()])
    await asyncio.wait(tasks, timeout=limit + SETTLE_SECONDS)
    for where, (silence, task) in waits.items():
        if not task.done():
            raise _hangs(backend, f"an operation, with a server that is silent {where}")
        for what, seen, too_late in task.result():
            if too_late:
                raise _hangs(backend, f"{what}, with a server that is silent {where}")
            if seen.error is None:
                raise ContractBroken(
                    f"{what}, with a server that is silent {where}",
                    expected="an exception",
                    seen=str(seen),
                    consequence=Consequence.DATA,
                )
        if not silence.swallowed:
            raise Inconclusive(f"an operation meets a server that is silent {where}")


async def _calls(subject: Subject, sample: Sample, key: Key, silence: Silence, limit: float) -> Ended:
    """The five operations at once, and as many gets that most of them find no connection free."""
    deadline = SKIPPED_SECONDS + limit + SETTLE_SECONDS
    crowd = CROWD_IN_THREADS if subject.in_threads else CROWD
    crowding = next((name for name in ("get", "list_all") if name in working(subject)), "create")
    return [
        ended
        for group in await asyncio.gather(
            *(
                _named(subject.shown(name, *asked), outcome(subject.call(name, *asked, deadline=deadline)), silence)
                for name in (*working(subject), *[crowding] * crowd)
                for asked in [arguments(sample, name, key)]
            )
        )
        for ended in group
    ]


async def _calls_until_met(subject: Subject, sample: Sample, key: Key, silence: Silence, limit: float) -> Ended:
    """The first calls may be refused at once, because their connections have ended; the next ones make new ones."""
    ended: Ended = []
    for _ in range(3):
        ended += await _calls(subject, sample, key, silence, limit)
        if silence.logins or silence.broken:
            break
    return ended


async def _named(what: str, call: Awaitable[Outcome], silence: Silence) -> Ended:
    return [(what, await call, silence.broken)]


async def _connect(subject: Subject, key: Key, dsn: str, patience: float, answer: asyncio.Future[Outcome]) -> None:
    """Open a backend and, in case it connects only when it has to, call an operation."""
    pool = DaemonPool(patience=patience)
    get = subject.table.method("get")

    async def use() -> object:
        context = subject.adapter.cls.connect(dsn)  # it may raise here already
        if not hasattr(context, "__aenter__"):
            return await pool.run(partial(use_in_thread, context))
        async with context as backend:
            answer.set_result(await outcome(getattr(backend, get)(*key)))
            return None

    def use_in_thread(context: Any) -> object:
        with context as backend:
            return getattr(backend, get)(*key)

    try:
        seen = await outcome(use())
    finally:
        pool.close()
    if not answer.done():
        answer.set_result(seen)


def _hangs(
    backend: Subject, what: str, expected: str = "an exception, within the backend's own timeout"
) -> ContractBroken:
    limit = _patience(backend)
    if backend.in_threads:
        seen = f"no answer within {limit:g} seconds: nothing on the client's side ends its wait for an answer, as a "
        seen += "timeout of its socket would; a statement_timeout is the server's, and keepalives go on being answered"
    else:
        seen = f"no answer within {limit:g} seconds, or {SKIPPED_SECONDS:g} by the event loop's clock: it hangs"
    return ContractBroken(what, expected=expected, seen=seen)
