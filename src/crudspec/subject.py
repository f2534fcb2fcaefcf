"""A backend under test: opened, called with a deadline, and remembered call by call."""

from __future__ import annotations

import asyncio
import inspect
import signal
import threading
from collections import deque
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crudspec.checks import shown, shown_call, shown_error
from crudspec.failures import ContractBroken, Inconclusive
from crudspec.heartbeat import beat
from crudspec.threads import DaemonPool

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Self

    from crudspec.backends.registry import Adapter
    from crudspec.wire import Proxy, Traffic

OPERATION_DEADLINE = 10.0
"""Seconds that an operation may take, unless a check blocks it on purpose."""

DEADLINE_AFTER_A_MISS = 2.0
"""Seconds for every later operation of a backend that has missed a deadline: the run has to end."""

THREAD_PATIENCE = 5.0
"""Seconds that a cancelled call waits for its worker thread to come to its end."""

CONNECT_DEADLINE = 30.0
CLOSE_DEADLINE = 15.0
_REMEMBERED_CALLS = 12
_SHOWN_STATEMENTS = 12


_UNANSWERED = object()


@dataclass(slots=True)
class Call:
    """One call, for the failure that it may lead to. What it returned is made text only if it comes to that."""

    backend: str
    operation: str
    args: tuple[object, ...]
    returned: object = _UNANSWERED
    trouble: str = "still running"
    traffic: Traffic | None = None
    """What passed while it ran, where a wire was looking."""

    @property
    def outcome(self) -> str:
        """What it returned or raised, as text."""
        return self.trouble if self.returned is _UNANSWERED else shown(self.returned)

    def __str__(self) -> str:
        return f"{shown_call(self.operation, self.args)} -> {self.outcome}"

    def sql(self) -> list[str]:
        """The call and its statements, a line each; nothing where no wire was looking."""
        if self.traffic is None:
            return []
        told = shown_traffic(self.traffic) or ["nothing was sent"]
        return [shown_call(self.operation, self.args), *(f"  {line}" for line in told)]


