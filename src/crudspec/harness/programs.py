"""Programs: Hypothesis draws them, a set of backends runs them, and the model and the witness judge each step."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import hypothesis
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from sqlalchemy.util import greenlet_spawn

from crudspec.contract.failures import ContractBroken
from crudspec.harness.moves import Move, moves
from crudspec.harness.play import Play, Stuck
from crudspec.harness.weaknesses import weaknesses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from crudspec.harness.scripts import Step
    from crudspec.harness.subject import Subject
    from crudspec.truth.witness import Witness


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard the checks try whose question has no end.

    Attributes:
        examples: Programs per clause and backend.
        steps: Most operations in one program.
        schedules: Races per backend.
        failures: Failures of each kind in a row, for a pool to lose a connection by each.
    """

    examples: int
    steps: int
    schedules: int
    failures: int


EFFORTS = {
    "quick": Effort(36, 25, 120, 24),
    "default": Effort(45, 30, 300, 60),
    "thorough": Effort(603, 60, 4000, 300),
}
DEFAULT_EFFORT = "default"

_ROUND = 9
"""Programs in one run of Hypothesis. After the tenth it takes five of six from an earlier one, with a part changed;
what hides in a sequence is found by new ones."""

MOST_REPLAYS = 120
"""Programs that Hypothesis may run to shrink a failing one. It would go on for minutes, for ever less; what it tries
after that does nothing, and so looks as if it did not fail."""


def _by_turns(weighted: Sequence[tuple[int, Any]]) -> Iterator[tuple[int, Any]]:
    """Each step as often as it is to be among the others, by its place; the simple ones first, again and again."""
    for turn in range(max(times for times, _ in weighted)):
        yield from ((index, step) for index, (times, step) in enumerate(weighted) if turn < times)


@st.composite
def _one_by_one(draw: Callable[[Any], Any], steps: st.SearchStrategy[Any]) -> Callable[[], Any]:
    """Draws a step each time that it is called: while the program runs, and the server answers the witness.

    ``st.data()`` is for that, and takes twice as long, as it looks at the random generator before and after.
    """
    return lambda: draw(steps)


async def run_programs(
    subjects: Sequence[Subject], witness: Witness, effort: Effort, *, seed: int, shrink: bool = True
) -> None:
    """Run generated programs until one breaks the contract or the effort is spent.

    A program is a state machine's run: each step is drawn, made, and compared with what the model says. Hypothesis
    has a class for that, which chooses among rules; here is one rule, and choosing it would cost twice what drawing the
    step does.

    Hypothesis calls synchronously. It runs in a greenlet, and each step is awaited from within it in the loop that the
    backends were opened in: one loop for all, no thread to switch to, nothing to start per step.

    Args:
        subjects: The backends, open, the one under test first; each step goes to one of them.
        witness: A connection to the database that they share.
        effort: How many programs, and how long.
        seed: Draws the same programs each time.
        shrink: Look for the smallest failing program. Not worth its time where the failure is known.

    Raises:
        ContractBroken: with the shrunk program as its script.
    """
    # The first backend is the one under test: in company, it has about half of the steps.
    company = range(1, len(subjects))
    who = [0] * max(len(company), 1) + [*company]
    # What a simpler clause tells is left out: a program is to find what no single call shows.
    # Drawing is what a step costs, and it is paid a few thousand times: one draw for all of it. With a rule for each
    # operation, some would be left out at random, and many a program would never create a row.
    weak = await weaknesses(subjects[0], witness)
    drawn = _one_by_one(
        st.sampled_from(
            [
                (number, move)
                for index, move in _by_turns(moves(witness.sample))
                for number in who
                if number or index not in weak.steps
            ]
        )
    )

    last: list[Play] = []
    shortest: list[Play] = []
    replays = 0
    ended: list[BaseException] = []

    def program(next_step: Callable[[], tuple[int, Move]]) -> None:
        nonlocal replays
        if last and last[0].broken:
            shortest[:] = last
        replays += bool(shortest)
        play = Play(subjects, witness, idle=replays > MOST_REPLAYS, absent=weak.absent, lenient=weak.lenient)
        last[:] = [play]
        try:
            play.begin()
            for _ in range(effort.steps):
                play.step(*next_step())
            play.settle()
        except (Stuck, asyncio.CancelledError) as error:
            ended.append(error)
            raise
        finally:
            play.drop()

    phases = [hypothesis.Phase.generate, hypothesis.Phase.explicit]
    settings = hypothesis.settings(
        max_examples=_ROUND,
        phases=[*phases, hypothesis.Phase.shrink] if shrink else phases,
        deadline=None,
        database=None,  # the seed replays a failure; a folder of examples would be left behind
        suppress_health_check=list(hypothesis.HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
    )
    try:
        for start in range(0, effort.examples, _ROUND):
            await greenlet_spawn(settings(hypothesis.seed(f"{seed}.{start}")(hypothesis.given(drawn)(program))))
    except (Stuck, ContractBroken, Flaky):
        # Hypothesis may say instead that the program is not the same every time.
        for end in ended:
            broken = end.broken if isinstance(end, Stuck) else end
            raise broken from broken.__cause__
        play = shortest[0] if shortest else last[0]
        if play.broken is None:
            raise
        broken = play.broken
        if shrink:
            broken = await greenlet_spawn(_smallest, subjects, witness, play.steps, broken)
        raise broken from broken.__cause__


def _smallest(
    subjects: Sequence[Subject], witness: Witness, found: list[Step], broken: ContractBroken
) -> ContractBroken:
    """Leave out, the last ones first, the found without which the program fails all the same; then try plain values.

    Hypothesis stops before it has tried it all: found that it drew together with those that matter often stay, and
    values are as they were first drawn.
    """

    def fails(some: list[Step]) -> bool:
        nonlocal found, broken
        play = Play(subjects, witness)
        try:
            play.repeat(some)
        except ContractBroken as again:
            broken, found = again, play.steps
            return True
        return False

    try:
        if not fails(found):
            broken.seen += "; not every time that the program runs"
            return broken
        place = len(found) - 2
        while place >= 0:
            created = found[place].created
            fails(
                [
                    step
                    for index, step in enumerate(found)
                    if index != place and (created is None or step.request.key != created.key)
                ]
            )
            place = min(place, len(found) - 1) - 1
        for place in range(len(found)):
            fails([_with_plain_values(step, witness) if index == place else step for index, step in enumerate(found)])
    except Stuck:
        pass
    return broken


def _with_plain_values(step: Step, witness: Witness) -> Step:
    if step.request.forbidden:
        return step  # its key may be why, which stays what it is
    return replace(step, request=replace(step.request, values=witness.sample.proven.plain(step.request.values)))
