"""A backend under test: opened, called with a deadline, and remembered call by call."""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from contextlib import asynccontextmanager, nullcontext
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from crudspec.contract.causes import RESULT
from crudspec.contract.clause import Consequence
from crudspec.contract.failures import ContractBroken, Depends, Inconclusive
from crudspec.entity.row import thawed
from crudspec.harness.abilities import CONNECT, Abilities
from crudspec.harness.call import Call, DeadlineMissed
from crudspec.harness.heartbeat import beat
from crudspec.harness.opening import Opened, as_failure
from crudspec.harness.reading import read, read_all
from crudspec.harness.watchdog import Blocked, Watchdog
from crudspec.truth.model import Request
from crudspec.truth.shown import shown, shown_call, shown_error

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

    from crudspec.backends.registry import Adapter
    from crudspec.entity.row import Key, Row
    from crudspec.entity.table import Table
    from crudspec.wire import Proxy

OPERATION_DEADLINE = 10.0
"""Seconds that an operation may take, unless a check blocks it on purpose."""

DEADLINE_AFTER_A_MISS = 2.0
"""Seconds for every later operation of a backend that has missed a deadline: the run has to end."""

_REMEMBERED_CALLS = 12

NOTHING: Mapping[str, Any] = MappingProxyType({})

_entered: ContextVar[object] = ContextVar("crudspec_entered", default=None)
"""The instance whose context variables were set last in this context."""


