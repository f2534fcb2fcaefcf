"""One program as it runs: each step is made, and compared with what the model and the witness say."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy.util import await_only

from crudspec.backend import ONE_ROW
from crudspec.contract.failures import ContractBroken
from crudspec.entity.row import matches
from crudspec.entity.types import WrongType
from crudspec.harness.call import DeadlineMissed
from crudspec.harness.moves import Alike, Newest
from crudspec.harness.scripts import Step, script
from crudspec.harness.subject import truth
from crudspec.truth.model import REFUSED, Model, Request
from crudspec.truth.shown import brief, shown, shown_call, shown_error

if TYPE_CHECKING:
    from collections.abc import Collection, Coroutine, Generator, Sequence

    from crudspec.entity.row import Key, Row
    from crudspec.harness.moves import Move
    from crudspec.harness.subject import Subject
    from crudspec.truth.witness import Witness


class Stuck(BaseException):
    """A call hung. Not an Exception: Hypothesis would replay it, a deadline each time, to shrink it."""

    def __init__(self, broken: ContractBroken) -> None:
        self.broken = broken


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
        self.model = Model(witness.table)
        self.steps: list[Step] = []
        self._created: list[Key] = []
        self.broken: ContractBroken | None = None

    def begin(self) -> None:
        """Empty the table."""
        if not self._idle:
            await_only(self._witness.empty())

    def given(self, row: Row) -> None:
        """Take over a row that the witness has written."""
        self.model.created(row)
        self._created.append(row.key)

    def taken_away(self, row: Row) -> None:
        """Have the witness delete a row."""
        await_only(self._witness.delete(row.key))
        self.model.promises(Request("delete", row.key))

    def step(self, who: int, move: Move) -> None:
        """Run one operation and compare its outcome with the model, and the table before it with the witness."""
        if not self._idle:
            self.settle()
            self._make(who, self._request(move))

    def _make(self, who: int, request: Request) -> None:
        promised = self.model.promises(request)
        if not who and self._is_known_to_fail(request, promised):
            return
        returned = await_only(self._do(who, request))
        try:
            self._judge(who, request, returned, promised)
        except ContractBroken as broken:
            self.drop()
            raise self._told(broken) from broken.__cause__

    def _is_known_to_fail(self, request: Request, promised: object) -> bool:
        """Tell whether a simpler clause tells of the first backend what would come of this, as there is no such row."""
        if request.operation not in ONE_ROW or not self._is_key(request.key):
            return False
        if request.key in self.model.rows or promised is True:  # it is there, or was until the model was asked
            return False
        return request.operation in self._absent or (self._lenient and promised is REFUSED)

    def _is_key(self, key: Key) -> bool:
        """Tell whether it is one as far as its types go; True is no int, and an operation without a row has none."""
        if not key:
            return False
        try:
            for column, part in zip(self.model.table.key_columns, key, strict=True):
                column.type.read(part)
        except WrongType:
            return False
        return True

    def repeat(self, steps: Sequence[Step]) -> None:
        """Run steps of another play; the rows that it created have other keys here."""
        self.begin()
        keys: dict[Key, Key] = {}
        for step in steps:
            request = step.request
            if self._is_key(request.key):
                request = replace(request, key=keys.get(request.key, request.key))
            self.settle()
            self._make(step.who, request)
            created = self.steps[-1].created
            if step.created is not None and created is not None:
                keys[step.created.key] = created.key
        self.settle()

    def settle(self) -> None:
        """Compare the table after the last step with the model."""
        if self._look is None:
            return
        look, self._look = self._look, None
        stored, promised = await_only(look), self.model.in_key_order()
        if stored == promised:
            return
        if not matches(stored, promised):
            raise self._told(ContractBroken("the table", expected=self._brief(promised), seen=self._brief(stored)))
        self.model.learned(stored)

    def _told(self, broken: ContractBroken) -> ContractBroken:
        last = self.steps[-1]
        call = shown_call(last.method, last.request.key, last.request.values)
        broken.what = f"{broken.what} after step {len(self.steps)}, {call}"
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

    def _request(self, move: Move) -> Request:
        """What a step comes to, the rows being those that they are."""
        row, created, sample = move.row, self._created, self._witness.sample
        if isinstance(row, Newest | Alike) and not created:
            row = sample.missing_key
        elif isinstance(row, Alike):
            # A text without letters has no other case.
            row = sample.look_alikes(created[-1]).get(row.how, sample.missing_key)
        elif isinstance(row, Newest):
            row = created[-1 - row.creates_ago % len(created)]
        return Request(move.operation, row or (), move.values, move.forbidden)

    async def _do(self, who: int, request: Request) -> object:
        subject = self._subjects[who]
        step = Step(who, self.model.table.method(request.operation), request, "")
        self.steps.append(step)
        returned: object
        try:
            returned = await subject.call(request.operation, request.key, request.values)
        except DeadlineMissed as late:
            step.outcome = late.seen
            late.script = self.script()
            raise Stuck(late) from late
        except ContractBroken as broken:
            step.outcome = broken.seen
            raise self._told(broken) from broken.__cause__
        except Exception as error:  # noqa: BLE001 - which exception is right, the judge says
            returned = error
        step.outcome = subject.calls[-1]
        self._look = _Asked(self._witness.rows())
        return returned

    def _judge(self, who: int, request: Request, returned: object, promised: Any) -> None:
        if isinstance(returned, Exception):
            if promised is REFUSED:
                return  # what it is called, ERROR-3 asks
            expected = "the created row" if request.operation == "create" else self._brief(promised)
            raise ContractBroken("the outcome", expected=expected, seen=f"raised {shown_error(returned)}") from returned
        if promised is REFUSED:
            raise ContractBroken("the outcome", expected=str(REFUSED), seen=f"returned {shown(returned)}")
        subject = self._subjects[who]
        if request.operation == "create":
            row = subject.read("the row", returned)
            wrong = self.model.created(row)
            if wrong:
                raise ContractBroken("the outcome", expected="a new key", seen=wrong)
            if not matches(row, promised.row):
                raise ContractBroken("the outcome", expected=str(promised), seen=shown(row))
            self.steps[-1].created = row
            self._created.append(row.key)
            return
        seen: object = returned
        if request.operation == "get" and returned is not None:
            seen = subject.read("the row", returned)
        elif request.operation == "list_all":
            seen = rows = subject.read_all("the list", returned)
            if self.model.table.is_in_order(rows):
                seen = self.model.table.sort(rows)  # those that are alike may come in any order
        elif request.operation in {"update", "delete"}:
            if subject.abilities.is_mute(request.operation):
                return
            seen = truth("the result", returned)  # that it is a real bool is RESULT-1's to ask
        if not matches(seen, promised):
            expected, got = self._brief(promised), self._brief(seen)
            if expected == got:  # they differ in what is left out
                expected, got = shown(promised), shown(seen)
            raise ContractBroken("the outcome", expected=expected, seen=got)

    def _brief(self, value: object) -> str:
        return brief(self.model.table, value)

    def script(self) -> str:
        """The program so far, to be pasted and run."""
        synchronous = [index for index, subject in enumerate(self._subjects) if subject.in_threads]
        return script(
            self.model.table, [subject.adapter for subject in self._subjects], self.steps, synchronous=synchronous
        )
