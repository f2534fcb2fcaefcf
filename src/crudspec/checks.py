"""What a check of the suite is made of: its clause, what it expects, and how it says what it saw."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import wraps
from typing import Any, TypeVar

import pytest

from crudspec.clauses import BY_ID
from crudspec.failures import ContractBroken
from crudspec.model import Row

MARK = "crudspec_clause"

DRIVERS = frozenset({"aiopg", "asyncpg", "pg8000", "psycopg", "psycopg2", "psycopg_pool", "sqlalchemy"})

_Check = TypeVar("_Check", bound=Callable[..., Any])
_LONGEST = 300
_ABSENT = object()

completed: list[object] = []
"""The ``backend`` of each check that came to its end, for the run to compare with the one it opened itself.

pytest reports a check as passed, too, where a hook of somebody's conftest took the call or the fixture over.
"""


def clause(clause_id: str) -> Callable[[_Check], _Check]:
    """Mark a check with the clause that it belongs to; a coroutine function runs in the suite's loop.

    Raises:
        KeyError: there is no such clause in the catalogue.
    """
    known = BY_ID[clause_id]

    def mark(check: _Check) -> _Check:
        asked = pytest.mark.crudspec_clause(known.id)(_to_its_end(check))
        if inspect.iscoroutinefunction(check):
            # Said on each check, so that it holds whatever asyncio_mode the user's project has.
            asked = pytest.mark.asyncio(loop_scope="session")(asked)
        return asked

    return mark


def _to_its_end(check: _Check) -> Any:
    """The check, noting in :data:`completed` that it came to its end, and with which backend."""

    @wraps(check)
    def plain(**arguments: Any) -> None:
        check(**arguments)
        completed.append(arguments["backend"])

    @wraps(check)
    async def coroutine(**arguments: Any) -> None:
        await check(**arguments)
        completed.append(arguments["backend"])

    return coroutine if inspect.iscoroutinefunction(check) else plain


def shown(value: object) -> str:
    """A value for a failure: its repr, shortened; one that raises is said to; one that is an address is no use."""
    try:
        text = _text(value)
    except Exception as error:  # noqa: BLE001 - the value is a stranger's
        return f"<{type(value).__name__} whose repr raises {type(error).__name__}>"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 60]} … ({len(text)} characters) … {text[-30:]}"


def _text(value: object) -> str:
    if type(value) is list:
        return f"[{', '.join(map(_text, value))}]"
    if type(value).__repr__ is not object.__repr__:
        return repr(value)
    fields = ", ".join(f"{name}={getattr(value, name)!r}" for name in Row._fields if hasattr(value, name))
    return f"<{type(value).__name__} {fields}>" if fields else repr(value)


def shown_call(operation: str, args: Sequence[object]) -> str:
    return f"{operation}({', '.join(shown(arg) for arg in args)})"


def shown_error(error: BaseException) -> str:
    """``type: message`` of an exception, whose ``str`` may itself raise."""
    kind = type(error)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    try:
        text = str(error)
    except Exception as broken:  # noqa: BLE001 - the exception is a stranger's
        text = f"<its str() raises {type(broken).__name__}>"
    first = text.strip().splitlines()[:1]
    # A lone surrogate, which the suite itself passes in, can be neither printed nor sent to another process.
    return f"{name}: {first[0][:_LONGEST].encode(errors='backslashreplace').decode()}" if first else name


def expect(what: str, seen: object, expected: object) -> None:
    """Fail unless both are equal and of one type: ``1`` is not ``True``."""
    if type(seen) is not type(expected) or seen != expected:
        raise ContractBroken(what, expected=shown(expected), seen=shown(seen))


def read(what: str, returned: object) -> Row:
    """Read the four values of a row that a backend returned, exact types included.

    Raises:
        ContractBroken: a value is missing, cannot be read, or is not of the contract's type.
    """
    keyed = isinstance(returned, Mapping)
    row = Row(*[_value(what, returned, name, keyed=keyed) for name in Row._fields])
    _check_type(what, "id", row.id, int)
    _check_type(what, "title", row.title, str)
    _check_type(what, "done", row.done, bool)
    if not isinstance(row.created_at, datetime) or row.created_at.utcoffset() is None:
        raise ContractBroken(f"created_at of {what}", expected="an aware datetime", seen=shown(row.created_at))
    return row


def read_all(what: str, returned: object) -> list[Row]:
    """Read a list of rows; a list or a tuple or any other sequence will do, an iterator or None will not."""
    if not isinstance(returned, Sequence) or isinstance(returned, str | bytes):
        raise ContractBroken(what, expected="a sequence of rows", seen=shown(returned))
    return [read(f"row {index} of {what}", row) for index, row in enumerate(returned)]


def _value(what: str, returned: Any, name: str, *, keyed: bool) -> Any:
    try:
        if not keyed and (value := getattr(returned, name, _ABSENT)) is not _ABSENT:
            return value
        return returned[name]  # asyncpg.Record has keys but is no Mapping
    except Exception as error:
        seen = f"{shown(returned)} of type {type(returned).__name__}"
        if not isinstance(error, LookupError | TypeError | AttributeError):
            seen = f"reading it raised {shown_error(error)}"
        raise ContractBroken(
            what, expected=f"a row with {', '.join(Row._fields)} as attributes or keys", seen=f"no {name!r}: {seen}"
        ) from error


def _check_type(what: str, name: str, value: object, wanted: type) -> None:
    if type(value) is not wanted:
        raise ContractBroken(
            f"{name} of {what}",
            expected=f"exactly {wanted.__name__}",
            seen=f"{shown(value)} of type {type(value).__name__}",
        )


def is_drivers_own(error: BaseException) -> bool:
    """Tell whether an exception's class, or one that it derives from, belongs to a database driver."""
    return any(kind.__module__.partition(".")[0] in DRIVERS for kind in type(error).__mro__)


async def refuses(what: str, call: Awaitable[object], *allowed: type[Exception]) -> Exception:
    """Await a call that must raise one of the given builtins, by a class that is not the driver's own.

    Returns:
        The exception, for a check that wants to look at it.

    Raises:
        ContractBroken: it returned, or raised something else.
    """
    names = ["an exception" if kind is Exception else kind.__name__ for kind in allowed]
    kinds = f"{' or '.join(names)}, not the driver's own"
    try:
        returned = await call
    except ContractBroken:
        raise
    except Exception as error:
        own = is_drivers_own(error)
        if isinstance(error, allowed) and not own:
            return error
        why = " (the driver's own exception)" if own else ""
        raise ContractBroken(what, expected=kinds, seen=f"raised {shown_error(error)}{why}") from error
    raise ContractBroken(what, expected=kinds, seen=f"returned {shown(returned)}")
