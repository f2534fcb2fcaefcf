"""Messages are held, dropped, cut off and added, one at a time."""

import asyncio

import asyncpg
import pytest

from crudspec.wire import CLIENT, SERVER, Interference, Proxy, Verdict, error_response
from crudspec.wire.lane import HIGH_WATER

pytestmark = pytest.mark.asyncio

INSERT = "INSERT INTO tasks (title) VALUES ($1)"
LOST = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, ConnectionError)


class Script(Interference):
    """Writes down every message and does what a function says."""

    def __init__(self, client=None, server=None):
        self.log = []
        self.client = client or (lambda link, frame: Verdict.PASS)
        self.server = server or (lambda link, frame: Verdict.PASS)
        self.ends = 0

    def from_client(self, link, frame):
        self.log.append(f"> {frame.name}")
        return self.client(link, frame)

    def from_server(self, link, frame):
        self.log.append(f"< {frame.name}")
        return self.server(link, frame)

    def closed(self, link):
        self.ends += 1


async def prepared(dsn):
    connection = await asyncpg.connect(dsn)
    return connection, await connection.prepare(INSERT)


async def test_every_message_is_asked_about_once_and_in_order(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:
        connection, statement = await prepared(proxy.dsn)
        script = proxy.interference = Script()
        await statement.fetch("a")
        await connection.close()
    assert script.log[:7] == [
        "> Bind",
        "> Execute",
        "> Sync",
        "< BindComplete",
        "< CommandComplete",
        "< ReadyForQuery",
        "> Terminate",
    ]
    assert script.ends == 1


async def test_the_packets_that_begin_a_connection_are_asked_about_too(scratch_dsn):
    script = Script()
    async with Proxy(scratch_dsn, interference=script) as proxy:
        connection = await asyncpg.connect(proxy.dsn, ssl="prefer")
        await connection.close()
    assert script.log[:3] == ["> SSLRequest", "> StartupMessage", "< Authentication"]


async def test_held_messages_wait_and_go_one_by_one(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:
        connection, statement = await prepared(proxy.dsn)
        (link,) = proxy.links
        held = asyncio.Event()

        def hold(link, frame):
            held.set()
            return Verdict.HOLD

        proxy.interference = Script(client=hold)
        call = asyncio.ensure_future(statement.fetch("a"))
        await held.wait()
        assert [frame.name for frame in link.held(CLIENT)] == ["Bind", "Execute", "Sync"]
        assert link.session.sql(link.held(CLIENT)[0]) == INSERT
        assert not link.session.waiting
        for left in (2, 1, 0):
            assert not call.done()
            link.release(CLIENT)
            assert len(link.held(CLIENT)) == left
        assert link.session.waiting
        await call
        proxy.interference = None
        await connection.close()


async def test_taking_the_interference_away_lets_everything_go(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:
        connection, statement = await prepared(proxy.dsn)
        held = asyncio.Event()

        def hold(link, frame):
            held.set()
            return Verdict.HOLD

        for script in (Script(client=hold), Script(server=hold)):
            held.clear()
            proxy.interference = script
            call = asyncio.ensure_future(statement.fetch("a"))
            await held.wait()
            proxy.interference = None
            await call
        await connection.close()


async def test_a_cut_before_the_server_hears_stores_nothing(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:
        _, statement = await prepared(proxy.dsn)

        def cut(link, frame):
            if frame.name == "Execute":
                link.cut()
            return Verdict.PASS

        proxy.interference = Script(client=cut)
        with pytest.raises(LOST):
            await statement.fetch("a")
        proxy.interference = None
        witness = await asyncpg.connect(proxy.dsn)
        assert await witness.fetchval("SELECT count(*) FROM tasks") == 0
        await witness.close()


@pytest.mark.parametrize("reset", [True, False])
async def test_a_cut_after_the_server_has_done_it_leaves_the_row(scratch_dsn, reset):
    async with Proxy(scratch_dsn) as proxy:
        _, statement = await prepared(proxy.dsn)

        def cut(link, frame):
            if frame.name == "ReadyForQuery":
                link.cut(reset=reset)
            return Verdict.DROP

        proxy.interference = Script(server=cut)
        with pytest.raises(LOST):
            await statement.fetch("a")
        proxy.interference = None
        witness = await asyncpg.connect(proxy.dsn)
        assert await witness.fetchval("SELECT count(*) FROM tasks") == 1
        await witness.close()


async def test_a_reset_in_the_middle_of_a_message(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:
        _, statement = await prepared(proxy.dsn)

        def tear(link, frame):
            link.inject(CLIENT, frame.raw[:7])
            link.cut()
            return Verdict.DROP

        proxy.interference = Script(server=tear)
        with pytest.raises(LOST):
            await statement.fetch("a")


async def test_a_dropped_answer_leaves_the_client_waiting(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:
        connection, statement = await prepared(proxy.dsn)
        dropped = asyncio.Event()

        def drop(link, frame):
            dropped.set()
            return Verdict.DROP

        proxy.interference = Script(server=drop)
        call = asyncio.ensure_future(statement.fetch("a"))
        await dropped.wait()
        assert not call.done()
        connection.terminate()
        with pytest.raises(LOST):
            await call


async def test_an_injected_error_ends_an_idle_connection(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:
        connection, _ = await prepared(proxy.dsn)
        gone = asyncio.Event()
        connection.add_termination_listener(lambda _: gone.set())
        (link,) = proxy.links
        link.inject(CLIENT, error_response("57P01", "terminating connection"))
        link.close()
        await gone.wait()


async def test_a_client_that_leaves_while_held_is_delivered_before_its_end(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:
        connection, statement = await prepared(proxy.dsn)
        (link,) = proxy.links
        proxy.interference = Script(client=lambda link, frame: Verdict.HOLD)
        call = asyncio.ensure_future(statement.fetch("a"))
        await proxy.until(lambda: bool(link.held(CLIENT)))
        connection.terminate()
        with pytest.raises(LOST):
            await call
        proxy.interference = None
        await proxy.until(lambda: not proxy.links)
        witness = await asyncpg.connect(scratch_dsn)
        assert await witness.fetchval("SELECT count(*) FROM tasks") == 1
        await witness.close()


async def test_interference_may_begin_and_end_in_the_middle_of_a_message(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:
        connection = await asyncpg.connect(proxy.dsn)
        large = "x" * 3_000_000
        query = "SELECT repeat('y', 3000000) || $1::text FROM generate_series(1, 5)"
        await connection.fetch(query, "")
        lanes = proxy.links[0].lanes
        changes = 0

        async def toggle():
            nonlocal changes
            while True:
                for interference in (Script(), None):
                    proxy.interference = interference
                    changes += any(lane.framer.partial or lane.framer.skipping for lane in lanes.values())
                    await asyncio.sleep(0)

        toggling = asyncio.ensure_future(toggle())
        rows = await connection.fetch(query, large)
        toggling.cancel()
        proxy.interference = None
        assert [row[0] for row in rows] == ["y" * 3_000_000 + large] * 5
        assert changes > 2
        await connection.close()


async def test_a_delay_stops_the_source_before_much_has_piled_up(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:
        connection = await asyncpg.connect(proxy.dsn)
        statement = await connection.prepare("SELECT length($1)")
        (link,) = proxy.links
        source = link.lanes[CLIENT].source
        assert source is not None
        reading = source.is_reading
        proxy.rtt = 3600.0
        with proxy.observer.operation() as seen:
            call = asyncio.ensure_future(statement.fetchval("x" * 50_000_000))
            await proxy.until(lambda: not reading())
        assert HIGH_WATER < seen.bytes_sent <= HIGH_WATER + (1 << 16)
        connection.terminate()
        with pytest.raises(LOST):
            await call


async def test_what_was_stopped_by_a_delay_goes_on_when_it_is_over(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:
        connection = await asyncpg.connect(proxy.dsn)
        statement = await connection.prepare("SELECT length($1)")
        proxy.rtt = 0.01
        assert await statement.fetchval("x" * 5_000_000) == 5_000_000
        proxy.rtt = 0.0
        await connection.close()


async def test_holding_much_stops_the_source(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:
        connection = await asyncpg.connect(proxy.dsn)
        (link,) = proxy.links
        proxy.interference = Script(
            server=lambda link, frame: Verdict.HOLD if frame.name == "DataRow" else Verdict.PASS
        )
        call = asyncio.ensure_future(connection.fetch("SELECT repeat('x', 10000) FROM generate_series(1, 5000)"))
        await proxy.until(lambda: bool(link.held(SERVER)))
        source = link.lanes[SERVER].source
        assert source is not None
        reading = source.is_reading
        await proxy.until(lambda: not reading())
        assert sum(len(frame.raw) for frame in link.held(SERVER)) < 4_000_000
        proxy.interference = None
        assert len(await call) == 5000
        await connection.close()
