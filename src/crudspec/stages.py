"""The backends of a run, each on a scratch database of its own, with the database's witness."""

from __future__ import annotations

from collections import Counter
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crudspec.failures import ContractBroken
from crudspec.server import create_scratch, drop_scratch
from crudspec.subject import Subject
from crudspec.wire import Proxy, threaded
from crudspec.witness import Witness

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from crudspec.backends.registry import Adapter
    from crudspec.server import Server

MOST_OPEN = 8
"""Backends that are open at once: each may hold a pool's worth of the server's connections."""

_MOST_FAILURES = 3
"""Failures to open a backend anew after a check that failed; then it is left alone, as each may take its deadline."""


@dataclass(frozen=True, slots=True)
class Stage:
    """An open backend and what looks over its shoulder."""

    subject: Subject
    witness: Witness
    context: Any
    wire: AbstractContextManager[Proxy | None]


class Stages:
    """Opens backends when they are first asked, and anew where a check failed.

    Attributes:
        refused: Backends that could not be opened at first, or not any more, with the reason; they are left alone.
        without_witness: Backends whose witness lost its connection; each gets another database, and another witness.
        no_wire: Why no check can put a wire in between, if none can.
        notes: What went wrong with closing one.
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
        self._adapters: Mapping[str, Adapter] = {adapter.name: adapter for adapter in adapters}
        self._server = server
        self._deadline = deadline
        self.wire = wire
        self.no_wire = ""
        self._open: dict[str, Stage] = {}
        self.without_witness: set[str] = set()
        self._opened: set[str] = set()
        self._failures: Counter[str] = Counter()
        self.refused: dict[str, ContractBroken] = {}
        self.notes: list[str] = []

    def subject(self, name: str) -> Subject | None:
        """The backend of that name, if it was asked yet."""
        return self._open[name].subject if name in self._open else None

    async def try_each(self) -> None:
        """Find out which backends cannot be opened, with a database and an event loop that serve for nothing else."""
        dsn = await create_scratch(self._server(), "try")
        for name, adapter in self._adapters.items():
            subject = Subject(adapter, dsn)
            try:
                await subject.open()
            except ContractBroken as error:
                self.refused[name] = error
            with suppress(ContractBroken):  # what is wrong with closing, the clauses about it say
                await subject.close()
        await drop_scratch(self._server(), dsn)

    async def open(self, names: Iterable[str]) -> None:
        """Open these backends, or as many as may be open; those that refuse are remembered."""
        for name in list(names)[:MOST_OPEN]:
            with suppress(ContractBroken):
                await self.stage(name)

    async def stage(self, name: str) -> Stage:
        """The backend of that name, open, with nothing remembered of earlier checks.

        Raises:
            ContractBroken: it cannot be opened.
        """
        if name in self.refused:
            raise self.refused[name]
        if name in self.without_witness:
            self.without_witness.remove(name)
            await self._close(name)
        if name not in self._open:
            if len(self._open) >= MOST_OPEN:
                await self._close(next(iter(self._open)))
            dsn = await create_scratch(self._server(), name)
            context = Witness.connect(dsn)
            # In a thread of its own: a backend that blocks the event loop would otherwise wait for itself.
            wire = threaded(dsn) if self.wire else nullcontext()
            subject = Subject(
                self._adapters[name], dsn, deadline=self._deadline, wire=wire.__enter__(), no_wire=self.no_wire
            )
            self._open[name] = Stage(subject, await context.__aenter__(), context, wire)
        stage = self._open[name]
        if stage.subject.instance is None:
            try:
                await stage.subject.open()
            except ContractBroken as error:
                self._failures[name] += 1
                if name not in self._opened or self._failures[name] == _MOST_FAILURES:
                    self.refused[name] = error
                raise
            self._opened.add(name)
            self._failures[name] = 0
        stage.subject.calls.clear()
        return stage

    async def restore(self, name: str) -> None:
        """Empty the table after a check; a backend that failed it is opened anew for the next one.

        Raises:
            ContractBroken: a connection that the backend left is in the way; it is ended.
        """
        stage = self._open[name]
        try:
            if stage.subject.failed:
                await self._abandon(stage)
            await stage.witness.empty()
        except ContractBroken:
            await self._abandon(stage)
            raise

    async def _abandon(self, stage: Stage) -> None:
        with suppress(ContractBroken):
            await stage.subject.close()
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
