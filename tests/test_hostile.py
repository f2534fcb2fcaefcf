"""Backends that fight the suite: each run ends by itself, with a true verdict for everything, and never with 0."""

import importlib
import time
from dataclasses import dataclass
from typing import Any

import pytest

from crudspec.record import Record, Verdict
from crudspec.report.text import printable
from crudspec.run.place import suite_directory
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


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less patience than usual, as here most of what is waited for does not come."""
    monkeypatch.setattr(limits, "SILENCE", 4.0)
    monkeypatch.setattr(limits, "ANNOUNCED", 3.0)
    monkeypatch.setattr(limits, "GRACE", 3.0)
    monkeypatch.setattr(limits, "CHECK", {"quick": 12.0})


def _run(server: Server, module: str) -> Run:
    suite = suite_directory()
    arguments = [str(suite), "-c", str(suite / "pytest.ini"), "--rootdir", str(suite), "-p", "no:terminal", "-s"]
    arguments += ["--crud-effort=quick", "--crud-deadline=1", "-k", " or ".join(ASKED[module])]
    arguments += [f"--crud-backend=tests.hostile.{module}:{name}" for name in samples(module)]
    # One of them takes all connections that a server has.
    own = ServerChoice(kind="embedded")
    choice = own if module == "database" else ServerChoice(kind="external", dsn=server.dsn)
    began = time.monotonic()
    processes = 4 if module in {"silent", "leaving"} else 2  # those wait for most of the time
    supervisor = Supervisor(Order(arguments=arguments, choice=choice, effort="quick", processes=processes), Nobody())
    status = supervisor.run()
    return Run(supervisor.record, status, time.monotonic() - began)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("module", ASKED)
def test_the_run_ends_with_a_true_verdict_for_everything(
    module: str, server: Server, subtests: pytest.Subtests
) -> None:
    run = _run(server, module)

    assert not run.record.errors
    assert set(run.record.results) == set(run.record.checks)
    assert {check.backend for check in run.record.checks.values()} == set(samples(module))
    assert run.status == 1
    for name, sample in samples(module).items():
        with subtests.test(name):
            _has_its_verdicts(run.record, module, name, sample.verdicts)


def _has_its_verdicts(record: Record, module: str, name: str, wanted: dict[str, str]) -> None:
    table = record.table()
    seen = {clause: table[name, clause].value for clause in ASKED[module]}
    assert seen == seen | wanted, [result for result in record.results.values() if result.backend == name]
    for result in record.of(Verdict.FAIL):
        if result.backend == name:
            assert result.failure
            assert len(result.failure) < 20_000
            assert result.failure == printable(result.failure)


def test_there_are_many() -> None:
    assert sum(len(samples(module)) for module in ASKED) >= 60
