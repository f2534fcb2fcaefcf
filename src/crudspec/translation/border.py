"""A backend class like another one, but for the exceptions that leave it."""

from __future__ import annotations

import inspect
import types
from functools import wraps
from typing import TYPE_CHECKING, Any, cast

from crudspec.contract.clauses import CLAUSES
from crudspec.entity.tasks import methods_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine
    from types import TracebackType

    Instead = Callable[[Exception, str], Exception | None]
    """What is raised instead of an exception that leaves a method of that name; None: it goes on as it is."""

_CLAIMS = frozenset({name for clause in CLAUSES for name in clause.claimed_by})
"""Attributes that claim a clause only where they stand in the class itself."""


def bordered(cls: type, instead: Instead) -> Any:
    """Derive a class whose ``connect`` and five operations raise something else than the class's own.

    A class that is derived, and not the class changed: whoever else uses it in this process sees no difference. It
    has the name of the class, is of its module, and claims what that claims.

    Args:
        cls: The backend, synchronous or not.
        instead: Is asked about each exception that leaves a method, and answers with one that has its ``__cause__``
            already. It is not asked about what is no ``Exception``, such as a cancellation, nor about what comes from
            the block under ``connect`` and only passes through.
    """
    names = ("__module__", "__qualname__", "__doc__", *(name for name in _CLAIMS if name in vars(cls)))
    body: dict[str, Any] = {name: getattr(cls, name) for name in names}

    def operation(name: str) -> Callable[..., Any]:
        original = getattr(cls, name)

        def bound(self: object) -> Callable[..., Any]:
            return getattr(
                super(kind, cast("Any", self)), name
            )  # whatever the class has there: a function, or a static one

        if inspect.iscoroutinefunction(original):

            @wraps(original)
            async def coroutine(self: object, *args: object, **kwargs: object) -> Any:
                with _Border(instead, name):
                    return await bound(self)(*args, **kwargs)

            return coroutine

        @wraps(original)
        def plain(self: object, *args: object, **kwargs: object) -> Any:
            return _call(bound(self), instead, name, *args, **kwargs)

        return plain

    @classmethod
    def connect(own: type, *args: object, **kwargs: object) -> Any:
        with _Border(instead, "connect"):
            context = super(kind, cast("Any", own)).connect(*args, **kwargs)
        if hasattr(context, "__aenter__"):
            return _AsyncContext(context, instead, kind)
        return _Context(context, instead, kind) if hasattr(context, "__enter__") else context

    body |= {name: operation(name) for name in methods_of(cls).values()} | {"connect": connect}
    kind = types.new_class(cls.__name__, (cls,), exec_body=lambda namespace: namespace.update(body))
    return kind


class _Border:
    """Raises something else instead of an exception that leaves its block."""

    def __init__(self, instead: Instead, name: str, *, passing: BaseException | None = None) -> None:
        self._instead = instead
        self._name = name
        self._passing = passing

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, Exception) and error is not self._passing:
            other = self._instead(error, self._name)
            if other is not None:
                raise other


def _call(method: Callable[..., Any], instead: Instead, name: str, *args: object, **kwargs: object) -> Any:
    """Call a method that may be a coroutine function in disguise: decorated, or a partial one."""
    with _Border(instead, name):
        answer = method(*args, **kwargs)
    return _awaited(answer, instead, name) if inspect.isawaitable(answer) else answer


async def _awaited(answer: Any, instead: Instead, name: str) -> Any:
    with _Border(instead, name):
        return await answer


class _AsyncContext:
    """What ``connect`` returned, entered and left over the border."""

    def __init__(self, context: Any, instead: Instead, kind: type) -> None:
        self._context = context
        self._instead = instead
        self._kind = kind

    async def __aenter__(self) -> Any:
        with _Border(self._instead, "connect"):
            return _faced(await self._context.__aenter__(), self._instead, self._kind)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> Any:
        with _Border(self._instead, "connect", passing=error):
            return await self._context.__aexit__(kind, error, traceback)


class _Context:
    """The same for a synchronous backend."""

    def __init__(self, context: Any, instead: Instead, kind: type) -> None:
        self._context = context
        self._instead = instead
        self._kind = kind

    def __enter__(self) -> Any:
        with _Border(self._instead, "connect"):
            return _faced(self._context.__enter__(), self._instead, self._kind)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> Any:
        with _Border(self._instead, "connect", passing=error):
            return self._context.__exit__(kind, error, traceback)


def _faced(entered: Any, instead: Instead, kind: type) -> Any:
    """What was entered; behind a face where it is of another class, as where ``connect`` names its own by name."""
    return entered if isinstance(entered, kind) else _Face(entered, instead, methods_of(kind).values())


class _Face:
    """An object whose five operations lead over the border."""

    def __init__(self, inner: object, instead: Instead, methods: Collection[str]) -> None:
        self._inner = inner
        self._instead = instead
        self._methods = methods

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        if name not in self._methods:
            return value

        def operation(*args: object, **kwargs: object) -> Any | Coroutine[Any, Any, Any]:
            return _call(value, self._instead, name, *args, **kwargs)

        return operation
