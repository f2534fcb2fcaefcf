"""Processes by identity: a process id alone may be somebody else by now."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple


class Identity(NamedTuple):
    """One process for ever: its id and when it started, in the words of the operating system."""

    pid: int
    started: str


def identify(pid: int) -> Identity | None:
    """Return who has that process id now; None if nobody, or only the remains of a dead process."""
    started = _started_linux(pid) if sys.platform == "linux" else _started_ps(pid)
    return Identity(pid, started) if started else None


def _started_linux(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The command name is in brackets and may itself have blanks and brackets in it: cut after the last one.
    state, *rest = stat.rpartition(")")[2].split()
    return None if state in {"Z", "X"} else rest[18]


def _started_ps(pid: int) -> str | None:
    shown = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split(maxsplit=1)
    return shown[1].strip() if len(shown) == 2 and not shown[0].startswith("Z") else None


class Watch:
    """Looks at one process, cheaply and as often as wanted."""

    def __init__(self, who: Identity) -> None:
        self._who = who
        self._fd = _pidfd(who)
        self._known = False

    def gone(self, timeout: float = 0) -> bool:
        """Tell whether the process has ended, waiting up to ``timeout`` seconds for it."""
        if self._fd is not None:
            # A poll, not a select: the descriptor may be over 1024.
            poll = select.poll()
            poll.register(self._fd, select.POLLIN)
            return bool(poll.poll(timeout * 1000))
        deadline = time.monotonic() + timeout
        while self._still():
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.02)
        return True

    def _still(self) -> bool:
        if sys.platform == "linux" or not self._known:
            self._known = alive(self._who)
            return self._known
        # Asking ps every time would cost a process each; between two looks an id is not reused.
        try:
            os.kill(self._who.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass
        return True

    def close(self) -> None:
        """Give the descriptor back."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def _pidfd(who: Identity) -> int | None:
    """Open the process itself; None where that cannot be had (macOS, old kernels, some sandboxes) or it is gone."""
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        fd = os.pidfd_open(who.pid)
    except OSError:
        return None
    # Only now is it sure that what was opened is what was meant: the id may have been reused before.
    if identify(who.pid) != who:
        os.close(fd)
        return None
    return fd


def alive(who: Identity) -> bool:
    """Tell whether exactly this process still runs."""
    return identify(who.pid) == who


def end(who: Identity, *, timeout: float) -> bool:
    """Ask the process to end (SIGTERM), make it (SIGKILL) after ``timeout`` seconds.

    Returns:
        True if it ended when asked, so that it could clean up after itself; True also if it was gone before.
    """
    watch = Watch(who)
    try:
        if watch.gone():
            return True
        _send(who, signal.SIGTERM)
        if watch.gone(timeout):
            return True
        _send(who, signal.SIGKILL)
        watch.gone(5)
        return False
    finally:
        watch.close()
        # If it was a child of this process, nobody else will collect its remains.
        with contextlib.suppress(ChildProcessError):
            os.waitpid(who.pid, os.WNOHANG)


def _send(who: Identity, number: int) -> None:
    if alive(who):
        with contextlib.suppress(ProcessLookupError):
            os.kill(who.pid, number)
