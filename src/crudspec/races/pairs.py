"""Races of two: which, and every schedule of each, those with the fewest switches first."""

from __future__ import annotations

import heapq
from dataclasses import replace
from itertools import count
from math import inf
from time import perf_counter
from typing import TYPE_CHECKING

from crudspec.contract.failures import Inconclusive
from crudspec.races.entries import Entry, Outcome, Race

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crudspec.entity.sample import Sample
    from crudspec.races.course import Course
    from crudspec.races.judged import RaceBroken
    from crudspec.races.tally import Tally


def pairs(sample: Sample) -> list[Race]:
    """What two clients may want at once of a row with the plain values. Those that tell most come first.

    Each through two instances of the backend, as two processes would be, and through one.
    """
    wholly, otherwise = sample.change(1), sample.change(2)
    half, rest = sample.halves()
    create, other = sample.new(1), sample.new(2)
    found = [
        (Entry("update", wholly), Entry("update", otherwise)),
        (Entry("update", half), Entry("update", rest)),
        (Entry("delete"), Entry("delete")),
        (Entry("update", wholly), Entry("delete")),
        (Entry("create", create), Entry("create", create)),
        (Entry("update", wholly), Entry("get")),
        (Entry("delete"), Entry("get")),
        (Entry("update", wholly), Entry("update", wholly)),
        (Entry("create", create), Entry("create", other)),
        (Entry("create", create), Entry("update", wholly)),
    ]
    return [
        Race((one, replace(two, instance=instance)), excluding=sample.table.excludes(one.values, two.values))
        for one, two in found
        for instance in (1, 0)
    ]


_CALLS = 2.5
"""How many times as long as a lone call a schedule of two takes."""

_DEPTH = 8
"""Schedules of one race that are worth more than another race: one switch at any place of an ordinary operation."""

_FEWEST = 4


class Enumeration:
    """Every schedule of one race, those with the fewest switches first.

    A schedule is run by its beginning; then whoever went last goes on. Whatever else could have been chosen after
    that beginning is another schedule, to be run later. Each is run once. A wrong order of two statements needs one
    or two switches from a client that could have gone on, so those that matter come early (*iterative context
    bounding*, Musuvathi and Qadeer, 2007).

    Attributes:
        race: As given.
        last: The last schedule that was run.
        runs: How many were run.
        overlapped: In one of them two operations were on the wire at one moment.
        returned: In one of them every operation returned.
    """

    def __init__(self, race: Race) -> None:
        self.race = race
        self.last = Outcome()
        self.runs = 0
        self.overlapped = self.returned = False
        self._numbers = count()
        self._open = [(0, 0, "")]

    @property
    def complete(self) -> bool:
        """Every schedule has been run."""
        return not self._open

    def next(self) -> str:
        """Take the beginning of the next schedule."""
        return heapq.heappop(self._open)[-1]

    def ran(self, beginning: str, outcome: Outcome) -> None:
        """Take in who else could have gone, and how it went."""
        self.last = outcome
        self.runs += 1
        self.overlapped |= outcome.overlapped
        self.returned |= not outcome.raised
        switches, last = 0, ""
        for step, (chosen, able) in enumerate(outcome.trace):
            cost = switches + (last in able if last else 0)
            if step >= len(beginning):
                for other in able:
                    if other != chosen:
                        price = switches if other == last or last not in able else cost
                        entry = (price, next(self._numbers), outcome.schedule[:step] + other)
                        heapq.heappush(self._open, entry)
            switches += bool(last) and chosen != last and last in able
            last = chosen

    @property
    def refused(self) -> RaceBroken | None:
        """The failure that it is if an operation raised in every schedule: together they cannot be had at all."""
        if self.race.excluding:
            return None
        if {entry.operation for entry in self.race.entries} == {"delete"}:
            return None  # the second one finds no row in any order: whether it may raise then, DELETE-2 says
        return self.last.refused if not self.returned and (self.complete or self.runs > 1) else None


