"""Races of backends that are slow, that connect in every call, or that hold up their own event loop."""

import asyncio
import time
from contextlib import asynccontextmanager
from time import perf_counter

import psycopg
import pytest
from psycopg.rows import class_row

from crudspec import Task
from crudspec.backends.asyncpg import AsyncpgBackend
from crudspec.contract.failures import ContractBroken, Inconclusive
from crudspec.harness.trips import metered
from crudspec.races.course import Course
from crudspec.races.entries import Entry, Race
from crudspec.races.pairs import explore_pairs, pairs
from crudspec.races.schedules import explore
from crudspec.races.tally import Tally
from crudspec.races.warmup import Pace

COLUMNS = "id, title, done, created_at"
UPDATES = Race(
    (Entry("update", {"title": "a", "done": True}), Entry("update", {"title": "b", "done": False}, instance=1)),
    row={"title": "x"},
)


class ConnectsSynchronously(AsyncpgBackend):
    """Looks whether the server is there before it opens its pool, and holds up the event loop meanwhile."""

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        psycopg.connect(dsn, connect_timeout=5).close()
        async with super().connect(dsn) as backend:
            yield backend


class PerCall:
    """An asynchronous connection of psycopg for each call."""

    def __init__(self, dsn):
        self._dsn = dsn

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        yield cls(dsn)

    async def _run(self, sql, *args):
        connecting = psycopg.AsyncConnection.connect(self._dsn, connect_timeout=10)
        async with await connecting as connection, connection.cursor(row_factory=class_row(Task)) as cursor:
            await cursor.execute(sql, args)
            return await cursor.fetchone() if cursor.description else cursor.rowcount == 1

    async def create(self, title):
        return await self._run(f"INSERT INTO tasks (title) VALUES (%s) RETURNING {COLUMNS}", title)

    async def get(self, task_id):
        return await self._run(f"SELECT {COLUMNS} FROM tasks WHERE id = %s", task_id)

    async def update(self, task_id, title, done):
        return await self._run("UPDATE tasks SET title = %s, done = %s WHERE id = %s", title, done, task_id)

    async def delete(self, task_id):
        return await self._run("DELETE FROM tasks WHERE id = %s", task_id)


class HoldsUpTheLoop(PerCall):
    """Methods that are asynchronous in name only."""

    async def _run(self, sql, *args):
        with psycopg.connect(self._dsn) as connection, connection.cursor(row_factory=class_row(Task)) as cursor:
            cursor.execute(sql, args)
            return cursor.fetchone() if cursor.description else cursor.rowcount == 1


class Slow(AsyncpgBackend):
    """Takes 20 ms before each statement."""

    @asynccontextmanager
    async def _connection(self):
        await asyncio.sleep(0.02)
        async with super()._connection() as connection:
            yield connection


class SlowAndLocks(Slow):
    """Reads the row under a lock, thinks it over, and writes."""

    lock = " FOR UPDATE"

    async def update(self, task_id, title, done):
        async with self._connection() as connection, connection.transaction():
            row = await connection.fetchrow(f"SELECT title, done FROM tasks WHERE id = $1{self.lock}", task_id)
            await asyncio.sleep(0.02)
            if row is None:
                return False
            if row["title"] != title:
                await connection.execute("UPDATE tasks SET title = $2 WHERE id = $1", task_id, title)
            if row["done"] != done:
                await connection.execute("UPDATE tasks SET done = $2 WHERE id = $1", task_id, done)
            return True


class SlowAndDoesNot(SlowAndLocks):
    """Reads it without a lock."""

    lock = ""


class SlowAndHoldsUp(AsyncpgBackend):
    """Computes for 20 ms before each statement, in the event loop."""

    @asynccontextmanager
    async def _connection(self):
        time.sleep(0.02)  # noqa: ASYNC251 - that is what it must not do
        async with super()._connection() as connection:
            yield connection


@asynccontextmanager
async def course(backend, scratch):
    async with scratch.witness() as witness, Course.opened(scratch.subject(backend), witness) as opened:
        yield opened


@pytest.mark.asyncio
async def test_who_blocks_the_loop_while_he_connects_does_not_block_the_wire(scratch):
    async with asyncio.timeout(20), course(ConnectsSynchronously, scratch) as opened:
        tally = await explore(opened, schedules=60, seed=0)
    assert tally.overlapped


@pytest.mark.asyncio
async def test_nor_where_round_trips_are_counted(scratch):
    async with (
        asyncio.timeout(20),
        scratch.witness() as witness,
        metered(scratch.subject(ConnectsSynchronously), witness) as m,
    ):
        assert {cost.round_trips for cost in await m.measure(2)} == {1}


@pytest.mark.asyncio
async def test_who_holds_up_the_loop_in_each_call_is_told_so(scratch):
    async with course(HoldsUpTheLoop, scratch) as opened:
        with pytest.raises(Inconclusive, match="a call blocks the event loop until it is over"):
            await explore(opened, schedules=30, seed=0)


@pytest.mark.asyncio
async def test_a_connection_for_each_call_is_waited_for(scratch):
    async with course(PerCall, scratch) as opened:
        outcome = await opened.run(UPDATES, "ABAB")
        tally = Tally()
        await explore_pairs(opened, tally, schedules=40)
        of_two_instances = await opened.run(UPDATES, "AABB")
    assert (outcome.broken, outcome.overlapped, of_two_instances.overlapped) == (None, True, True)
    assert outcome.trace[:2] == [("A", "AB"), ("B", "AB")]
    assert tally.schedules == tally.overlapped


@pytest.mark.asyncio
@pytest.mark.parametrize("backend", [Slow, SlowAndLocks, SlowAndHoldsUp])
async def test_a_slow_backend_is_waited_for(scratch, backend):
    async with course(backend, scratch) as opened:
        assert opened.pace.pause >= 0.02
        assert opened.turns.grace > opened.pace.pause
        outcome = await opened.run(UPDATES, "ABAB")
        tally = Tally()
        await explore_pairs(opened, tally, schedules=24)
    assert outcome.overlapped
    assert outcome.trace[0] == ("A", "AB")
    assert tally.overlapped == tally.schedules


@pytest.mark.asyncio
async def test_a_slow_backend_is_caught(scratch):
    async with course(SlowAndDoesNot, scratch) as opened:
        with pytest.raises(ContractBroken, match=r"leaving \(1, 'b', True\)"):
            await explore(opened, schedules=120, seed=0)


@pytest.mark.asyncio
async def test_a_fast_backend_is_not_waited_for(scratch):
    async with course(AsyncpgBackend, scratch) as opened:
        assert 0 < opened.pace.pause < 0.02
        assert opened.pace.pause <= opened.pace.call


@pytest.mark.asyncio
async def test_there_is_an_end_to_the_time_and_what_tells_most_comes_first(scratch):
    async with course(SlowAndLocks, scratch) as opened:
        opened.pace = Pace(pause=0.02, call=0.08)
        ran, run = [], opened.run

        async def noted(race, schedule, **how):
            ran.append(race)
            return await run(race, schedule, **how)

        opened.run = noted
        began = perf_counter()
        await explore_pairs(opened, Tally(), schedules=1000, seconds=1.5)
    assert perf_counter() - began < 10
    assert ran[:4] == pairs(scratch.sample)[0:8:2]
    assert all(entry.instance == place for race in ran for place, entry in enumerate(race.entries))
