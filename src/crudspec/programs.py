"""Programs: Hypothesis draws them, a set of backends runs them, and the model and the witness judge each step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import hypothesis
from hypothesis import strategies as st
from hypothesis.errors import FlakyFailure
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule, run_state_machine_as_test
from sqlalchemy.util import await_only, greenlet_spawn

from crudspec.checks import ContractBroken, is_drivers_own, read, read_all, shown, shown_error
from crudspec.model import Model, Refused, Row
from crudspec.scripts import Step, script
from crudspec.subject import DeadlineMissed
from crudspec.values import INVALID_DONES, INVALID_TITLES, MISSING_IDS, NOT_IDS, VALID_TITLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crudspec.subject import Subject
    from crudspec.witness import Witness


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard the generated programs try.

    Attributes:
        examples: Programs per clause and backend.
        steps: Most operations in one program.
    """

    examples: int
    steps: int


EFFORTS = {"quick": Effort(25, 25), "default": Effort(60, 30), "thorough": Effort(600, 60)}

REFUSED = "InvalidTask"


class _Stuck(BaseException):
    """A call hung. Not an Exception: Hypothesis would replay it, a deadline each time, to shrink it."""

    def __init__(self, broken: ContractBroken) -> None:
        self.broken = broken


_titles = st.one_of(
    st.sampled_from(["", "a", "b"]),
    st.sampled_from(list(VALID_TITLES.values())),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=255),
    st.sampled_from(list(INVALID_TITLES.values())),
)
_dones = st.one_of(st.booleans(), st.booleans(), st.sampled_from(list(INVALID_DONES.values())))
_strangers = st.one_of(
    st.sampled_from(list(MISSING_IDS.values())),
    st.sampled_from(list(NOT_IDS.values())),
    st.integers(),
)


