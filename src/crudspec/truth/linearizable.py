"""Whether some serial order explains what concurrent operations returned and left behind.

The definition is Herlihy and Wing's (*Linearizability: A Correctness Condition for Concurrent Objects*, 1990), the
search Wing and Gong's (*Testing and Verifying Concurrent Objects*, 1993): take any operation that did not begin
after another one had ended, see whether a table that knows only one operation at a time gives the same result, and
go on with the rest. What a table does with one operation is said here once more, in a few lines of its own.

Of an operation that raised nobody knows whether it happened: it may have taken effect at any moment after its call,
also after it raised, or never.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, permutations
from math import inf

from crudspec.truth.model import Row
from crudspec.truth.shown import shown

Table = frozenset[Row]
"""Every row of the table."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation that has come to its end, or has raised.

    Attributes:
        client: Who called it, for the reader.
        name: ``create``, ``get``, ``update`` or ``delete``.
        args: As it was called.
        result: What it returned; rows as :class:`~crudspec.truth.model.Row`.
        called: When it was called, on any clock that only goes forward.
        returned: When it returned, on the same clock. What returned before another was called comes first.
        unknown: It raised: it may have happened or not, and ``result`` and ``returned`` mean nothing.
        mute: Its result is not to be looked at.
    """

    client: str
    name: str
    args: tuple[object, ...]
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


class _NewRow:
    """What a create had to return where the row that it returned will not do."""

    def __init__(self, title: object) -> None:
        self._title = title

    def __repr__(self) -> str:
        return f"a new row with title {shown(self._title)}, not done"


def apply(table: Table, operation: Operation) -> tuple[Table, object]:
    """Run one operation with nothing else going on.

    Returns:
        The table afterwards, and what the operation has to return. The id and time of a created row are the
        server's to choose: they are taken from the result, if it can be right.
    """
    if operation.name == "create":
        row, title = operation.result, operation.args[0]
        taken = {other.id for other in table}
        if not isinstance(row, Row) or row.id in taken or row != row.but(title=title, done=False):
            return table, _NewRow(title)
        return table | {row}, row
    found = next((row for row in table if row.id == operation.args[0]), None)
    if operation.name == "get":
        return table, found
    if found is None:
        return table, False
    rest = table - {found}
    if operation.name == "delete":
        return rest, True
    title, done = operation.args[1:]
    assert isinstance(title, str)
    assert isinstance(done, bool)
    return rest | {found.but(title=title, done=done)}, True


def same(result: object, promised: object) -> bool:
    """Equal and of one type: ``1`` is not ``True``."""
    return type(result) is type(promised) and result == promised


def explain(before: Table, operations: Sequence[Operation], after: Table) -> list[Operation] | None:
    """Find a serial order that gives every result and the final table.

    Returns:
        The order, without operations of unknown outcome that never happened; or None: no serial order explains what
        was seen.
    """
    dead: set[tuple[frozenset[int], Table]] = set()

    def search(left: frozenset[int], table: Table) -> list[int] | None:
        if table == after and all(operations[index].unknown for index in left):
            return []
        if (left, table) in dead:
            return None
        first_end = min((operations[index].ended for index in left), default=inf)
        for index in sorted(left):
            if operations[index].called > first_end:
                continue
            for then in _steps(table, operations, index, after):
                rest = search(left - {index}, then)
                if rest is not None:
                    return [index, *rest]
        dead.add((left, table))
        return None

    order = search(frozenset(range(len(operations))), before)
    return None if order is None else [operations[index] for index in order]


def _steps(table: Table, operations: Sequence[Operation], index: int, after: Table) -> Iterator[Table]:
    """Every table that an operation may leave, if it happens next; none, if its result speaks against that."""
    operation = operations[index]
    if operation.unknown and operation.name == "create":
        # Nobody was told its row, so nobody has changed it: it is one of those that are there in the end.
        told = {other.result for other in operations if other.name == "create" and not other.unknown}
        tried = [replace(operation, result=row) for row in sorted(after - told, key=lambda row: row.id)]
    else:
        tried = [operation]
    for one in tried:
        then, promised = apply(table, one)
        if same(one.result, promised) or one.mute or (one.unknown and one.name != "create"):
            yield then


def objections(
    before: Table, operations: Sequence[Operation], after: Table
) -> Iterator[tuple[tuple[Operation, ...], str]]:
    """Say of every order of the operations why it does not explain what was seen.

    Yields:
        The order, and the first thing that speaks against it; only orders that something speaks against. Those of
        unknown outcome are in some orders and not in others.
    """
    for order in orders(operations):
        reason = _objection(before, order, after)
        if reason:
            yield order, reason


def orders(operations: Sequence[Operation]) -> Iterator[tuple[Operation, ...]]:
    """Every order of the operations, first of all of them, then without some of unknown outcome."""
    unknown = [operation for operation in operations if operation.unknown]
    for count in range(len(unknown) + 1):
        for absent in combinations(unknown, count):
            yield from permutations([operation for operation in operations if operation not in absent])


def _objection(table: Table, order: tuple[Operation, ...], after: Table) -> str:
    for place, later in enumerate(order):
        early = next((other for other in order[place + 1 :] if other.precedes(later)), None)
        if early:
            return f"not in this order: {early.client} had returned before {later.client} was called"
    for index, operation in enumerate(order):
        then = next(_steps(table, order, index, after), None)
        if then is None:
            _, promised = apply(table, operation)
            verb = "left" if operation.unknown else "returned"
            return f"{operation.client} would have {verb} {brief(promised)}"
        table = then
    return "" if table == after else f"would have left {brief_table(table)}"


def brief(value: object) -> str:
    """A result for a reader who knows the columns: a row as ``(id, title, done)``."""
    return f"({value.id}, {shown(value.title)}, {value.done})" if isinstance(value, Row) else shown(value)


def brief_table(rows: Iterable[Row]) -> str:
    """The rows in id order, or ``no row``."""
    return ", ".join(brief(row) for row in sorted(rows)) or "no row"
