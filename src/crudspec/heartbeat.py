"""Signs of life, for a process that watches over the one in which the checks run."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_EVERY = 0.5
"""Seconds between two signs, unless the next thing may take longer than what was said before."""

# Bound here: a backend that replaces the clock changes nothing of this.
_now = monotonic


class Heart:
    """Says that something is under way, and how long it may take; nothing where nobody listens."""

    def __init__(self) -> None:
        self.listener: Callable[[float, str], None] | None = None
        self._next = 0.0
        self._until = 0.0
        self._backend = ""

    def beat(self, limit: float, backend: str = "") -> None:
        """Say that what begins now ends within ``limit`` seconds, of itself or by a deadline of ours.

        Args:
            limit: In seconds.
            backend: Name of the backend that is called.
        """
        if self.listener is None:
            return
        now = _now()
        if now >= self._next or now + limit > self._until or backend != self._backend:
            self._next, self._until, self._backend = now + _EVERY, now + limit + _EVERY, backend
            self.listener(limit, backend)


heart = Heart()
beat = heart.beat
