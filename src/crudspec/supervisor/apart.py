"""One function, run in a process of its own: what calls a backend outside of the suite."""

from __future__ import annotations

import contextlib
import os
import signal
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, TypeVar

from crudspec.supervisor.link import die_with

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

T = TypeVar("T")

_CONTEXT = get_context("spawn")  # not fork: this process may have threads


class Ended(Exception):
    """The process ended, or had to be ended, before the function returned; the message says how."""


class Refused(Exception):
    """The function raised one of the errors that it may: what was asked makes no sense."""


def apart(function: Callable[..., T], *args: Any, limit: float, refuses: tuple[type[Exception], ...] = ()) -> T:
    """Call a function in a process of its own, and return what it returns.

    Args:
        function: Of a module, not of a backend's; what it returns has to consist of builtins and classes of ours.
        args: For it.
        limit: Seconds that it may take.
        refuses: Errors of it that are the caller's.

    Raises:
        Ended: there is no answer.
        Refused: it raised one of ``refuses``.
    """
    receiver, sender = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=_answer, args=(sender, os.getpid(), function, args, refuses), daemon=True)
    process.start()
    sender.close()
    try:
        if not receiver.poll(limit):
            raise Ended(f"the process was not done after {limit:g} seconds")
        with contextlib.suppress(EOFError, OSError):
            answer, refused = receiver.recv()
            if refused:
                raise Refused(refused)
            return answer
        process.join(5)
        raise Ended(f"the process ended, {_how(process.exitcode)}")
    finally:
        process.kill()
        process.join()
        receiver.close()


def _how(code: int | None) -> str:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(-code).name}"
    return f"with exit status {code}"


def _answer(
    to: Connection,
    parent: int,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    refuses: tuple[type[Exception], ...],
) -> None:
    die_with(parent)
    try:
        answer, refused = function(*args), ""
    except refuses as error:
        answer, refused = None, str(error) or type(error).__name__
    to.send((answer, refused))
    os._exit(0)  # threads and hooks of the backend may not let it end
