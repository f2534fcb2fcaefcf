"""What a client observes of each fault, and of a clock that is put forward."""

import asyncio

import asyncpg
import pytest
from tests.scratch import Scratch
from tests.tasks import row, sample

from crudspec.contract.failures import ContractBroken
from crudspec.errors import Unavailable
from crudspec.faults.clock import Clock, pass_time
from crudspec.faults.injection import (
    answer_held,
    cut_before_client,
    cut_before_server,
    cut_midway,
    gone,
    idle_ended,
    refusing,
    silent,
    slow,
)
from crudspec.faults.lost import Outcome, Write, outcome
from crudspec.truth.model import Request
from crudspec.wire import Proxy, threaded

pytestmark = pytest.mark.asyncio

INSERT = "INSERT INTO tasks (title) VALUES ($1)"
LOST = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, ConnectionError)


async def prepared(dsn):
    connection = await asyncpg.connect(dsn)
    return connection, await connection.prepare(INSERT)


async def count(dsn):
    connection = await asyncpg.connect(dsn)
    stored = await connection.fetchval("SELECT count(*) FROM tasks")
    await connection.close()
    return stored


@pytest.mark.parametrize("reset", [True, False])
@pytest.mark.parametrize("message", [1, 2, 3])
async def test_what_is_cut_before_the_server_hears_it_is_not_stored(scratch_dsn, message, reset):
    with threaded(scratch_dsn) as proxy:
        _, statement = await prepared(proxy.dsn)
        with cut_before_server(proxy, message, reset=reset) as fault, pytest.raises(LOST):
            await statement.fetch("a")
        assert fault.struck is not None
        assert fault.struck.name == ["Bind", "Execute", "Sync"][message - 1]
        assert fault.passed == ["Bind", "Execute", "Sync"][:message]
        assert fault.connections == 1
        assert await count(proxy.dsn) == 0


@pytest.mark.parametrize("reset", [True, False])
@pytest.mark.parametrize("message", [1, 2, 3])
async def test_what_is_cut_before_the_client_hears_it_is_stored(scratch_dsn, message, reset):
    with threaded(scratch_dsn) as proxy:
        _, statement = await prepared(proxy.dsn)
        with cut_before_client(proxy, message, reset=reset) as fault, pytest.raises(LOST):
            await statement.fetch("a")
        assert fault.struck is not None
        assert fault.struck.name == ["BindComplete", "CommandComplete", "ReadyForQuery"][message - 1]
        assert fault.pid
        assert await count(proxy.dsn) == 1


