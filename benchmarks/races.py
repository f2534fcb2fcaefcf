"""How many schedules of a race are run per second: python benchmarks/races.py [--seconds N].

Two updates of one row through two instances of a backend: all their schedules, again and again. Beside it, one round
trip of the same backend's driver through the wire, as a measure of the machine. Budget on a quiet machine with two
cores: 150 a second for the ORM, 400 for asyncpg.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from crudspec.backends.registry import resolve
from crudspec.harness.databases import scratch_with
from crudspec.harness.subject import Subject
from crudspec.races.course import Course
from crudspec.races.pairs import Enumeration, pairs
from crudspec.server import Server, ServerChoice, drop_scratch, start, stop
from crudspec.truth.witness import Witness

if TYPE_CHECKING:
    from crudspec.backends.registry import Adapter

BUDGETS = {"asyncpg": 400, "core": 0, "orm": 150, "sqlmodel": 0}


async def measure(server: Server, adapter: Adapter, seconds: float) -> tuple[int, float, float]:
    """Return how many schedules there are, how many were run per second of wall clock, and per second of CPU time."""
    dsn, sample = await scratch_with(server, "races", adapter.entity)
    race, *_ = pairs(sample)
    subject = Subject(adapter, dsn, sample.table)
    async with Witness.connect(dsn, sample) as witness, Course.opened(subject, witness) as course:
        runs, size = 0, 0
        begin, cpu = time.perf_counter(), time.process_time()
        while time.perf_counter() - begin < seconds:
            enumeration, size = Enumeration(race), 0
            while not enumeration.complete:
                beginning = enumeration.next()
                outcome = await course.run(race, beginning)
                enumeration.ran(beginning, outcome)
                assert outcome.broken is None
                size += 1
            runs += size
        elapsed, used = time.perf_counter() - begin, time.process_time() - cpu
    await drop_scratch(server, dsn)
    return size, runs / elapsed, runs / used


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=3.0)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as directory:
        run_dir = Path(directory) / "run"
        try:
            server = start(ServerChoice(kind="embedded"), run_dir=run_dir, owner=os.getpid())
            print(f"{server.origin}; load of the machine {os.getloadavg()[0]:.1f}")
            print(f"{'update | update':16} {'schedules':>9} {'a second':>9} {'of our CPU':>11} {'budget':>7}")
            for adapter in resolve(list(BUDGETS)):
                size, rate, per_cpu = asyncio.run(measure(server, adapter, seconds))
                print(f"{adapter.name:16} {size:9} {rate:9.0f} {per_cpu:11.0f} {BUDGETS[adapter.name] or '':>7}")
        finally:
            stop(run_dir)


if __name__ == "__main__":
    main()
