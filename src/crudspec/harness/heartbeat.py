"""Signs of life, for a process that watches over the one in which the checks run."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from mmap import mmap

_EVERY = 0.5
"""Seconds between two signs, unless the next thing may take longer than what was said before."""

# Bound here: a backend that replaces the clock changes nothing of this.
_now = monotonic


SIZE = 512
"""Bytes of the place that both processes see."""


class Heart:
    """Says that something is under way, and how long it may take; nothing where nobody listens.

    Attributes:
        listener: Takes a sign of life: how long it may be silent.
        place: Shows what was called last, to the other process too, also when this one is gone: it costs nothing to
            write, and so every call is there.
        phase: What pytest does: ``setup``, ``call`` or ``teardown``.
    """

    def __init__(self) -> None:
        self.listener: Callable[[float], None] | None = None
        self.place: mmap | None = None
        self.phase = ""
        self._next = 0.0
        self._until = 0.0
        self._written: dict[tuple[str, str, str], bytes] = {}

    def beat(self, limit: float, backend: str, operation: str) -> None:
        """Say that what begins now ends within ``limit`` seconds, of itself or by a deadline of ours.

        Args:
            limit: In seconds.
            backend: Name of the backend that is called.
            operation: What is called.
        """
        if self.listener is None:
            return
        if self.place is not None:
            key = self.phase, backend, operation
            if key not in self._written:
                self._written[key] = "\n".join(key).encode()[:SIZE].ljust(SIZE, b"\0")
            self.place[:SIZE] = self._written[key]
        now = _now()
        if now >= self._next or now + limit > self._until:
            # Another call may be under way, and for longer.
            self._next, self._until = now + _EVERY, max(self._until, now + limit + _EVERY)
            self.listener(self._until - now)


def read_place(content: bytes) -> tuple[str, str, str]:
    """Phase, backend and operation, as they were written last; empty where nothing was called."""
    phase, backend, operation, *_ = [*content.rstrip(b"\0").decode(errors="replace").split("\n"), "", "", ""]
    return phase, backend, operation


heart = Heart()
beat = heart.beat
