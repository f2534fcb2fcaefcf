"""Which races are run, and in which orders: small ones completely, larger ones as Hypothesis draws them."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

import hypothesis
from hypothesis import strategies as st
from hypothesis.errors import FlakyFailure
from sqlalchemy.util import await_only, greenlet_spawn

from crudspec.checks import shown_call
from crudspec.failures import ContractBroken, Inconclusive
from crudspec.wire.races import NAMES, Course, Outcome, Race, RaceHung, Request

if TYPE_CHECKING:
    from collections.abc import Sequence

_OWN, _SHARED = (0, 1), (0, 0)

_PAIRS: tuple[tuple[Request, Request], ...] = (
    (Request("update", ("a", True)), Request("update", ("b", False))),
    (Request("update", ("a", False)), Request("update", ("x", True))),
    (Request("update", ("a", True)), Request("update", ("a", True))),
    (Request("update", ("a", True)), Request("delete")),
    (Request("delete"), Request("delete")),
    (Request("update", ("a", True)), Request("get")),
    (Request("delete"), Request("get")),
    (Request("create", ("a",)), Request("create", ("a",))),
    (Request("create", ("a",)), Request("create", ("b",))),
    (Request("create", ("a",)), Request("update", ("a", True))),
)
"""Of a row ("x", False): what two clients may want of it at once."""

PAIRS = tuple(
    Race((one, Request(other.operation, other.args, instance))) for one, other in _PAIRS for instance in (1, 0)
)
"""Each of them through two instances of the backend, as two processes would be, and through one."""


@dataclass(slots=True)
class Tally:
    """How many schedules were run.

    Attributes:
        schedules: All of them.
        overlapped: Those in which two operations were on the wire at one moment.
        complete: Races of which every schedule was run.
    """

    schedules: int = 0
    overlapped: int = 0
    complete: int = 0

    def add(self, outcome: Outcome) -> None:
        """Count a schedule.

        Raises:
            ContractBroken: it is broken.
        """
        self.schedules += 1
        self.overlapped += outcome.overlapped
        if outcome.broken is not None:
            raise outcome.broken


class Enumeration:
    """Every schedule of one race, those with the fewest switches first.

    A schedule is run by its beginning; then whoever went last goes on. Whatever else could have been chosen after
    that beginning is another schedule, to be run later. Each is run once. A wrong order of two statements needs one
    or two switches from a client that could have gone on, so those that matter come early (*iterative context
    bounding*, Musuvathi and Qadeer, 2007).
    """

    def __init__(self, race: Race) -> None:
        self.race = race
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
        """Take in who else could have gone."""
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


async def explore_pairs(course: Course, tally: Tally, *, schedules: int, races: Sequence[Race] = PAIRS) -> None:
    """Run the schedules of each race in turns, until all were run or the number is reached.

    Raises:
        ContractBroken: a race that no serial order explains, by a schedule with the fewest switches.
        Inconclusive: in no schedule of a race between two instances were both operations on the wire at one moment.
            For an operation of one round trip that is as much concurrency as there is: both had been sent before
            either was answered. What never gets that far has not been asked whether it may.
    """
    left = [Enumeration(race) for race in races]
    # Two processes, of which none can know what the other one does: a lock that holds back the second here, before it
    # has sent a thing, would not do so there.
    unasked = [race for race in races if len({request.instance for request in race.requests}) > 1]
    while left and tally.schedules < schedules:
        for enumeration in left[: schedules - tally.schedules]:
            beginning = enumeration.next()
            outcome = await course.run(enumeration.race, beginning)
            enumeration.ran(beginning, outcome)
            tally.add(outcome)
            if outcome.overlapped and enumeration.race in unasked:
                unasked.remove(enumeration.race)
            if enumeration.complete:
                left.remove(enumeration)
                tally.complete += 1
    if unasked:
        calls = " and ".join(shown_call(request.operation, request.args) for request in unasked[0].requests)
        raise Inconclusive(f"{calls}, of two processes, are on the wire at one moment in any schedule")


_requests = st.sampled_from(
    [
        Request("update", ("a", True)),
        Request("update", ("b", False)),
        Request("update", ("a", False)),
        Request("update", ("x", True)),
        Request("delete"),
        Request("get"),
        Request("create", ("a",)),
    ]
)
_triples = st.builds(
    lambda requests, instances, done, together: Race(
        tuple(Request(r.operation, r.args, i) for r, i in zip(requests, instances, strict=True)),
        done=done,
        together=together,
    ),
    st.tuples(_requests, _requests, _requests),
    st.sampled_from([(0, 0, 0), (0, 1, 0), (0, 1, 1)]),
    st.booleans(),
    st.booleans(),
)
_schedules = st.text(st.sampled_from(NAMES), max_size=14)


class _Stop(BaseException):
    """A call hung. Not an Exception: Hypothesis would replay it, a deadline each time, to shrink it."""

    def __init__(self, broken: ContractBroken) -> None:
        self.broken = broken


async def explore_triples(course: Course, tally: Tally, *, schedules: int, seed: int, shrink: bool = True) -> None:
    """Run races of three with schedules that Hypothesis draws, and shrinks.

    Raises:
        ContractBroken: a race that no serial order explains.
    """
    failed: list[ContractBroken] = []

    def race(race: Race, schedule: str) -> None:
        outcome = await_only(course.run(race, schedule))
        if isinstance(outcome.broken, RaceHung):
            raise _Stop(outcome.broken)
        if outcome.broken is not None:
            failed.append(outcome.broken)
        tally.add(outcome)

    phases = [hypothesis.Phase.generate, *([hypothesis.Phase.shrink] if shrink else [])]
    settings = hypothesis.settings(
        max_examples=schedules,
        phases=phases,
        deadline=None,
        database=None,  # the seed replays a failure; a folder of examples would be left behind
        suppress_health_check=list(hypothesis.HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
    )
    drawn = hypothesis.seed(seed)(settings(hypothesis.given(_triples, _schedules)(race)))
    try:
        await greenlet_spawn(drawn)
    except _Stop as stop:
        raise stop.broken from stop.broken.__cause__
    except FlakyFailure as error:
        broken = failed[0]
        broken.seen += "; not every time the schedule is run"
        raise broken from error


async def explore(course: Course, *, schedules: int, seed: int, shrink: bool = True) -> Tally:
    """Run races of two, then of three.

    Args:
        course: Where.
        schedules: How many in all: two thirds of them go to races of two.
        seed: Draws the same races of three each time.
        shrink: Look for the smallest failing race of three. Not worth its time where the failure is known.

    Raises:
        ContractBroken: a race that no serial order explains.
        Inconclusive: a race between two instances never was one; see :func:`explore_pairs`.
    """
    tally = Tally()
    await explore_pairs(course, tally, schedules=schedules * 2 // 3)
    if schedules > tally.schedules:
        await explore_triples(course, tally, schedules=schedules - tally.schedules, seed=seed, shrink=shrink)
    return tally
