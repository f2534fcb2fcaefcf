"""A child, as the parent sees it: a process, three pipes, and when it was last heard of."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import tempfile
import time
from enum import Enum
from typing import TYPE_CHECKING, Any

from crudspec.harness.heartbeat import SIZE, read_place
from crudspec.record import Beat, from_json
from crudspec.supervisor import limits
from crudspec.supervisor.ends import NOT_DONE
from crudspec.supervisor.nursery import nursery

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from crudspec.record import Event

_CHUNK = 1 << 16
_KEPT = 4000
"""Bytes of what a backend prints that are kept, of the beginning and of the end."""


class State(Enum):
    """What a child is about."""

    STARTING = "started"
    READY = "waited for the server"
    OPENING = "began"
    IDLE = "had nothing to do"
    BUSY = "ran a check"
    CLOSING = "left its backends"


class Child:
    """One process that runs checks.

    Attributes:
        state: What it is about.
        check: Node id of the check that it was given last; empty before the first.
        done: Node ids of the checks that came to an end in it.
        reason: Why it says that it cannot go on.
        spoilt: Why it can run no check after the one that is under way; empty where it can.
        knows: Backend and operation of what it was told, as it was started, that ends a process.
    """

    def __init__(self, order: dict[str, Any]) -> None:
        """Start it.

        Args:
            order: What its ``main`` expects: ``arguments`` for pytest, ``run_dir`` and ``owner``, and what is known
                to be ``broken``.
        """
        commands_in, self._commands = os.pipe()
        self.events, events_out = os.pipe()
        self.output, output_in = os.pipe()
        with tempfile.TemporaryFile() as file:
            file.truncate(SIZE)
            self._place = os.dup(file.fileno())
        try:
            self._process = nursery.fork((commands_in, events_out, self._place, output_in))
        except OSError:
            for descriptor in (self._commands, self.events, self.output, self._place):
                os.close(descriptor)
            raise
        finally:
            for descriptor in (commands_in, events_out, output_in):
                os.close(descriptor)
        for descriptor in (self.events, self.output, self._commands):
            os.set_blocking(descriptor, False)
        self.state = State.STARTING
        self.check = ""
        self.done: list[str] = []
        self._called: tuple[str, str, str] | None = None
        self.reason = ""
        self.spoilt = ""
        self.knows = {(backend, operation) for backend, operation, *_ in order.get("broken", ())}
        self.since = self._heard = time.monotonic()
        self._limit = limits.START
        self._pending = b""
        self._printed = b""
        self._last_printed = b""
        self._say(order)

    # What the parent tells it

    def _say(self, command: dict[str, Any]) -> None:
        with contextlib.suppress(BrokenPipeError, BlockingIOError):  # its end is noticed elsewhere
            os.write(self._commands, json.dumps(command).encode() + b"\n")

    def _enter(self, state: State) -> None:
        self.state = state
        self.since = self._heard = time.monotonic()
        self._limit = limits.SILENCE

    def go(self) -> None:
        """There is a server."""
        self._enter(State.OPENING)
        self._say({})

    def give(self, nodeid: str, failed: Collection[str]) -> None:
        """Let it run a check.

        Args:
            nodeid: Which.
            failed: The clauses that its backend has failed so far, in whatever process.
        """
        self._enter(State.BUSY)
        self.check = nodeid
        self._printed = b""
        self._say({"check": nodeid, "failed": sorted(failed)})

    def end(self) -> None:
        """There is nothing more to run."""
        self._enter(State.CLOSING)
        self._say({"check": None})

    def ready(self) -> None:
        """It knows its checks."""
        self._enter(State.READY)

    def idle(self) -> None:
        """It waits for a check."""
        if self.state is State.BUSY:
            self.done.append(self.check)
        self._enter(State.IDLE)

    # What it tells

    def heard(self) -> Iterator[Event]:
        """Everything that it has told since the last time."""
        data = b""
        with contextlib.suppress(BlockingIOError):
            while more := os.read(self.events, _CHUNK):
                data += more
        *lines, self._pending = (self._pending + data).split(b"\n")
        for line in filter(None, lines):
            try:
                event = from_json(line)
            except ValueError:
                continue  # cut off by an alarm, or not ours
            self._heard = time.monotonic()
            if isinstance(event, Beat):
                self._limit = max(limits.SILENCE, min(event.limit, limits.ANNOUNCED) + limits.GRACE)
            yield event

    def printed(self) -> str:
        """The beginning of what was printed since the check began."""
        self.drain()
        return self._printed.decode(errors="backslashreplace")

    def last_words(self) -> str:
        """The end of what was printed, also after its end."""
        return self._last_printed.decode(errors="backslashreplace")

    def drain(self) -> None:
        """Take what it prints from the pipe, so that it can go on printing."""
        with contextlib.suppress(BlockingIOError):
            for _ in range(256):  # one that prints without an end must not keep the parent busy
                more = os.read(self.output, _CHUNK)
                if not more:
                    break
                self._printed = (self._printed + more)[:_KEPT]
                self._last_printed = (self._last_printed + more)[-_KEPT:]

    def called(self) -> tuple[str, str, str]:
        """Phase of the check, backend and operation that was called last, also when the process is gone."""
        return self._called or read_place(os.pread(self._place, SIZE, 0))

    # How long it takes

    def overdue(self, longest: float) -> str:
        """What it takes too long for, as text; empty where it does not.

        Args:
            longest: Seconds that one check may take.
        """
        now = time.monotonic()
        if self.state in {State.READY, State.IDLE}:
            return ""  # it waits for the parent
        if now - self._heard > self._limit:
            return f"was silent for {now - self._heard:.0f} seconds"
        if self.state is State.BUSY and now - self.since > longest:
            return f"{NOT_DONE} {now - self.since:.0f} seconds"
        return ""

    # Its end

    def status(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs."""
        return self._process.poll()

    def how(self) -> str:
        """How it ended, as text."""
        status = self._process.status
        if status is not None and status < 0:
            try:
                return f"killed by {signal.Signals(-status).name}"
            except ValueError:
                return f"killed by signal {-status}"
        return f"with exit status {status}"

    def kill(self) -> None:
        """Make it end, with everything that was started in its session, and give its pipes back."""
        self.drain()
        self._called = self.called()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.release()
        for descriptor in (self.events, self.output, self._commands, self._place):
            os.close(descriptor)
