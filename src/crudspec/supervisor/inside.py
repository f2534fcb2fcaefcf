"""In the child: pytest, with checks that come one by one from the parent."""

from __future__ import annotations

import mmap
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import crudspec.suite  # noqa: F401 - all of the suite's own code, before any backend can reach it
from crudspec.contract import causes
from crudspec.contract.clause import Consequence
from crudspec.contract.clauses import BY_ID
from crudspec.contract.failures import ContractBroken
from crudspec.harness.heartbeat import SIZE, heart
from crudspec.plugin import current_run
from crudspec.record import Beat, Begin, Error, Footer, Result, Spoilt, Verdict
from crudspec.run.nodes import clause_of, split_id
from crudspec.run.place import PLACE, Place
from crudspec.supervisor.intact import Intact
from crudspec.supervisor.link import Link

if TYPE_CHECKING:
    from collections.abc import Generator


_PLUGINS = ("crudspec.plugin", "pytest_asyncio.plugin", "_hypothesis_pytestplugin")
"""What the suite needs besides pytest itself."""


_Skipped = pytest.skip.Exception  # bound here: a backend may replace it


class _Nothing(pytest.Item):
    """What comes next, as far as pytest has to know: something that leaves the fixtures of the session alone."""

    def runtest(self) -> None:
        """Never called."""


class Inside:
    """A pytest plugin that runs what it is told to and shows nothing."""

    def __init__(self, link: Link, place: Place, broken: list[list[str]]) -> None:
        """Prepare.

        Args:
            link: To the parent.
            place: Where this process stands.
            broken: What has ended another process already: backend, operation, the clause that tells it, and how.
        """
        self._link = link
        self._place = place
        self._broken = broken
        self._is_left_half = False
        self.is_done = False
        self._recursion = sys.getrecursionlimit()
        self._intact = Intact()
        self._intact.learn()

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[PLACE] = self._place

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_cmdline_main(self) -> Generator[None, Any, Any]:
        try:
            return (yield)
        except pytest.UsageError as error:
            self._link.tell(Error(text=" ".join(map(str, error.args))))
            raise

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._link.tell(Error(text=f"the suite itself cannot be collected: {report.longreprtext[-2000:]}"))

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        heart.place = None  # the operation that was called last is the one
        kind = excinfo.type.__name__
        self._link.tell(
            Error(text=f"{'KeyboardInterrupt' if kind == 'KeyboardInterrupt' else f'pytest.{kind}'} was raised")
        )

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        heart.place = None
        self._link.tell(Error(text=f"pytest itself failed: {excinfo.typename}: {str(excinfo.value)[:500]}"))

    @pytest.hookimpl(wrapper=True)
    def pytest_collection_finish(self, session: pytest.Session) -> Generator[None]:
        yield
        if changed := self._intact.changed():
            raise pytest.UsageError(f"importing the backends has replaced {changed}, which is the suite's own")
        self._intact.learn()
        # pytest comes here, too, where the plan was refused and the parent was told of none.
        planned = current_run(session.config).record.checks
        if planned and not session.config.option.collectonly and not session.testsfailed:
            self._link.command()  # to go: there is a server

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.config.option.collectonly or session.testsfailed:
            self.is_done = not session.testsfailed
            return True
        run = current_run(session.config)
        items = {item.nodeid: item for item in session.items if clause_of(item)}
        hook = session.config.hook
        nothing = _Nothing.from_parent(session, name="nothing")
        for backend, operation, clause, seen in self._broken:
            broken = ContractBroken(f"{operation}, once", expected="the process goes on", seen=seen)
            broken.consequence, broken.cause = Consequence.HANG, causes.ENDS
            run.stages.abilities[backend].broken[operation] = clause, broken
        while (nodeid := (command := self._link.command())["check"]) is not None:
            self._link.tell(Begin(nodeid=nodeid))
            if nodeid in items:
                run.stages.abilities[run.record.checks[nodeid].backend].failed.update(command["failed"])
                hook.pytest_runtest_protocol(item=items[nodeid], nextitem=nothing)
            result = run.record.results.get(nodeid) or _not_run(nodeid)
            if spoilt := self._spoilt(session):
                self._link.tell(Spoilt(text=spoilt))
            if changed := self._intact.changed():
                result = _replaced(result, changed, run.again(run.adapter(result.backend), result.clause))
            self._link.tell(result)
        self.is_done = True
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        heart.phase = "setup"

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self) -> None:
        heart.phase = "call"

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self) -> None:
        heart.phase = "teardown"

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
        error = call.excinfo.value if call.excinfo else None
        ordinary = (Exception, _Skipped, type(None))
        if call.when != "call" and not (
            isinstance(error, ordinary) and isinstance(getattr(error, "__cause__", None), ordinary)
        ):
            self._is_left_half = True
            heart.place = None
        return (yield)

    def _spoilt(self, session: pytest.Session) -> str:
        """What keeps pytest from running another check in this process; empty where nothing does."""
        if sys.getrecursionlimit() != self._recursion:
            return "the recursion limit is another one"
        if self._intact.changed():
            return "the suite is not what it was"
        # Only the session itself may be left: what is no Exception ends a fixture half-way.
        half = self._is_left_half or len(session._setupstate.stack) > 1
        return "fixtures were left half-way" if half else ""

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        if self.is_done and not config.option.collectonly:
            run = current_run(config)
            for text in run.stages.notes:  # of the backends that were left after the last check
                run.note(text)


