"""Scratch databases: cloned, named, dropped, and never somebody else's."""

from __future__ import annotations

import asyncio
import os

import asyncpg
import pytest

from crudspec.server import ServerChoice, ServerError, create_scratch, drop_scratch, start, stop
from crudspec.server import dsn as urls


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("scratch") / "run"
    yield start(ServerChoice(kind="embedded"), run_dir=run_dir, owner=os.getpid())
    stop(run_dir)


async def databases(server) -> set[str]:
    connection = await asyncpg.connect(server.dsn)
    try:
        return {name for (name,) in await connection.fetch("SELECT datname FROM pg_database")}
    finally:
        await connection.close()


@pytest.mark.parametrize("label", ["simple", "My.Backend:Class", "ÄÖ", "", "x" * 300, 'a"; DROP DATABASE postgres; --'])
def test_any_label_makes_a_database_and_drops_it(server, label):
    async def program():
        before = await databases(server)
        dsn = await create_scratch(server, label)
        assert urls.database_of(dsn).startswith(server.prefix + "_")
        assert await databases(server) == before | {urls.database_of(dsn)}
        await drop_scratch(server, dsn)
        assert await databases(server) == before

    asyncio.run(program())


def test_each_has_its_own_table(server):
    async def program():
        one, two = [await create_scratch(server, "twin") for _ in range(2)]
        connection = await asyncpg.connect(one)
        await connection.execute("INSERT INTO tasks (title) VALUES ('x')")
        await connection.close()
        connection = await asyncpg.connect(two)
        assert await connection.fetchval("SELECT count(*) FROM tasks") == 0
        await connection.close()
        for dsn in (one, two):
            await drop_scratch(server, dsn)

    asyncio.run(program())


def test_concurrent_clones_have_distinct_names(server):
    async def program():
        made = await asyncio.gather(*(create_scratch(server, "many") for _ in range(8)))
        assert len(set(made)) == 8
        await asyncio.gather(*(drop_scratch(server, dsn) for dsn in made))

    asyncio.run(program())


def test_a_number_that_another_process_took_is_skipped(server, monkeypatch):
    async def program():
        dsn = await create_scratch(server, "taken")
        number = int(dsn.rpartition("_")[2])
        monkeypatch.setattr("crudspec.server.scratch._numbers", iter([number, number + 1000]))
        other = await create_scratch(server, "taken")
        assert other.endswith(f"_{number + 1000}")
        for made in (dsn, other):
            await drop_scratch(server, made)

    asyncio.run(program())


def test_a_database_in_use_is_dropped(server):
    async def program():
        dsn = await create_scratch(server, "busy")
        connection = await asyncpg.connect(dsn)
        await drop_scratch(server, dsn)
        await drop_scratch(server, dsn)
        connection.terminate()

    asyncio.run(program())


@pytest.mark.parametrize("name", ["postgres", "crudspec_canary", "{prefix}", "{prefix}x_1", "{prefix}_template"])
def test_a_database_that_is_no_clone_of_this_run_is_left_alone(server, name):
    dsn = urls.with_database(server.dsn, name.format(prefix=server.prefix))
    before = asyncio.run(databases(server))
    with pytest.raises(ServerError):
        asyncio.run(drop_scratch(server, dsn))
    assert asyncio.run(databases(server)) == before


def test_nobody_can_write_into_the_template(server):
    async def program():
        with pytest.raises(asyncpg.PostgresError):
            await asyncpg.connect(urls.with_database(server.dsn, f"{server.prefix}_template"))

    asyncio.run(program())