async def test_half_a_message_is_a_lost_connection_too(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:
        _, statement = await prepared(proxy.dsn)
        with cut_midway(proxy, 3) as fault, pytest.raises(LOST):
            await statement.fetch("a")
        assert str(fault) == "message 3 of the server (ReadyForQuery)"
        assert await count(proxy.dsn) == 1


async def test_a_fault_strikes_once_and_not_at_a_message_that_does_not_come(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:
        connection, statement = await prepared(proxy.dsn)
        with cut_before_server(proxy, 4) as fault:
            await statement.fetch("a")
            assert fault.struck is None
            with pytest.raises(LOST):
                await statement.fetch("b")
            again, statement = await prepared(proxy.dsn)
            await statement.fetch("c")
            await again.close()
        assert connection.is_closed()
        assert await count(proxy.dsn) == 2


async def test_connections_that_come_up_meanwhile_can_be_left_out(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:
        used, statement = await prepared(proxy.dsn)
        with cut_before_server(proxy, 2, logged_in_only=True) as fault:
            background = await asyncpg.connect(proxy.dsn)
            await background.fetchval("SELECT 1")
            assert fault.passed == []
            with pytest.raises(LOST):
                await statement.fetch("a")
        await background.close()
        assert used.is_closed()


async def test_an_answer_is_held_until_the_block_is_left(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:
        connection = await asyncpg.connect(proxy.dsn)
        for answer in (1, 2):  # to Parse and Describe, then to Bind and Execute
            with answer_held(proxy, answer) as hold:
                call = asyncio.create_task(connection.fetchval(f"SELECT {answer}"))
                await proxy.until(lambda: hold.held)
                assert not call.done()
            assert await call == answer
        with answer_held(proxy, 2) as hold:
            assert await connection.fetchval("SELECT 2") == 2  # prepared: one answer
        assert not hold.held
        await connection.close()


async def test_silence_is_ended_in_the_proxys_own_time(scratch_dsn):
    """A client without a timeout is let go, also where it blocks the event loop."""
    with threaded(scratch_dsn) as proxy:
        _, statement = await prepared(proxy.dsn)
        with silent(proxy, seconds=0.1) as silence:
            with pytest.raises(LOST):
                await statement.fetch("a")
            assert silence.broken
            assert silence.swallowed == 3
            with pytest.raises(LOST):
                await asyncpg.connect(proxy.dsn, ssl=False)
        assert silence.logins <= 1
        assert await count(proxy.dsn) == 0


async def test_silence_ends_every_connection_when_it_ends(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:
        connection, statement = await prepared(proxy.dsn)
        with silent(proxy, seconds=60) as silence:
            with pytest.raises(TimeoutError):
                await statement.fetch("a", timeout=0.05)
            with pytest.raises(TimeoutError):
                await asyncpg.connect(proxy.dsn, timeout=0.05)
        assert silence.logins >= 1
        assert not silence.broken
        await proxy.until(lambda: not proxy.links)
        connection.terminate()
        assert await count(proxy.dsn) == 0


@pytest.mark.parametrize("in_a_thread", [True, False])
async def test_a_server_that_refuses_keeps_its_connections(scratch_dsn, in_a_thread):
    async def use(proxy):
        connection, statement = await prepared(proxy.dsn)
        async with refusing(proxy):
            with pytest.raises(ConnectionRefusedError):
                await asyncpg.connect(proxy.dsn)
            await statement.fetch("a")
        await connection.close()
        assert await count(proxy.dsn) == 1

    if in_a_thread:
        with threaded(scratch_dsn) as proxy:
            await use(proxy)
    else:
        async with Proxy(scratch_dsn) as proxy:
            await use(proxy)


async def test_a_server_that_is_gone_answers_nobody_and_comes_back(scratch_dsn):
    with threaded(scratch_dsn) as proxy:
        _, statement = await prepared(proxy.dsn)
        async with gone(proxy):
            with pytest.raises(LOST):
                await statement.fetch("a")
            with pytest.raises(ConnectionRefusedError):
                await asyncpg.connect(proxy.dsn)
        assert await count(proxy.dsn) == 0


async def test_a_slow_line_is_slow_only_meanwhile(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:
        connection, statement = await prepared(proxy.dsn)
        with slow(proxy, 0.02):
            assert proxy.rtt == 0.02
            await statement.fetch("a")
        assert proxy.rtt == 0
        await connection.close()


@pytest.mark.parametrize("reset", [True, False])
async def test_idle_connections_end_unasked(scratch_dsn, reset):
    with threaded(scratch_dsn) as proxy:
        _, statement = await prepared(proxy.dsn)
        other = await asyncpg.connect(proxy.dsn)
        with idle_ended(proxy, reset=reset) as ended:
            assert ended == 2
            with pytest.raises(LOST):
                await statement.fetch("a")
            assert await count(proxy.dsn) == 0
        other.terminate()


def skipped():
    return getattr(asyncio.get_running_loop().time, "skipped", None)


async def test_time_passes_for_the_loop_and_not_for_anybody_else():
    loop = asyncio.get_running_loop()
    before = loop.time()

    async def wait():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1000):
                await loop.create_future()
        return loop.time()

    task = asyncio.ensure_future(wait())
    await pass_time([task], 2000, lambda: None)
    assert 1000 <= await task - before < 1100
    assert isinstance(loop.time, Clock)
    later = loop.time()
    await pass_time([task], 2000, lambda: None)
    assert loop.time() - later < 100


async def test_time_does_not_pass_faster_while_something_happens():
    loop = asyncio.get_running_loop()
    calls = iter(range(40))
    task = loop.create_future()

    def alive():
        number = next(calls, None)
        if number is None and not task.done():
            task.set_result(None)
        return number

    await pass_time([task], 100, alive)
    assert skipped() == 0


async def test_time_passes_no_further_than_it_may():
    task = asyncio.get_running_loop().create_future()
    await pass_time([task], 3, lambda: None)
    assert skipped() == 3


async def test_a_loop_whose_clock_cannot_be_replaced_is_left_alone(monkeypatch):
    class Loop:
        __slots__ = ()

        def time(self):
            return 0.0

    monkeypatch.setattr(asyncio, "get_running_loop", Loop)
    await pass_time([], 3, lambda: None)


KEPT, OTHER = row(1, "kept"), row(2, "other")
NEW = row(3, "new")
UPDATED = row(1, "new", True)

WRITES = {
    "create": (Write(Request("create", (), {"title": "new"}), [KEPT, OTHER]), [KEPT, OTHER, NEW]),
    "update": (Write(Request("update", (1,), {"title": "new", "done": True}), [KEPT, OTHER]), [UPDATED, OTHER]),
    "delete": (Write(Request("delete", (1,)), [KEPT, OTHER]), [OTHER]),
}


BACKEND = Scratch("postgresql://nobody@127.0.0.1/nowhere", sample()).subject("asyncpg")


@pytest.mark.parametrize("operation", WRITES)
@pytest.mark.parametrize("error", [Unavailable("lost"), ValueError("x"), asyncpg.ConnectionDoesNotExistError("x")])
async def test_both_worlds_are_possible_until_somebody_looks_whatever_was_raised(operation, error):
    write, done = WRITES[operation]
    seen = Outcome(error=error)
    write.settle(BACKEND, "cut", seen, done)
    write.settle(BACKEND, "cut", seen, write.before)
    for stored in ([OTHER, OTHER], [*done, row(4, "new")], []):
        with pytest.raises(ContractBroken):
            write.settle(BACKEND, "cut", seen, stored)


@pytest.mark.parametrize("operation", ["update", "delete"])
async def test_a_success_is_one_only_if_the_write_is_there(operation):
    write, done = WRITES[operation]
    write.settle(BACKEND, "cut", Outcome(True), done)
    write.settle(BACKEND, "cut", Outcome(1), done)  # a real bool is another clause's to ask for
    for seen, stored in [
        (Outcome(True), write.before),
        (Outcome(False), write.before),
        (Outcome(False), done),
        (Outcome(None), done),
    ]:
        with pytest.raises(ContractBroken):
            write.settle(BACKEND, "cut", seen, stored)


@pytest.mark.parametrize("error", [RuntimeError("x"), ValueError("x"), asyncio.CancelledError()])
async def test_what_a_call_raises_is_its_outcome(error):
    async def call():
        raise error

    assert (await outcome(call())).error is error


async def test_a_cancellation_from_outside_is_no_outcome():
    task = asyncio.ensure_future(outcome(asyncio.Event().wait()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
