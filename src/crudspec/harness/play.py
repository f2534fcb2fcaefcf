"""One program as it runs: each step is made, and compared with what the model and the witness say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy.util import await_only

from crudspec.contract.failures import ContractBroken
from crudspec.harness.scripts import Step, script
from crudspec.harness.subject import DeadlineMissed, truth
from crudspec.truth.model import Model, Refused, matches
from crudspec.truth.shown import shown, shown_call, shown_error
from crudspec.truth.values import INVALID_DONES, INVALID_TITLES, MISSING_IDS, NOT_IDS, VALID_TITLES, look_alikes

if TYPE_CHECKING:
    from collections.abc import Collection, Coroutine, Generator, Sequence

    from crudspec.harness.subject import Subject
    from crudspec.truth.model import Row
    from crudspec.truth.witness import Witness

REFUSED = "an exception"
PLAIN = "a"


_OF_ONE_ROW = ("get", "update", "delete")


class Stuck(BaseException):
    """A call hung. Not an Exception: Hypothesis would replay it, a deadline each time, to shrink it."""

    def __init__(self, broken: ContractBroken) -> None:
        self.broken = broken


@dataclass(frozen=True, slots=True)
class Newest:
    """The row that was created that many creates ago (counted round and round), there still or not."""

    creates_ago: int


@dataclass(frozen=True, slots=True)
class Alike:
    """An id that only looks like that of the newest row.

    Attributes:
        how: One of the names of :func:`~crudspec.truth.values.look_alikes`.
    """

    how: str


def steps() -> list[tuple[int, tuple[Any, ...]]]:
    """Every step that a program may take, and how often among the others.

    The simple ones come first (Hypothesis shrinks to the front). Long and odd values have clauses of their own; what
    matters here is that titles and rows meet again.
    """
    titles, dones, rows = [PLAIN, "b", ""], [False, True], [Newest(ago) for ago in range(3)]
    odd_titles = ["a ", "A", *VALID_TITLES.values(), *INVALID_TITLES.values()]
    odd_rows = [*MISSING_IDS.values(), *NOT_IDS.values(), *map(Alike, look_alikes(1))]
    found: list[tuple[int, tuple[Any, ...]]] = []
    found += [(33, ("create", title)) for title in titles]
    found += [(33, ("get", row)) for row in rows]
    found += [(80, ("list_tasks",))]
    found += [(27, ("delete", row)) for row in rows]
    found += [(10, ("update", row, title, done)) for done in dones for title in titles for row in rows]
    found += [(1, ("create", title)) for title in odd_titles]
    found += [(1, (operation, row)) for operation in ("get", "delete") for row in odd_rows]
    found += [(1, ("update", row, PLAIN, False)) for row in odd_rows]
    found += [(1, ("update", rows[0], title, False)) for title in odd_titles]
    found += [(1, ("update", rows[0], PLAIN, done)) for done in INVALID_DONES.values()]
    return found


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

    def __init__(
        self,
        subjects: Sequence[Subject],
        witness: Witness,
        *,
        idle: bool = False,
        absent: Collection[str] = (),
        lenient: bool = False,
    ) -> None:
        """Describe a program.

        Args:
            subjects: The backends, the one under test first.
            witness: Of their database.
            idle: Do nothing.
            absent: Operations that the first backend is not asked for where there is no row.
            lenient: It is not asked to refuse a value where there is no row.
        """
        self._lenient = lenient
        self._idle = idle
        self._absent = absent
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

    def given(self, row: Row) -> None:
        """Take over a row that the witness has written."""
        self.model.created(row)
        self._created.append(row.id)

    def taken_away(self, row: Row) -> None:
        """Have the witness delete a row."""
        await_only(self._witness.delete(row.id))
        self.model.delete(row.id)

    def step(self, who: int, operation: str, *args: Any) -> None:
        """Run one operation and compare its outcome with the model, and the table before it with the witness."""
        if self._idle:
            return
        self.settle()
        args = tuple(self._id(arg) if isinstance(arg, Newest | Alike) else arg for arg in args)
        promised: object
        try:
            promised = getattr(self.model, operation)(*args)
        except Refused:
            promised = REFUSED
        if not who and self._is_known_to_fail(operation, args, promised):
            return
        returned = await_only(self._do(who, operation, args))
        try:
            self._judge(who, operation, args, returned, promised)
        except ContractBroken as broken:
            self.drop()
            raise self._told(broken) from broken.__cause__

    def _is_known_to_fail(self, operation: str, args: tuple[Any, ...], promised: object) -> bool:
        """Tell whether a simpler clause tells of the first backend what would come of this, as there is no such row."""
        if operation not in _OF_ONE_ROW or type(args[0]) is not int:
            return False
        if args[0] in self.model.rows or promised is True:  # it is there, or was until the model was asked
            return False
        return operation in self._absent or (self._lenient and promised == REFUSED)

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
        if stored != table and not matches(stored, table):
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

    def has_newest(self) -> bool:
        """Tell whether the row that was created last is still there."""
        return bool(self._created) and self._created[-1] in self.model.rows

    def _id(self, row: Newest | Alike) -> int:
        created = self._created
        if not created:
            return MISSING_IDS["never created"]
        if isinstance(row, Alike):
            return look_alikes(created[-1])[row.how]
        return created[-1 - row.creates_ago % len(created)]

    async def _do(self, who: int, operation: str, args: tuple[Any, ...]) -> object:
        subject = self._subjects[who]
        returned: object
        try:
            returned = await subject.call(operation, *args)
        except DeadlineMissed as late:
            self.steps.append(Step(who, operation, args, late.seen))
            late.script = self.script()
            raise Stuck(late) from late
        except ContractBroken as broken:
            self.steps.append(Step(who, operation, args, broken.seen))
            raise self._told(broken) from broken.__cause__
        except Exception as error:  # noqa: BLE001 - which exception is right, the judge says
            returned = error
        self.steps.append(Step(who, operation, args, subject.calls[-1]))
        self._look = _Asked(self._witness.rows())
        return returned

    def _judge(self, who: int, operation: str, args: tuple[Any, ...], returned: object, promised: object) -> None:
        if isinstance(returned, Exception):
            if promised == REFUSED:
                return  # what it is called, ERROR-3 asks
            expected = "the created row" if operation == "create" else _outcome(operation, promised)
            raise ContractBroken("the outcome", expected=expected, seen=f"raised {shown_error(returned)}") from returned
        if promised == REFUSED:
            raise ContractBroken("the outcome", expected=REFUSED, seen=f"returned {shown(returned)}")
        subject = self._subjects[who]
        if operation == "create":
            row = subject.read("the row", returned)
            wrong = self.model.created(row)
            if wrong:
                raise ContractBroken("the outcome", expected="a new id", seen=wrong)
            if not matches(row, row.but(title=args[0], done=False)):
                raise ContractBroken("the outcome", expected=f"title {shown(args[0])} and done False", seen=shown(row))
            self.steps[-1].created = row.id
            self._created.append(row.id)
            return
        seen: object = returned
        if operation == "get" and returned is not None:
            seen = subject.read("the row", returned)
        elif operation == "list_tasks":
            seen = subject.read_all("the list", returned)
        elif operation in {"update", "delete"}:
            if subject.abilities.is_mute(operation):
                return
            seen = truth("the result", returned)  # that it is a real bool is RESULT-1's to ask
        if not matches(seen, promised):
            expected, got = _outcome(operation, promised), _outcome(operation, seen)
            if expected == got:  # they differ in what is left out
                expected, got = shown(promised), shown(seen)
            raise ContractBroken("the outcome", expected=expected, seen=got)

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
