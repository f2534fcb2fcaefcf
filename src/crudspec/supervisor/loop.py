"""The parent: starts the server and the children, gives out the checks, and watches."""

from __future__ import annotations

import os
import queue
import secrets
import selectors
import shlex
import sys
import tempfile
import threading
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from crudspec.contract import causes
from crudspec.harness.abilities import OWNERS
from crudspec.record import Begin, Error, Footer, Header, Note, Plan, Record, Result, Spoilt, Unusable, Verdict
from crudspec.server import Server, ServerError, start, stop
from crudspec.server.dsn import redacted
from crudspec.supervisor import ends, limits
from crudspec.supervisor.child import Child, State
from crudspec.supervisor.work import Work

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crudspec.record import Check, Event
    from crudspec.server import ServerChoice
    from crudspec.supervisor.order import Audience, Order

_LOOK = 0.05
"""Seconds between two looks at what tells nothing of itself: a process that has ended, a deadline, the screen."""
_PRINTED = 200
_START_PATIENCE = 10.0
"""Seconds that a run which ends at once waits for its server to be there; the keeper removes it anyway."""


class Supervisor:
    """One run.

    Attributes:
        record: What was told; what is shown of the run, and its exit status, come from it alone.
    """

    def __init__(self, order: Order, audience: Audience) -> None:
        self.record = Record()
        self._order = order
        self._audience = audience
        self._longest = max(limits.CHECK[order.effort], 9 * (order.deadline or 0))
        self._children: list[Child] = []
        self._work: Work | None = None
        self._server: Server | None = None
        self._starting: queue.SimpleQueue[Server | ServerError] = queue.SimpleQueue()
        self._run_dir = Path(tempfile.gettempdir()) / f"crudspec-run-{os.getpid()}-{secrets.token_hex(6)}"
        self._starter: threading.Thread | None = None
        self._broken: list[tuple[str, str, str, str]] = []
        self._failed: defaultdict[str, set[str]] = defaultdict(set)
        self._noted: set[str] = set()
        self._false_starts = 0
        self._is_over = False
        self._selector = selectors.DefaultSelector()

    def run(self) -> int:
        """Run everything, and clean up.

        Returns:
            The exit status: 0, 1, 2 where it was interrupted, or 4.
        """
        began = time.monotonic()
        status = None
        try:
            self._go()
        except KeyboardInterrupt:
            status = 2
        finally:
            self._clean_up()
        if status is None:
            status = self.record.status()
            if self._order.choice is None and not self.record.errors:
                status = 0
        self._tell(Footer(status=status, seconds=round(time.monotonic() - began, 3)))
        return status

    def _tell(self, event: Event) -> None:
        if isinstance(event, Result) and event.verdict in {Verdict.FAIL, Verdict.ADVICE, Verdict.DEVIATES}:
            self._failed[event.backend].add(event.clause)  # another process may be given the backend's next check
        self.record.add(event)
        self._audience.take(event, self.record)

    def _redacted(self, text: str) -> str:
        given = self._order.choice.dsn if self._order.choice else None
        return redacted(text, self._server.dsn if self._server else None, given)

    # Begin and end

    def _go(self) -> None:
        if self._order.choice is not None:  # first of all: the first process takes a second to import what it needs
            self._starter = threading.Thread(target=self._start_server, args=[self._order.choice], daemon=True)
            self._starter.start()
        self._spawn()
        while self._children and not self._is_over:
            self._look()

    def _start_server(self, choice: ServerChoice) -> None:
        try:
            self._starting.put(start(choice, run_dir=self._run_dir, owner=os.getpid()))
        except ServerError as error:
            self._starting.put(error)

    def _spawn(self) -> None:
        order = {"arguments": list(self._order.arguments), "run_dir": str(self._run_dir), "owner": os.getpid()}
        order["folder"] = str(Path.cwd())
        try:
            child = Child({**order, "broken": self._broken})
        except OSError as error:
            self._give_up(
                f"no process can be started for the checks: {error}; try `{sys.executable} -m pytest --version`"
            )
            return
        self._children.append(child)
        for descriptor in (child.events, child.output):
            self._selector.register(descriptor, selectors.EVENT_READ)

    def _end(self, child: Child) -> None:
        for descriptor in (child.events, child.output):
            self._selector.unregister(descriptor)
        self._children.remove(child)
        child.kill()

    def _clean_up(self) -> None:
        for child in list(self._children):
            self._end(child)
        self._selector.close()
        if self._starter is not None:
            self._starter.join(_START_PATIENCE)  # what is being started can be stopped only then
        stop(self._run_dir)

    def _give_up(self, text: str) -> None:
        """End the run: nothing more can be asked."""
        self._tell(Error(text=self._redacted(text)))
        self._is_over = True

    # Watch

    def _look(self) -> None:
        self._selector.select(_LOOK)
        if self._server is None:
            with suppress(queue.Empty):
                self._take_server(self._starting.get_nowait())
        for child in list(self._children):
            child.drain()
            for event in child.heard():
                if not self._is_over:
                    self._take(child, event)
            if not self._is_over and child in self._children:
                self._look_after(child)
        self._audience.tick()

    def _take_server(self, server: Server | ServerError) -> None:
        if isinstance(server, ServerError):
            self._give_up(str(server))
            return
        self._server = server
        for child in self._children:
            if child.state is State.READY:
                child.go()

    def _take(self, child: Child, event: Event) -> None:
        match event:
            case Plan():
                self._take_plan(child, event)
            case Header():
                if self.record.header is None:
                    self._tell(replace(event, command=self._order.command))
                self._false_starts = 0
                self._occupy(child)
            case Begin() | Note():
                self._tell(event)
            case Unusable():
                self._take_unusable(event)
            case Result():
                self._take_result(child, event)
            case Spoilt(text=text):
                child.spoilt = text
            case Error(text=text):
                child.reason = text
            case Footer():
                self._end(child)

    def _take_plan(self, child: Child, plan: Plan) -> None:
        child.ready()
        if self._work is None:
            self._tell(plan)
            self._work = Work(plan.checks, apart=self._order.processes > 1)
            if self._order.choice is not None:
                for _ in range(min(self._order.processes, len(plan.checks)) - 1):
                    self._spawn()
        if self._server is not None:
            child.go()

    def _take_unusable(self, event: Unusable) -> None:
        if event.backend in self.record.unusable or self._work is None:
            return
        self._tell(event)
        self._is_over = self.record.is_useless()
        if not self._is_over:
            for waiting in self._work.without(event.backend):
                self._tell(ends.not_run(waiting, because=event.text, detail=event.text))

    def _take_result(self, child: Child, result: Result) -> None:
        if child.state is not State.BUSY or result.nodeid != child.check:
            return
        check = self.record.checks[result.nodeid]
        if child.spoilt and result.verdict is Verdict.FAIL and (operation := self._tried_out(child, check)):
            self._end(child)
            self._judge_trial(check, operation, result.detail, child=child, silent=False, seconds=result.seconds)
            return
        printed = self._redacted(child.printed())[:_PRINTED].strip()
        self._tell(replace(result, printed=result.printed or printed))
        child.idle()
        if self._stops_at(result):
            return
        if child.spoilt:
            self._end(child)
            self._go_on_after(check, 0.0)
            return
        if result.cause.startswith(causes.HANGS) and self._work is not None:
            self._leave_alone(check, self._work.lost_in(check, result.seconds))
        self._occupy(child)

    def _stops_at(self, result: Result) -> bool:
        if self._order.stop_at_first and result.verdict is Verdict.FAIL:
            self._is_over = True
        return self._is_over

    def _occupy(self, child: Child) -> None:
        """Give a child that waits its next check, or let it end."""
        assert self._work is not None
        busy = {self._backend(other) for other in self._children if other is not child and other.state is State.BUSY}
        check = self._work.next(self._backend(child), busy)
        if check is None:
            child.end()
        else:
            child.give(check.nodeid, self._failed[check.backend])

    def _backend(self, child: Child) -> str:
        return self.record.checks[child.check].backend if child.check else ""

    # A child that does not go on

    def _look_after(self, child: Child) -> None:
        overdue = child.overdue(self._longest)
        if not overdue and child.status() is None:
            return
        if not overdue:
            for event in child.heard():  # what it told before it ended
                self._take(child, event)
            if child not in self._children or self._is_over:
                return
        state, seconds = child.state, time.monotonic() - child.since
        how = overdue or f"ended, {child.how()}"
        self._end(child)
        self._judge(child, state, how, silent=bool(overdue), seconds=seconds)

    def _judge(self, child: Child, state: State, how: str, *, silent: bool, seconds: float) -> None:
        """Say what it means that a child ended, or had to be ended, before it was done."""
        reason = f": {child.reason}" if child.reason else ""
        nodeid = self._blamed(child, state, child.called()[1])
        if not nodeid:
            self._false_start(child, state, how)
            return
        assert self._work is not None
        check = self.record.checks[nodeid]
        if state is State.BUSY and nodeid == child.check and (operation := self._tried_out(child, check)):
            ended = f"the process {how}{reason}"
            self._judge_trial(check, operation, ended, child=child, silent=silent, seconds=seconds)
            return
        if state is State.BUSY and nodeid == child.check:
            when = f"during {check.clause}"
        elif state in {State.BUSY, State.CLOSING}:
            when = f"after {check.clause}, while its backend was left"
        else:
            when = f"right after {check.clause}"
        if state is State.BUSY and nodeid != child.check:
            self._work.put_back(self.record.checks[child.check])
        seen = f"the process {how}, {when}{reason}" if silent else f"the process ended {when}, {child.how()}{reason}"
        self._break(check, seen, child=child, silent=silent, seconds=seconds)

    def _tried_out(self, child: Child, check: Check) -> str:
        """The operation that was being tried out, before the check itself was asked; empty where none was."""
        phase, backend, operation = child.called()
        return operation if phase == "setup" and backend == check.backend and operation in OWNERS else ""

    def _judge_trial(
        self, check: Check, operation: str, ended: str, *, child: Child, silent: bool, seconds: float
    ) -> None:
        """Say what it means that an operation ends the process whatever is asked: its own clause tells it.

        The next child is told, too: what does not need the operation can be asked.
        """
        assert self._work is not None
        clause = OWNERS[operation]
        found = (check.backend, operation)
        if found not in child.knows and any(found == (backend, known) for backend, known, *_ in self._broken):
            self._work.put_back(check)  # another process has met it in the meantime, and it is told
            self._respawn()
            return
        self._broken.append((check.backend, operation, clause, self._redacted(ended)))
        planned = [
            known for known in self.record.checks.values() if (known.backend, known.clause) == (check.backend, clause)
        ]
        owner = check if check in planned else self._work.take(check.backend, clause) or next(iter(planned), None)
        seen = f"{ended}, in {operation}, when it was tried out"
        if owner is None and check.backend not in self._noted:
            self._noted.add(check.backend)
            self._work.put_back(check)
            self._tell(Note(text=self._redacted(f"{check.backend}: {seen}")))
            self._respawn()
            return
        if owner is not None and owner is not check:
            self._work.put_back(check)
        self._break(owner or check, seen, child=child, silent=silent, seconds=seconds)

    def _break(self, check: Check, seen: str, *, child: Child, silent: bool, seconds: float) -> None:
        result = ends.broken(
            check,
            self._redacted(seen),
            silent=silent,
            again=self._again(check),
            printed=self._redacted(child.last_words()),
            seconds=seconds,
        )
        self._tell(result)
        if not self._stops_at(result):
            self._go_on_after(check, seconds)

    def _again(self, check: Check) -> str:
        command = ["crudspec", "check", self.record.spec(check.backend), "-k", check.clause, *self._order.options]
        return shlex.join(command)

    def _go_on_after(self, check: Check, seconds: float) -> None:
        """Go on in another process; leave a backend alone that has ended some."""
        assert self._work is not None
        self._leave_alone(check, self._work.ended_by(check, seconds))
        self._respawn()

    def _leave_alone(self, check: Check, rest: Sequence[Check]) -> None:
        for waiting in rest:
            detail = f"{check.backend} is left alone after {check.clause}: it would go on so for too long"
            self._tell(ends.not_run(waiting, because=check.clause, detail=detail))

    def _respawn(self) -> None:
        if self._work and len(self._children) < self._order.processes:
            self._spawn()

    def _blamed(self, child: Child, state: State, backend: str) -> str:
        """Node id of the check that an end belongs to; empty where the child has run none.

        That is the one that was under way, unless another backend was just being left: a child has only so many
        open at once. Else it is the last one of the backend that was called last.
        """
        mine = [nodeid for nodeid in child.done if self.record.checks[nodeid].backend == backend]
        if state is State.BUSY and (not mine or backend == self._backend(child)):
            return child.check
        return (mine or child.done or [""])[-1]

    def _false_start(self, child: Child, state: State, how: str) -> None:
        """A child that ended before it ran anything."""
        told = (
            child.reason
            or f"the process {how}, while it {state.value}: {child.last_words().strip()[-500:] or 'without a word'}"
        )
        self._false_starts += 1
        if self._work is None or not self.record.results:
            self._give_up(told)
        elif self._false_starts >= limits.STARTS and not any(other.done for other in self._children):
            for waiting in self._work.clear():
                self._tell(ends.not_run(waiting, because=self._redacted(told), detail=self._redacted(told)))
            self._is_over = True
        else:
            self._respawn()
