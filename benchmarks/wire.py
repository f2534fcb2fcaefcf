"""What the wire adds to a round trip: medians of ``SELECT 1``, directly and through it.

    uv run python benchmarks/wire.py

The two are measured in turns, so that a busy machine slows both. Budget: 150 µs in the same event loop.
"""

import asyncio
from statistics import median
from time import perf_counter

import asyncpg

from crudspec.server import ServerChoice, running
from crudspec.wire import Interference, Proxy, threaded
from crudspec.wire.frames import Frame
from crudspec.wire.interference import Verdict
from crudspec.wire.link import Link

ROUNDS, TRIPS = 7, 1000


class Everything(Interference):
    """Asked about every message, and lets it pass."""

    def from_client(self, link: Link, frame: Frame) -> Verdict:
        """Do what the base class does; that it is overridden is what costs."""
        return super().from_client(link, frame)

    def from_server(self, link: Link, frame: Frame) -> Verdict:
        """See above."""
        return super().from_server(link, frame)


async def trip(connection: asyncpg.Connection) -> float:
    """Return the median of many round trips in µs."""
    times = []
    for _ in range(TRIPS):
        begin = perf_counter()
        await connection.fetchval("SELECT 1")
        times.append(perf_counter() - begin)
    return median(times) * 1e6


async def compare(name: str, direct_dsn: str, wire_dsn: str) -> None:
    """Print one line."""
    direct, wire = await asyncpg.connect(direct_dsn), await asyncpg.connect(wire_dsn)
    pairs = [(await trip(direct), await trip(wire)) for _ in range(ROUNDS)]
    without, through = median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)
    added = median(pair[1] - pair[0] for pair in pairs)
    print(f"{name:28} direct {without:6.0f} µs   wire {through:6.0f} µs   added {added:6.0f} µs")
    await direct.close()
    await wire.close()


async def same_loop(dsn: str) -> None:
    """Measure with backend and proxy in one event loop, as the suite runs them."""
    async with Proxy(dsn) as proxy:
        await compare("same loop", dsn, proxy.dsn)
        with proxy.observer.operation():
            await compare("same loop, recording", dsn, proxy.dsn)
        proxy.interference = Everything()
        await compare("same loop, every message", dsn, proxy.dsn)


def main() -> None:
    """Print the table."""
    with running(ServerChoice(kind="embedded")) as server:
        asyncio.run(same_loop(server.dsn))
        with threaded(server.dsn) as proxy:
            asyncio.run(compare("own thread", server.dsn, proxy.dsn))


if __name__ == "__main__":
    main()
