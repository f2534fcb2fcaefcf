"""Which clause a check belongs to, and whether it came to its end."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar

import pytest

from crudspec.contract.clauses import BY_ID
from crudspec.contract.failures import ContractBroken, Inconclusive, NotApplicable, Unfit

MARK = "crudspec_clause"

_Check = TypeVar("_Check", bound=Callable[..., Any])

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


async def _refuted(backend: Any, check: Callable[..., Any], arguments: Mapping[str, Any]) -> None:
    """Ask the reference backend the same: where it fails, too, the clause was not asked."""
    try:
        await backend.refute(check, arguments)
    except Unfit:
        backend.abilities.failed.discard(backend.abilities.asking)
        raise


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
        except NotApplicable:
            raise
        except Exception as error:
            if not isinstance(error, Inconclusive):
                abilities = arguments["backend"].abilities
                abilities.failed.add(abilities.asking)
            backend = arguments["backend"]
            explain = backend.explain
            cause = error if explain is None else await explain(error)
            if cause is error:
                if backend.refute is not None and isinstance(error, ContractBroken):
                    await _refuted(backend, check, arguments)
                raise
            raise cause from error
        completed.append(arguments["backend"])

    return coroutine if inspect.iscoroutinefunction(check) else plain
