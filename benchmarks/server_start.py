"""How long until the first test has run: python benchmarks/server_start.py [--rounds N] [--container].

Each round is a fresh interpreter, timed from before its imports until a backend on a scratch database has created a
row and a witness has seen it: that is what a test run waits for, pytest's own start aside. Cold has an empty cache,
cached has the cluster that a cold round left. The interpreter alone, and the imports that a cold start does and a run
of the SQLAlchemy backends needs anyway, are printed for comparison.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

START = """
import asyncio, os, sys
from pathlib import Path
from crudspec.server import ServerChoice, create_scratch, start
server = start(ServerChoice(kind=sys.argv[1]), run_dir=Path(sys.argv[2]), owner=os.getpid())

async def first_test():
    from crudspec.backends.asyncpg import AsyncpgBackend
    from crudspec.truth.witness import Witness
    dsn = await create_scratch(server, "bench")
    async with AsyncpgBackend.connect(dsn) as backend, Witness.connect(dsn) as witness:
        await backend.create("first")
        assert len(await witness.rows()) == 1

asyncio.run(first_test())
print(flush=True)
sys.stdin.read()
"""
STOP = "import sys; from pathlib import Path; from crudspec.server import stop; stop(Path(sys.argv[1]))"
IMPORTS = "import alembic.command, sqlalchemy.ext.asyncio, sqlalchemy.dialects.postgresql.asyncpg"


def started(kind: str, cache: Path) -> float:
    """Return the seconds until a first test has run; the server is stopped afterwards."""
    with tempfile.TemporaryDirectory() as directory:
        run_dir = Path(directory) / "run"
        environment = os.environ | {"XDG_CACHE_HOME": str(cache)}
        environment.pop("CRUDSPEC_DSN", None)
        begin = time.perf_counter()
        owner = subprocess.Popen(
            [sys.executable, "-c", START, kind, run_dir],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        said = owner.stdout.readline() if owner.stdout else b""
        seconds = time.perf_counter() - begin
        subprocess.run([sys.executable, "-c", STOP, run_dir], check=True)
        owner.communicate()
    if not said:
        sys.exit(f"no {kind} server could be started")
    return seconds


def ran(code: str) -> float:
    """Return the seconds that an interpreter takes for some code."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - begin


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--container", action="store_true", help="a container too, if a Docker daemon answers")
    options = parser.parse_args()
    rows: dict[str, list[float]] = {"interpreter": [], "imports": [], "cold": [], "cached": [], "container": []}
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as cache:
            rows["interpreter"].append(ran("pass"))
            rows["imports"].append(ran(IMPORTS))
            rows["cold"].append(started("embedded", Path(cache)))
            rows["cached"].append(started("embedded", Path(cache)))
            if options.container:
                rows["container"].append(started("container", Path(cache)))
    base = statistics.median(rows["cached"])
    print(f"{'':12} {'median':>8} {'min':>8} {'max':>8} {'ratio':>6}   ({options.rounds} rounds, seconds)")
    for name, times in rows.items():
        if times:
            middle = statistics.median(times)
            print(f"{name:12} {middle:8.3f} {min(times):8.3f} {max(times):8.3f} {middle / base:6.1f}")


if __name__ == "__main__":
    main()
