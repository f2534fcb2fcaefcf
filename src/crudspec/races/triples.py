"""Races of three, as Hypothesis draws and shrinks them."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from time import perf_counter
from typing import TYPE_CHECKING

import hypothesis
from hypothesis import strategies as st
from hypothesis.errors import FlakyFailure
from sqlalchemy.util import await_only, greenlet_spawn

from crudspec.races.entries import NAMES, Entry, Race
from crudspec.races.judged import RaceHung

if TYPE_CHECKING:
    from crudspec.contract.failures import ContractBroken
    from crudspec.entity.sample import Sample
    from crudspec.races.course import Course
    from crudspec.races.tally import Tally


def _entries(sample: Sample) -> list[Entry]:
    half, rest = sample.halves()
    changes = [sample.change(1), sample.change(2), half, rest]
    return [
        *(Entry("update", values) for values in changes),
        Entry("delete"),
        Entry("get"),
        Entry("create", sample.new(1)),
    ]


_INSTANCES = ((0, 0, 0), (0, 1, 0), (0, 1, 1))
_schedules = st.text(st.sampled_from(NAMES), max_size=14)


class _Stop(BaseException):
    """A call hung, or the time is over. Not an Exception: Hypothesis would replay it to shrink it."""

    def __init__(self, broken: ContractBroken | None) -> None:
        self.broken = broken


def _triples(course: Course) -> st.SearchStrategy[Race]:
    """Races of three that can be run there."""
    entries = st.sampled_from([entry for entry in _entries(course.sample) if course.can_run(Race((entry,)))])
    rows = st.sampled_from([{}, course.sample.halves()[1]])
    instances = [taken for taken in _INSTANCES if max(taken) < len(course.subjects)]
    return st.builds(
        lambda entries, instances, row, together: Race(
            tuple(replace(entry, instance=i) for entry, i in zip(entries, instances, strict=True)), row, together
        ),
        st.tuples(entries, entries, entries),
        st.sampled_from(instances),
        rows,
        st.booleans(),
    )


async def explore_triples(
    course: Course, tally: Tally, *, schedules: int, seed: int, shrink: bool = True, seconds: float = inf
) -> None:
    """Run races of three with schedules that Hypothesis draws, and shrinks, until the number or the time is reached.

    A failing one that there is no time to shrink is told as it is.

    Raises:
        ContractBroken: a race that no serial order explains.
    """
    failed: list[ContractBroken] = []
    end = perf_counter() + seconds

    def race(race: Race, schedule: str) -> None:
        if perf_counter() >= end:
            raise _Stop(failed[-1] if failed else None)  # Hypothesis tries only what is smaller than its smallest
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
    drawn = hypothesis.seed(seed)(settings(hypothesis.given(_triples(course), _schedules)(race)))
    try:
        await greenlet_spawn(drawn)
    except _Stop as stop:
        if stop.broken is not None:
            raise stop.broken from stop.broken.__cause__
    except FlakyFailure as error:
        broken = failed[0]
        broken.seen += "; not every time the schedule is run"
        raise broken from error
