"""What a check raises: a promise that was not kept, or a question that could not be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crudspec.contract.clause import Consequence


class ContractBroken(AssertionError):
    """A promise was not kept.

    Attributes:
        what: The call or the state that was looked at.
        expected: What the contract promises, as text.
        seen: What was there instead, as text.
        script: A program that shows it, to be pasted and run; empty where the calls say enough.
        sql: What went over the wire, a line each, where a check looked at it itself.
        account: What happened, line by line, where it takes more than calls and statements to see it.
        consequence: How bad it is, where that is not what the clause says of itself.
        cause: Names what this failure may have in common with those of other clauses; one of
            :data:`crudspec.contract.causes.CAUSES`, or any text: failures with one cause are one finding. Empty: it
            has none.
        others: What else breaks the promise in the same check, a line each, worst first.
        calls: The calls that led there, where they are not those of the check that raises it.
    """

    account: str = ""

    def __init__(
        self,
        what: str,
        *,
        expected: str,
        seen: str,
        script: str = "",
        sql: Sequence[str] = (),
        consequence: Consequence | None = None,
        cause: str = "",
    ) -> None:
        super().__init__(f"{what}: expected {expected}, seen {seen}")
        self.what = what
        self.expected = expected
        self.seen = seen
        self.script = script
        self.sql = sql
        self.consequence = consequence
        self.cause = cause
        self.others: Sequence[str] = ()
        self.calls: Sequence[str] = ()


class Inconclusive(ContractBroken):
    """The check could not ask its question: it says nothing about the backend, and its verdict is *not run*.

    Attributes:
        because: Id of the clause whose failure is the reason; empty where it is another one.
    """

    because: str = ""

    def __init__(self, what: str) -> None:
        super().__init__(what, expected="it happens, or nothing was tested", seen="it did not (inconclusive)")


class Depends(Inconclusive):
    """The check needs what another clause has found broken."""

    def __init__(self, because: str, reason: str) -> None:
        """Name the clause that is broken, and say in a few words what does not work."""
        super().__init__(reason)
        self.because = because
        self.args = (f"{reason} ({because})",)


class Unfit(Inconclusive):
    """The reference backend does not keep the promise on this table either: it says nothing about anybody."""

    def __init__(self, seen: BaseException) -> None:
        """Take what the check has raised when it was asked of the reference."""
        super().__init__(f"the entity: crudspec's reference backend does not keep it on this table either: {seen}")
        self.args = (self.what,)


class NotApplicable(Exception):
    """The table lacks what the check is about: its verdict is *n/a*. The message says what is lacking."""
