"""Races: a few concurrent operations on one row, in an order that a schedule decides.

A schedule is a word over the clients' names: ``AABB`` lets two batches of A go, and then two of B. Where it has ended,
or names a client that has nothing to send, the one that went last goes on.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from time import perf_counter
from typing import TYPE_CHECKING

from crudspec.backend import ONE_ROW
from crudspec.harness.subject import Subject
from crudspec.races.calls import Call, finish
from crudspec.races.clients import Client
from crudspec.races.entries import NAMES, Entry, Outcome, Race
from crudspec.races.judged import Finish, RaceBroken, RaceHung
from crudspec.races.track import Track
from crudspec.races.warmup import Pace, warm_up
from crudspec.truth.gates import until
from crudspec.truth.model import Request
from crudspec.wire.thread import in_a_thread

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Sequence

    from crudspec.entity.row import Row
    from crudspec.races.turns import Turns
    from crudspec.truth.model import Rows
    from crudspec.truth.witness import Witness

__all__ = ["NAMES", "Course", "Entry", "Outcome", "Race", "RaceBroken", "RaceHung"]

_LATE_SECONDS = 2.0


class Course:
    """Where races are run: a backend behind proxies, opened as often as there are, and one row of the table.

    The backend lives in the event loop of whoever opens this. What decides whose message goes lives in a thread.

    Attributes:
        subjects: The instances.
        turns: Who decides whose message goes. Not to be touched while a race is run.
        key: Of the row that is raced for.
        pace: How fast a client is that is alone.
    """

    def __init__(self, subjects: Sequence[Subject], track: Track, witness: Witness, row: Row) -> None:
        self.subjects = subjects
        self.key = row.key
        self.sample = witness.sample
        self.pace = Pace()
        self._track = track
        self._witness = witness
        self._clock = 0
        table = witness.table
        self._row = row
        self._unknown = {*subjects[0].abilities.hidden, *table.unpredictable, *table.unreturned}

    @classmethod
    @asynccontextmanager
    async def opened(cls, backend: Subject, witness: Witness) -> AsyncGenerator[Course]:
        """Open instances of the backend, with their connections made and their statements prepared.

        Two of them side by side; of a backend of which there can be but one, that one, and races between instances
        are left out.

        Args:
            backend: The backend, with the DSN of a scratch database.
            witness: A connection to it.

        Raises:
            WireError: there can be no wire: the DSN asks for TLS, say.
            ContractBroken: the backend cannot be opened.
        """
        home = asyncio.get_running_loop()
        async with AsyncExitStack() as stack:
            dsn, instances = backend.wire_dsn, 2 if backend.abilities.side_by_side else 1
            track = stack.enter_context(in_a_thread(lambda: Track.opened(witness, dsn, instances, home)))
            subjects = [await stack.enter_async_context(backend.another(way)) for way in track.dsns]
            course = cls(subjects, track, witness, await witness.insert(witness.sample.past))
            course.pace = await warm_up(course)
            yield course

    @property
    def turns(self) -> Turns:
        """Who decides whose message goes."""
        return self._track.turns

    def can_run(self, race: Race) -> bool:
        """Tell whether it has the instances for a race, and whether each operation works where it is alone."""
        names = {entry.operation for entry in race.entries}
        if names == {"delete"} and "RACE-1" in self.subjects[0].abilities.failed:
            return False  # that is told, and would hide what is behind it
        return all(
            entry.instance < len(self.subjects)
            and entry.operation not in self.pace.broken
            and entry.operation in self._witness.table.operations
            for entry in race.entries
        )

    async def run(self, race: Race, schedule: str | None, *, judged: bool = True) -> Outcome:
        """Run one race.

        Args:
            race: What is asked for.
            schedule: Names of clients. What does not fit is passed over. None: all go at once, again and again.
            judged: Say what is wrong with it.
        """
        before = await self._reset(race)
        calls = [
            Call(
                Client(name, asked.instance),
                self.subjects[asked.instance],
                Request(asked.operation, self.key if asked.operation in ONE_ROW else (), asked.values),
                track=self._track,
                tick=self._tick,
            )
            for name, asked in zip(NAMES, race.entries, strict=False)
        ]
        outcome = Outcome()
        try:
            await self._track.run(self._drive(race, calls, schedule, outcome))
        finally:
            await finish(calls)
        outcome.raised = {call.client.name: call.error for call in calls if call.error is not None}
        if outcome.raised:
            await self._let_late_ones_end()
        if judged:
            after = self._as_known(await self._witness.rows())
            end = Finish(self._witness.table, calls, self.turns.log, before, after, outcome.schedule)
            outcome.broken = end.broken()
            outcome.refused = end.refused()
        return outcome

    async def _drive(self, race: Race, calls: Sequence[Call], schedule: str | None, outcome: Outcome) -> None:
        """Let the calls go as the schedule says; in the wire's thread."""
        began = perf_counter()
        self.turns.begin(call.client for call in calls)
        try:
            if schedule is None:
                await self._all_at_once(calls)
            else:
                await self._in_turns(race, calls, schedule, outcome)
        finally:
            self.turns.end()
            outcome.overlapped = self.turns.overlapped
            outcome.pause = self.turns.pause
            outcome.seconds = perf_counter() - began

    async def _in_turns(self, race: Race, calls: Sequence[Call], schedule: str, outcome: Outcome) -> None:
        turns = self.turns
        if race.together:
            for call in calls:
                call.start()
                await turns.settle()
        last = None
        while True:
            await turns.settle()
            able = turns.ready() + [call.client for call in calls if not call.started]
            if not able:
                if not any(call.client.running for call in calls):
                    return
                await turns.anything()
                continue
            names = "".join(sorted(client.name for client in able))
            step = len(outcome.trace)
            wanted = schedule[step : step + 1] or (last.name if last else "")
            chosen = next((client for client in able if client.name == wanted), None)
            last = chosen or min(able, key=lambda client: (client is not last, client.name))
            outcome.trace.append((last.name, names))
            call = next(call for call in calls if call.client is last)
            if call.started:
                turns.release(last)
            else:
                call.start()

    async def _all_at_once(self, calls: Sequence[Call]) -> None:
        for call in calls:
            call.start()
        while any(call.client.running for call in calls):
            await self.turns.settle()
            for client in self.turns.ready():
                self.turns.release(client)
            await self.turns.anything()

    async def _reset(self, race: Race) -> Rows:
        """Leave that one row, with its values of the beginning, the server's own included."""
        return self._as_known([await self._witness.reset(self._row.but(race.row))])

    def _as_known(self, rows: Iterable[Row]) -> Rows:
        """Rows without what moves by itself, or what the backend does not deliver."""
        return {row.key: row.without(self._unknown) for row in rows}

    async def _let_late_ones_end(self) -> None:
        """Wait for statements whose callers have given them up, or end them: they would write into the next race."""
        pids = self.turns.pids

        async def none_is_left() -> bool:
            return not any(blocker.pid in pids for blocker in await self._witness.blockers())

        if not await until(none_is_left, deadline=_LATE_SECONDS):
            await self._witness.end(blocker.pid for blocker in await self._witness.blockers() if blocker.pid in pids)

    def _tick(self) -> int:
        """The next moment of a clock that only goes forward."""
        self._clock += 1
        return self._clock
