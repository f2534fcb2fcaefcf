"""What operations cost: the figures, the budgets, and the command that prints them."""

import asyncio
import contextlib
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import LiteralString
from urllib.parse import urlsplit

import psycopg
import psycopg_pool
import pytest
from click.testing import CliRunner
from tests.tasks import TABLE

from crudspec.backend import OPERATIONS
from crudspec.backends.asyncpg import AsyncpgBackend
from crudspec.backends.registry import BUILT_IN, resolve
from crudspec.cli import main
from crudspec.contract.clauses import BY_ID
from crudspec.contract.failures import ContractBroken, Inconclusive
from crudspec.cost.measurement import Bill, WrongRequest, can_be_planned, duration, measure_all
from crudspec.cost.table import document, shown_time, statements
from crudspec.harness.trips import USUAL_SIZE, budget, metered
from crudspec.record import Backend
from crudspec.server import ServerChoice

ROOT = Path(__file__).parents[2]
FIFTH = str(ROOT / "examples" / "psycopg_backend.py") + ":PsycopgBackend"
METHODS = [TABLE.method(operation) for operation in OPERATIONS]
SQL: dict[str, LiteralString] = {
    "create": "INSERT INTO tasks (title) VALUES (%s) RETURNING id, title, done, created_at",
    "get": "SELECT id, title, done, created_at FROM tasks WHERE id = %s",
    "list_tasks": "SELECT id, title, done, created_at FROM tasks ORDER BY id",
    "update": "UPDATE tasks SET title = %s, done = %s WHERE id = %s",
    "delete": "DELETE FROM tasks WHERE id = %s",
}


class Plain:
    """One statement per operation, however it is sent."""

    async def send(self, operation, *values):
        raise NotImplementedError

    async def create(self, title):
        return await self.send("create", title)

    async def get(self, task_id):
        return await self.send("get", task_id)

    async def list_tasks(self):
        return await self.send("list_tasks")

    async def update(self, task_id, title, done):
        return await self.send("update", title, done, task_id)

    async def delete(self, task_id):
        return await self.send("delete", task_id)


class PerCall(Plain):
    """A connection per call."""

    def __init__(self, dsn):
        self.dsn = dsn

    @classmethod
    @contextlib.asynccontextmanager
    async def connect(cls, dsn):
        yield cls(dsn)

    async def send(self, operation, *values):
        async with await psycopg.AsyncConnection.connect(self.dsn, autocommit=True) as connection:
            await connection.execute(SQL[operation], values)


class InTurns(Plain):
    """A pool that lends its four connections in turns; each prepares a statement at its sixth use."""

    def __init__(self, pool):
        self.pool = pool

    @classmethod
    @contextlib.asynccontextmanager
    async def connect(cls, dsn):
        pool = psycopg_pool.AsyncConnectionPool(dsn, kwargs={"autocommit": True}, min_size=4, max_size=4, open=False)
        async with pool:
            await pool.wait()
            yield cls(pool)

    async def send(self, operation, *values):
        async with self.pool.connection() as connection:
            await connection.execute(SQL[operation], values)


class Synchronous:
    """No coroutine anywhere, and a transaction around each statement."""

    def __init__(self, connection):
        self.connection = connection

    @classmethod
    @contextlib.contextmanager
    def connect(cls, dsn):
        with psycopg.connect(dsn) as connection:
            yield cls(connection)

    def send(self, operation, *values):
        with self.connection.transaction():
            self.connection.execute(SQL[operation], values)

    def create(self, title):
        self.send("create", title)

    def get(self, task_id):
        self.send("get", task_id)

    def list_tasks(self):
        self.send("list_tasks")

    def update(self, task_id, title, done):
        self.send("update", title, done, task_id)

    def delete(self, task_id):
        self.send("delete", task_id)


async def costs(backend, scratch, rows=20):
    async with scratch.witness() as witness, metered(scratch.subject(backend), witness) as meter:
        return await meter.measure(rows)


def dearest(measured):
    return {name: max(cost.round_trips for cost in measured if cost.operation == name) for name in OPERATIONS}


@pytest.mark.asyncio
@pytest.mark.parametrize("name", [*BUILT_IN, FIFTH], ids=[*BUILT_IN, "fifth"])
async def test_a_published_budget_is_exactly_what_the_dearest_case_costs(name, scratch):
    (found,) = resolve((name,))

    measured = await costs(found, scratch)

    assert dearest(measured) == budget(scratch.table, found.cls)
    assert [cost.operation for cost in measured] == sorted((c.operation for c in measured), key=OPERATIONS.index)
    assert all(cost.traffic.login_trips == cost.traffic.connections == 0 for cost in measured)
    assert all(cost.traffic.transactions == 1 for cost in measured)
    assert all(statement.error is None for cost in measured for statement in cost.traffic.statements)


