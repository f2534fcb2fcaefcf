"""Programs: Hypothesis draws them, a set of backends runs them, and the model and the witness judge each step."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import hypothesis
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from sqlalchemy.util import await_only, greenlet_spawn

from crudspec.checks import is_drivers_own, read, read_all, shown, shown_call, shown_error
from crudspec.failures import ContractBroken
from crudspec.model import Model, Refused
from crudspec.scripts import Step, script
from crudspec.subject import DeadlineMissed
from crudspec.values import INVALID_DONES, INVALID_TITLES, MISSING_IDS, NOT_IDS, VALID_TITLES

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Sequence

    from crudspec.model import Row
    from crudspec.subject import Subject
    from crudspec.witness import Witness


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

REFUSED = "InvalidTask"
_PLAIN = "a"


class _Stuck(BaseException):
    """A call hung. Not an Exception: Hypothesis would replay it, a deadline each time, to shrink it."""

    def __init__(self, broken: ContractBroken) -> None:
        self.broken = broken


@dataclass(frozen=True, slots=True)
class _Newest:
    """The row that was created that many creates ago (counted round and round), there still or not."""

    creates_ago: int


def _steps() -> list[tuple[Any, ...]]:
    """Every step that a program may take, the simple ones first (Hypothesis shrinks to the front), some many times.

    Long and odd values have clauses of their own; what matters here is that titles and rows meet again.
    """
    titles, dones, rows = [_PLAIN, "b", ""], [False, True], [_Newest(ago) for ago in range(3)]
    odd_titles = ["a ", "A", *VALID_TITLES.values(), *INVALID_TITLES.values()]
    odd_rows = [*MISSING_IDS.values(), *NOT_IDS.values()]
    steps: list[tuple[Any, ...]] = []
    steps += [("create", title) for title in titles] * 33
    steps += [("get", row) for row in rows] * 33
    steps += [("list_tasks",)] * 80
    steps += [("delete", row) for row in rows] * 27
    steps += [("update", row, title, done) for done in dones for title in titles for row in rows] * 10
    steps += [("create", title) for title in odd_titles]
    steps += [(operation, row) for operation in ("get", "delete") for row in odd_rows]
    steps += [("update", row, _PLAIN, False) for row in odd_rows]
    steps += [("update", rows[0], title, False) for title in odd_titles]
    steps += [("update", rows[0], _PLAIN, done) for done in INVALID_DONES.values()]
    return steps


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
    # Drawing is what a step costs, and it is paid a few thousand times: one draw for all of it. With a rule for each
    # operation, some would be left out at random, and many a program would never create a row.
    steps = _one_by_one(st.sampled_from([(number, *step) for step in _steps() for number in who]))

    last: list[Play] = []
    shortest: list[Play] = []
    replays = 0
    ended: list[BaseException] = []

    def program(next_step: Callable[[], tuple[Any, ...]]) -> None:
        nonlocal replays
        if last and last[0].broken:
            shortest[:] = last
        replays += bool(shortest)
        play = Play(subjects, witness, idle=replays > MOST_REPLAYS)
        last[:] = [play]
        try:
            play.begin()
            for _ in range(effort.steps):
                play.step(*next_step())
            play.settle()
        except (_Stuck, asyncio.CancelledError) as error:
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
            await greenlet_spawn(settings(hypothesis.seed(f"{seed}.{start}")(hypothesis.given(steps)(program))))
    except (_Stuck, ContractBroken, Flaky) as error:
        # Hypothesis may say instead that the program is not the same every time.
        for end in ended:
            broken = end.broken if isinstance(end, _Stuck) else end
            raise broken from broken.__cause__
        play = shortest[0] if shortest else last[0]
        if play.broken is None:
            raise
        broken = play.broken
        if shrink:
            broken = await greenlet_spawn(_smallest, subjects, witness, play.steps, broken)
        raise broken from broken.__cause__ or error.__cause__


def _smallest(
    subjects: Sequence[Subject], witness: Witness, steps: list[Step], broken: ContractBroken
) -> ContractBroken:
    """Leave out, the last ones first, the steps without which the program fails all the same; then try plain titles.

    Hypothesis stops before it has tried it all: steps that it drew together with those that matter often stay, and
    a title is as it was first drawn.
    """

    def fails(some: list[Step]) -> bool:
        nonlocal steps, broken
        play = Play(subjects, witness)
        try:
            play.repeat(some)
        except ContractBroken as again:
            broken, steps = again, play.steps
            return True
        return False

    try:
        if not fails(steps):
            broken.seen += "; not every time that the program runs"
            return broken
        place = len(steps) - 2
        while place >= 0:
            created = steps[place].created
            fails(
                [
                    step
                    for index, step in enumerate(steps)
                    if index != place and (created is None or step.args[:1] != (created,))
                ]
            )
            place = min(place, len(steps) - 1) - 1
        for place in range(len(steps)):
            fails([_with_plain_title(step) if index == place else step for index, step in enumerate(steps)])
    except _Stuck:
        pass
    return broken


def _with_plain_title(step: Step) -> Step:
    titles = {"create": 0, "update": 1}
    args = [_PLAIN if index == titles.get(step.operation) else arg for index, arg in enumerate(step.args)]
    return replace(step, args=tuple(args))


class _Asked:
    """A question to the witness that is on its way at once, without a task and a turn of the event loop for it."""

    def __init__(self, question: Coroutine[Any, Any, list[Row]]) -> None:
        self._question = question
        self._waits_for = question.send(None)

    def __await__(self) -> Generator[Any, Any, list[Row]]:
        yield self._waits_for
        return (yield from self._question.__await__())


class Play:
    """One program as it runs.

    Each step is judged against the model as it is made. The witness is asked at once as well, and its answer, which
    shows the table as this step left it, is read before the next step goes out: the server looks it up while
    Hypothesis draws.
    """

    def __init__(self, subjects: Sequence[Subject], witness: Witness, *, idle: bool = False) -> None:
        self._idle = idle
        self._subjects = subjects
        self._witness = witness
        self._look: _Asked | None = None
        self.model = Model()
        self.steps: list[Step] = []
        self._created: list[int] = []
        self.broken: ContractBroken | None = None

    def begin(self) -> None:
        """Empty the table."""
        if not self._idle:
            await_only(self._witness.empty())

    def step(self, who: int, operation: str, *args: Any) -> None:
        """Run one operation and compare its outcome with the model, and the table before it with the witness."""
        if self._idle:
            return
        self.settle()
        args = tuple(self._id(arg) if isinstance(arg, _Newest) else arg for arg in args)
        promised: object
        try:
            promised = getattr(self.model, operation)(*args)
        except Refused:
            promised = REFUSED
        returned = await_only(self._do(who, operation, args))
        try:
            self._judge(operation, args, returned, promised)
        except ContractBroken as broken:
            self.drop()
            raise self._told(broken) from broken.__cause__

    def repeat(self, steps: Sequence[Step]) -> None:
        """Run steps of another play; the rows that it created have other ids here."""
        self.begin()
        ids: dict[object, object] = {}
        for step in steps:
            args = step.args if step.operation == "create" else tuple(ids.get(_key(arg), arg) for arg in step.args)
            self.step(step.who, step.operation, *args)
            if step.created is not None:
                ids[_key(step.created)] = self.steps[-1].created
        self.settle()

    def settle(self) -> None:
        """Compare the table after the last step with the model."""
        if self._look is None:
            return
        look, self._look = self._look, None
        stored, table = await_only(look), self.model.list_tasks()
        if stored != table:
            raise self._told(ContractBroken("the table", expected=_listed(table), seen=_listed(stored)))

    def _told(self, broken: ContractBroken) -> ContractBroken:
        last = self.steps[-1]
        broken.what = f"{broken.what} after step {len(self.steps)}, {shown_call(last.operation, last.args)}"
        broken.script = self.script()
        self.broken = broken
        return broken

    def drop(self) -> None:
        """Wait for what the witness was asked, whatever it says."""
        look, self._look = self._look, None
        if look is not None:
            await_only(look)

    def _id(self, row: _Newest) -> int:
        created = self._created
        return created[-1 - row.creates_ago % len(created)] if created else MISSING_IDS["never created"]

    async def _do(self, who: int, operation: str, args: tuple[Any, ...]) -> object:
        subject = self._subjects[who]
        returned: object
        try:
            returned = await subject.call(operation, *args)
        except DeadlineMissed as late:
            self.steps.append(Step(who, operation, args, late.seen))
            late.script = self.script()
            raise _Stuck(late) from late
        except ContractBroken as broken:
            self.steps.append(Step(who, operation, args, broken.seen))
            raise self._told(broken) from broken.__cause__
        except Exception as error:  # noqa: BLE001 - which exception is right, the judge says
            returned = error
        self.steps.append(Step(who, operation, args, subject.calls[-1]))
        self._look = _Asked(self._witness.rows())
        return returned

    def _judge(self, operation: str, args: tuple[Any, ...], returned: object, promised: object) -> None:
        if isinstance(returned, Exception):
            fits = isinstance(returned, ValueError | TypeError) and not is_drivers_own(returned)
            if promised == REFUSED and fits:
                return
            expected = "InvalidTask" if promised == REFUSED else _outcome(operation, promised)
            raise ContractBroken("the outcome", expected=expected, seen=f"raised {shown_error(returned)}") from returned
        if promised == REFUSED:
            raise ContractBroken("the outcome", expected="InvalidTask", seen=f"returned {shown(returned)}")
        if operation == "create":
            row = read("the row", returned)
            wrong = self.model.created(row)
            if wrong:
                raise ContractBroken("the outcome", expected="a new id", seen=wrong)
            if (row.title, row.done) != (args[0], False):
                raise ContractBroken("the outcome", expected=f"title {shown(args[0])} and done False", seen=shown(row))
            self.steps[-1].created = row.id
            self._created.append(row.id)
            return
        seen: object = returned
        if operation == "get" and returned is not None:
            seen = read("the row", returned)
        elif operation == "list_tasks":
            seen = read_all("the list", returned)
        if type(seen) is not type(promised) or seen != promised:
            raise ContractBroken("the outcome", expected=_outcome(operation, promised), seen=_outcome(operation, seen))

    def script(self) -> str:
        """The program so far, to be pasted and run."""
        synchronous = [index for index, subject in enumerate(self._subjects) if subject.in_threads]
        return script([subject.adapter for subject in self._subjects], self.steps, synchronous=synchronous)


def _key(arg: object) -> object:
    return (type(arg), arg) if isinstance(arg, int) else None  # True is no id, and a list is no key


def _outcome(operation: str, value: object) -> str:
    return _listed(value) if operation == "list_tasks" and isinstance(value, list) else shown(value)


def _listed(rows: list[Row]) -> str:
    return "[" + ", ".join(f"({row.id}, {shown(row.title)}, {row.done})" for row in rows) + "]"
