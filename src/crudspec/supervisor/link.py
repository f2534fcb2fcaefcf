"""The child's end of the two pipes: commands come in, events go out."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

from crudspec.record.events import to_json

if TYPE_CHECKING:
    from crudspec.record.events import Event

_PR_SET_PDEATHSIG = 1

# Bound here: what a backend does to these modules changes nothing of the link.
_read, _write, _pid, _exit = os.read, os.write, os.getpid, os._exit
_loads = json.loads


def die_with(parent: int) -> None:
    """Have the system end this process when its parent ends, where it can; at once if that has happened already.

    Also where a call of the backend never gives the interpreter back to another thread.
    """
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent:
        _exit(1)


class Link:
    """Talks to the parent. A process that a backend has forked has nothing to say to it."""

    def __init__(self, commands: int, events: int) -> None:
        self._commands = commands
        self._events = events
        self._owner = _pid()
        self._lock = threading.Lock()
        self._pending = b""
        for descriptor in (commands, events):
            os.set_inheritable(descriptor, False)

    def tell(self, event: Event) -> None:
        """Send one event.

        It begins on a line of its own: an alarm may have ended the one before in the middle.
        """
        if _pid() != self._owner:
            _exit(1)
        data = f"\n{to_json(event)}\n".encode()
        with self._lock:
            while data:
                data = data[_write(self._events, data) :]

    def command(self) -> dict[str, Any]:
        """Wait for the next command; where the parent is gone, so is this process."""
        while True:
            if _pid() != self._owner:
                _exit(1)
            line, newline, rest = self._pending.partition(b"\n")
            if newline:
                self._pending = rest
                return _loads(line)
            more = _read(self._commands, 65536)
            if not more:
                _exit(1)
            self._pending += more

    def end_with_parent(self, parent: int) -> None:
        """From now on, this process ends when the parent does, however that one ends."""
        die_with(parent)
        threading.Thread(target=self._watch, name="crudspec-link", daemon=True).start()

    def _watch(self) -> None:
        poll = select.poll()
        poll.register(self._commands, 0)  # nothing but the other end's closing
        while not any(state & (select.POLLHUP | select.POLLERR) for _, state in poll.poll()):
            pass
        _exit(1)
