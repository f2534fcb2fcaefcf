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

from crudspec.backend import OPERATIONS
from crudspec.backends.registry import resolve
from crudspec.harness.programs import Effort, run_programs
from crudspec.harness.subject import Subject
from crudspec.server import Server, ServerChoice, create_scratch, drop_scratch, start, stop
from crudspec.truth.witness import Witness

ROUNDS = 5


async def measure(server: Server, name: str, examples: int) -> tuple[int, float, float]:
    """Operations, seconds in all, seconds inside the backend."""
    (adapter,) = resolve([name])
    dsn = await create_scratch(server, "bench")
    async with Subject(adapter, dsn) as subject, Witness.connect(dsn) as witness:
        calls, inside = 0, 0.0

        def timed(method: Any) -> Any:
            async def call(*args: Any) -> Any:
                nonlocal calls, inside
                calls += 1
                begun = perf_counter()
                try:
                    return await method(*args)
                finally:
                    inside += perf_counter() - begun

            return call

        for operation in OPERATIONS:
            setattr(subject.instance, operation, timed(getattr(subject.instance, operation)))
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
