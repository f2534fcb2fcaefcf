"""Run the suite against mutants, a few per process."""

from __future__ import annotations

import gc
import os
import shutil
import sys
from collections import defaultdict
from dataclasses import dataclass, field, replace
from multiprocessing import parent_process
from threading import Thread
from typing import TYPE_CHECKING, cast

import pytest

from crudspec.mutants.gallery import Mutant, collect
from crudspec.plugin import current_run, split_id, suite_directory
from crudspec.programs import EFFORTS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from multiprocessing.connection import Connection
    from pathlib import Path

DEADLINE_SECONDS = 3
"""For each operation of a mutant: a lie that hangs is caught without a long wait."""
_LESS = replace(EFFORTS["quick"], failures=5)
"""For clauses that have nothing to do with the lie: as many failures as the usual pool has connections."""


@dataclass(slots=True)
class Caught:
    """What became of one mutant.

    Attributes:
        mutant: Its name.
        failed: The clauses that failed, with what was seen.
        passed: The clauses that held.
        asked: The clauses that the hunt set out to ask.
        seconds: Test time until its own clause failed; None where it did not.
    """

    mutant: str
    failed: dict[str, str] = field(default_factory=dict)
    passed: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    seconds: float | None = None


class Hunt:
    """A pytest plugin: a mutant's own clause first, until it fails; then the clauses that must hold."""

    def __init__(self, mutants: Mapping[str, Mutant]) -> None:
        self._mutants = mutants
        self._seconds: dict[str, float] = defaultdict(float)
        self.results = {name: Caught(name) for name in mutants}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Order by mutant; leave out what may fail anyway."""
        config.option.tbstyle = "line"  # nobody sees a traceback, and one takes the source of each function in it
        places = {name: place for place, name in enumerate(self._mutants)}
        keyed = []
        for item in items:
            name, clause_id = split_id(item.nodeid) or ("", "")
            own = clause_id == self._mutants[name].clause
            if own or clause_id not in self._mutants[name].related:
                keyed.append(((places[name], not own), item))
                if clause_id not in self.results[name].asked:
                    self.results[name].asked.append(clause_id)
        items[:] = [item for _, item in sorted(keyed, key=lambda pair: pair[0])]
        gc.freeze()  # what there is now stays to the end: it need not be looked through again and again

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Pass over the rest of a clause that has failed already; try less hard where it has to hold."""
        name, clause_id = split_id(item.nodeid) or ("", "")
        if clause_id in self.results[name].failed:
            pytest.skip("the clause has failed already")
        own = clause_id == self._mutants[name].clause
        current_run(item.config).effort = EFFORTS["quick"] if own else _LESS

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name, clause_id = split_id(report.nodeid) or ("", "")
        result, own = self.results[name], clause_id == self._mutants[name].clause
        if own and clause_id not in result.failed:
            self._seconds[name] += report.duration
        for key, value in report.user_properties:
            if key != "crudspec":
                continue
            _, _, verdict, detail = cast("list[str]", value)
            if verdict == "NOT_RUN":
                continue
            if verdict != "PASS":
                result.failed.setdefault(clause_id, detail)
                if own and result.seconds is None:
                    result.seconds = self._seconds[name]
            elif clause_id not in result.passed:
                result.passed.append(clause_id)


def hunt(mutants: list[Mutant]) -> list[Caught]:
    """Run the suite in this process; the server is the one of CRUDSPEC_DSN."""
    suite = suite_directory()
    plugin = Hunt({mutant.name: mutant for mutant in mutants})
    arguments = [str(suite), "-c", str(suite / "pytest.ini"), "--rootdir", str(suite), "-p", "no:terminal"]
    arguments += ["--crud-server=external", "--crud-strict", "--crud-effort=quick"]
    arguments += [f"--crud-deadline={DEADLINE_SECONDS}", "-W", "ignore:Module already imported"]
    status = pytest.main([*arguments, *(f"--crud-backend={mutant.spec}" for mutant in mutants)], plugins=[plugin])
    if status not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
        sys.exit(f"pytest ended with {pytest.ExitCode(status).name}")
    for result in plugin.results.values():
        result.passed = [clause_id for clause_id in result.passed if clause_id not in result.failed]
    return list(plugin.results.values())


def _end_with_parent(folder: Path) -> None:
    """Where the parent was killed, nobody waits for the result or tidies up, and the server is gone."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)


def hunt_and_send(to: Connection, gallery: Path, names: Collection[str], dsn: str, output: Path) -> None:
    """In a process of its own: send what :func:`hunt` returns, and write whatever is printed to a file."""
    Thread(target=_end_with_parent, args=[output.parent], daemon=True).start()
    with output.open("wb") as stream:
        for descriptor in 1, 2:
            os.dup2(stream.fileno(), descriptor)
    os.environ["CRUDSPEC_DSN"] = dsn
    os.environ.pop("PYTEST_ADDOPTS", None)  # meant for somebody's own tests: -n would ask where the plugin is not
    to.send(hunt([mutant for mutant in collect(gallery) if mutant.name in names]))
