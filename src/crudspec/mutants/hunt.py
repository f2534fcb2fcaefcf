"""Run the suite against mutants, a few per process."""

from __future__ import annotations

import gc
import importlib
import json
import os
import shutil
import sys
from collections import defaultdict
from dataclasses import asdict, dataclass, field, replace
from multiprocessing import parent_process
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, cast

import pytest

from crudspec.backends.registry import BUILT_IN, import_file
from crudspec.contract.failures import Inconclusive, NotApplicable
from crudspec.harness.programs import EFFORTS
from crudspec.mutants.gallery import Mutant, collect
from crudspec.mutants.noisy import make_noisy, noisy
from crudspec.mutants.reasons import reasons_of
from crudspec.plugin import current_run
from crudspec.run.nodes import split_id
from crudspec.run.place import suite_directory

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from multiprocessing.connection import Connection

DEADLINE_SECONDS = 3
"""For each operation of a mutant: a lie that hangs is caught without a long wait."""
_LESS = replace(EFFORTS["quick"], failures=5)
"""For clauses that have nothing to do with the lie: as many failures as the usual pool has connections."""


@dataclass(slots=True)
class Caught:
    """What became of one mutant on one base, or of a noisy base itself.

    Attributes:
        mutant: Its name.
        base: ``quiet`` or ``noisy``.
        failed: The clauses that failed, with what was seen.
        passed: The clauses that held.
        asked: The clauses that the hunt set out to ask, without those that the mutant's table has nothing for.
        because: The clauses that could not be asked, with the one whose failure is the reason; empty if none is.
        reasons: Of each clause that failed, everything that was wrong, as :func:`~crudspec.mutants.reasons.reasons_of`
            has it.
        seconds: Test time until its own clause failed; None where it did not.
    """

    mutant: str
    base: str = "quiet"
    failed: dict[str, str] = field(default_factory=dict)
    passed: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    because: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, dict[str, str]] = field(default_factory=dict)
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """What one process hunts.

    Attributes:
        base: ``quiet`` or ``noisy``.
        names: The mutants; or, where there are ``clauses``, the names of ways.
        clauses: What the noisy ways themselves are asked. Empty: these are mutants.
    """

    base: str
    names: tuple[str, ...]
    clauses: frozenset[str] = frozenset()


