"""What a check of the suite is made of: its clause, what it expects, and how it says what it saw."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

import pytest

from crudspec.causes import ACCEPTED
from crudspec.clauses import BY_ID, Consequence
from crudspec.failures import ContractBroken, Inconclusive
from crudspec.model import Row, matches

MARK = "crudspec_clause"

_Check = TypeVar("_Check", bound=Callable[..., Any])
_LONGEST = 300

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
        try:
            await check(**arguments)
        except Exception as error:
            if not isinstance(error, Inconclusive):
                abilities = arguments["backend"].abilities
                abilities.failed.add(abilities.asking)
            explain = arguments["backend"].explain
            cause = error if explain is None else await explain(error)
            if cause is error:
                raise
            raise cause from error
        completed.append(arguments["backend"])

    return coroutine if inspect.iscoroutinefunction(check) else plain


def shown(value: object) -> str:
    """A value for a failure: its repr, shortened; one that raises is said to; one that is an address is no use."""
    try:
        text = _text(value)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - the value is a stranger's
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
    except KeyboardInterrupt:
        raise
    except BaseException as broken:  # noqa: BLE001 - the exception is a stranger's
        text = f"<its str() raises {type(broken).__name__}>"
    first = text.strip().splitlines()[:1]
    # A lone surrogate, which the suite itself passes in, can be neither printed nor sent to another process.
    return f"{name}: {first[0][:_LONGEST].encode(errors='backslashreplace').decode()}" if first else name


def expect(what: str, seen: object, expected: object) -> None:
    """Fail unless both are equal and of one type: ``1`` is not ``True``; rows are compared by what both have."""
    if not matches(expected, seen):
        raise ContractBroken(what, expected=shown(expected), seen=shown(seen))


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
        """Try one value. What breaks the promise is noted; a hang is raised at once, as the next would hang, too."""
        try:
            yield
        except Inconclusive:
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
