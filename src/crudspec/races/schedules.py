"""How many races are run: those of two enumerated, those of three drawn."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from crudspec.contract.failures import Inconclusive
from crudspec.races.pairs import explore_pairs, pairs
from crudspec.races.tally import Tally
from crudspec.races.triples import explore_triples

if TYPE_CHECKING:
    from crudspec.races.course import Course

_SECONDS = 12.0
_SECONDS_EACH = 0.04
"""What a schedule may take; several times as long as one of an ordinary backend does."""


async def explore(course: Course, *, schedules: int, seed: int, shrink: bool = True) -> Tally:
    """Run races of two, then of three.

    The number decides what is run, and so it is the same each time. For a backend that takes its time there is a limit:
    twelve seconds, or 40 ms a schedule where that is more. What is left out then are, first, the races of two through
    one instance, then those of two that tell least, orders with many switches, and most races of three.
    Operations that raise where nobody else is about are left out, too; other clauses tell that.

    Args:
        course: Where.
        schedules: How many in all: two thirds of them go to races of two.
        seed: Draws the same races of three each time.
        shrink: Look for the smallest failing race of three. Not worth its time where the failure is known.

    Raises:
        ContractBroken: a race that no serial order explains, or that nobody wins.
        Inconclusive: a race between two instances never was one; see :func:`explore_pairs`. Or there is no operation to
            run one with.
    """
    tally = Tally()
    began = perf_counter()
    seconds = max(_SECONDS, schedules * _SECONDS_EACH)
    if not any(map(course.can_run, pairs(course.sample))):
        raise Inconclusive("a race of two operations each of which works where nobody else is about")
    await explore_pairs(course, tally, schedules=schedules * 2 // 3, seconds=seconds * 2 / 3)
    if schedules > tally.schedules:
        left = began + seconds - perf_counter()
        await explore_triples(
            course, tally, schedules=schedules - tally.schedules, seed=seed, shrink=shrink, seconds=left
        )
    return tally
