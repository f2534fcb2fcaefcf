"""Reading what a backend returned: a row by attributes or by keys, exact types, and no more than there can be."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from crudspec.contract.causes import COLUMN
from crudspec.contract.failures import ContractBroken
from crudspec.entity.row import UNREAD, Row
from crudspec.entity.types import WrongType
from crudspec.truth.shown import shown, shown_error

if TYPE_CHECKING:
    from crudspec.entity.table import Column, Table

_ABSENT = object()


def read(table: Table, what: str, returned: object, *, hidden: Collection[str] = ()) -> Row:
    """Read the values of a row that a backend returned, exact types included.

    Args:
        table: That it is a row of.
        what: The row, for a failure.
        returned: It.
        hidden: Columns that another clause is known to report: where one is missing or of another type here, too, it
            is :data:`~crudspec.entity.row.UNREAD`; where it is there, it is as good as the others.

    Raises:
        ContractBroken: a value is missing, cannot be read, or is not of the contract's type.
    """
    keyed = isinstance(returned, Mapping)
    values = []
    for column in table.columns:
        if table.returns and column.name not in table.returns:
            values.append(UNREAD)
            continue
        try:
            values.append(_read(column, what, _value(table, what, returned, column.name, keyed=keyed)))
        except ContractBroken:
            if column.name not in hidden:
                raise
            values.append(UNREAD)
    return table.Row(values)


def read_all(table: Table, what: str, returned: object, *, hidden: Collection[str] = ()) -> list[Row]:
    """Read a list of rows; a list or a tuple or any other sequence will do, an iterator or None will not.

    Raises:
        ContractBroken: it is none, has no end, or a row in it is wrong.
    """
    if not isinstance(returned, Sequence) or isinstance(returned, str | bytes):
        raise ContractBroken(what, expected="a sequence of rows", seen=shown(returned))
    rows = []
    try:
        for index, row in enumerate(returned):
            if index == _MOST_ROWS:
                raise ContractBroken(what, expected="the rows that there are", seen=f"{_MOST_ROWS:,} rows and more")
            rows.append(read(table, f"row {index} of {what}", row, hidden=hidden))
    except ContractBroken:
        raise
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise ContractBroken(what, expected="a sequence of rows", seen=f"raised {shown_error(error)}") from error
    return rows


_MOST_ROWS = 20_000
"""Twice as many as any check stores: a sequence that has more does not end."""


def _value(table: Table, what: str, returned: Any, name: str, *, keyed: bool) -> Any:
    try:
        if not keyed and (value := getattr(returned, name, _ABSENT)) is not _ABSENT:
            return value
        return returned[name]  # asyncpg.Record has keys but is no Mapping
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        seen = f"{shown(returned)} of type {type(returned).__name__}"
        if not isinstance(error, LookupError | TypeError | AttributeError):
            seen = f"reading it raised {shown_error(error)}"
        raise ContractBroken(
            what,
            expected=f"a row with {', '.join(table.returns or table.by_name)} as attributes or keys",
            seen=f"no {name!r}: {seen}",
            cause=f"{COLUMN}: {name}",
        ) from error


def _read(column: Column, what: str, value: object) -> object:
    """The value as the contract has it.

    Raises:
        ContractBroken: it is not exactly of the column's type: a subclass may compare equal to everything.
    """
    if value is None and column.nullable:
        return None
    try:
        return column.type.read(value)
    except WrongType as wrong:
        raise ContractBroken(
            f"{column.name} of {what}",
            expected=wrong.expected,
            seen=f"{shown(value)} of type {type(value).__name__}",
            cause=f"{COLUMN}: {column.name}",
        ) from None
