"""How a backend is opened and left: in one task, or one thread, with a deadline."""

from __future__ import annotations

import asyncio
from contextvars import Context, ContextVar, copy_context
from typing import TYPE_CHECKING, Any

from crudspec.backend import OPERATIONS
from crudspec.contract.failures import ContractBroken
from crudspec.harness.abilities import CONNECT, LEAVE, Abilities
from crudspec.harness.call import DeadlineMissed
from crudspec.harness.heartbeat import beat
from crudspec.harness.threads import DaemonPool, InThreads
from crudspec.harness.watchdog import Blocked, Watchdog
from crudspec.truth.shown import shown, shown_error

if TYPE_CHECKING:
    from typing import Self

    from crudspec.backends.registry import Adapter
    from crudspec.entity.table import Table
    from crudspec.wire import Proxy

THREAD_PATIENCE = 5.0
"""Seconds that a cancelled call waits for its worker thread to come to its end."""

CONNECT_DEADLINE = 30.0
CLOSE_DEADLINE = 15.0
CLOSE_AGAIN_DEADLINE = 0.05
"""Seconds for leaving a ``connect`` that is known not to be left: it is told once, and then given up at once."""


class Opened:
    """A backend's ``connect``, entered and left.

    In one task of its own: a ``connect`` that holds a task group or a timeout open must be left by the task that
    entered it, and fixtures do not promise that.

    Attributes:
        adapter: Which backend.
        name: Its short name.
        dsn: Of its database.
        table: That it is about.
        deadline: For each call, in seconds.
        wire: Connects it, if there is one.
        abilities: What is known of it.
        instance: What ``connect`` has yielded; None while it is not open.
        in_threads: It is synchronous, and is called in threads.
    """

    def __init__(
        self, adapter: Adapter, dsn: str, table: Table, *, deadline: float, wire: Proxy | None, abilities: Abilities
    ) -> None:
        self.adapter = adapter
        self.name = adapter.name
        self.dsn = dsn
        self.table = table
        self.deadline = deadline
        self.wire = wire
        self.abilities = abilities
        self.instance: Any = None
        self.in_threads = False
        self._variables: list[tuple[ContextVar[Any], object]] = []
        self._closing: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Open the backend.

        Raises:
            ContractBroken: ``connect`` raised, or did not come back within its deadline.
        """
        self.abilities.require(CONNECT)
        loop = asyncio.get_running_loop()
        opened: asyncio.Future[Any] = loop.create_future()
        self._closing = asyncio.Event()
        # In a context with nothing in it: what another instance has set is not this one's, and is not there.
        self._task = loop.create_task(self._hold(opened, self._closing), context=Context())
        what = f"{self.adapter.cls.__name__}.connect(dsn)"
        beat(CONNECT_DEADLINE, self.name, CONNECT)
        with Watchdog(what, CONNECT_DEADLINE):
            done, _ = await asyncio.wait({opened, self._task}, timeout=CONNECT_DEADLINE, return_when="FIRST_COMPLETED")
        if not done:
            self._task.cancel()
            self._task = None
            raise DeadlineMissed(
                what, expected="an open backend", seen=f"no answer within {CONNECT_DEADLINE:g} seconds"
            )
        if not opened.done():
            task, self._task = self._task, None
            raise _not_done(what, "an open backend", task, CONNECT_DEADLINE)
        self.instance = opened.result()

    async def close(self, *, deadline: float = CLOSE_DEADLINE) -> None:
        """Leave the backend's context. Where that is known not to work, it is tried, and nothing is said of it again.

        Raises:
            ContractBroken: leaving it raised, or did not come back within its deadline.
        """
        task, closing, self._task, self._closing = self._task, self._closing, None, None
        if task is None or closing is None:
            return
        known = self.abilities.is_told(LEAVE)
        closing.set()
        what = f"leaving {self.adapter.cls.__name__}.connect(dsn)"
        deadline = CLOSE_AGAIN_DEADLINE if known else deadline
        beat(deadline, self.name, LEAVE)
        with Watchdog(what, deadline):
            done, _ = await asyncio.wait({task}, timeout=deadline)
        if not done:
            task.cancel()
            if not known:
                raise DeadlineMissed(what, expected="a closed backend", seen=f"no answer within {deadline:g} seconds")
        elif task.cancelled() or task.exception() is not None:
            broken = _not_done(what, "a closed backend", task, deadline)
            if not known:
                raise broken

    async def _hold(self, opened: asyncio.Future[Any], closing: asyncio.Event) -> None:
        try:
            await self._enter_and_leave(opened, closing)
        except SystemExit as error:  # it would end the event loop, and this process with it
            step = "leaving " if opened.done() else ""
            raise as_failure(f"{step}{self.adapter.cls.__name__}.connect(dsn)", "no exception", error) from error

    async def _enter_and_leave(self, opened: asyncio.Future[Any], closing: asyncio.Event) -> None:
        context = self.adapter.cls.connect(self.dsn if self.wire is None else self.wire.dsn)
        if hasattr(context, "__aenter__"):
            async with context as backend:
                _check_offers(self.table, backend)
                self._variables = list(copy_context().items())
                opened.set_result(backend)
                await closing.wait()
        elif hasattr(context, "__enter__"):
            # One thread enters and leaves, as in a program that does both: what connect keeps for its thread is there.
            pool, own = DaemonPool(patience=min(self.deadline, THREAD_PATIENCE)), DaemonPool(patience=0, workers=1)
            try:
                backend = await own.run(context.__enter__)
                _check_offers(self.table, backend)
                pool.context = own.context
                self.in_threads = True
                opened.set_result(InThreads(backend, pool))
                await closing.wait()
                await own.run(context.__exit__, None, None, None)
            finally:
                pool.close()
                own.close()
        else:
            raise TypeError(
                f"connect returned {shown(context)}, which is no context manager; above it belong @classmethod and "
                "@asynccontextmanager, or @contextmanager where it is synchronous"
            )


def _check_offers(table: Table, backend: object) -> None:
    """Refuse what is no backend at all, before five operations fail for it.

    Raises:
        TypeError: it has no operation.
    """
    names = [table.method(operation) for operation in OPERATIONS]
    if not any(hasattr(backend, name) for name in names):
        raise TypeError(f"connect yielded {shown(backend)}, which has no {', '.join(names)}; yield the backend")


def as_failure(what: str, expected: str, error: BaseException) -> ContractBroken:
    broken = ContractBroken(what, expected=expected, seen=f"raised {shown_error(error)}")
    broken.__cause__ = error
    return broken


def _not_done(what: str, expected: str, task: asyncio.Task[None], limit: float) -> ContractBroken:
    """Why a backend was not opened, or not closed, by the end of the task that holds it."""
    if task.cancelled():
        return ContractBroken(what, expected=expected, seen="raised CancelledError")
    error = task.exception()
    if isinstance(error, Blocked):
        return DeadlineMissed(what, expected=expected, seen=f"the event loop blocked for {limit:g} seconds")
    if error is None:
        return ContractBroken(what, expected=expected, seen="it ended at once")
    return error if isinstance(error, ContractBroken) else as_failure(what, expected, error)
