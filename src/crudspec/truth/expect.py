"""What a check expects, and how it says what it saw instead."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from crudspec.contract.causes import ACCEPTED
from crudspec.contract.clause import Consequence
from crudspec.contract.clauses import BY_ID
from crudspec.contract.failures import ContractBroken, Inconclusive, NotApplicable
from crudspec.entity.row import Row, matches
from crudspec.truth.shown import shown, shown_values

if TYPE_CHECKING:
    from collections.abc import Awaitable, Generator

    from crudspec.entity.table import Table


def expect(what: str, seen: object, expected: object) -> None:
    """Fail unless both are equal and of one type: ``1`` is not ``True``; rows are compared by what both have."""
    if matches(expected, seen):
        return
    if isinstance(expected, Row) and isinstance(seen, Row) and type(expected) is type(seen):
        # Of a table with many columns nobody finds the one that differs.
        there, wanted = seen.given(), expected.given()
        other = [name for name in wanted if not matches(expected[name], seen[name])]
        of = f", of {shown(seen)}" if len(other) < len(wanted) else ""
        raise ContractBroken(
            what,
            expected=shown_values({name: wanted[name] for name in other}),
            seen=shown_values({name: there[name] for name in other}) + of,
        )
    raise ContractBroken(what, expected=shown(expected), seen=shown(seen))


def needs(there: object, reason: str) -> None:
    """Go on only if the table has what a check is about.

    Args:
        there: Something, or nothing.
        reason: What the table lacks.

    Raises:
        NotApplicable: it is nothing.
    """
    if not there:
        raise NotApplicable(reason)


def expect_listed(table: Table, what: str, seen: list[Row], stored: list[Row]) -> None:
    """Fail unless a list has every stored row, in the order that the table's entity promises."""
    expect(f"the number of rows in {what}", len(seen), len(stored))
    wanted = table.sort(stored)
    if table.is_in_order(seen):
        seen = table.sort(seen)  # those that are alike in what decides the order may come in any
    for number, (row, expected) in enumerate(zip(seen, wanted, strict=True)):
        expect(f"row {number} of {len(wanted)} in {what}", row, expected)


class Every:
    """All that breaks a promise in a check that tries many values, so that the worst is told and none is hidden.

    >>> every = Every("CREATE-4")
    >>> for name, title in INVALID_TITLES.items():                    # doctest: +SKIP
    ...     with every.one():
    ...         ...
    >>> every.settle()
    """

    def __init__(self, clause_id: str) -> None:
        """Begin with nothing wrong; the clause says how bad a failure is that does not say so itself."""
        self._clause = BY_ID[clause_id]
        self._found: list[ContractBroken] = []

    @contextmanager
    def one(self) -> Generator[None]:
        """Try one value. What breaks the promise is noted; a hang is raised at once, as the next would hang, too.

        Where one cannot be asked, the others cannot either: what was found before is told instead.
        """
        try:
            yield
        except Inconclusive:
            self.settle()
            raise
        except ContractBroken as broken:
            self._found.append(broken)
            if self._rank(broken) == Consequence.HANG.rank:
                self.settle()

    def settle(self) -> None:
        """Raise the worst of what was found, the others listed in it.

        Raises:
            ContractBroken: something was.
        """
        if self._found:
            worst, *others = sorted(self._found, key=self._rank)
            worst.others = [str(broken) for broken in others]
            raise worst

    def _rank(self, broken: ContractBroken) -> int:
        return (broken.consequence or self._clause.consequence).rank


async def refuses(what: str, call: Awaitable[object]) -> Exception:
    """Await a call that must raise, whatever it raises.

    Raises:
        ContractBroken: it returned.
    """
    try:
        returned = await call
    except ContractBroken:
        raise
    except Exception as error:  # noqa: BLE001 - any of them refuses
        return error
    raise ContractBroken(
        what,
        expected="an exception",
        seen=f"returned {shown(returned)}",
        consequence=Consequence.ANSWER,
        cause=ACCEPTED,
    )
