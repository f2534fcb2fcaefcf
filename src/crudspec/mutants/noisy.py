"""The four ways made noisy, as a first version of a data layer is: a lie must not be lost in what is wrong already.

Their driver's exceptions reach the caller, values go to the server as they are, and nothing has a timeout. The mutants
are written on the four ways as they are, and read what those raise; so it is what leaves a mutant that is made noisy.
"""

from __future__ import annotations

import importlib
import sys
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from crudspec.backends import common
from crudspec.backends.registry import BUILT_IN
from crudspec.errors import CrudError
from crudspec.task import can_exist, check_done, check_title
from crudspec.translation.border import bordered

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    _Kinds = Mapping[type[Exception], type[CrudError]]

A_DAY = 86_400.0
"""Seconds: no call of a hunt lives to see such a timeout."""

_MARK = "_crudspec_noise"

_is_noisy: ContextVar[bool] = ContextVar("crudspec_is_noisy", default=False)
"""Whether values go unchecked. Each ``connect`` sets it, and so each call has it as its own class wants it: the company
in a mix is to be right."""


def make_noisy() -> None:
    """Make the four ways noisy in this process, for good: before a gallery is imported that takes names from them."""
    common.named = _marking(common.named)  # ty: ignore[invalid-assignment]
    for target in BUILT_IN.values():
        place, _, name = target.partition(":")
        module: Any = importlib.import_module(place)
        getattr(module, name).timeout = A_DAY
        _set_where_connected(getattr(module, name), False)
    _replace(check_title, lambda title: title if _is_noisy.get() else check_title(title))
    _replace(check_done, lambda done: done if _is_noisy.get() else check_done(done))
    _replace(can_exist, lambda task_id: _is_noisy.get() or can_exist(task_id))
    from crudspec.backends import sqlmodel

    # What Pydantic checks is checked in the two of these. A dict is as good as a model to both of their callers.
    # SQLModel is company to nobody.
    sqlmodel.TaskData.model_validate = classmethod(lambda _, values: values)  # ty: ignore[invalid-assignment]
    sqlmodel.TaskRow.model_validate = classmethod(lambda cls, values: cls(**values))  # ty: ignore[invalid-assignment]


def noisy(cls: type) -> Any:
    """The backend, with what the four ways have translated untranslated where it leaves.

    An error that a mutant itself has made is its lie, and stays.
    """
    kind = bordered(cls, _untranslated)
    _set_where_connected(kind, True)
    return kind


def _set_where_connected(cls: Any, is_noisy: bool) -> None:
    inner = cls.connect.__func__

    @asynccontextmanager
    async def connect(own: type, *args: object, **kwargs: object) -> AsyncGenerator[Any]:
        async with inner(own, *args, **kwargs) as backend:
            _is_noisy.set(is_noisy)
            yield backend

    cls.connect = classmethod(connect)


def _untranslated(error: Exception, _: str) -> Exception | None:
    cause = error.__cause__
    return cause if getattr(error, _MARK, False) and isinstance(cause, Exception) else None


def _marking(name: Callable[[Exception, _Kinds], CrudError]) -> Callable[[Exception, _Kinds], CrudError]:
    def marked(error: Exception, kinds: _Kinds) -> CrudError:
        named = name(error, kinds)
        setattr(named, _MARK, True)
        return named

    return marked


def _replace(function: Any, other: Any) -> None:
    """Wherever a module of crudspec has taken the function by name."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "crudspec" and name != __name__:
            for attribute, value in list(vars(module).items()):
                if value is function:
                    setattr(module, attribute, other)
