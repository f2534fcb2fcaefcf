"""What PROGRAM-1 spends per operation outside the backend: drawing, model, witness, deadline, bookkeeping.

Usage: uv run python benchmarks/programs.py [BACKEND] [EXAMPLES]
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

from crudspec.backends.registry import resolve
from crudspec.harness.databases import scratch_with
from crudspec.harness.programs import Effort, run_programs
from crudspec.harness.subject import Subject
from crudspec.server import Server, ServerChoice, drop_scratch, start, stop
from crudspec.truth.witness import Witness

ROUNDS = 5


async def measure(server: Server, name: str, examples: int) -> tuple[int, float, float]:
    """Operations, seconds in all, seconds inside the backend."""
    (adapter,) = resolve([name])
    dsn, sample = await scratch_with(server, "bench", adapter.entity)
    async with Subject(adapter, dsn, sample.table) as subject, Witness.connect(dsn, sample) as witness:
        calls, inside = 0, 0.0

        def timed(method: Any) -> Any:
            async def call(*key: Any, **values: Any) -> Any:
                nonlocal calls, inside
                calls += 1
                begun = perf_counter()
                try:
                    return await method(*key, **values)
                finally:
                    inside += perf_counter() - begun

            return call

        for operation in sample.table.operations:
            name = sample.table.method(operation)
            setattr(subject.instance, name, timed(getattr(subject.instance, name)))
        begun = perf_counter()
        await run_programs([subject], witness, Effort(examples=examples, steps=50, schedules=0, failures=0), seed=0)
        total = perf_counter() - begun
    await drop_scratch(server, dsn)
    return calls, total, inside


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else "asyncpg"
    examples = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    run_dir = Path(tempfile.gettempdir()) / f"crudspec-run-{os.getpid()}"
    server = start(ServerChoice(kind="embedded"), run_dir=run_dir, owner=os.getpid())
    try:
        outside = []
        for _ in range(ROUNDS):
            calls, total, inside = asyncio.run(measure(server, name, examples))
            outside.append((total - inside) / calls * 1e6)
            print(f"{calls} operations: {inside / calls * 1e6:.0f} µs in {name}, {outside[-1]:.0f} µs outside it, each")
        print(f"median outside the backend: {statistics.median(outside):.0f} µs per operation")
    finally:
        stop(run_dir)


if __name__ == "__main__":
    main()
