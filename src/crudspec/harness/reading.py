"""Reading what a backend returned: a row by attributes or by keys, exact types, and no more than there can be."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from crudspec.contract.causes import COLUMN
from crudspec.contract.failures import ContractBroken
from crudspec.truth.model import UNREAD, Row
from crudspec.truth.shown import shown, shown_error

_ABSENT = object()


def read(what: str, returned: object, *, hidden: Collection[str] = ()) -> Row:
    """Read the four values of a row that a backend returned, exact types included.

    Args:
        what: The row, for a failure.
        returned: It.
        hidden: Columns that another clause is known to report: where one is missing or of another type here, too, it
            is :data:`~crudspec.truth.model.UNREAD`; where it is there, it is as good as the others.

    Raises:
        ContractBroken: a value is missing, cannot be read, or is not of the contract's type.
    """
    keyed = isinstance(returned, Mapping)
    values = {}
    for name, kind in _TYPES.items():
        try:
            values[name] = _value(what, returned, name, keyed=keyed)
            _check_type(what, name, values[name], kind)
        except ContractBroken:
            if name not in hidden:
                raise
            values[name] = UNREAD
    return Row(**values)


def read_all(what: str, returned: object, *, hidden: Collection[str] = ()) -> list[Row]:
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
            rows.append(read(f"row {index} of {what}", row, hidden=hidden))
    except ContractBroken:
        raise
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise ContractBroken(what, expected="a sequence of rows", seen=f"raised {shown_error(error)}") from error
    return rows


_TYPES: dict[str, type] = {"id": int, "title": str, "done": bool, "created_at": datetime}

_MOST_ROWS = 20_000
"""Twice as many as any check stores: a sequence that has more does not end."""


def _value(what: str, returned: Any, name: str, *, keyed: bool) -> Any:
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
            expected=f"a row with {', '.join(Row._fields)} as attributes or keys",
            seen=f"no {name!r}: {seen}",
            cause=f"{COLUMN}: {name}",
        ) from error


def _check_type(what: str, name: str, value: object, wanted: type) -> None:
    # Exactly: a subclass may compare equal to everything.
    exact = type(value) is wanted
    if exact and wanted is datetime:
        exact = _is_aware(value)
    if not exact:
        raise ContractBroken(
            f"{name} of {what}",
            expected="an aware datetime" if wanted is datetime else f"exactly {wanted.__name__}",
            seen=f"{shown(value)} of type {type(value).__name__}",
            cause=f"{COLUMN}: {name}",
        )


def _is_aware(value: Any) -> bool:
    try:
        return value.utcoffset() is not None
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - its time zone is a stranger's
        return False
