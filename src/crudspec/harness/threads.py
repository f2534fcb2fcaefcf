"""A synchronous backend, run in worker threads so that the suite can treat it like any other."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contextvars import Context

_WORKERS = 32


class DaemonPool:
    """Worker threads that do not keep the process alive.

    ``concurrent.futures`` joins its threads at interpreter exit: one hanging call of a backend under test
    would hang the run for ever, after the failure was reported.

    A call goes to the thread that was used last among those that are free, so that calls one after another run in one
    thread, as they do in a program: some libraries keep a connection for each thread.

    Attributes:
        context: The context variables that each call starts with; with one worker, those that the last one left.
    """

    def __init__(self, *, patience: float, workers: int = _WORKERS) -> None:
        """Make a pool.

        Args:
            patience: Seconds that a cancelled caller waits for its thread, which cannot be cancelled itself.
            workers: Most threads at once.
        """
        self._patience = patience
        self._alone = workers == 1
        self.context: Context = copy_context()
        self._limit = workers
        self._lock = threading.Lock()
        self._workers: list[_Inbox] = []
        self._idle: list[_Inbox] = []
        self._waiting: deque[_Job] = deque()

    async def run(self, function: Callable[..., Any], *args: object) -> Any:
        """Call the function in a worker thread and await what it returns or raises.

        A cancelled caller waits for the thread to come to its end, as a thread cannot be cancelled: what it
        does is done when the caller hears of the cancellation. One that hangs is given up after a while.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()

        def settle(result: object, error: BaseException | None) -> None:
            if future.done():
                return
            if error is None:
                future.set_result(result)
            elif isinstance(error, StopIteration):
                future.set_exception(RuntimeError(f"raised {error!r}"))  # a future refuses StopIteration
            else:
                future.set_exception(error)

        def job() -> Callable[[], None]:
            result, raised = None, None
            # A context can be entered by one thread at a time.
            context = self.context if self._alone else self.context.copy()
            try:
                result = context.run(function, *args)
            except BaseException as error:  # noqa: BLE001 - whatever it is, it is the caller's
                raised = error

            def tell() -> None:
                if not loop.is_closed():
                    loop.call_soon_threadsafe(settle, result, raised)

            return tell

        self._give(job)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            # Looked at, also if it comes too late, so that asyncio does not report it as never retrieved.
            future.add_done_callback(lambda done: done.cancelled() or done.exception())
            await asyncio.wait({future}, timeout=self._patience)
            raise

    def close(self) -> None:
        """Let every worker end after its present call."""
        for inbox in self._workers:
            inbox.put(None)

    def _give(self, job: _Job) -> None:
        with self._lock:
            if self._idle:
                self._idle.pop().put(job)
            elif len(self._workers) < self._limit:
                inbox: _Inbox = queue.SimpleQueue()
                self._workers.append(inbox)
                inbox.put(job)
                threading.Thread(target=self._work, args=[inbox], daemon=True, name="crudspec-worker").start()
            else:
                self._waiting.append(job)

    def _work(self, inbox: _Inbox) -> None:
        while (job := inbox.get()) is not None:
            tell = job()
            # Free before its caller hears of it: the caller's next call is to come here, too.
            with self._lock:
                if self._waiting:
                    inbox.put(self._waiting.popleft())
                else:
                    self._idle.append(inbox)
            tell()


_Job = Callable[[], Callable[[], None]]
_Inbox = queue.SimpleQueue[_Job | None]


class InThreads:
    """The async face of a synchronous backend."""

    def __init__(self, backend: object, pool: DaemonPool) -> None:
        self._backend = backend
        self._pool = pool

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._backend, name)

        async def call(*args: object, **kwargs: object) -> Any:
            return await self._pool.run(lambda: method(*args, **kwargs))

        return call
