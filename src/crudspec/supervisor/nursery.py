"""A process that has imported the suite, and is copied for each child: to start one anew takes a second each time.

It has no threads and imports nothing of a backend, so that a copy is as good as a new process.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import selectors
import signal
import socket
import subprocess
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from crudspec.supervisor.link import die_with

if TYPE_CHECKING:
    from collections.abc import Sequence

_CODE = "import sys; sys.path.append(sys.argv[1]); from crudspec.supervisor.nursery import main; main()"
_PACKAGES = str(Path(__file__).resolve().parents[2])
_DESCRIPTORS = 4
"""What a child is given: where commands come in, where events go out, the place of calls, and where it prints."""


class _Ended(OSError):
    """There is nothing more to be copied."""


class Copy:
    """A child's process, as the parent sees it.

    Attributes:
        pid: Its process id, and the id of its session; nobody else has it before :meth:`release`.
    """

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._told = b""
        line.settimeout(None)
        while b"\n" not in self._told:
            more = line.recv(64)
            if not more:
                raise _Ended("the process that is to be copied has ended")
            self._told += more
        line.setblocking(False)
        first, _, self._told = self._told.partition(b"\n")
        self.pid = int(first)
        self.status: int | None = None

    def poll(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs."""
        if self.status is None:
            with contextlib.suppress(BlockingIOError):
                more = self._line.recv(64)
                self._told += more
                if not more:
                    self.status = -signal.SIGKILL  # with the process that it is a copy of
            if self._told.endswith(b"\n"):
                self.status = int(self._told.split()[0])
        return self.status

    def release(self) -> None:
        """Make it end, if it has not, and give its process id back."""
        self._line.close()


class Nursery:
    """The process, as the parent sees it: started when it is first needed, and for good."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None
        self._environment: dict[str, str] = {}

    def fork(self, descriptors: Sequence[int]) -> Copy:
        """Copy it; the copy runs :func:`crudspec.supervisor.inside.main` with these descriptors.

        Raises:
            OSError: it cannot be started.
        """
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
        if self._process is None or self._process.poll() is not None or self._environment != environment:
            self._start(environment)
        try:
            return self._copy(descriptors)
        except (ConnectionError, _Ended):  # a backend has killed it, so short a time ago that it seemed to run
            self._start(environment)
            return self._copy(descriptors)

    def _copy(self, descriptors: Sequence[int]) -> Copy:
        assert self._line is not None
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                socket.send_fds(self._line, [b"f"], [*descriptors, theirs.fileno()])
            return Copy(ours)
        except OSError:
            ours.close()
            raise

    def _start(self, environment: dict[str, str]) -> None:
        self.close()
        self._environment = environment
        self._line, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _CODE, _PACKAGES, str(theirs.fileno()), str(os.getpid())],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C is for the parent alone
            )

    def close(self) -> None:
        """End it, and with it its copies."""
        if self._process is not None and self._line is not None:
            self._line.close()
            self._process.kill()
            self._process.wait()
        self._process = None


nursery = Nursery()
atexit.register(nursery.close)


def main() -> None:
    """In the process itself: import the suite, then copy it whenever the parent says so."""
    line = socket.socket(fileno=int(sys.argv[2]))
    die_with(int(sys.argv[3]))
    import _hypothesis_pytestplugin  # noqa: F401
    import pytest_asyncio.plugin  # noqa: F401

    import crudspec.supervisor.inside  # noqa: F401

    gc.collect()
    gc.freeze()  # what there is now is shared, as long as nobody touches it
    _Copies(line).serve()


class _Copies:
    """The copies, as the process that they are copies of sees them."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._lines: dict[socket.socket, int] = {}
        self._ended: set[int] = set()
        self._selector = selectors.DefaultSelector()
        self._selector.register(line, selectors.EVENT_READ)
        self._woken, self._wakes = socket.socketpair()
        for end in (self._woken, self._wakes):
            end.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        signal.set_wakeup_fd(self._wakes.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> None:
        """Until the parent closes its end."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._line:
                    self._copy()
                elif key.fileobj is self._woken:
                    self._woken.recv(4096)
                    self._tell()
                elif isinstance(key.fileobj, socket.socket):
                    self._bury(key.fileobj)

    def _copy(self) -> None:
        said, descriptors, *_ = socket.recv_fds(self._line, 1, _DESCRIPTORS + 1)
        if not said:
            os._exit(0)
        *given, number = descriptors
        line = socket.socket(fileno=number)
        nursery_pid = os.getpid()
        pid = os.fork()
        if not pid:
            self._leave()
            line.close()
            _run(given, nursery_pid)
        for descriptor in given:
            os.close(descriptor)
        line.send(f"{pid}\n".encode())
        self._lines[line] = pid
        self._selector.register(line, selectors.EVENT_READ)

    def _leave(self) -> None:
        """In the copy: nothing of all this is its own."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._selector.close()
        for end in (self._line, self._woken, self._wakes, *self._lines):
            end.close()

    def _tell(self) -> None:
        """Tell which have ended. They keep their process ids until the parent has ended what they left behind."""
        for line, pid in self._lines.items():
            if pid in self._ended:
                continue
            ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is not None:
                self._ended.add(pid)
                status = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
                with contextlib.suppress(OSError):
                    line.send(f"{status}\n".encode())

    def _bury(self, line: socket.socket) -> None:
        """The parent is done with it, or gone."""
        self._selector.unregister(line)
        pid = self._lines.pop(line)
        self._ended.discard(pid)
        line.close()
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _run(given: Sequence[int], parent: int) -> None:
    from crudspec.supervisor.inside import main as run

    status = 1
    try:
        os.setsid()  # everything that a backend starts can be ended with it
        *descriptors, output = given
        for number, name in (1, "stdout"), (2, "stderr"):
            os.dup2(output, number)
            # Line by line, as it may end at any time, and nothing that a backend prints is an error.
            stream = os.fdopen(number, "w", buffering=1, errors="backslashreplace", closefd=False)
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
        os.close(output)
        run(*descriptors, parent)
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:  # noqa: BLE001 - nothing may go on in a copy
        traceback.print_exc()
    finally:
        os._exit(status)
