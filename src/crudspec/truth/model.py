"""What a table does with one operation, and what that has to return: the one place where it is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crudspec.entity.row import Row, matches
from crudspec.truth.shown import shown_values

if TYPE_CHECKING:
    from crudspec.entity.row import Key
    from crudspec.entity.table import Table

Rows = Mapping["Key", Row]
"""Every row of a table, by its key."""


@dataclass(frozen=True, slots=True)
class Request:
    """One operation, as it is asked for.

    Attributes:
        operation: ``create``, ``get``, ``list_all``, ``update`` or ``delete``.
        key: Of the row that it is about; empty for ``create`` and ``list_all``.
        values: What ``create`` or ``update`` is given.
        forbidden: Its key or one of its values is none that may be.
    """

    operation: str
    key: Key = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    forbidden: bool = False


class _Refused:
    """Stands where an exception has to be raised."""

    def __repr__(self) -> str:
        return "an exception"


REFUSED: Any = _Refused()


class NewRow:
    """What a create has to return where the row that it returned, if it did, will not do."""

    def __init__(self, row: Row, given: Mapping[str, Any]) -> None:
        self.row = row
        self._given = given

    def __repr__(self) -> str:
        return f"a new row with {shown_values(self._given)}"


def apply(table: Table, rows: Rows, request: Request, result: object = None) -> tuple[Rows, Any]:
    """Run one operation with nothing else going on.

    Args:
        table: What it is about.
        rows: That are there.
        request: The operation.
        result: What it has returned; of a created row, what the server chooses is taken from there.

    Returns:
        The rows afterwards, and what the operation has to return. A create whose result cannot be right leaves them as
        they were, and has to return a :class:`NewRow`.
    """
    if request.forbidden:
        return rows, REFUSED
    key, values = request.key, request.values
    if request.operation == "create":
        wanted = table.created(values)
        new = result if isinstance(result, Row) and matches(wanted, result) else wanted
        if wanted.key in rows or table.collides(new, rows.values()):
            return rows, REFUSED
        if new is wanted or new.key in rows:
            return rows, NewRow(wanted, values)
        return {**rows, new.key: new}, new
    if request.operation == "list_all":
        return rows, table.sort(rows.values())
    found = rows.get(key)
    if request.operation == "get":
        return rows, found
    if found is None:
        return rows, False
    if request.operation == "delete":
        return {other: row for other, row in rows.items() if other != key}, True
    then = table.updated(found, values)
    if table.collides(then, rows.values()):
        return rows, REFUSED
    return {**rows, key: then}, True


class Model:
    """The rows after any program. What the server chooses of a new row, ``create`` is told."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.rows: Rows = {}
        self._used: set[Key] = set()

    def promises(self, request: Request) -> Any:
        """What the operation has to return; all but a create take effect."""
        self.rows, promised = apply(self.table, self.rows, request)
        return promised

    def created(self, row: Row) -> str | None:
        """Take over a row that was just created; returns what is wrong with its key, if anything is."""
        if row.key in self.rows or (self.table.server_makes_key and row.key in self._used):
            return f"{self.table.shown_key(row.key)} was used before"
        self._used.add(row.key)
        self.rows = {**self.rows, row.key: row}
        return None

    def learned(self, rows: list[Row]) -> None:
        """Take over what the server has chosen by itself, from rows that match those here."""
        self.rows = {row.key: row for row in rows}

    def in_key_order(self) -> list[Row]:
        return self.table.in_key_order(self.rows.values())
