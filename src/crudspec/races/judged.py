"""What is wrong with a race that was run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crudspec.contract.failures import ContractBroken
from crudspec.races.transcript import account
from crudspec.truth.linearizable import explain
from crudspec.truth.shown import brief_rows, shown_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crudspec.entity.table import Table
    from crudspec.races.calls import Call
    from crudspec.races.clients import Turn
    from crudspec.truth.model import Rows


class RaceBroken(ContractBroken):
    """A race that no serial order explains, or that nobody wins."""


class RaceHung(RaceBroken):
    """An operation of a race did not come back. Not to be tried again and again: each time costs a deadline."""


@dataclass(frozen=True, slots=True)
class Finish:
    """A race after its end.

    Attributes:
        table: That it was about.
        calls: All of them, ended.
        log: What went over the wire, turn by turn.
        before: The rows before.
        after: The rows afterwards.
        schedule: Whose turn it was at each step.
    """

    table: Table
    calls: Sequence[Call]
    log: Sequence[Turn]
    before: Rows
    after: Rows
    schedule: str

    def broken(self) -> RaceBroken | None:
        """Say what is wrong, if anything is.

        An operation that raised was refused, or nobody knows whether it happened: a deadlock that the server has
        ended, a version that has changed meanwhile. What that is called is asked elsewhere; here the others must be
        right in spite of it. But somebody has to win: a race in which everybody raised is broken.
        """
        wrong = next((call for call in self.calls if call.hung), None) or next(
            (call for call in self.calls if call.wrong), None
        )
        if wrong is not None:
            kind = RaceHung if wrong.hung else RaceBroken
            told = wrong.error.seen if isinstance(wrong.error, ContractBroken) else wrong.result_text()
            return self._told(
                kind, expected="every one of them returns, or raises an exception", seen=f"{wrong.client.name}: {told}"
            )
        if explain(self.table, self.before, [call.operation() for call in self.calls], self.after) is None:
            seen = f"{self._results()}, leaving {brief_rows(self.table, self.after.values())}"
            return self._told(RaceBroken, expected="what some serial order gives", seen=seen, explained=False)
        if all(call.refused for call in self.calls):
            return self._told(RaceBroken, expected="one of them at least does what it was asked", seen=self._results())
        return None

    def refused(self) -> RaceBroken | None:
        """The failure that it is, if operations are refused in every schedule of the race; None: all returned."""
        call = next((call for call in self.calls if call.refused), None)
        if call is None:
            return None
        assert call.error is not None
        return self._told(
            RaceBroken,
            expected="in some schedule all of them return",
            seen=f"in each of them one raised; here {call.client.name} raised {shown_error(call.error)}",
        )

    def _told(self, kind: type[RaceBroken], *, expected: str, seen: str, explained: bool = True) -> RaceBroken:
        broken = kind(" | ".join(map(str, self.calls)), expected=expected, seen=seen)
        results = {call.client.name: call.result_text() for call in self.calls}
        texts = {call.client.name: call.text for call in self.calls}
        done = [call.operation() for call in self.calls]
        broken.account = account(
            self.table,
            self.log,
            done,
            texts,
            results,
            self.before,
            self.after,
            schedule=self.schedule,
            explained=explained,
        )
        broken.__cause__ = next((call.error for call in self.calls if call.error is not None), None)
        return broken

    def _results(self) -> str:
        return ", ".join(f"{call.client.name} {call.result_text()}" for call in self.calls)