class Hunt:
    """A pytest plugin: a mutant's own clause first, until it fails; then the clauses that must hold.

    On a noisy base, all of its own clause, as the first failure may be the base's; and nothing else, as much would
    fail that the mutant has nothing to do with.
    """

    def __init__(self, mutants: Mapping[str, Mutant], batch: Batch) -> None:
        self._mutants = mutants
        self._batch = batch
        self._noisy = batch.base == "noisy"
        self._seconds: dict[str, float] = defaultdict(float)
        self._lacking: set[tuple[str, str]] = set()
        self.results = {name: Caught(name, batch.base) for name in mutants}

    def _is_own(self, name: str, clause_id: str) -> bool:
        return clause_id in (self._batch.clauses or {self._mutants[name].clause})

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Order by mutant; leave out what may fail anyway."""
        config.option.tbstyle = "line"  # nobody sees a traceback, and one takes the source of each function in it
        places = {name: place for place, name in enumerate(self._mutants)}
        keyed = []
        for item in items:
            name, clause_id = split_id(item.nodeid) or ("", "")
            own = self._is_own(name, clause_id)
            if own or not (self._noisy or clause_id in self._mutants[name].related):
                keyed.append(((places[name], not own), item))
                if clause_id not in self.results[name].asked:
                    self.results[name].asked.append(clause_id)
        items[:] = [item for _, item in sorted(keyed, key=lambda pair: pair[0])]
        gc.freeze()  # what there is now stays to the end: it need not be looked through again and again

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Pass over the rest of a clause that has failed already; try less hard where it has to hold."""
        name, clause_id = split_id(item.nodeid) or ("", "")
        if clause_id in self.results[name].failed and not self._noisy:
            pytest.skip("the clause has failed already")
        own = self._is_own(name, clause_id)
        current_run(item.config).stages.abilities[name].planned = frozenset()  # what is left out here is related
        current_run(item.config).effort = EFFORTS["quick"] if own else _LESS

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Keep what the check has raised: a report has only a part of it."""
        name, clause_id = split_id(item.nodeid) or ("", "")
        error = call.excinfo.value if call.excinfo else None
        if isinstance(error, Inconclusive):
            self.results[name].because.setdefault(clause_id, error.because)
        elif error is not None and not isinstance(error, (pytest.skip.Exception, NotApplicable)):
            backend = current_run(item.config).adapter(name).cls.__name__
            self.results[name].reasons.setdefault(clause_id, {}).update(reasons_of(error, backend))
        return (yield)

    def settle(self) -> list[Caught]:
        """What became of each, after the last report."""
        for name, result in self.results.items():
            result.passed = [clause_id for clause_id in result.passed if clause_id not in result.failed]
            answered = {*result.passed, *result.failed}
            lacking = {clause_id for mine, clause_id in self._lacking if mine == name} - answered
            result.asked = [clause_id for clause_id in result.asked if clause_id not in lacking]
        return list(self.results.values())

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name, clause_id = split_id(report.nodeid) or ("", "")
        result, own = self.results[name], self._is_own(name, clause_id)
        if own and clause_id not in result.failed:
            self._seconds[name] += report.duration
        for key, value in report.user_properties:
            if key != "crudspec":
                continue
            _, _, verdict, detail, *_ = cast("list[str]", value)
            if verdict == "NOT_APPLICABLE":
                self._lacking.add((name, clause_id))
                continue
            if verdict == "NOT_RUN":
                continue
            if verdict != "PASS":
                result.failed.setdefault(clause_id, detail)
                if own and result.seconds is None:
                    result.seconds = self._seconds[name]
            elif clause_id not in result.passed:
                result.passed.append(clause_id)


def hunt(mutants: list[Mutant], batch: Batch) -> list[Caught]:
    """Run the suite in this process; the server is the one of CRUDSPEC_DSN."""
    suite = suite_directory()
    plugin = Hunt({mutant.name: mutant for mutant in mutants}, batch)
    arguments = [str(suite), "-c", str(suite / "pytest.ini"), "--rootdir", str(suite), "-p", "no:terminal"]
    arguments += ["--crud-server=external", "--crud-strict", "--crud-effort=quick"]
    arguments += [f"--crud-deadline={DEADLINE_SECONDS}", "-W", "ignore:Module already imported"]
    status = pytest.main([*arguments, *(f"--crud-backend={mutant.spec}" for mutant in mutants)], plugins=[plugin])
    if status not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
        sys.exit(f"pytest ended with {pytest.ExitCode(status).name}")
    return plugin.settle()


def _end_with_parent(folder: Path) -> None:
    """Where the parent was killed, nobody waits for the result or tidies up, and the server is gone."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)


def hunt_and_send(to: Connection, gallery: Path, batch: Batch, dsn: str, output: Path) -> None:
    """In a process of its own: send what :func:`hunt` returns, and write whatever is printed to a file."""
    Thread(target=_end_with_parent, args=[output.parent], daemon=True).start()
    with output.open("wb") as stream:
        for descriptor in 1, 2:
            os.dup2(stream.fileno(), descriptor)
    os.environ["CRUDSPEC_DSN"] = dsn
    os.environ.pop("PYTEST_ADDOPTS", None)  # meant for somebody's own tests: -n would ask where the plugin is not
    if batch.base == "noisy":
        make_noisy()
    mutants = [_itself(way) for way in batch.names] if batch.clauses else collect(gallery)
    mutants = [mutant for mutant in mutants if mutant.name in batch.names]
    if batch.base == "noisy":
        for mutant in mutants:
            _put_noisy(mutant)
    to.send_bytes(json.dumps([asdict(caught) for caught in hunt(mutants, batch)]).encode())


def _itself(way: str) -> Mutant:
    """A noisy base, to be asked like a mutant."""
    return Mutant(way, way, "", "", frozenset(), way)


def _put_noisy(mutant: Mutant) -> None:
    """Where the run will look for the class, put the noisy one."""
    place, _, name = BUILT_IN.get(mutant.spec, mutant.spec).rpartition(":")
    module = import_file(Path(place)) if place.endswith(".py") else importlib.import_module(place)
    setattr(module, name, noisy(getattr(module, name)))