async def explore_pairs(
    course: Course, tally: Tally, *, schedules: int, races: Sequence[Race] | None = None, seconds: float = inf
) -> None:
    """Run the schedules of each race in turns, until all were run or the number, or the time, is reached.

    Of a backend that is too slow for that, only so many races are run at once that each gets schedules with a switch at
    any place of an ordinary operation: those between two instances first, those that tell most before the others.

    Raises:
        ContractBroken: a race that no serial order explains, by a schedule with the fewest switches; or a race in each
            schedule of which an operation raised.
        Inconclusive: in no schedule of a race between two instances were both operations on the wire at one moment.
            For an operation of one round trip that is as much concurrency as there is: both had been sent before
            either was answered. What never gets that far has not been asked whether it may. Of a backend that is there
            only once, in no schedule at all.
    """
    waiting, at_once = _affordable(course, pairs(course.sample) if races is None else races, schedules, seconds)
    explored: list[Enumeration] = []
    left: list[Enumeration] = []
    end = perf_counter() + seconds
    while tally.schedules < schedules and perf_counter() < end:
        while waiting and len(left) < at_once:
            left.append(Enumeration(waiting.pop(0)))
            explored.append(left[-1])
        if not left:
            break
        for enumeration in left[: schedules - tally.schedules]:
            beginning = enumeration.next()
            outcome = await course.run(enumeration.race, beginning)
            enumeration.ran(beginning, outcome)
            tally.add(outcome)
            if enumeration.complete:
                left.remove(enumeration)
                tally.complete += 1
            if perf_counter() >= end:
                break
    for enumeration in explored:
        if enumeration.refused is not None:
            raise enumeration.refused
    # Two processes, of which none can know what the other one does: a lock that holds back the second here, before it
    # has sent a thing, would not do so there.
    run = [enumeration for enumeration in explored if enumeration.runs]
    unasked = [enumeration for enumeration in run if _is_of_two(enumeration.race) and not enumeration.overlapped]
    if len(course.subjects) == 1 and not tally.overlapped:
        unasked = run
    if unasked:
        raise _inconclusive(course, unasked[0])


def _affordable(course: Course, races: Sequence[Race], schedules: int, seconds: float) -> tuple[list[Race], int]:
    """The races in the order in which they are worth it, and how many of them are explored at once."""
    found = [race for race in races if course.can_run(race)]
    affordable = seconds / (_CALLS * course.pace.call)
    if affordable >= schedules:
        return found, len(found)
    return sorted(found, key=_is_of_two, reverse=True), max(_FEWEST, int(affordable / _DEPTH))


def _is_of_two(race: Race) -> bool:
    return len({entry.instance for entry in race.entries}) > 1


def _inconclusive(course: Course, enumeration: Enumeration) -> Inconclusive:
    """The verdict on a race that never was one, with what is most likely the reason."""
    calls = " and ".join(
        course.subjects[0].shown(entry.operation, (), entry.values) for entry in enumeration.race.entries
    )
    whose = ", of two processes," if _is_of_two(enumeration.race) else ""
    error = Inconclusive(f"{calls}{whose} are on the wire at one moment in any schedule")
    if not enumeration.last.trace:
        why = "nothing of them came over the wire. Let the backend connect to the address in the DSN that it is given"
    elif course.turns.blocked:
        why = (
            "a call blocks the event loop until it is over, and no other begins meanwhile. Await the driver; or make "
            "connect and the operations plain functions, which are run in threads"
        )
    elif course.pace.is_too_slow:
        why = f"a call sends nothing for {course.pace.pause:.1f} seconds, and nobody waits that long in a race"
    else:
        why = (
            "the second one waits in the backend, for a lock or for a connection of a pool, until the first is over. "
            "Let each instance have its own pool, of more than one connection, and let the row's lock in the server "
            "keep them apart (FOR UPDATE)"
        )
    error.seen = f"{error.seen}: {why}"
    error.args = (f"{error.what}: {error.seen}",)
    return error