@pytest.mark.asyncio
async def test_connecting_is_counted_apart(scratch):
    measured = await costs(PerCall, scratch)

    assert dearest(measured) == dict.fromkeys(OPERATIONS, 1)
    assert all(cost.traffic.login_trips > 1 and cost.traffic.connections == 1 for cost in measured)


@pytest.mark.asyncio
async def test_preparing_a_statement_is_not_counted_on_any_connection(scratch):
    for rows in (2, 20):
        assert dearest(await costs(InTurns, scratch, rows)) == dict.fromkeys(OPERATIONS, 1)


@pytest.mark.asyncio
async def test_a_synchronous_backend_is_measured_too(scratch):
    measured = await costs(Synchronous, scratch)

    assert dearest(measured) == dict.fromkeys(OPERATIONS, 3)
    create = measured[0]
    assert [statement.tag for statement in create.traffic.statements] == ["BEGIN", "INSERT 0 1", "COMMIT"]
    assert [statement.parameters for statement in create.traffic.statements] == [0, 1, 0]


@pytest.mark.asyncio
async def test_a_backend_that_goes_round_the_wire_is_not_measured(scratch):
    class Elsewhere(AsyncpgBackend):
        @classmethod
        def connect(cls, dsn):
            return super().connect(scratch.dsn)

    with pytest.raises(Inconclusive, match="connects to the address that its DSN names"):
        await costs(Elsewhere, scratch)


@pytest.mark.asyncio
async def test_a_client_that_the_wire_does_not_understand_is_told(scratch):
    class Telnet(PerCall):
        async def send(self, operation, *values):
            reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(self.dsn).port)
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            answer = await reader.read()
            writer.close()
            await writer.wait_closed()
            raise ConnectionError(answer.decode("utf-8", "replace"))

    with pytest.raises(ContractBroken, match="garbage from the client"):
        await costs(Telnet, scratch)


class Blocking(PerCall):
    """Its connect blocks the event loop, with a connection that goes through the wire."""

    @classmethod
    @contextlib.asynccontextmanager
    async def connect(cls, dsn):
        psycopg.connect(dsn, connect_timeout=5).close()
        async with super().connect(dsn) as backend:
            yield backend


@pytest.mark.asyncio
async def test_a_backend_that_blocks_the_event_loop_is_measured(scratch):
    assert dearest(await costs(Blocking, scratch))["get"] == dearest(await costs(PerCall, scratch))["get"]


@pytest.mark.asyncio
async def test_each_connection_has_met_each_operation_before_anything_is_counted(scratch):
    met = {}

    class Counted(InTurns):
        async def send(self, operation, *values):
            async with self.pool.connection() as connection:
                met.setdefault(operation, set()).add(connection.info.backend_pid)
                await connection.execute(SQL[operation], values)

    async with (
        scratch.witness() as witness,
        metered(scratch.subject(Counted), witness),
    ):
        assert {operation: len(pids) for operation, pids in met.items()} == dict.fromkeys(METHODS, 4)


@pytest.mark.parametrize("before", ["", "/* tasks.get */ ", "-- get\n", "\n\t("])
def test_a_statement_is_planned_whatever_stands_before_its_first_word(before):
    assert can_be_planned(before + "SELECT 1")
    assert not can_be_planned(before + "COMMIT")


@pytest.mark.asyncio
async def test_what_is_dear_only_now_and_then_counts(scratch):
    class SometimesDear(AsyncpgBackend):
        asked = 0

        async def list_tasks(self):
            self.asked += 1
            rows = await super().list_tasks()
            return rows if self.asked % 3 else [await self.get(row.id) for row in rows]

    assert dearest(await costs(SometimesDear, scratch))["list_all"] == 1 + USUAL_SIZE


@pytest.mark.asyncio
async def test_what_another_situation_costs_is_told_whatever_the_class_calls_the_operation(scratch):
    class LooksTwice(AsyncpgBackend):
        async def get(self, task_id):
            return await super().get(task_id) or await super().get(task_id)

    measured = [replace(cost, method=f"my_{cost.method}") for cost in await costs(LooksTwice, scratch)]
    told = statements(Bill(Backend(name="it", spec="it"), measured))

    place = told.index("it, my_get (the newest row): 1 round trip, 1 transaction")
    assert told[place + 2] == "    no such row: 2 round trips, 2 transactions"


def published(value):
    return type("Published", (AsyncpgBackend,), {"round_trips": value})


