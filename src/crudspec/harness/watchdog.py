"""An alarm for calls that block the event loop itself."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType


class Blocked(BaseException):
    """The alarm rang while a backend blocked the event loop. No Exception: the backend may catch all of these."""


def _alarm_is_ours() -> bool:
    """Take the alarm if nobody has it. Asked anew each time: somebody may have come meanwhile."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        return False
    handler = signal.getsignal(signal.SIGALRM)
    if handler in (signal.SIG_DFL, None):
        signal.signal(signal.SIGALRM, _ring)
        return True
    return handler is _ring


class Watchdog:
    """Ends a call that blocks the event loop itself, where no asyncio deadline can fire.

    An interval timer interrupts ``time.sleep`` and most C calls of the main thread. It is left alone where
    somebody else (pytest-timeout, say) already uses the alarm.
    """

    _under_way = 0
    _usable: bool | None = None

    def __init__(self, what: object, limit: float) -> None:
        self._what = what
        self._limit = limit + 2

    def __enter__(self) -> None:
        cls = Watchdog
        if not cls._under_way:
            cls._usable = _alarm_is_ours()
        cls._under_way += 1
        if cls._usable:
            _ring.what, _ring.limit = self._what, self._limit
            signal.setitimer(signal.ITIMER_REAL, self._limit)

    @classmethod
    def give_up(cls) -> None:
        """Ring no more for what is under way: it never ends, and nobody waits for it any longer."""
        cls._under_way = 0
        if cls._usable:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def __exit__(self, *_: object) -> None:
        cls = Watchdog
        cls._under_way = max(0, cls._under_way - 1)
        if not cls._under_way and cls._usable:
            signal.setitimer(signal.ITIMER_REAL, 0)


class _Ring:
    what: object = ""
    limit = 0.0

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        raise Blocked(f"the event loop blocked for {self.limit:g} seconds")


_ring = _Ring()
