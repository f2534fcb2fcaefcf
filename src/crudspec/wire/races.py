"""Races: a few concurrent operations on one row, in an order that a schedule decides.

A schedule is a word over the clients' names: ``AABB`` lets two batches of A go, and then two of B. Where it has ended,
or names a client that has nothing to send, the one that went last goes on.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from crudspec.checks import shown_call, shown_error
from crudspec.failures import ContractBroken
from crudspec.linearizable import Operation, Table, brief, brief_table, explain
from crudspec.model import Row
from crudspec.subject import DeadlineMissed, Subject
from crudspec.wire.columns import account
from crudspec.wire.proxy import Proxy
from crudspec.wire.turns import Client, Turns

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Sequence

    from crudspec.backends.registry import Adapter
    from crudspec.witness import Witness

NAMES = "ABC"
"""The clients: three at most."""

_THREADS_GRACE = 0.03
_STARTED = datetime(2024, 2, 29, 12, 0, 0, 123456, tzinfo=UTC)
_SETTLE_SECONDS = 5.0
_RESET = (
    "WITH others AS (DELETE FROM tasks WHERE id <> {id}) INSERT INTO tasks (id, title, done, created_at) "
    "OVERRIDING SYSTEM VALUE VALUES ({id}, '{title}', {done}, '{created_at}') "
    "ON CONFLICT (id) DO UPDATE SET title = excluded.title, done = excluded.done, created_at = excluded.created_at"
)


@dataclass(frozen=True, slots=True)
class Request:
    """What one client asks for; the row's id goes without saying.

    Attributes:
        operation: ``create``, ``get``, ``update`` or ``delete``.
        args: The arguments but the id.
        instance: Which instance of the backend it asks, 0 or 1: two of them are two processes of one service.
    """

    operation: str
    args: tuple[object, ...] = ()
    instance: int = 0


@dataclass(frozen=True, slots=True)
class Race:
    """What concurrent clients do to a row.

    Attributes:
        requests: What each client asks for.
        title: Of the row, before.
        done: Of the row, before.
        together: Every call is made before the first message goes. If not, a call is a step of the schedule like any
            other, so that one operation may be over before the next begins.
    """

    requests: tuple[Request, ...]
    title: str = "x"
    done: bool = False
    together: bool = True


@dataclass(slots=True)
class Outcome:
    """One race as it was run.

    Attributes:
        trace: Who went at each step, and who could have.
        overlapped: Two operations were on the wire at one moment.
        broken: What is wrong with it, if anything.
    """

    trace: list[tuple[str, str]] = field(default_factory=list)
    overlapped: bool = False
    broken: ContractBroken | None = None

    @property
    def schedule(self) -> str:
        """The schedule that this was, in full."""
        return "".join(chosen for chosen, _ in self.trace)


class Course:
    """Where races are run: a backend behind two proxies, opened twice, and one row of the table.

    Attributes:
        subjects: The two instances.
        turns: Who decides whose message goes.
        task_id: Of the row that is raced for.
    """

    def __init__(self, subjects: Sequence[Subject], turns: Turns, witness: Witness, task_id: int) -> None:
        self.subjects = subjects
        self.turns = turns
        self._witness = witness
        self.task_id = task_id
        self._clock = 0

    @classmethod
    @asynccontextmanager
    async def opened(cls, adapter: Adapter, dsn: str, witness: Witness, *, deadline: float) -> AsyncGenerator[Course]:
        """Open the backend twice, with its connections made and its statements prepared.

        Raises:
            WireError: there can be no wire: the DSN asks for TLS, say.
            ContractBroken: the backend cannot be opened.
        """

        async def blockers(pids: list[int]) -> dict[int, list[int]]:
            found = await witness.fetchval(
                "SELECT json_object_agg(pid, pg_blocking_pids(pid)) FROM unnest($1::int[]) AS pid", pids
            )
            return {int(pid): others for pid, others in json.loads(str(found)).items()} if found else {}

        async with AsyncExitStack() as stack:
            turns = Turns(blockers)
            subjects = []
            for instance in range(2):
                proxy = await stack.enter_async_context(Proxy(dsn, interference=turns))
                turns.serves(proxy, instance)
                subjects.append(await stack.enter_async_context(Subject(adapter, proxy.dsn, deadline=deadline)))
            if subjects[0].in_threads:
                turns.grace = _THREADS_GRACE
            course = cls(subjects, turns, witness, (await witness.insert("the row")).id)
            await course._warm_up()
            yield course

    async def _warm_up(self) -> None:
        """Let every instance meet each operation on as many connections as it will use."""
        for operation, *args in (("get",), ("update", "w", True), ("create", "w"), ("delete",)):
            for instance in range(2):
                request = Request(operation, tuple(args), instance)
                await self.run(Race((request,) * len(NAMES)), "", judged=False)

    async def run(self, race: Race, schedule: str, *, judged: bool = True) -> Outcome:
        """Run one race.

        Args:
            race: What is asked for.
            schedule: Names of clients. What does not fit is passed over.
            judged: Say what is wrong with it.
        """
        before = await self._reset(race)
        clients = [Client(name, asked.instance) for name, asked in zip(NAMES, race.requests, strict=False)]
        calls = {client: _Call(self, client, asked) for client, asked in zip(clients, race.requests, strict=True)}
        outcome = Outcome()
        self.turns.begin(clients)
        try:
            await self._drive(race, calls, schedule, outcome)
        finally:
            self.turns.end()
            outcome.overlapped = self.turns.overlapped
            await _finish(calls.values())
        if judged:
            outcome.broken = await self._judge(before, list(calls.values()), outcome)
        return outcome

    async def _drive(self, race: Race, calls: dict[Client, _Call], schedule: str, outcome: Outcome) -> None:
        turns = self.turns
        if race.together:
            for call in calls.values():
                call.start()
                await turns.settle()
        last = None
        while True:
            await turns.settle()
            able = turns.ready() + [client for client, call in calls.items() if call.task is None]
            if not able:
                if not any(client.running for client in calls):
                    return
                await turns.anything()
                continue
            names = "".join(sorted(client.name for client in able))
            step = len(outcome.trace)
            wanted = schedule[step : step + 1] or (last.name if last else "")
            chosen = next((client for client in able if client.name == wanted), None)
            last = chosen or min(able, key=lambda client: (client is not last, client.name))
            outcome.trace.append((last.name, names))
            if calls[last].task is None:
                calls[last].start()
            else:
                turns.release(last)

    async def _reset(self, race: Race) -> Table:
        row = Row(self.task_id, race.title, race.done, _STARTED)
        await self._witness.unblocked(_RESET.format(**row._asdict()))
        return frozenset({row})

    async def _judge(self, before: Table, calls: Sequence[_Call], outcome: Outcome) -> ContractBroken | None:
        after = frozenset(await self._witness.rows())
        done = [call.operation() for call in calls]
        failed = next((call for call in calls if call.error is not None), None)
        if failed is None:
            if explain(before, done, after) is not None:
                return None
            results = ", ".join(f"{call.client.name} {call.result_text()}" for call in calls)
            expected, seen = "what some serial order gives", f"{results}, leaving {brief_table(after)}"
        else:
            assert failed.error is not None
            expected, seen = "every one of them returns", f"{failed.client.name} raised {shown_error(failed.error)}"
            if isinstance(failed.error, ContractBroken):
                seen = f"{failed.client.name}: {failed.error.seen}"
        kind = RaceHung if failed and isinstance(failed.error, DeadlineMissed) else RaceBroken
        broken = kind(" | ".join(str(call) for call in calls), expected=expected, seen=seen)
        told = {call.client.name: call.result_text() for call in calls}
        broken.account = account(
            self.turns.log, done, told, before, after, schedule=outcome.schedule, explained=failed is not None
        )
        broken.__cause__ = failed.error if failed else None
        return broken

    def tick(self) -> int:
        """The next moment of a clock that only goes forward."""
        self._clock += 1
        return self._clock


class RaceBroken(ContractBroken):
    """A race that no serial order explains."""


class RaceHung(RaceBroken):
    """An operation of a race did not come back. Not to be tried again and again: each time costs a deadline."""


class _Call:
    """The one call that a client makes."""

    def __init__(self, course: Course, client: Client, asked: Request) -> None:
        self._course = course
        self.client = client
        self._name = asked.operation
        self._args = asked.args if asked.operation == "create" else (course.task_id, *asked.args)
        self._instance = asked.instance
        self.task: asyncio.Task[None] | None = None
        self.result: object = None
        self.error: BaseException | None = None
        self._called = self._returned = 0

    def __str__(self) -> str:
        return f"{self.client.name}: {shown_call(self._name, self._args)}"

    def start(self) -> None:
        """Make the call."""
        self._called = self._course.tick()
        self._course.turns.called(self.client)
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            subject = self._course.subjects[self._instance]
            returned = await subject.call(self._name, *self._args)
            is_row = self._name == "create" or (self._name == "get" and returned is not None)
            self.result = subject.read(f"the row of {self}", returned) if is_row else returned
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            self.error = error  # nobody cancelled it: that is an outcome, too
        except Exception as error:  # noqa: BLE001 - whatever it is, it is an outcome of the race
            self.error = error
        finally:
            # Here, and not when somebody notices: who is called after this moment was called after the return.
            self._returned = self._course.tick()
            self.client.running = False
            self._course.turns.stir()

    def operation(self) -> Operation:
        """It, as the checker sees it."""
        return Operation(self.client.name, self._name, self._args, self.result, self._called, self._returned)

    def result_text(self) -> str:
        """What it returned or raised."""
        return brief(self.result) if self.error is None else f"raised {shown_error(self.error)}"


async def _finish(calls: Iterable[_Call]) -> None:
    """Wait for calls that are under way, where something went wrong in between."""
    tasks = [call.task for call in calls if call.task is not None and not call.task.done()]
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=_SETTLE_SECONDS)
