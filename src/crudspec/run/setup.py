"""The backends of a run, each on a scratch database of its own, with the database's witness."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import asyncpg

from crudspec.contract.causes import MEDDLED
from crudspec.contract.clause import Consequence
from crudspec.contract.failures import ContractBroken, Depends, Inconclusive, NotApplicable, Unfit
from crudspec.entity.errors import EntityError
from crudspec.entity.tasks import TASKS
from crudspec.harness.abilities import CONNECT, Abilities
from crudspec.harness.company import REFERENCE, reference_of
from crudspec.harness.databases import scratch_with
from crudspec.harness.smoke import side_by_side, smoke
from crudspec.harness.subject import Subject
from crudspec.server import drop_scratch
from crudspec.truth.applies import asks
from crudspec.truth.expect import needs
from crudspec.truth.witness import Witness
from crudspec.wire import Proxy, threaded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
    from datetime import datetime

    from crudspec.backends.registry import Adapter
    from crudspec.server import Server

MOST_OPEN = 8
"""Backends that are open at once: each may hold a pool's worth of the server's connections."""

_MOST_FAILURES = 3
"""Failures to open a backend anew, one after the other; then it is left alone, as each may take its deadline."""

_MOST_HANGS = 6
"""Calls that did not come back; then the backend is left alone, as a run has to end."""

_MOST_ENDED = 2
"""Witnesses of a backend whose connection was ended; then it is the backend that does it."""


@dataclass(frozen=True, slots=True)
class Stage:
    """An open backend and what looks over its shoulder."""

    subject: Subject
    witness: Witness
    context: Any
    wire: AbstractContextManager[Proxy | None]
    catalogue: str
    server_start: datetime


class Stages:
    """Opens backends when they are first asked, and anew where a check failed.

    Attributes:
        abilities: What is known of each backend.
        without_witness: Backends whose witness lost its connection; each gets another database, and another witness.
        no_wire: Why no check can put a wire in between, if none can.
        notes: What went wrong with closing one.
        unusable: By backend, why its table cannot be used.
    """

    def __init__(
        self, adapters: Iterable[Adapter], server: Callable[[], Server], *, deadline: float, wire: bool = False
    ) -> None:
        """Open nothing yet.

        Args:
            adapters: The backends.
            server: Gives the run's server.
            deadline: For each call, in seconds.
            wire: Connect each backend through a wire, which shows its SQL.
        """
        self._adapters: dict[str, Adapter] = {adapter.name: adapter for adapter in adapters}
        self._server = server
        self._deadline = deadline
        self.wire = wire
        self.no_wire = ""
        self._open: dict[str, Stage] = {}
        self.without_witness: set[str] = set()
        self.abilities = {name: Abilities() for name in self._adapters}
        self._failures: dict[str, int] = {}
        self._ended: dict[str, int] = {}
        self._hangs: dict[str, int] = {}
        self.notes: list[str] = []
        self.unusable: dict[str, str] = {}

    def subject(self, name: str) -> Subject | None:
        """The backend of that name, if it was asked yet."""
        return self._open[name].subject if name in self._open else None

    def witness(self, name: str) -> Witness:
        """The witness of an open backend's database."""
        return self._open[name].witness

    async def stage(self, name: str, clause: str, *, beside: Collection[str] = ()) -> Stage:
        """The backend of that name, open, with nothing remembered of earlier checks.

        Before the first check it is tried out; see :mod:`crudspec.harness.smoke`.

        Args:
            name: Of the backend.
            clause: Id of the one that is asked next.
            beside: Backends that stay open whatever has to be closed.

        Raises:
            ContractBroken: it cannot be opened.
            Depends: the same, and another clause tells it.
            NotApplicable: its table lacks what the clause is about.
            EntityError: its table cannot be used.
        """
        if name in self.unusable:
            raise EntityError(self.unusable[name])
        abilities = self.abilities[name]
        abilities.asking = clause
        if name in self.without_witness:
            self.without_witness.remove(name)
            await self._close(name)
        if name not in self._open:
            try:
                await self._make(name, beside)
            except EntityError as error:
                self.unusable[name] = str(error)
                raise
        stage = self._open[name]
        subject = stage.subject
        if len(abilities.hangs) >= _MOST_HANGS:
            abilities.require(CONNECT)
            raise Depends(abilities.hangs[0], f"{len(abilities.hangs)} calls did not come back; more are not made")
        if subject.instance is None and CONNECT not in abilities.broken:
            await self._open_anew(name, stage)
        if len(abilities.hangs) > self._hangs.get(name, 0):
            self._hangs[name] = len(abilities.hangs)
            await smoke(subject, stage.witness, clause=abilities.hangs[-1])
        subject.calls.clear()
        abilities.require(CONNECT)
        stage.witness.sample.restart()
        needs(*asks(clause, subject.table))
        return stage

    async def _make(self, name: str, beside: Collection[str]) -> None:
        """Make a database for the backend, open it there, and find out what works."""
        if len(self._open) >= MOST_OPEN:
            await self._close(next(one for one in self._open if one not in beside))
        abilities = self.abilities[name]
        adapter = self._adapters[name]
        dsn, sample = await scratch_with(self._server(), name, adapter.entity)
        context = Witness.connect(dsn, sample)
        # In a thread of its own: a backend that blocks the event loop would otherwise wait for itself.
        wire = threaded(dsn) if self.wire else nullcontext()
        subject = Subject(
            adapter,
            dsn,
            sample.table,
            deadline=self._deadline,
            wire=wire.__enter__(),
            no_wire=self.no_wire,
            abilities=abilities,
        )
        subject.explain = partial(self._explained, name)
        if adapter.entity is not TASKS and adapter.name != REFERENCE:
            subject.refute = partial(self._refuted, name)
        witness = await context.__aenter__()
        stage = Stage(subject, witness, context, wire, await witness.catalogue(), await witness.server_start())
        self._open[name] = stage
        if name in self._hangs:
            return
        self._hangs[name] = 0
        await smoke(subject, witness)
        if CONNECT not in abilities.broken:
            elsewhere, _ = await scratch_with(self._server(), f"{name} elsewhere", adapter.entity)
            await side_by_side(subject, witness, elsewhere, partial(self._abandon, stage))
            await drop_scratch(self._server(), elsewhere)
        self._hangs[name] = len(abilities.hangs)

    async def _refuted(self, name: str, check: Callable[..., Awaitable[None]], arguments: Mapping[str, Any]) -> None:
        """Ask the reference backend what has failed: where that fails, too, it is the table's doing, or ours.

        Raises:
            Unfit: it does.
        """
        stage = self._open[name]
        beside = f"{REFERENCE} of {name}"
        clause = self.abilities[name].asking
        self._adapters[beside] = reference_of(self._adapters[name], stage.subject.table)
        self.abilities.setdefault(beside, Abilities())
        try:
            other = await self.stage(beside, clause, beside=[name])
            theirs = {"backend": other.subject, "witness": other.witness, "sample": other.witness.sample}
            await check(**{**arguments, **{one: value for one, value in theirs.items() if one in arguments}})
        except (Inconclusive, NotApplicable):
            return
        except ContractBroken as broken:
            raise Unfit(broken) from broken
        finally:
            await self.restore(beside)

    async def _open_anew(self, name: str, stage: Stage) -> None:
        try:
            await stage.subject.open()
        except ContractBroken as broken:
            self._failures[name] = self._failures.get(name, 0) + 1
            if self._failures[name] == _MOST_FAILURES:
                self.abilities[name].found_broken(CONNECT, broken)
            raise
        self._failures[name] = 0

    async def restore(self, name: str) -> None:
        """Empty the table after a check; a backend that failed it is opened anew for the next one.

        Raises:
            ContractBroken: a connection that the backend left is in the way; it is ended.
        """
        if name not in self._open:
            return
        stage = self._open[name]
        try:
            if stage.subject.failed:
                await self._abandon(stage)
            await stage.witness.empty()
        except ContractBroken:
            await self._abandon(stage)
            raise
        except asyncpg.PostgresError:
            # What it has done to the table, the check's failure says; the next one gets another database.
            await self._close(name)

    async def _explained(self, name: str, error: Exception) -> Exception:
        """A check's failure; where the backend has changed the database itself, that is the cause."""
        stage = self._open[name]
        try:
            now = await stage.witness.catalogue()
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            return await self._explained_loss(name, error)
        if now == stage.catalogue:
            return error
        before, after = set(stage.catalogue.splitlines()), set(now.splitlines())
        changes = [f"- {line.strip()}" for line in sorted(before - after)]
        changes += [f"+ {line.strip()}" for line in sorted(after - before)]
        await self._close(name)
        broken = ContractBroken(
            "the definition of the database after the check",
            expected="as the migrations made it: the data layer owns rows, and not the schema",
            seen="; ".join(changes[:6]),
            consequence=Consequence.DATA,
            cause=MEDDLED,
        )
        broken.__cause__ = error
        return broken

    async def _explained_loss(self, name: str, error: Exception) -> Exception:
        """A check's failure, after which the witness's connection is gone.

        Once may be somebody else's doing, an administrator's, say: then the check is not run. Twice, with the server
        up all the time, is not.
        """
        stage = self._open[name]
        try:
            async with stage.witness.another() as another:
                is_up = await another.server_start() == stage.server_start
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            return error
        self._ended[name] = self._ended.get(name, 0) + is_up
        if self._ended[name] < _MOST_ENDED:
            return error
        self.without_witness.add(name)
        return ContractBroken(
            "connections that are not the backend's, after the check",
            expected="they are left alone",
            seen="crudspec's own was ended, again, while the server was up",
            consequence=Consequence.HANG,
            cause=MEDDLED,
        )

    async def _abandon(self, stage: Stage) -> None:
        with suppress(ContractBroken):
            await stage.subject.close()
        with suppress(asyncpg.PostgresError):
            await stage.witness.end(await stage.witness.pids())
        stage.subject.instance = None
        stage.subject.failed = False

    async def close(self) -> None:
        """Close every backend and drop its database."""
        for name in list(self._open):
            await self._close(name)

    async def _close(self, name: str) -> None:
        stage = self._open.pop(name)
        wire = stage.subject.wire

        async def end_wire() -> None:
            stage.wire.__exit__(None, None, None)

        steps: list[Callable[[], Awaitable[object]]] = [
            stage.subject.close,
            lambda: stage.context.__aexit__(None, None, None),
            lambda: drop_scratch(self._server(), stage.subject.dsn),
        ]
        if wire is not None:
            steps.insert(1, end_wire)
            self.notes += [f"{name}, on the wire: {problem}" for problem in wire.observer.problems]
        for step in steps:
            # One that fails is noted, and the others are done all the same; the drop ends what is still connected.
            try:
                await step()
            except Exception as error:  # noqa: BLE001 - it is noted, and belongs to no clause
                self.notes.append(f"{name}: {error}")