def _not_run(nodeid: str) -> Result:
    backend, clause_id = split_id(nodeid) or ("", "")
    clause = BY_ID[clause_id]
    reason = "pytest did not run it"
    return Result(
        nodeid=nodeid,
        backend=backend,
        clause=clause_id,
        level=clause.level,
        consequence=clause.consequence,
        verdict=Verdict.NOT_RUN,
        detail=reason,
        because=reason,
    )


def _replaced(result: Result, changed: str, again: str) -> Result:
    """Nothing that this check has found can be believed."""
    what, expected, seen = "the suite's own code", "it is left alone", f"{changed} was replaced during {result.clause}"
    lines = [f"{result.clause} ({result.level}) is broken by {result.backend}", f"  look at   {what}"]
    lines += [f"  expected  {expected}", f"  seen      {seen}", f"  again     {again}"]
    detail, failure = f"{what}: expected {expected}, seen {seen}", "\n".join(lines)
    return replace(result, verdict=Verdict.FAIL, consequence=Consequence.DATA, detail=detail, failure=failure)


def main(commands: int, events: int, place_of_calls: int, parent: int) -> None:
    """Run the suite as the first command says, and leave by the shortest way.

    Args:
        commands: Descriptor from which commands are read.
        events: Descriptor to which events are written.
        place_of_calls: Descriptor of what shows the call that is under way.
        parent: Process id of the process that this one is a copy of.
    """
    heart.place = mmap.mmap(place_of_calls, SIZE)
    link = Link(commands, events)
    order = link.command()
    link.end_with_parent(parent)
    os.chdir(order["folder"])
    # Plugins of the environment, and options, are meant for the tests of the project that the command is called in.
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        os.environ.pop(name, None)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    order["arguments"] += [f"-p{name}" for name in _PLUGINS]
    sys.argv[:] = ["crudspec"]
    place = Place(Path(order["run_dir"]), order["owner"], borrowed=True, tell=link.tell)
    inside = Inside(link, place, order["broken"])
    heart.listener = lambda limit: link.tell(Beat(limit=limit))
    status = pytest.main(order["arguments"], plugins=[inside])
    if inside.is_done:
        link.tell(Footer(status=int(status), seconds=0.0))
    # Not by the interpreter's end: threads of the backend may not let it, and its hooks may say something else.
    os._exit(int(status))
