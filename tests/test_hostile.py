"""Backends that fight the suite: each run ends by itself, with a true verdict for everything, and never with 0."""

import importlib
import time
from dataclasses import dataclass
from typing import Any

import pytest

from crudspec.plugin import suite_directory
from crudspec.record import Record, Verdict
from crudspec.report.text import printable
from crudspec.server import Server, ServerChoice
from crudspec.supervisor import Order, Supervisor, limits

ASKED = {
    "ends": ("CONNECT-1", "CREATE-1", "CREATE-6", "GET-1", "LIST-2"),
    "silent": ("CONNECT-1", "CREATE-6", "GET-1", "LIST-1", "LIST-2"),
    "raises": ("CREATE-6", "GET-1", "LIST-2"),
    "values": ("CREATE-6", "GET-1", "LIST-1", "LIST-2"),
    "meddles": ("CREATE-1", "CREATE-6", "GET-1", "LIST-2"),
    "database": ("CREATE-6", "GET-1", "LIST-2"),
    "leaving": ("CONNECT-1", "CREATE-6", "HYGIENE-2"),
    "tampers": ("CREATE-1", "CREATE-6", "LIST-2"),
}
"""The clauses that the samples of each module are asked."""

PENDING: dict[str, str] = {}
"""Samples whose verdict is not true yet, with what it takes."""


def samples(module: str) -> dict[str, Any]:
    found = vars(importlib.import_module(f"tests.hostile.{module}"))
    return {name: value for name, value in found.items() if hasattr(value, "verdicts") and not name.startswith("_")}


class Nobody:
    def take(self, event, record):
        pass

    def tick(self):
        pass


@dataclass
class Run:
    record: Record
    status: int
    seconds: float


@pytest.fixture(scope="module")
def runs(server: Server):
    """One run of each module, made when it is first asked for."""
    made: dict[str, Run] = {}

    def run(module: str) -> Run:
        if module not in made:
            made[module] = _run(server, module)
        return made[module]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "SILENCE", 4.0)
        patch.setattr(limits, "ANNOUNCED", 3.0)
        patch.setattr(limits, "GRACE", 3.0)
        patch.setattr(limits, "CHECK", {"quick": 12.0})
        patch.setattr(limits, "LOST", 15.0)
        yield run


def _run(server: Server, module: str) -> Run:
    suite = suite_directory()
    arguments = [str(suite), "-c", str(suite / "pytest.ini"), "--rootdir", str(suite), "-p", "no:terminal", "-s"]
    arguments += ["--crud-effort=quick", "--crud-deadline=1", "-k", " or ".join(ASKED[module])]
    arguments += [f"--crud-backend=tests.hostile.{module}:{name}" for name in samples(module)]
    choice = ServerChoice(kind="external", dsn=server.dsn)
    began = time.monotonic()
    processes = 4 if module in {"silent", "leaving"} else 2  # those wait for most of the time
    supervisor = Supervisor(Order(arguments=arguments, choice=choice, effort="quick", processes=processes), Nobody())
    status = supervisor.run()
    return Run(supervisor.record, status, time.monotonic() - began)


def together(*values: str) -> Any:
    """All that looks at the run of a module, in the process that makes it."""
    return pytest.param(*values, marks=pytest.mark.xdist_group(values[0]))


@pytest.mark.parametrize("module", [together(module) for module in ASKED])
def test_the_run_ends_with_a_verdict_for_everything(module, runs):
    run = runs(module)

    assert not run.record.errors
    assert set(run.record.results) == set(run.record.checks)
    assert {check.backend for check in run.record.checks.values()} == set(samples(module))
    assert run.status == 1


@pytest.mark.parametrize(
    ("module", "name"), [together(module, name) for module in ASKED for name in samples(module) if name not in PENDING]
)
def test_each_has_its_verdict(module, name, runs):
    record = runs(module).record
    table = record.table()
    seen = {clause: table[name, clause].value for clause in ASKED[module]}
    wanted = samples(module)[name].verdicts

    assert seen == seen | wanted, [result for result in record.results.values() if result.backend == name]
    for result in record.of(Verdict.FAIL):
        if result.backend == name:
            assert result.failure
            assert len(result.failure) < 20_000
            assert result.failure == printable(result.failure)


def test_there_are_many() -> None:
    assert sum(len(samples(module)) for module in ASKED) >= 60
