"""Round trips, statements and transactions of real drivers, counted exactly."""

import asyncio

import asyncpg
import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from crudspec.wire import Proxy, threaded

pytestmark = pytest.mark.asyncio

INSERT = "INSERT INTO tasks (title) VALUES ($1) RETURNING id"


def figures(seen):
    return seen.round_trips, seen.transactions, [(s.sql, s.parameters) for s in seen.statements]


async def test_a_statement_is_prepared_once_and_then_takes_one_trip(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:
        with proxy.observer.operation("connect") as login:
            connection = await asyncpg.connect(proxy.dsn)
        with proxy.observer.operation("cold") as cold:
            await connection.fetch(INSERT, "a")
        with proxy.observer.operation("warm") as warm:
            await connection.fetch(INSERT, "b")
        with proxy.observer.operation("nothing") as nothing:
            pass
        await connection.close()
    assert login.connections == 1
    assert login.round_trips == login.login_trips > 1
    assert figures(cold) == (2, 1, [(INSERT, 1)])
    assert figures(warm) == (1, 1, [(INSERT, 1)])
    assert warm.statements[0].tag == "INSERT 0 1"
    assert (warm.login_trips, warm.connections) == (0, 0)
    # Bind, Execute and Sync of exactly these lengths; BindComplete, DataRow, CommandComplete, ReadyForQuery.
    assert warm.bytes_received == 5 + 19 + 16 + 6
    assert cold.bytes_sent > warm.bytes_sent > len("b")
    assert figures(nothing) == (0, 0, [])
    assert nothing.bytes_sent == nothing.bytes_received == 0


async def test_a_transaction_adds_its_two_ends(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:
        connection = await asyncpg.connect(proxy.dsn)
        await connection.fetch(INSERT, "a")
        with proxy.observer.operation() as seen:
            async with connection.transaction():
                await connection.fetch(INSERT, "b")
                await connection.fetch(INSERT, "c")
        await connection.close()
    trips, transactions, statements = figures(seen)
    assert (trips, transactions) == (4, 1)
    assert [s.tag for s in seen.statements] == ["BEGIN", "INSERT 0 1", "INSERT 0 1", "COMMIT"]
    assert statements[1] == (INSERT, 1)


async def test_transactions_in_one_text_are_counted_one_by_one(scratch_dsn):
    insert = "INSERT INTO tasks (title) VALUES ('a')"
    texts = {
        f"BEGIN; {insert}; COMMIT; BEGIN; {insert}; ROLLBACK": (1, 2, 6),
        f"BEGIN; SAVEPOINT s; {insert}; ROLLBACK TO s; {insert}; COMMIT": (1, 1, 6),
        f"BEGIN; {insert}; COMMIT AND CHAIN; {insert}; COMMIT": (1, 2, 5),
        f"{insert}; {insert}": (1, 1, 2),
    }
    seen = {}
    async with Proxy(scratch_dsn) as proxy:
        connection = await asyncpg.connect(proxy.dsn)
        for text_ in texts:
            with proxy.observer.operation() as traffic:
                await connection.execute(text_)
            seen[text_] = (traffic.round_trips, traffic.transactions, len(traffic.statements))
        await connection.close()
    assert seen == texts


async def test_transactions_in_one_pipeline_are_counted_one_by_one(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:
        connection = await psycopg.AsyncConnection.connect(proxy.dsn, autocommit=True)
        with proxy.observer.operation() as seen:
            async with connection.pipeline():
                for sql in ("BEGIN", "SELECT 1", "SAVEPOINT s", "ROLLBACK TO s", "COMMIT", "BEGIN", "COMMIT"):
                    await connection.execute(sql)
        await connection.close()
    assert [s.tag for s in seen.statements][:4] == ["BEGIN", "SELECT 1", "SAVEPOINT", "ROLLBACK"]
    assert (seen.round_trips, seen.transactions, len(seen.statements)) == (1, 2, 7)


async def test_many_rows_of_parameters_in_one_call_are_one_trip(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:
        connection = await asyncpg.connect(proxy.dsn)
        await connection.executemany(INSERT, [("warm",)])
        with proxy.observer.operation() as seen:
            await connection.executemany(INSERT, [(str(n),) for n in range(500)])
        await connection.close()
    assert len(seen.statements) == 500
    assert (seen.round_trips, seen.transactions) == (1, 1)


async def test_a_failed_statement_carries_its_error(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:
        connection = await asyncpg.connect(proxy.dsn)
        await connection.fetchval(INSERT, "a")
        with proxy.observer.operation() as seen, pytest.raises(asyncpg.NotNullViolationError):
            await connection.fetchval(INSERT, None)
        await connection.close()
    assert seen.round_trips == 1
    error = seen.statements[0].error
    assert error is not None
    assert error.sqlstate == "23502"
    assert "23502" in str(seen)


async def test_the_engine_of_sqlalchemy(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:
        engine = create_async_engine(proxy.dsn.replace("postgresql:", "postgresql+asyncpg:"))

        async def operation():
            async with engine.begin() as connection:
                await connection.execute(text("UPDATE tasks SET done = :done WHERE id = 1"), {"done": True})

        await operation()
        with proxy.observer.operation() as in_transaction:
            await operation()
        engine_without = engine.execution_options(isolation_level="AUTOCOMMIT")
        async with engine_without.connect() as connection:
            await connection.execute(text("SELECT 1"))
        with proxy.observer.operation() as alone:
            async with engine_without.connect() as connection:
                await connection.execute(text("SELECT 1"))
        await engine.dispose()
    assert (in_transaction.round_trips, in_transaction.transactions) == (3, 1)
    assert [s.tag for s in in_transaction.statements] == ["BEGIN", "UPDATE 0", "COMMIT"]
    assert figures(alone) == (1, 1, [("SELECT 1", 0)])


async def test_a_pipeline_is_one_trip(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:
        connection = await psycopg.AsyncConnection.connect(proxy.dsn, autocommit=True)
        with proxy.observer.operation() as alone:
            for n in range(5):
                await connection.execute("SELECT %s::int", [n], prepare=False)
        with proxy.observer.operation() as together:
            async with connection.pipeline():
                for n in range(5):
                    await connection.execute("SELECT %s::int", [n], prepare=False)
        await connection.close()
    assert (alone.round_trips, len(alone.statements)) == (5, 5)
    assert (together.round_trips, len(together.statements)) == (1, 5)
    assert [s.parameters for s in together.statements] == [1] * 5


async def test_a_cursor_takes_a_trip_for_each_batch(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:
        connection = await asyncpg.connect(proxy.dsn)
        async with connection.transaction():
            await connection.fetchval("SELECT 1")
            statement = await connection.prepare("SELECT generate_series(1, 20)")
            with proxy.observer.operation() as seen:
                cursor = await statement.cursor()
                assert len(await cursor.fetch(10)) == 10
                assert len(await cursor.fetch(15)) == 10
        await connection.close()
    assert seen.round_trips == 3  # to bind, and twice to fetch
    assert [s.tag for s in seen.statements] == ["(suspended)", "SELECT 10"]


async def test_copy_takes_a_second_trip_only_if_the_client_waits_to_be_asked(scratch_dsn):
    rows = [(n, f"title {n}") for n in range(1, 50_001)]
    async with Proxy(scratch_dsn) as proxy:
        eager = await asyncpg.connect(proxy.dsn)
        await eager.copy_records_to_table("tasks", records=rows[:1], columns=["id", "title"])
        with proxy.observer.operation() as eager_in:
            await eager.copy_records_to_table("tasks", records=rows[1:], columns=["id", "title"])
        received = bytearray()

        async def sink(data):
            received.extend(data)

        with proxy.observer.operation() as copy_out:
            await eager.copy_from_query("SELECT id, title FROM tasks ORDER BY id", output=sink)
        assert received.decode() == "".join(f"{n}\t{title}\n" for n, title in rows)
        await eager.close()
        async with await psycopg.AsyncConnection.connect(proxy.dsn, autocommit=True) as patient:
            with proxy.observer.operation() as patient_in:
                async with patient.cursor().copy("COPY tasks (id, title) FROM STDIN") as copy:
                    for n in range(1000):
                        await copy.write_row([-n, "x" * 200])
    assert (eager_in.round_trips, eager_in.statements[-1].tag) == (1, "COPY 49999")
    assert (copy_out.round_trips, copy_out.statements[-1].tag) == (1, "COPY 50000")
    assert (patient_in.round_trips, patient_in.statements[-1].tag) == (2, "COPY 1000")


async def test_a_synchronous_driver_in_a_thread_is_seen_from_the_same_loop(scratch_dsn):
    async with Proxy(scratch_dsn) as proxy:

        def work():
            with psycopg.connect(proxy.dsn, autocommit=True) as connection:
                with proxy.observer.operation() as seen:
                    connection.execute("INSERT INTO tasks (title) VALUES ('a')")
                return seen

        seen = await asyncio.to_thread(work)
    assert figures(seen) == (1, 1, [("INSERT INTO tasks (title) VALUES ('a')", 0)])


async def test_a_delay_costs_what_the_trips_cost(scratch_dsn):
    loop = asyncio.get_running_loop()
    async with Proxy(scratch_dsn) as proxy:
        connection = await asyncpg.connect(proxy.dsn)
        await connection.fetchval(INSERT, "a")
        proxy.rtt = 0.02
        begin = loop.time()
        async with connection.transaction():
            await connection.fetchval(INSERT, "b")
        assert loop.time() - begin >= 3 * 0.02  # a lower bound is no race: less would be wrong anywhere
        proxy.rtt = 0
        await connection.close()


@pytest.mark.parametrize("own_thread", [True, False])
async def test_counts_do_not_depend_on_where_the_proxy_runs(scratch_dsn, own_thread):
    async def count(proxy):
        connection = await asyncpg.connect(proxy.dsn)
        await connection.fetchval(INSERT, "a")
        counted = []
        for _ in range(50):
            with proxy.observer.operation() as seen:
                await connection.fetchval(INSERT, "a")
            counted.append((seen.round_trips, seen.bytes_received > 0, len(seen.statements)))
        await connection.close()
        return set(counted)

    if own_thread:
        with threaded(scratch_dsn) as proxy:
            assert await count(proxy) == {(1, True, 1)}
    else:
        async with Proxy(scratch_dsn) as proxy:
            assert await count(proxy) == {(1, True, 1)}
