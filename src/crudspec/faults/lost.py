"""Calls whose connection is lost, and the two worlds that are possible afterwards."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crudspec.backend import ONE_ROW, WRITES
from crudspec.contract.causes import NEVER_RECOVERS
from crudspec.contract.clause import Consequence
from crudspec.contract.failures import ContractBroken, Inconclusive
from crudspec.entity.row import matches
from crudspec.truth.gates import table_locked, together, until, wait_for_blocked
from crudspec.truth.model import Request, apply
from crudspec.truth.shown import brief, shown, shown_error

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from crudspec.entity.row import Key, Row
    from crudspec.entity.sample import Sample
    from crudspec.entity.table import Table
    from crudspec.faults.injection import Cut, CutFault
    from crudspec.harness.subject import Subject
    from crudspec.truth.witness import Witness
    from crudspec.wire import Proxy

_NEVER = 1 << 30
_ATTEMPTS = 3
_ROWS = 24  # one to keep, one to write, and the others to warm up as many connections


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a call: a value, or an exception."""

    value: object = None
    error: BaseException | None = None

    def __str__(self) -> str:
        return f"returned {shown(self.value)}" if self.error is None else f"raised {shown_error(self.error)}"


async def outcome(call: Awaitable[object]) -> Outcome:
    """Await a call of a backend. What breaks the contract in itself, such as a missed deadline, is raised."""
    try:
        return Outcome(await call)
    except ContractBroken:
        raise
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        return Outcome(error=error)  # nobody cancelled it: that is the backend's way to say what happened
    except Exception as error:  # noqa: BLE001 - which exception is right, the caller says
        return Outcome(error=error)


@dataclass(frozen=True, slots=True)
class Write:
    """A write that was begun: as long as nobody has looked, it was done and it was not."""

    request: Request
    before: list[Row]

    def settle(self, backend: Subject, when: str, seen: Outcome, stored: Sequence[Row]) -> None:
        """Judge the call by what the witness found. Where it raised, whatever it was, both worlds will do.

        Raises:
            ContractBroken: neither world is there; or the call reported a success that is not.
        """
        table, operation = backend.table, self.request.operation
        what = f"{backend.shown(operation, self.request.key, self.request.values)}, {when}"
        done, undone = self._is_done(table, stored), list(stored) == self.before
        if not done and not undone:
            raise ContractBroken(
                f"the table after {what}, which {seen}",
                expected="the write once, or not at all",
                seen=f"{brief(table, list(stored))} where before it was {brief(table, self.before)}",
            )
        if seen.error is not None:
            return
        if operation == "create":
            row = backend.read(f"the row of {what}", seen.value)
            if not done or not any(matches(row, other) for other in stored):
                raise ContractBroken(f"the table after {what}", expected=f"{row}", seen=brief(table, list(stored)))
            return
        backend.told(operation, what, seen.value, True)
        if not done:
            raise ContractBroken(
                f"the table after {what}, which {seen}", expected="the write", seen=brief(table, list(stored))
            )

    def _is_done(self, table: Table, stored: Sequence[Row]) -> bool:
        before = {row.key: row for row in self.before}
        new = next((row for row in stored if row.key not in before), None)
        after, _ = apply(table, before, self.request, new)
        return matches(table.in_key_order(after.values()), list(stored)) and after != before


async def fill_pool(backend: Subject, witness: Witness) -> None:
    """Make the backend open as many connections as it will for five operations at once."""
    async with table_locked(witness) as release, together() as start:
        calls = [start(backend.list_all()) for _ in range(5)]
        await wait_for_blocked(witness, 1, "several operations wait at once", calls=calls)
        await release()
        await asyncio.gather(*calls)


async def works_again(
    backend: Subject, witness: Witness, key: Key, connections: int, when: str, *, operations: Sequence[str] = ("get",)
) -> None:
    """Call each operation until it works; as many calls may raise in all as connections were lost.

    Raises:
        ContractBroken: more did.
    """
    refused = 0
    for operation in (one for one in operations if one in working(backend)):
        asked = arguments(witness.sample, operation, key)
        what = f"{backend.shown(operation, *asked)} {when}"
        while (seen := await outcome(backend.call(operation, *asked))).error is not None:
            refused += 1
            if refused > connections:
                at_most = f"at most {connections}, one for each connection" if connections else "none"
                raise ContractBroken(
                    f"calls that raised {when}",
                    expected=f"{at_most}; then it works again",
                    seen=f"{refused}, the last: {operation} {seen}",
                    consequence=Consequence.HANG,
                    cause=NEVER_RECOVERS,
                ) from seen.error
        if operation in {"update", "delete"}:
            backend.told(operation, what, seen.value, True)
        elif operation == "list_all":
            backend.read_all(what, seen.value)
        else:
            backend.read(what, seen.value)


def working(backend: Subject) -> list[str]:
    """The operations that work where nothing is wrong."""
    return [name for name in backend.table.operations if name not in backend.abilities.broken]


def writes_of(backend: Subject) -> list[str]:
    """The writes that work where nothing is wrong.

    Raises:
        Depends: none does.
    """
    writes = [operation for operation in working(backend) if operation in WRITES]
    if not writes:
        backend.abilities.require(WRITES[0])
    return writes


