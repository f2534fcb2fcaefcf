"""What it costs to give a test an empty table: python benchmarks/reset.py [--rounds N].

Ten rows are written before each reset, outside the measurement; one connection does everything.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import StaticPool

from crudspec.server import Server, ServerChoice, create_scratch, drop_scratch, start, stop
from crudspec.server import dsn as urls

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Reset = Callable[[], Awaitable[object]]


async def timed(reset: Reset, fill: Reset, rounds: int) -> float:
    """Return the median of a reset, in milliseconds."""
    times = []
    for _ in range(rounds):
        await fill()
        begin = time.perf_counter()
        await reset()
        times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1000


async def measure(server: Server, rounds: int) -> dict[str, float]:
    """Measure each way on the same server."""
    dsn = await create_scratch(server, "reset")
    connection = await asyncpg.connect(dsn)
    admin = await asyncpg.connect(server.dsn)
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(dsn), poolclass=StaticPool
    )
    metadata = MetaData()
    async with engine.begin() as reflecting:
        await reflecting.run_sync(metadata.reflect, only=["tasks"])

    async def fill() -> None:
        await connection.execute("INSERT INTO tasks (title) SELECT 'task ' || n FROM generate_series(1, 10) n")

    async def recreate() -> None:
        async with engine.begin() as recreating:
            await recreating.run_sync(metadata.drop_all)
            await recreating.run_sync(metadata.create_all)

    async def clone() -> None:
        await admin.execute(f"CREATE DATABASE {server.prefix}_clone TEMPLATE {server.prefix}_template")
        await admin.execute(f"DROP DATABASE {server.prefix}_clone WITH (FORCE)")

    async def clone_as_the_suite_does() -> None:
        await drop_scratch(server, await create_scratch(server, "clone"))

    ways: dict[str, Reset] = {
        "DELETE": lambda: connection.execute("DELETE FROM tasks"),
        "TRUNCATE": lambda: connection.execute("TRUNCATE tasks RESTART IDENTITY"),
        "clone + drop, open connection": clone,
        "create_scratch + drop_scratch": clone_as_the_suite_does,
        "drop_all + create_all": recreate,
    }
    found = {name: await timed(way, fill, rounds) for name, way in ways.items()}
    await engine.dispose()
    await connection.close()
    await admin.close()
    await drop_scratch(server, urls.with_database(server.dsn, urls.database_of(dsn)))
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=100)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as directory:
        run_dir = Path(directory) / "run"
        try:
            server = start(ServerChoice(kind="embedded"), run_dir=run_dir, owner=os.getpid())
            found = asyncio.run(measure(server, rounds))
        finally:
            stop(run_dir)
    print(f"{server.origin}, median of {rounds}")
    print(f"{'':30} {'ms':>8} {'ratio':>7}")
    for name, middle in found.items():
        print(f"{name:30} {middle:8.3f} {middle / found['DELETE']:7.1f}")


if __name__ == "__main__":
    main()