def shown_traffic(traffic: Traffic) -> list[str]:
    """The statements for a failure, a line each; of many, the first and the last."""
    told = [str(statement) for statement in traffic.statements]
    if len(told) > _SHOWN_STATEMENTS:
        told[_SHOWN_STATEMENTS // 2 : -_SHOWN_STATEMENTS // 2] = [f"… {len(told)} statements in all …"]
    return told


class DeadlineMissed(ContractBroken):
    """A call did not come back in time."""


class Subject:
    """One opened backend.

    Its context is entered and left in one task of its own: a ``connect`` that holds a task group or a
    timeout open must be left by the task that entered it, and fixtures do not promise that.
    """

    def __init__(
        self,
        adapter: Adapter,
        dsn: str,
        *,
        deadline: float = OPERATION_DEADLINE,
        wire: Proxy | None = None,
        beside: Subject | None = None,
        no_wire: str = "",
    ) -> None:
        """Describe a backend; :meth:`open` opens it.

        Args:
            adapter: Which.
            dsn: Of its database.
            deadline: For each call, in seconds.
            wire: Connects it, to show its SQL in a failure; ``dsn`` stays the way to the server itself.
            no_wire: Why no check can put a wire in between, if none can.
            beside: The backend of the check, which it joins: same wire, and its calls are told with that one's.
        """
        self.adapter = adapter
        self.name = adapter.name
        self.dsn = dsn
        self.deadline = deadline
        self._no_wire = no_wire
        self.wire = beside.wire if beside is not None else wire
        self.calls: deque[Call] = beside.calls if beside is not None else deque(maxlen=_REMEMBERED_CALLS)
        self.instance: Any = None
        self.failed = False
        self.in_threads = False
        self._closing: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def wire_dsn(self) -> str:
        """The DSN, for a check that puts a wire of its own in between.

        Raises:
            Inconclusive: there can be none: the run's DSN asks for TLS, say.
        """
        if self._no_wire:
            raise Inconclusive(f"a wire stands between backend and server, but {self._no_wire}; that")
        return self.dsn

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
        loop = asyncio.get_running_loop()
        opened: asyncio.Future[Any] = loop.create_future()
        self._closing = asyncio.Event()
        self._task = loop.create_task(self._hold(opened, self._closing))
        what = f"{self.adapter.cls.__name__}.connect(dsn)"
        beat(CONNECT_DEADLINE, self.name)
        with _Watchdog(what, CONNECT_DEADLINE):
            done, _ = await asyncio.wait({opened, self._task}, timeout=CONNECT_DEADLINE, return_when="FIRST_COMPLETED")
        if not done:
            self._task.cancel()
            raise DeadlineMissed(
                what, expected="an open backend", seen=f"no answer within {CONNECT_DEADLINE:g} seconds"
            )
        if not opened.done():
            error = self._task.exception()
            self._task = None
            assert error is not None
            raise ContractBroken(what, expected="an open backend", seen=f"raised {shown_error(error)}") from error
        self.instance = opened.result()

    async def close(self, *, deadline: float = CLOSE_DEADLINE) -> None:
        """Leave the backend's context.

        Raises:
            ContractBroken: leaving it raised, or did not come back within its deadline.
        """
        task, closing, self._task, self._closing = self._task, self._closing, None, None
        if task is None or closing is None:
            return
        closing.set()
        what = f"leaving {self.adapter.cls.__name__}.connect(dsn)"
        beat(deadline, self.name)
        with _Watchdog(what, deadline):
            done, _ = await asyncio.wait({task}, timeout=deadline)
        if not done:
            task.cancel()
            raise DeadlineMissed(what, expected="a closed backend", seen=f"no answer within {deadline:g} seconds")
        error = task.exception()
        if error is not None:
            raise ContractBroken(what, expected="a closed backend", seen=f"raised {shown_error(error)}") from error

    async def _hold(self, opened: asyncio.Future[Any], closing: asyncio.Event) -> None:
        context = self.adapter.cls.connect(self.dsn if self.wire is None else self.wire.dsn)
        if hasattr(context, "__aenter__"):
            async with context as backend:
                opened.set_result(backend)
                await closing.wait()
        elif hasattr(context, "__enter__"):
            pool = DaemonPool(patience=min(self.deadline, THREAD_PATIENCE))
            try:
                backend = await pool.run(context.__enter__)
                self.in_threads = True
                opened.set_result(_InThreads(backend, pool))
                await closing.wait()
                await pool.run(context.__exit__, None, None, None)
            finally:
                pool.close()
        else:
            raise TypeError(f"connect returned {shown(context)}, which is no context manager")

    async def call(self, operation: str, *args: object, deadline: float | None = None) -> Any:
        """Call an operation and return what it returns, or raise what it raises.

        Raises:
            DeadlineMissed: it did not come back within its deadline.
        """
        record = Call(self.name, operation, args)
        self.calls.append(record)
        if self.wire is None:
            return await self._answer(record, self.deadline if deadline is None else deadline)
        with self.wire.observer.operation(operation) as record.traffic:
            return await self._answer(record, self.deadline if deadline is None else deadline)

    async def _answer(self, record: Call, limit: float) -> Any:
        beat(limit, self.name)
        operation, args = record.operation, record.args
        scope = asyncio.timeout(limit)
        try:
            # A worker thread that hangs does not block the loop, and its caller waits for it for a while.
            with nullcontext() if self.in_threads else _Watchdog(record, limit):
                async with scope:
                    answer = getattr(self.instance, operation)(*args)
                    if not inspect.isawaitable(answer):
                        raise ContractBroken(
                            shown_call(operation, args), expected="something to await", seen=f"{shown(answer)} at once"
                        )
                    record.returned = await answer
            if scope.expired():
                raise TimeoutError  # it swallowed the cancellation and came back all the same, too late
        except BaseException as error:
            if isinstance(error, Exception) and not isinstance(error, ContractBroken) and scope.expired():
                seen = f"none within {limit:g} seconds"
                error = DeadlineMissed(shown_call(operation, args), expected="an answer", seen=seen)
            record.trouble = error.seen if isinstance(error, DeadlineMissed) else f"raised {shown_error(error)}"
            if isinstance(error, DeadlineMissed):
                self.deadline = min(self.deadline, DEADLINE_AFTER_A_MISS)
            raise error  # noqa: TRY201 - it may be another one by now
        return record.returned

    async def create(self, title: Any) -> Any:
        return await self.call("create", title)

    async def get(self, task_id: Any) -> Any:
        return await self.call("get", task_id)

    async def list_tasks(self) -> Any:
        return await self.call("list_tasks")

    async def update(self, task_id: Any, title: Any, done: Any) -> Any:
        return await self.call("update", task_id, title, done)

    async def delete(self, task_id: Any) -> Any:
        return await self.call("delete", task_id)


class _InThreads:
    """The async face of a synchronous backend."""

    def __init__(self, backend: object, pool: DaemonPool) -> None:
        self._backend = backend
        self._pool = pool

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._backend, name)

        async def call(*args: object, **kwargs: object) -> Any:
            return await self._pool.run(lambda: method(*args, **kwargs))

        return call


def _alarm_is_ours() -> bool:
    """Take the alarm if nobody has it. Asked anew each time: somebody may have come meanwhile."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        return False
    handler = signal.getsignal(signal.SIGALRM)
    if handler in (signal.SIG_DFL, None):
        signal.signal(signal.SIGALRM, _ring)
        return True
    return handler is _ring


class _Watchdog:
    """Ends a call that blocks the event loop itself, where no asyncio deadline can fire.

    An interval timer interrupts ``time.sleep`` and most C calls of the main thread. It is left alone where
    somebody else (pytest-timeout, say) already uses the alarm.
    """

    _under_way = 0
    _usable: bool | None = None

    def __init__(self, what: object, limit: float) -> None:
        self._what = what
        self._limit = limit + 2

    def __enter__(self) -> None:
        cls = _Watchdog
        if not cls._under_way:
            cls._usable = _alarm_is_ours()
        cls._under_way += 1
        if cls._usable:
            _ring.what, _ring.limit = self._what, self._limit
            signal.setitimer(signal.ITIMER_REAL, self._limit)

    def __exit__(self, *_: object) -> None:
        cls = _Watchdog
        cls._under_way -= 1
        if not cls._under_way and cls._usable:
            signal.setitimer(signal.ITIMER_REAL, 0)


class _Ring:
    what: object = ""
    limit = 0.0

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        raise DeadlineMissed(
            str(self.what), expected="an answer", seen=f"the event loop blocked for {self.limit:g} seconds"
        )


_ring = _Ring()
