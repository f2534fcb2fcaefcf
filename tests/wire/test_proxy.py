"""The proxy forwards faithfully, refuses clearly, and leaves nothing behind."""

import asyncio
import contextlib
import socket
import struct
import threading

import asyncpg
import psycopg
import pytest

from crudspec.wire import SERVER, Proxy, WireError, threaded

STARTUP = struct.pack(">II", 8 + 10, 3 << 16) + b"user\0me\0\0\0"


async def read_all(proxy, *packets):
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    for packet in packets:
        writer.write(packet)
    try:
        return await reader.read()
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def strange_server(answer):
    """A server that reads one packet and then says what it is told to say."""

    async def serve(reader, writer):
        await reader.read(100)
        writer.write(answer)
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"postgresql://me:secret@127.0.0.1:{server.sockets[0].getsockname()[1]}/db"


@pytest.mark.asyncio
async def test_large_values_and_many_rows_pass_unchanged(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:
        connection = await asyncpg.connect(proxy.dsn)
        large = "ä€𝄞x" * 2_000_000
        with proxy.observer.operation() as seen:
            assert await connection.fetchval("SELECT $1::text", large) == large
        assert seen.bytes_sent > len(large.encode()) < seen.bytes_received
        rows = await connection.fetch("SELECT i, repeat('x', 100) FROM generate_series(1, 100000) i")
        assert [row[0] for row in rows] == list(range(1, 100_001))
        await connection.close()


@pytest.mark.asyncio
async def test_a_reader_that_is_slower_than_the_server_stops_the_server(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:
        connection = await psycopg.AsyncConnection.connect(proxy.dsn, autocommit=True)
        with proxy.observer.operation() as seen:
            connection.pgconn.send_query(b"SELECT repeat('x', 1000000) FROM generate_series(1, 100)")
            source = proxy.links[0].lanes[SERVER].source
            assert source is not None
            reading = source.is_reading
            await proxy.until(lambda: not reading())
        assert 0 < seen.bytes_received < 50_000_000
        await connection.close()


@pytest.mark.asyncio
async def test_many_connections_at_once(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy, asyncpg.create_pool(proxy.dsn, min_size=20, max_size=20) as pool:
        values = await asyncio.gather(*(pool.fetchval("SELECT $1::int", n) for n in range(500)))
        assert values == list(range(500))
        assert len(proxy.links) == 20
        pids = {await pool.fetchval("SELECT pg_backend_pid()")}
        assert pids <= {link.session.pid for link in proxy.links}
        assert all(link.session.status == "I" for link in proxy.links)


@pytest.mark.asyncio
async def test_a_query_is_cancelled_through_the_proxy(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:
        connection = await asyncpg.connect(proxy.dsn)
        with proxy.observer.operation() as seen, pytest.raises(TimeoutError):
            await connection.fetchval("SELECT pg_sleep(3600)", timeout=0.05)
        assert await connection.fetchval("SELECT 1") == 1
        assert [s.error.sqlstate for s in seen.statements if s.error] == ["57014"]
        await connection.close()


@pytest.mark.asyncio
async def test_notifications_and_notices_pass(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:
        connection = await asyncpg.connect(proxy.dsn)
        heard = asyncio.get_running_loop().create_future()
        await connection.add_listener("channel", lambda *args: heard.set_result(args[-1]))
        await connection.execute("DO $$ BEGIN RAISE NOTICE 'hello'; END $$; NOTIFY channel, 'word'")
        assert await heard == "word"
        await connection.remove_listener("channel", heard.cancel)
        await connection.reset()
        await connection.close()


@pytest.mark.asyncio
async def test_the_end_of_the_server_process_reaches_the_client(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:
        victim, killer = await asyncpg.connect(proxy.dsn), await asyncpg.connect(proxy.dsn)
        gone = asyncio.Event()
        victim.add_termination_listener(lambda _: gone.set())
        await killer.execute("SELECT pg_terminate_backend($1)", victim.get_server_pid())
        await gone.wait()
        with pytest.raises((asyncpg.InterfaceError, asyncpg.PostgresConnectionError, ConnectionError)):
            await victim.fetchval("SELECT 1")
        await killer.close()


@pytest.mark.asyncio
async def test_the_end_of_a_client_reaches_the_server(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:
        client, witness = await asyncpg.connect(proxy.dsn), await asyncpg.connect(scratch_dsn)
        pid = client.get_server_pid()
        client.terminate()
        async with asyncio.timeout(10):
            while await witness.fetchval("SELECT count(*) FROM pg_stat_activity WHERE pid = $1", pid):
                pass
            await proxy.until(lambda: not proxy.links)
        await witness.close()


@pytest.mark.asyncio
async def test_closing_leaves_no_task_and_no_connection(scratch_dsn):
    before = asyncio.all_tasks()
    async with Proxy(scratch_dsn) as proxy:
        connection = await asyncpg.connect(proxy.dsn)
        waiting = asyncio.ensure_future(connection.fetchval("SELECT pg_sleep(3600)"))
        half = socket.create_connection(("127.0.0.1", proxy.port))
        await proxy.until(lambda: len(proxy.links) == 2 and proxy.links[0].session.waiting)
    with pytest.raises((asyncpg.PostgresConnectionError, ConnectionError)):
        await waiting
    half.close()
    assert proxy.links == ()
    assert asyncio.all_tasks() == before
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", proxy.port)


@pytest.mark.asyncio
async def test_a_deaf_proxy_refuses_and_hears_again_on_the_same_port(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:
        old, dsn = await asyncpg.connect(proxy.dsn), proxy.dsn
        await proxy.deafen()
        with pytest.raises(ConnectionRefusedError):
            await asyncpg.connect(dsn)
        assert await old.fetchval("SELECT 1") == 1
        await proxy.listen()
        new = await asyncpg.connect(dsn)
        await new.close()
        await old.close()


def test_a_synchronous_program_has_a_proxy_in_a_thread(scratch_dsn):
    threads = threading.active_count()
    with threaded(scratch_dsn) as proxy, psycopg.connect(proxy.dsn) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        assert proxy.call(lambda: [link.session.status for link in proxy.links]) == ["T"]
    assert threading.active_count() == threads


def test_an_error_in_the_thread_reaches_the_caller():
    with pytest.raises(WireError), threaded("postgresql://me@localhost/db?sslmode=require"):
        pass


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://me:secret@localhost/db?sslmode=require",
        "postgresql://me:secret@localhost/db?sslmode=verify-full",
        "postgresql://me:secret@localhost/db?ssl=true",
        "postgresql://me:secret@localhost/db?gssencmode=require",
        "postgresql://me:secret@localhost/db?sslnegotiation=direct",
        "postgresql://me:secret@/db?host=/run/postgresql",
        "postgresql://me:secret@one,two/db",
        "postgresql://me:secret@localhost:port/db",
        "mysql://me:secret@localhost/db",
        "host=localhost password=secret",
    ],
)
def test_an_address_that_the_wire_cannot_use_is_refused_without_its_password(dsn):
    with pytest.raises(WireError) as refused:
        Proxy(dsn)
    assert "secret" not in str(refused.value)


@pytest.mark.asyncio
async def test_the_dsn_keeps_all_but_the_address():
    """To libpq a plus sign is one, and to asyncpg a blank: neither may become the other."""
    options = "application_name=a%20b+c&options=-c%20statement_timeout%3D5s&password="
    async with Proxy(f"postgresql://m%40e:p%3Aw@[::1]:5433/my%20db?sslmode=prefer&{options}&ssl=0") as proxy:
        assert proxy.upstream == ("::1", 5433)
        assert proxy.dsn == f"postgresql://m%40e:p%3Aw@127.0.0.1:{proxy.port}/my%20db?{options}"


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", ["prefer", "allow", "disable"])
async def test_a_client_that_would_like_tls_goes_without(scratch_dsn, mode):
    async with Proxy(scratch_dsn) as proxy:
        connection = await asyncpg.connect(proxy.dsn, ssl=mode)
        assert await connection.fetchval("SELECT 1") == 1
        await connection.close()
        assert proxy.observer.problems == []


@pytest.mark.asyncio
async def test_a_client_that_insists_on_tls_is_noted_and_the_next_one_works(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:
        with pytest.raises(ConnectionError):
            await asyncpg.connect(proxy.dsn, ssl="require")
        connection = await asyncpg.connect(proxy.dsn)
        await connection.close()
        (problem,) = proxy.observer.problems
        assert "sslmode=disable" in problem


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "packet",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01",
        struct.pack(">II", 8, 2 << 16),
        b"\0\0\0\1\0\0\0\0",
    ],
)
async def test_garbage_from_a_client_is_answered_and_the_next_one_works(scratch_dsn, packet):
    async with Proxy(scratch_dsn) as proxy:
        answer = await read_all(proxy, packet)
        assert answer[:1] == b"E"
        assert b"08P01" in answer
        assert len(proxy.observer.problems) == 1
        connection = await asyncpg.connect(proxy.dsn)
        assert await connection.fetchval("SELECT 1") == 1
        await connection.close()


@pytest.mark.asyncio
async def test_garbage_after_the_login_ends_that_connection_only(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:
        answer = await read_all(proxy, STARTUP, b"what is this?")
        assert b"08P01" in answer
        connection = await asyncpg.connect(proxy.dsn)
        await connection.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("code", [b"T", b"D"])
async def test_garbage_from_a_client_is_not_answered_in_the_middle_of_a_message(code):
    """An error that is put there would be read as a part of the rows."""
    half = b"R" + struct.pack(">II", 8, 0) + code + struct.pack(">I", 1000) + b"x" * 100
    async with strange_server(half) as dsn, Proxy(dsn) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(STARTUP)
        assert await reader.readexactly(len(half)) == half
        writer.write(b"what is this?")
        with pytest.raises(ConnectionResetError):
            await reader.read()
        assert len(proxy.observer.problems) == 1
        writer.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("code", [b"T", b"D"])
async def test_garbage_from_a_server_after_half_a_message_is_not_told_in_its_middle(code):
    """The rest of the message comes together with the garbage."""
    half = b"R" + struct.pack(">II", 8, 0) + code + struct.pack(">I", 104) + b"x" * 50

    async def serve(reader, writer):
        await reader.read(100)
        writer.write(half)
        await reader.read(100)
        writer.write(b"x" * 50 + b"Z" + struct.pack(">I", 1 << 20))
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, Proxy(f"postgresql://me@127.0.0.1:{server.sockets[0].getsockname()[1]}/db") as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(STARTUP)
        assert await reader.readexactly(len(half)) == half
        writer.write(b"S" + struct.pack(">I", 4))
        if code == b"T":  # of which nothing more was forwarded
            with pytest.raises(ConnectionResetError):
                await reader.read()
        else:
            assert await reader.readexactly(51) == b"x" * 50 + b"E"
        assert len(proxy.observer.problems) == 1
        writer.close()


@pytest.mark.asyncio
async def test_an_unknown_message_is_left_to_the_server(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:
        connection = await asyncpg.connect(proxy.dsn)
        connection._transport.write(b"\xfe" + struct.pack(">I", 8) + b"1234")
        gone = asyncio.Event()
        connection.add_termination_listener(lambda _: gone.set())
        await gone.wait()
        assert proxy.observer.problems == []


@pytest.mark.asyncio
@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"EFATAL: unsupported protocol\n\0", b"S"])
async def test_a_server_of_another_protocol_is_named_as_that(answer):
    async with strange_server(answer) as dsn, Proxy(dsn) as proxy:
        with pytest.raises(psycopg.OperationalError) as refused:
            await psycopg.AsyncConnection.connect(proxy.dsn)
        assert "does not speak PostgreSQL's protocol 3" in str(refused.value)
        assert "secret" not in str(refused.value)


@pytest.mark.asyncio
async def test_a_server_that_negotiates_the_version_is_passed_through():
    negotiate = b"v" + struct.pack(">III", 12, 3 << 16, 0)
    async with strange_server(negotiate) as dsn, Proxy(dsn) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(STARTUP)
        assert await reader.readexactly(len(negotiate)) == negotiate
        writer.close()
        await writer.wait_closed()


@pytest.mark.asyncio
async def test_no_server_at_all_is_a_reset_and_a_line_that_says_so():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with Proxy(f"postgresql://me:secret@127.0.0.1:{port}/db") as proxy:
        with pytest.raises(psycopg.OperationalError):
            await psycopg.AsyncConnection.connect(proxy.dsn)
        assert "cannot be reached" in proxy.observer.problems[0]
