"""A thread with an event loop of its own, for what must go on while somebody blocks the loop that he is in."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractAsyncContextManager

_T = TypeVar("_T")

_ROUNDS = 20


@contextmanager
def in_a_thread(context: Callable[[], AbstractAsyncContextManager[_T]]) -> Generator[_T]:
    """Make, enter and leave an async context in a thread of its own, whose loop runs until the block is left.

    Raises:
        Exception: whatever making or entering it raises.
    """
    opened: Future[tuple[_T, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def hold() -> None:
        async with context() as value:
            done = asyncio.Event()
            opened.set_result((value, asyncio.get_running_loop(), done))
            await done.wait()

    def run() -> None:
        try:
            asyncio.run(hold())
        except BaseException as error:
            if opened.done():
                raise
            opened.set_exception(error)

    thread = threading.Thread(target=run, name="crudspec-wire", daemon=True)
    thread.start()
    value, loop, done = opened.result()
    try:
        yield value
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()


async def goes_round(loop: asyncio.AbstractEventLoop, *, seconds: float) -> bool:
    """Wait until another thread's loop, or this one, has gone round a few times: what could run there has run.

    Returns:
        False: it did not within that time. Something blocks it.
    """
    here = asyncio.get_running_loop()
    done = here.create_future()

    def tell() -> None:
        if not done.done():
            done.set_result(None)

    def round_(left: int) -> None:
        if left:
            loop.call_soon(round_, left - 1)
        else:
            with suppress(RuntimeError):  # nobody waits any more, and the loop that did is closed
                here.call_soon_threadsafe(tell)

    loop.call_soon_threadsafe(round_, _ROUNDS)
    try:
        async with asyncio.timeout(seconds):
            await done
    except TimeoutError:
        return False
    return True
