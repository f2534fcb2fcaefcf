"""Whether some serial order explains what concurrent operations returned and left behind.

The definition is Herlihy and Wing's (*Linearizability: A Correctness Condition for Concurrent Objects*, 1990), the
search Wing and Gong's (*Testing and Verifying Concurrent Objects*, 1993): take any operation that did not begin
after another one had ended, see whether a table that knows only one operation at a time gives the same result, and
go on with the rest.

Of an operation that raised nobody knows whether it happened: it may have taken effect at any moment after its call,
also after it raised, or never.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, permutations
from math import inf
from typing import TYPE_CHECKING

from crudspec.entity.row import Row
from crudspec.truth.model import REFUSED, NewRow, Request, Rows, apply
from crudspec.truth.shown import brief, brief_rows

if TYPE_CHECKING:
    from crudspec.entity.table import Table


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation that has come to its end, or has raised.

    Attributes:
        client: Who called it, for the reader.
        request: What was asked for.
        result: What it returned; rows as :class:`~crudspec.entity.row.Row`.
        called: When it was called, on any clock that only goes forward.
        returned: When it returned, on the same clock. What returned before another was called comes first.
        unknown: It raised: it may have happened or not, and ``result`` and ``returned`` mean nothing.
        mute: Its result is not to be looked at.
    """

    client: str
    request: Request
    result: object
    called: int
    returned: int
    unknown: bool = False
    mute: bool = False

    @property
    def ended(self) -> float:
        """When it has taken effect at the latest: never, for one that raised."""
        return inf if self.unknown else self.returned

    def precedes(self, other: Operation) -> bool:
        """Tell whether this one was over before the other one began."""
        return self.ended < other.called


def same(result: object, promised: object) -> bool:
    """Equal and of one type: ``1`` is not ``True``."""
    return type(result) is type(promised) and result == promised


def explain(table: Table, before: Rows, operations: Sequence[Operation], after: Rows) -> list[Operation] | None:
    """Find a serial order that gives every result and the final rows.

    What the table changes by itself must be unknown in all rows alike.

    Returns:
        The order, without operations of unknown outcome that never happened; or None: no serial order explains what
        was seen.
    """
    dead: set[tuple[frozenset[int], frozenset[Row]]] = set()

    def search(left: frozenset[int], rows: Rows) -> list[int] | None:
        if rows == after and all(operations[index].unknown for index in left):
            return []
        if (left, frozenset(rows.values())) in dead:
            return None
        first_end = min((operations[index].ended for index in left), default=inf)
        for index in sorted(left):
            if operations[index].called > first_end:
                continue
            for then in _steps(table, rows, operations, index, after):
                rest = search(left - {index}, then)
                if rest is not None:
                    return [index, *rest]
        dead.add((left, frozenset(rows.values())))
        return None

    order = search(frozenset(range(len(operations))), before)
    return None if order is None else [operations[index] for index in order]


def _steps(table: Table, rows: Rows, operations: Sequence[Operation], index: int, after: Rows) -> Iterator[Rows]:
    """All rows that an operation may leave, if it happens next; none, if its result speaks against that."""
    operation = operations[index]
    creates = operation.request.operation == "create"
    if operation.unknown and creates:
        # Nobody was told its row, so nobody has changed it: it is one of those that are there in the end.
        others = [one for one in operations if one.request.operation == "create" and not one.unknown]
        told = {other.result for other in others}
        tried = [replace(operation, result=row) for row in table.in_key_order(set(after.values()) - told)]
    else:
        tried = [operation]
    for one in tried:
        then, promised = apply(table, rows, one.request, one.result)
        if isinstance(promised, NewRow):
            continue
        if same(one.result, promised) or one.mute or (one.unknown and not creates):
            yield then


def objections(
    table: Table, before: Rows, operations: Sequence[Operation], after: Rows
) -> Iterator[tuple[tuple[Operation, ...], str]]:
    """Say of every order of the operations why it does not explain what was seen.

    Yields:
        The order, and the first thing that speaks against it; only orders that something speaks against. Those of
        unknown outcome are in some orders and not in others.
    """
    for order in orders(operations):
        reason = _objection(table, before, order, after)
        if reason:
            yield order, reason


def orders(operations: Sequence[Operation]) -> Iterator[tuple[Operation, ...]]:
    """Every order of the operations, first of all of them, then without some of unknown outcome."""
    unknown = [operation for operation in operations if operation.unknown]
    for count in range(len(unknown) + 1):
        for absent in combinations(unknown, count):
            yield from permutations([operation for operation in operations if operation not in absent])


def _objection(table: Table, rows: Rows, order: tuple[Operation, ...], after: Rows) -> str:
    for place, later in enumerate(order):
        early = next((other for other in order[place + 1 :] if other.precedes(later)), None)
        if early:
            return f"not in this order: {early.client} had returned before {later.client} was called"
    for index, operation in enumerate(order):
        then = next(_steps(table, rows, order, index, after), None)
        if then is None:
            _, promised = apply(table, rows, operation.request, operation.result)
            verb = "left" if operation.unknown else "raised" if promised is REFUSED else "returned"
            return f"{operation.client} would have {verb} {brief(table, promised)}"
        rows = then
    return "" if rows == after else f"would have left {brief_rows(table, rows.values())}"
