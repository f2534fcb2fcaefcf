"""How the keeper learns that it is over: wherever it is, a :class:`Stop` is raised there."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from crudspec.server.process import Identity, Watch

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import FrameType

LOOK_EVERY = 0.1
"""Seconds between two looks at the owner.

A timer signal rather than a thread: the children are forked with a ``preexec_fn``, which is only safe in a
process with a single thread, and a signal also gets through to a library that waits for a Docker daemon.
"""


class Stop(BaseException):
    """The owner is gone, or asked for an end. Not an ``Exception``, so that no library swallows it."""


class Interrupts:
    """Turns the owner's end, or a SIGTERM, into one :class:`Stop` in the main thread."""

    def __init__(self, owner: Identity | None = None) -> None:
        self._watch = Watch(owner) if owner else None
        self._held = 0
        self._due = False
        self._over = False

    def install(self) -> None:
        """From now on; SIGINT and SIGHUP are for the terminal's processes and not for this one."""
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, self._on_term)
        signal.signal(signal.SIGALRM, self._on_alarm)
        signal.setitimer(signal.ITIMER_REAL, LOOK_EVERY, LOOK_EVERY)

    @contextmanager
    def held(self) -> Generator[None]:
        """Put a stop off until the block's end: what is created in it is known by then, and can be removed."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
        if self._due:
            self._stop()

    def _on_term(self, _number: int, _frame: FrameType | None) -> None:
        self._stop()

    def _on_alarm(self, _number: int, _frame: FrameType | None) -> None:
        if self._watch is not None and self._watch.gone():
            self._stop()

    def _stop(self) -> None:
        """Raise, once: the clean-up that follows must not be interrupted by a second reason to stop."""
        self._due = True
        if not self._held and not self._over:
            self._over = True
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise Stop