FULL = dict.fromkeys(METHODS, 1)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "expected a mapping"),
        ([("create", 1)], "expected a mapping"),
        ({}, "none for create, get, list_tasks, update, delete"),
        ({"get": 1, "create": 1}, "none for list_tasks, update, delete"),
        (FULL | {"lsit": 1}, "'lsit', which is no method"),
        (FULL | {"get": True}, "get: True"),
        (FULL | {"get": -1}, "get: -1"),
        (FULL | {"get": "1"}, "get: '1'"),
        (FULL | {"get": 1.0}, "get: 1.0"),
    ],
)
def test_a_budget_that_says_nothing_is_none(value, told):
    with pytest.raises(ContractBroken) as caught:
        budget(TABLE, published(value))

    assert told in str(caught.value)


def test_any_mapping_is_a_budget():
    assert budget(TABLE, published(MappingProxyType(FULL))) == dict.fromkeys(OPERATIONS, 1)


def test_a_budget_claims_its_clause_for_its_own_class_only():
    class Heir(AsyncpgBackend):
        pass

    assert BY_ID["COST-2"].is_claimed_by(AsyncpgBackend)
    assert not BY_ID["COST-2"].is_claimed_by(Heir)
    assert BY_ID["COST-1"].is_claimed_by(Heir)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1ms", 1e-3), ("0.5ms", 5e-4), ("250us", 2.5e-4), ("250µs", 2.5e-4), ("2s", 2.0), ("1 ms", 1e-3)],
)
def test_reads_a_time(text, seconds):
    assert duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "1", "ms", "-1ms", "0ms", "1m", "1e3ms", "nan s", "11s", "1ms 2ms"])
def test_refuses_what_is_no_time(text):
    with pytest.raises(WrongRequest, match="a time is written as 1ms"):
        duration(text)


def test_a_time_is_shown_in_its_unit():
    assert [shown_time(seconds) for seconds in (5e-5, 9.994e-4, 1e-3, 0.25, 2.0)] == [
        "50 µs",
        "999 µs",
        "1.0 ms",
        "250.0 ms",
        "2.00 s",
    ]


def run(server, *arguments):
    return CliRunner().invoke(main, ["cost", "--server", "external", "--dsn", server.dsn, *arguments])


def test_the_command_prints_the_table(server):
    result = run(server, "asyncpg")

    assert result.exit_code == 0, result.output
    assert f"PostgreSQL {server.version}" in result.stdout
    assert "asyncpg (asyncpg" in result.stdout
    assert "measuring asyncpg" in result.stderr
    rows = [line.split()[:6] for line in result.stdout.splitlines() if "µs" in line or " ms" in line]
    assert rows[0] == ["asyncpg", "create", "1", "1", "1", "1"]
    assert [row[0] for row in rows[1:]] == METHODS[1:]
    assert "INSERT" not in result.stdout


def test_the_command_prints_statements_and_plans_and_distance(server):
    result = run(server, "asyncpg", "--explain", "--rtt", "1ms")

    assert result.exit_code == 0, result.output
    assert "at 1.0 ms" in result.stdout
    assert "asyncpg, get (the newest row): 1 round trip, 1 transaction" in result.stdout
    assert "DELETE FROM tasks WHERE id = $1  [1 parameter] -> DELETE 1" in result.stdout
    assert "Index Cond: (id = $1)" in result.stdout


def test_a_backend_without_budget_and_one_that_fails_leave_the_others_alone(server, tmp_path):
    (tmp_path / "mine.py").write_text(
        "from crudspec.backends.asyncpg import AsyncpgBackend\n"
        "class Unpublished(AsyncpgBackend):\n    pass\n"
        "class Failing(AsyncpgBackend):\n"
        "    async def get(self, task_id):\n        raise OSError('no route')\n"
    )

    result = run(server, f"{tmp_path}/mine.py:Failing", f"{tmp_path}/mine.py:Unpublished", "--sql")

    assert result.exit_code == 1
    assert "no figures" in next(line for line in result.stdout.splitlines() if line.startswith("Failing "))
    assert "Failing could not be measured: get(" in result.stdout
    assert "OSError: no route" in result.stdout
    row = next(line.split() for line in result.stdout.splitlines() if line.startswith("Unpublished "))
    assert row[:4] == ["Unpublished", "create", "1", "-"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["nobody"], "no backend is named 'nobody'"), (["--rtt", "soon"], "a time is written as 1ms")],
)
def test_wrong_usage_exits_with_4(server, arguments, told):
    result = run(server, *arguments)

    assert result.exit_code == 4
    assert told in result.stderr


def test_the_page_shows_what_is_measured(server):
    _, bills = measure_all([*BUILT_IN, FIFTH], ServerChoice(kind="external", dsn=server.dsn))

    assert not [bill.trouble for bill in bills if bill.trouble]
    page = (ROOT / "docs" / "cost.md").read_text(encoding="utf-8")
    assert document(bills) in page, f"docs/cost.md should have\n{document(bills)}"
    for bill in bills:
        for cost in bill.costs:
            for statement in cost.traffic.statements:
                assert " ".join(statement.sql.split()) in page, f"docs/cost.md lacks {statement.sql}"
