"""Waiting for a timeout without waiting: an event loop's clock that is put forward while nothing happens."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

STEP = 0.25
"""Seconds by which the clock is put forward at once: the error of every timeout that is met this way."""

_PAUSE = 0.002  # real seconds between two steps, for what a timeout has set off to run its course


class Clock:
    """A loop's time, with what was skipped added.

    It stays in its loop for good: a clock that went back would make every timer late that was set meanwhile.
    """

    def __init__(self, real: Callable[[], float]) -> None:
        self._real = real
        self.skipped = 0.0

    def __call__(self) -> float:
        return self._real() + self.skipped


async def pass_time(tasks: Collection[asyncio.Future[Any]], seconds: float, alive: Callable[[], object]) -> None:
    """Let that many seconds pass for everything in this event loop, or fewer if the tasks are done before.

    ``asyncio.timeout``, ``wait_for``, ``sleep`` and ``call_later`` all ask ``loop.time()``, and so does what is
    built on them: asyncpg, SQLAlchemy's pool, anyio, psycopg's pool. They meet their timeouts exactly as they
    would have, 10 seconds in 0.1. It is done in small steps, each followed by a real pause: one jump over
    everything would have the caller's own deadline expire before what a backend's timeout has set off.

    It does nothing to threads, to code that asks ``time.monotonic()`` itself (psycopg's connect), and to a loop
    that does not let its clock be replaced (uvloop): who gets no answer this way waits in real time.

    Args:
        tasks: What is waited for.
        seconds: To skip, at most.
        alive: Anything that changes with traffic. As long as it does, time does not pass faster: something is
            happening, and a step could end it early.
    """
    loop = asyncio.get_running_loop()
    clock = loop.time
    if not isinstance(clock, Clock):
        clock = Clock(clock)
        try:
            cast("Any", loop).time = clock
        except AttributeError:
            return
    end = clock.skipped + seconds
    before = alive()
    while clock.skipped < end and not all(task.done() for task in tasks):
        await asyncio.sleep(_PAUSE)
        now = alive()
        if now == before:
            clock.skipped += STEP
        before = now