async def run_programs(
    subjects: Sequence[Subject], witness: Witness, effort: Effort, *, seed: int, shrink: bool = True
) -> None:
    """Run generated programs until one breaks the contract or the effort is spent.

    Hypothesis calls its rules synchronously. It runs in a greenlet, and each step is awaited from within it in the
    loop that the backends were opened in: one loop for all, no thread to switch to, nothing to start per step.

    Args:
        subjects: The backends, open, the one under test first; each step goes to one of them.
        witness: A connection to the database that they share.
        effort: How many programs, and how long.
        seed: Draws the same programs each time.
        shrink: Look for the smallest failing program. Not worth its time where the failure is known.

    Raises:
        ContractBroken: with the shrunk program as its script.
    """
    ids: Bundle[int] = Bundle("ids")
    targets = st.one_of(ids, ids, ids, _strangers)
    # The first backend is the one under test: in company, it has about half of the steps.
    who = st.sampled_from([0] * max(1, len(subjects) - 1) + list(range(1, len(subjects))))

    class Program(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.play = Play(subjects, witness)

        @rule(target=ids, who=who, title=_titles)
        def create(self, who: int, title: Any) -> int:
            return self.play.create(who, title)

        @rule(who=who, task_id=targets)
        def get(self, who: int, task_id: Any) -> None:
            self.play.step(who, "get", task_id)

        @rule(who=who)
        def list_tasks(self, who: int) -> None:
            self.play.step(who, "list_tasks")

        @rule(who=who, task_id=targets, title=_titles, done=_dones)
        def update(self, who: int, task_id: Any, title: Any, done: Any) -> None:
            self.play.step(who, "update", task_id, title, done)

        @rule(who=who, task_id=targets)
        def delete(self, who: int, task_id: Any) -> None:
            self.play.step(who, "delete", task_id)

    phases = [hypothesis.Phase.generate, hypothesis.Phase.explicit]
    settings = hypothesis.settings(
        max_examples=effort.examples,
        stateful_step_count=effort.steps,
        phases=[*phases, hypothesis.Phase.shrink] if shrink else phases,
        deadline=None,
        database=None,  # the seed replays a failure; a folder of examples would be left behind
        suppress_health_check=list(hypothesis.HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
    )
    try:
        await greenlet_spawn(run_state_machine_as_test, hypothesis.seed(seed)(Program), settings=settings)
    except _Stuck as stuck:
        raise stuck.broken from stuck.broken.__cause__
    except FlakyFailure as error:
        first = next((inner for inner in error.exceptions if isinstance(inner, ContractBroken)), None)
        raise ContractBroken(
            first.what if first else "a generated program",
            expected=first.expected if first else "the same outcome each time",
            seen=(first.seen if first else shown_error(error)) + "; not every time the program runs",
            script=first.script if first else "",
        ) from error


class Play:
    """One program as it runs: every step is judged before the next one is drawn."""

    def __init__(self, subjects: Sequence[Subject], witness: Witness) -> None:
        self._subjects = subjects
        self._witness = witness
        self.model = Model()
        self.steps: list[Step] = []
        await_only(witness.empty())

    def create(self, who: int, title: Any) -> int:
        """Run a create; returns the new id, or an id that no row has where the title was refused."""
        row = self.step(who, "create", title)
        return row.id if isinstance(row, Row) else -1

    def step(self, who: int, operation: str, *args: Any) -> object:
        """Run one operation, compare its outcome with the model and the table with the witness."""
        promised: object
        try:
            promised = getattr(self.model, operation)(*args)
        except Refused:
            promised = REFUSED
        returned, stored = await_only(self._do(who, operation, args))
        subject = self._subjects[who]
        what = f"step {len(self.steps)}, {subject.calls[-1]}" if subject.calls else operation
        try:
            seen = self._judge(what, operation, args, returned, promised)
            table = self.model.list_tasks()
            if stored != table:
                raise ContractBroken(f"the table after {what}", expected=_listed(table), seen=_listed(stored))
        except ContractBroken as broken:
            broken.script = self.script()
            raise
        return seen

    async def _do(self, who: int, operation: str, args: tuple[Any, ...]) -> tuple[object, list[Row]]:
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
            broken.script = self.script()
            raise
        except Exception as error:  # noqa: BLE001 - which exception is right, the judge says
            returned = error
        self.steps.append(Step(who, operation, args, subject.calls[-1].outcome))
        return returned, await self._witness.rows()

    def _judge(self, what: str, operation: str, args: tuple[Any, ...], returned: object, promised: object) -> object:
        if isinstance(returned, Exception):
            fits = isinstance(returned, ValueError | TypeError) and not is_drivers_own(returned)
            if promised == REFUSED and fits:
                return REFUSED
            expected = "InvalidTask" if promised == REFUSED else _outcome(operation, promised)
            raise ContractBroken(what, expected=expected, seen=f"raised {shown_error(returned)}") from returned
        if promised == REFUSED:
            raise ContractBroken(what, expected="InvalidTask", seen=f"returned {shown(returned)}")
        if operation == "create":
            row = read(what, returned)
            wrong = self.model.created(row)
            if wrong:
                raise ContractBroken(what, expected="a new id", seen=wrong)
            if (row.title, row.done) != (args[0], False):
                raise ContractBroken(what, expected=f"title {shown(args[0])} and done False", seen=shown(row))
            self.steps[-1].created = row.id
            return row
        seen: object = returned
        if operation == "get" and returned is not None:
            seen = read(what, returned)
        elif operation == "list_tasks":
            seen = read_all(what, returned)
        if type(seen) is not type(promised) or seen != promised:
            raise ContractBroken(what, expected=_outcome(operation, promised), seen=_outcome(operation, seen))
        return seen

    def script(self) -> str:
        """The program so far, to be pasted and run."""
        return script([subject.adapter for subject in self._subjects], self.steps)


def _outcome(operation: str, value: object) -> str:
    return _listed(value) if operation == "list_tasks" and isinstance(value, list) else shown(value)


def _listed(rows: list[Row]) -> str:
    return "[" + ", ".join(f"({row.id}, {shown(row.title)}, {row.done})" for row in rows) + "]"