class Sweep:
    """One kind of fault at every message of every write, each time with a backend opened anew.

    A pool that has lost a connection is in a state of its own: it connects in the background, or has grown, and
    lends now a connection that knows the statement and now one that does not. Message 5 would be another one each time.

    Attributes:
        struck: How many faults have struck.
    """

    def __init__(self, backend: Subject, witness: Witness, proxy: Proxy) -> None:
        self._backend = backend
        self._witness = witness
        self._proxy = proxy
        self._when = ""
        self._left: list[Row] | None = None
        self.struck = 0

    async def run(self, operation: str, faults: Sequence[CutFault], *, warm: bool) -> None:
        """Let each fault strike at the first message of the operation, at the second, and so on, until it has fewer.

        The first time nothing strikes: that tells how many messages there are to expect, and whether they all go
        over connections that the operation opens itself. Where they do not, connections that come up meanwhile are
        left out, as a pool grows in the background: a message of theirs would be counted, and one of the operation's
        left out.

        Args:
            operation: The name of a write.
            faults: What strikes, all at the messages of one side.
            warm: The connection has run the operation before; else it is the operation's first on it.

        Raises:
            Inconclusive: the operation sends no messages, or a message of the first time never came again.
        """
        settled = True
        learned = await self._strike(operation, faults[0], warm=warm, message=_NEVER, logged_in_only=True)
        if not learned.passed:
            settled = False
            learned = await self._strike(operation, faults[0], warm=warm, message=_NEVER, logged_in_only=False)
        if not learned.passed:
            raise Inconclusive(f"{operation} exchanges messages with the server")
        message = 1
        while True:
            for fault in faults:
                for _ in range(_ATTEMPTS):
                    cut = await self._strike(operation, fault, warm=warm, message=message, logged_in_only=settled)
                    if cut.struck is not None:
                        break
                    if message > len(learned.passed):
                        return
                else:
                    raise Inconclusive(f"message {message} of {len(learned.passed)} of {operation} passes")
            message += 1

    async def _strike(self, operation: str, fault: CutFault, *, warm: bool, message: int, logged_in_only: bool) -> Cut:
        witness = self._witness
        await self._nothing_later()
        await witness.empty()
        await witness.insert_many(_ROWS)
        kept, target, *spares = await witness.rows()
        async with self._backend.another(self._proxy.dsn) as backend:
            await works_again(backend, witness, kept.key, 0, "of a backend just opened")
            await self._connected()
            if warm:
                # A pool may lend its connections in turn: each has to know the operation.
                for spare in spares[: len(self._proxy.links) + 1]:
                    await _works(backend, witness, operation, spare.key)
            key, values = arguments(witness.sample, operation, target.key)
            write = Write(Request(operation, key, values), await witness.rows())
            with fault(self._proxy, message, logged_in_only=logged_in_only) as cut:
                seen = await outcome(backend.call(operation, key, values))
            if cut.struck is None:
                await self._settle(backend, write, "not cut", seen)
                if seen.error is not None:
                    raise ContractBroken(
                        backend.shown(operation, key, values), expected="it works: nothing was cut", seen=str(seen)
                    ) from seen.error
            else:
                self.struck += 1
                await self._server_is_done(cut.pid)
                await self._settle(backend, write, f"cut at {cut}", seen)
                await works_again(backend, witness, kept.key, cut.connections, f"after {operation} was cut at {cut}")
        return cut

    async def _connected(self) -> None:
        """Wait for a pool that opens its connections in the background."""

        def all_are_idle() -> bool:
            return all(link.session.status and not link.session.waiting for link in self._proxy.links)

        async def settled() -> bool:
            return self._proxy.call(all_are_idle)

        await until(settled)

    async def _server_is_done(self, pid: int | None) -> None:
        """Wait for the server to notice: until then it may still be about to commit."""
        if pid is not None:

            async def is_done() -> bool:
                return pid not in await self._witness.pids()

            if not await until(is_done):
                raise Inconclusive(f"the server notices that connection {pid} was cut")

    async def _settle(self, backend: Subject, write: Write, when: str, seen: Outcome) -> None:
        self._left = await self._witness.rows()
        self._when = f"some time after {write.request.operation}, {when}, {seen}"
        write.settle(backend, when, seen, self._left)

    async def _nothing_later(self) -> None:
        if self._left is not None:
            stored, table = await self._witness.rows(), self._witness.table
            if stored != self._left:
                raise ContractBroken(
                    f"the table {self._when}", expected=brief(table, self._left), seen=brief(table, stored)
                )


async def _works(backend: Subject, witness: Witness, operation: str, key: Key) -> None:
    seen = await outcome(backend.call(operation, *arguments(witness.sample, operation, key)))
    if seen.error is not None:
        raise ContractBroken(f"{operation}, with nothing wrong", expected="it works", seen=str(seen)) from seen.error


def arguments(sample: Sample, operation: str, key: Key) -> tuple[Key, dict[str, Any]]:
    """What an operation is called with, where its row has this key."""
    values = {"create": sample.new, "update": sample.change}
    return key if operation in ONE_ROW else (), values[operation]() if operation in values else {}