class Subject(Opened):
    """One backend under test: opened, as :class:`~crudspec.harness.opening.Opened` says, and called.

    What ``connect`` has set in context variables is set for each call, too, as it is in a program that enters, calls
    and leaves in one task.
    """

    def __init__(
        self,
        adapter: Adapter,
        dsn: str,
        table: Table,
        *,
        deadline: float = OPERATION_DEADLINE,
        wire: Proxy | None = None,
        beside: Subject | None = None,
        no_wire: str = "",
        abilities: Abilities | None = None,
    ) -> None:
        """Describe a backend; :meth:`open` opens it.

        Args:
            adapter: Which.
            dsn: Of its database.
            table: That it is about.
            deadline: For each call, in seconds.
            wire: Connects it, to show its SQL in a failure; ``dsn`` stays the way to the server itself.
            no_wire: Why no check can put a wire in between, if none can.
            beside: The backend of the check, which it joins: same wire, and its calls are told with that one's.
            abilities: What is known of it already.
        """
        if abilities is None:
            abilities = Abilities(hidden=beside.abilities.hidden) if beside is not None else Abilities()
        if beside is not None:
            wire = beside.wire
        super().__init__(adapter, dsn, table, deadline=deadline, wire=wire, abilities=abilities)
        self._no_wire = no_wire
        self.calls: deque[Call] = beside.calls if beside is not None else deque(maxlen=_REMEMBERED_CALLS)
        self.failed = False
        self.explain: Callable[[Exception], Awaitable[Exception]] | None = None
        self.refute: Callable[[Any, Mapping[str, Any]], Awaitable[None]] | None = None
        self._others = 0

    @property
    def wire_dsn(self) -> str:
        """The DSN, for a check that puts a wire of its own in between.

        Raises:
            Inconclusive: there can be none: the run's DSN asks for TLS, say.
        """
        if self._no_wire:
            raise Inconclusive(f"a wire stands between backend and server, but {self._no_wire}; that")
        return self.dsn

    @asynccontextmanager
    async def another(self, dsn: str | None = None) -> AsyncGenerator[Subject]:
        """Open one more instance, beside this one; where two cannot live side by side, this one is closed first.

        Args:
            dsn: Of its database or of a wire before it; by default this one's, and through its wire.

        Raises:
            ContractBroken: it cannot be opened.
            Depends: one more is open already, and they cannot live side by side.
        """
        await self.make_room()
        other = self.sibling(dsn)
        self._others += 1
        try:
            async with other:
                yield other
        finally:
            self._others -= 1

    def sibling(self, dsn: str | None = None) -> Subject:
        """One more instance, not opened yet; what :meth:`another` does not open is opened after :meth:`make_room`."""
        other = Subject(
            self.adapter,
            dsn or self.dsn,
            self.table,
            deadline=self.deadline,
            beside=self if dsn is None else None,
            abilities=self.abilities,
        )
        other.calls = self.calls  # a failure tells them all
        return other

    async def make_room(self) -> None:
        """Where two instances cannot live side by side, close this one.

        Raises:
            Depends: another one is open already.
        """
        if not self.abilities.side_by_side:
            if self._others:
                raise Depends("CONNECT-2", "two instances cannot be open at once")
            self.failed = True  # it is opened anew for the next check
            await self.close()

    async def call(
        self,
        operation: str,
        key: Key = (),
        values: Mapping[str, Any] = NOTHING,
        *,
        deadline: float | None = None,
    ) -> Any:
        """Call an operation and return what it returns, or raise what it raises.

        Args:
            operation: Its name in the contract; the class may call it otherwise.
            key: Of the row, for those that are about one.
            values: What create and update are given.
            deadline: In seconds.

        Raises:
            DeadlineMissed: it did not come back within its deadline.
        """
        if self.abilities.broken:
            self.abilities.require(CONNECT)
            self.abilities.require(operation)
        record = Call(self.name, self.table.method(operation), Request(operation, key, values))
        self.calls.append(record)
        if self._variables and _entered.get() is not self:
            _entered.set(self)
            for variable, value in self._variables:
                variable.set(value)
        if deadline is None:
            deadline = min(self.deadline, DEADLINE_AFTER_A_MISS) if self.abilities.hangs else self.deadline
        if self.wire is None:
            return await self._answer(record, deadline)
        with self.wire.observer.operation(record.method) as record.traffic:
            return await self._answer(record, deadline)

    async def _answer(self, record: Call, limit: float) -> Any:
        key, values = record.request.key, record.request.values
        beat(limit, self.name, record.method)
        given = {name: thawed(value) for name, value in values.items()}
        scope = asyncio.timeout(limit)
        try:
            # A worker thread that hangs does not block the loop, and its caller waits for it for a while.
            with nullcontext() if self.in_threads else Watchdog(record, limit):
                async with scope:
                    answer = getattr(self.instance, record.method)(*key, **given)
                    if not inspect.isawaitable(answer):
                        raise ContractBroken(
                            record.text, expected="something to await", seen=f"{shown(answer)} at once"
                        )
                    record.returned = await answer
            if scope.expired():
                raise TimeoutError  # it swallowed the cancellation and came back all the same, too late
        except BaseException as error:
            what = record.text
            if isinstance(error, Blocked):
                error = DeadlineMissed(what, expected="an answer", seen=str(error))
            elif isinstance(error, Exception) and not isinstance(error, ContractBroken) and scope.expired():
                seen = f"none within {limit:g} seconds"
                error = DeadlineMissed(what, expected="an answer", seen=seen)
            elif not isinstance(error, Exception | asyncio.CancelledError | KeyboardInterrupt):
                # Nobody's `except Exception` would see it: it ends the caller's program, and would end this one.
                error = as_failure(what, "an answer, or an Exception", error)
            record.trouble = error.seen if isinstance(error, DeadlineMissed) else f"raised {shown_error(error)}"
            if isinstance(error, DeadlineMissed):
                self.abilities.hangs.append(self.abilities.asking)
            raise error  # noqa: TRY201 - it may be another one by now
        return record.returned

    def read(self, what: str, returned: object, *, strictly: bool = False) -> Row:
        """Read a row that the backend returned, as far as it can be read; ``strictly``, all of it must be right.

        Raises:
            ContractBroken: a value is missing, cannot be read, or is not of the contract's type.
        """
        row = read(self.table, what, returned, hidden=self.abilities.hidden)
        if strictly and self.abilities.hidden:
            read(self.table, what, returned)
        return row

    def read_all(self, what: str, returned: object, *, strictly: bool = False) -> list[Row]:
        """Read a list of rows, as :meth:`read` reads one; any sequence will do, an iterator or None will not.

        Raises:
            ContractBroken: it is none, or a row in it is wrong.
        """
        rows = read_all(self.table, what, returned, hidden=self.abilities.hidden)
        if strictly and self.abilities.hidden:
            read_all(self.table, what, returned)
        if "LIST-1" in self.abilities.failed and self.abilities.asking != "LIST-1":
            rows = self.table.sort(rows)  # that they come in another order was told
        return rows

    def told(self, operation: str, what: str, returned: object, expected: bool, *, strictly: bool = False) -> None:
        """Fail unless an update or a delete says what it did; where its result is known to say nothing, ``strictly``.

        A result is taken for what it says, ``1`` for True: that it is a real bool is RESULT-1's to ask.

        Raises:
            ContractBroken: it says the opposite.
        """
        told = not self.abilities.is_mute(operation)
        if (strictly or told) and truth(what, returned) is not expected:
            cause = f"{RESULT}: {operation}" if operation in self.abilities.mute else ""
            raise ContractBroken(
                what, expected=shown(expected), seen=shown(returned), cause=cause, consequence=Consequence.ANSWER
            )

    def shown(self, operation: str, key: Key = (), values: Mapping[str, Any] = NOTHING) -> str:
        """A call as it would be written."""
        return shown_call(self.table.method(operation), key, values)

    async def create(self, /, **values: Any) -> Any:
        return await self.call("create", (), values)

    async def get(self, /, *key: Any) -> Any:
        return await self.call("get", key)

    async def list_all(self) -> Any:
        return await self.call("list_all")

    async def update(self, /, *key: Any, **values: Any) -> Any:
        return await self.call("update", key, values)

    async def delete(self, /, *key: Any) -> Any:
        return await self.call("delete", key)


def truth(what: str, returned: object) -> bool:
    """Whether a result is true; asking a stranger's object may raise."""
    try:
        return bool(returned)
    except Exception as error:
        raise ContractBroken(what, expected="True or False", seen=f"bool() raised {shown_error(error)}") from error
