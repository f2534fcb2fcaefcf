"""The gallery of mutants, and the judgement on it; a fast subset of the hunt itself."""

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import cast

import pytest

from crudspec.backends.registry import BackendError
from crudspec.contract.clauses import CLAUSES
from crudspec.contract.failures import ContractBroken
from crudspec.mutants.gallery import NO_WAY, Mutant, collect
from crudspec.mutants.hunt import Batch, Caught, Hunt
from crudspec.mutants.hunters import BASES, hunt_all
from crudspec.mutants.matrix import Outcome, document, line, problems, summary
from crudspec.mutants.reasons import fresh, plain, reasons_of
from crudspec.server import ServerChoice

GALLERY = Path(__file__).parent / "mutants"

FAST = {"CREATE-1", "GET-4", "USABLE-1"}
"""Clauses whose first mutant is hunted in every run of our own tests; the whole gallery: ``crudspec mutants``."""


def mutant(*, quiet_only: str = "") -> Mutant:
    return Mutant("M", "m.py:M", "GET-1", "lies", frozenset({"GET-4"}), "core", quiet_only)


def test_every_clause_has_a_mutant_of_its_own_and_there_are_enough() -> None:
    found = collect(GALLERY)
    named = Counter(one.clause for one in found)
    assert len(found) >= 90
    assert [clause.id for clause in CLAUSES if clause.id not in named] == []


def test_the_kill_matrix_in_the_documents_shows_this_gallery() -> None:
    shown = (GALLERY.parents[1] / "docs" / "kill-matrix.md").read_text(encoding="utf-8")
    assert shown == document(collect(GALLERY))


def test_a_mutant_that_survives_is_a_problem() -> None:
    outcome = Outcome(mutant(), Caught("M", failed={"GET-4": "x"}, passed=["GET-1"]))
    assert list(outcome.problems()) == ["M survives GET-1: lies"]


def test_a_clause_that_fails_for_no_reason_is_a_problem() -> None:
    outcome = Outcome(mutant(), Caught("M", failed={"GET-1": "x", "GET-4": "y", "PROGRAM-1": "p", "LIST-1": "z"}))
    assert list(outcome.problems()) == ["M (GET-1) also breaks LIST-1: z"]


def test_a_hunt_that_ended_early_is_a_problem() -> None:
    outcome = Outcome(
        mutant(), Caught("M", failed={"GET-1": "x"}, passed=["LIST-1"], asked=["GET-1", "LIST-1", "GET-2"])
    )
    assert list(outcome.problems()) == ["M (GET-1): the hunt ended before it had asked GET-2"]


def test_a_clause_that_is_not_asked_because_of_a_related_one_is_no_problem() -> None:
    asked, passed = ["GET-1", "LIST-1", "GET-2"], ["LIST-1"]
    for because, told in (
        ("GET-1", []),
        ("GET-4", []),
        ("CREATE-1", ["M (GET-1) could not be asked GET-2, because of CREATE-1"]),
        ("", ["M (GET-1): the hunt ended before it had asked GET-2"]),
    ):
        caught = Caught("M", failed={"GET-1": "x"}, passed=passed, asked=asked, because={"GET-2": because})
        assert list(Outcome(mutant(), caught).problems()) == told


def noisily(*seen: str, known: tuple[str, ...] = (), quiet_only: str = "", asked: str = "GET-1") -> Outcome:
    """A mutant's outcome on a noisy base, by what was wrong with it and what is wrong with the base itself."""
    caught = Caught("M", "noisy", asked=["GET-1"], passed=[] if seen else ["GET-1"])
    itself = Caught("core", "noisy", asked=[asked], passed=[] if known else [asked])
    for one, told in ((caught, seen), (itself, known)):
        if told:
            one.failed["GET-1"] = told[0]
            one.reasons["GET-1"] = {plain(line, "M"): line for line in told}
    return Outcome(mutant(quiet_only=quiet_only), caught, itself)


def test_on_a_noisy_base_a_mutant_is_caught_by_what_the_base_does_not_do_anyway() -> None:
    assert list(noisily("get(5): seen None").problems()) == []
    assert (
        list(noisily("get(5): raised x.Y: 1", "get(5): seen None", known=("get(7): raised x.Y: 2",)).problems()) == []
    )
    assert noisily("raised x.Y: 1", "seen None", known=("raised x.Y: 2",)).told() == ["seen None"]
    assert list(noisily("get(5): raised x.Y: 1", known=("get(7): raised x.Y: 2",)).problems()) == [
        "M survives GET-1 on a noisy base: lies; all that is seen, its base does anyway"
    ]
    assert list(noisily().problems()) == ["M survives GET-1 on a noisy base: lies"]


def test_quiet_only_has_to_be_true() -> None:
    assert list(noisily(quiet_only="so it is").problems()) == []
    assert list(noisily("seen", known=("seen",), quiet_only="so it is").problems()) == []
    (told,) = noisily("seen", quiet_only="so it is").problems()
    assert told.startswith("M is caught by GET-1 on a noisy base, too")


def test_a_noisy_base_that_was_not_asked_is_a_problem() -> None:
    """What it does anyway is not known then, and everything would count as the mutant's lie."""
    (told,) = noisily("seen", asked="GET-2").problems()
    assert told == "M: its noisy base core itself was not asked GET-1"
    caught = Caught("M", "noisy", asked=["GET-1"], failed={"GET-1": "x"}, reasons={"GET-1": {"x": "x"}})
    for itself in (None, Caught("core", "noisy", failed={"": "the process failed"})):
        (told,) = Outcome(mutant(), caught, itself).problems()
        assert "itself was not asked GET-1" in told


def test_a_process_that_dies_on_a_noisy_base_is_a_problem() -> None:
    outcome = Outcome(
        mutant(quiet_only="so it is"), Caught("M", "noisy", failed={"": "it died"}), noisily(known=("x",)).itself
    )
    assert list(outcome.problems()) == ["M (GET-1) on a noisy base: it died"]


def test_what_is_told_of_a_mutant_says_on_which_base() -> None:
    assert line(noisily("seen None")) == "caught   GET-1            noisy  M: seen None"
    assert line(noisily(quiet_only="so it is")) == "quiet    GET-1            noisy  M: so it is"
    quiet = Outcome(mutant(), Caught("M", failed={"GET-1": "x"}, seconds=1.5))
    assert line(quiet) == "caught   GET-1           1.50 s  M: lies"
    told = summary([quiet, noisily("seen"), noisily(quiet_only="so it is")])
    assert "1 of 1 on the quiet base, 1 of 2 on the noisy base (1 are quiet_only)" in told


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("row 5 of Trimmed at 0x7f2a", "row 17 of CoreBackend at 0x11"),
        (
            "get(1), cut at 3, which raised a.B: SELECT 'x', expected this, seen raised a.B: no",
            "get(1), cut at 4, which raised a.B: SELECT y, expected this, seen raised a.B: well",
        ),
        ("drop crudspec_2a6c916dc0b5_x_18", "drop crudspec_ffff_x_3"),
        ("returned <Record id=5 title='x'", "returned Task(id=5 title='x'"),
        (
            f"get(1): expected None, seen Row(id=9, title='{'x' * 200}', created_at=datetime.dat … (330 characters) …",
            f"get(1): expected None, seen Row(id=10, title='{'x' * 200}', created_at=datetime.da … (331 characters) …",
        ),
    ],
)
def test_reasons_are_compared_without_what_differs_anyway(one: str, other: str) -> None:
    assert plain(one, "Trimmed") == plain(other, "CoreBackend")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("seen None", "seen raised a.B: no"),
        ("seen raised a.B: no", "seen raised a.C: no"),
        ("create with the title 'NUL'", "create with the title 'int'"),
        (
            "get(1): expected x, seen raised a.B: no, and the table then held 5",
            "get(1): expected x, seen raised a.B: no",
        ),
    ],
)
def test_reasons_that_differ_are_told_apart(one: str, other: str) -> None:
    assert plain(one, "M") != plain(other, "M")


def test_all_that_a_check_has_found_is_a_reason() -> None:
    broken = ContractBroken("create(5)", expected="a refusal", seen="stored '5'")
    broken.others = ["create(b'x'): raised a.B: no"]
    found = reasons_of(broken, "M")
    assert list(found.values()) == [str(broken), "create(b'x'): raised a.B: no"]
    assert fresh(found, [plain(str(broken), "M")]) == ["create(b'x'): raised a.B: no"]
    assert list(reasons_of(KeyError("x"), "M").values()) == ["raised KeyError: 'x'"]


class Report:
    nodeid = "test_x.py::test_y[M-GET-1]"
    duration = 0.5

    def __init__(self, *properties: tuple) -> None:
        self.user_properties = [("other", 1), *(("crudspec", list(values)) for values in properties)]


def test_a_hunt_reads_reports_that_say_more_than_it_knows() -> None:
    plugin = Hunt({"M": mutant()}, Batch("quiet", ("M",)))
    plugin.pytest_runtest_logreport(cast("pytest.TestReport", Report(("M", "GET-1", "FAIL", "seen", "more", 5))))
    assert plugin.results["M"].failed == {"GET-1": "seen"}
    assert plugin.results["M"].seconds == 0.5


def test_a_clause_without_a_mutant_is_a_problem_of_the_whole_gallery() -> None:
    outcome = Outcome(mutant(), Caught("M", failed={"GET-1": "x"}))
    assert problems([outcome], whole=False) == []
    assert len(problems([outcome], whole=True)) == len(CLAUSES) - 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("class A:\n    def connect(self): ...", "lacks a docstring"),
        ('class A:\n    """Lies."""\n    def connect(self): ...', "lacks a docstring"),
        ('class A:\n    """GET-99: lies."""\n    def connect(self): ...', "'GET-99', which does not exist"),
        ('class A:\n    """GET-1: lies."""\n    also = "GET-99"\n    def connect(self): ...', "'GET-99', which"),
        ("import nowhere_to_be_found", "nowhere_to_be_found"),
    ],
)
def test_a_wrong_gallery_is_refused(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "some.py").write_text(text, encoding="utf-8")
    with pytest.raises((BackendError, ModuleNotFoundError), match=told):
        collect(tmp_path)


LIES_OF_NOTES = '''
from tests.entity.ways import way


class Louder(way("records", "serial")):
    """CREATE-3: a note is stored in capitals."""

    async def _insert(self, values):
        return await super()._insert({**values, "body": values["body"].upper()})
'''


def test_a_mutant_on_another_table_is_hunted_on_a_quiet_base_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.py").write_text(LIES_OF_NOTES, encoding="utf-8")
    (found,) = collect(tmp_path)
    assert (found.way, found.quiet_only) == ("", NO_WAY)


def test_a_folder_without_mutants_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="no mutants"):
        collect(tmp_path)


def test_a_few_mutants_are_caught_by_name_and_break_nothing_else(server) -> None:
    chosen = {one.clause: one for one in reversed(collect(GALLERY)) if one.clause in FAST}
    told: list[str] = []
    choice = ServerChoice(kind="external", dsn=server.dsn)
    outcomes = hunt_all(GALLERY, list(chosen.values()), choice, processes=1, tell=told.append, bases=BASES)
    assert problems(outcomes, whole=False) == []
    assert len(told) == 2 * len(FAST)


NOISY = """
import asyncio
import sys

from crudspec.mutants.noisy import A_DAY, make_noisy, noisy
make_noisy()

from crudspec import InvalidValue
from crudspec.backends.asyncpg import AsyncpgBackend
from crudspec.backends.registry import resolve

async def main(dsn):
    for adapter in resolve(()):
        kind = noisy(adapter.cls)
        async with kind.connect(dsn) as backend:
            assert backend.timeout == A_DAY
            row = await backend.create("x" * 255 + " ")
            assert len((await backend.get(row.id)).title) == 255, adapter
            assert await backend.update(row.id, "y" * 255 + "  ", False) is True
            for call in (backend.create("x" * 256), backend.update(row.id, None, True), backend.get(2**64)):
                try:
                    await call
                except Exception as error:
                    assert type(error).__module__.split(".")[0] in {"asyncpg", "sqlalchemy"}, (adapter, error)
                else:
                    raise AssertionError(adapter)
        try:
            async with kind.connect("postgresql://me:secret@127.0.0.1:1/x"):
                pass
        except OSError as error:
            assert type(error).__module__ == "builtins", error

class Mine(AsyncpgBackend):
    async def create(self, title):
        raise InvalidValue("its own") from KeyError("of somebody's")

async def own(dsn):
    async with noisy(Mine).connect(dsn) as backend:
        try:
            await backend.create("x")
        except InvalidValue as error:
            print("the lie stays:", error)

async def company(dsn):
    async with AsyncpgBackend.connect(dsn) as backend:
        assert await backend.delete(2**63) is False
        for call in (backend.create("x" * 256), backend.update(1, "x", None)):
            try:
                await call
            except InvalidValue:
                continue
            raise AssertionError

asyncio.run(main(sys.argv[1]))
asyncio.run(own(sys.argv[1]))
asyncio.run(company(sys.argv[1]))
"""


def test_a_noisy_base_checks_nothing_translates_nothing_and_waits_for_ever_and_its_company_is_right(
    scratch_dsn: str,
) -> None:
    """In a process of its own: there is no way back."""
    done = subprocess.run([sys.executable, "-c", NOISY, scratch_dsn], capture_output=True, text=True, check=False)
    assert done.stdout == "the lie stays: its own\n", done.stderr


LYING = '''
from crudspec.backends.asyncpg import AsyncpgBackend
from crudspec.task import Task, check_title


class Shouts(AsyncpgBackend):
    """CREATE-3: a title is stored in capitals."""

    async def create(self, title):
        return await super().create(check_title(title).upper())


class ChecksNothing(AsyncpgBackend):
    """EXACT-1: too many blanks are left to the server, which cuts them."""

    quiet_only = "so it is"

    async def create(self, title):
        if not isinstance(title, str) or len(title.strip()) > 255:
            return await super().create(title)
        async with self._connection() as connection:
            return Task(**await connection.fetchrow("INSERT INTO tasks (title) VALUES ($1) RETURNING *", title))


class SeenAnyway(AsyncpgBackend):
    """GET-1: there is no row."""

    quiet_only = "as somebody thinks"

    async def get(self, task_id):
        return None
'''


def test_a_lie_is_told_from_what_a_noisy_base_does_anyway(server, tmp_path: Path) -> None:
    (tmp_path / "lying.py").write_text(LYING, encoding="utf-8")
    choice = ServerChoice(kind="external", dsn=server.dsn)
    outcomes = hunt_all(tmp_path, collect(tmp_path), choice, processes=2, tell=lambda _: None, bases=["noisy"])
    shouts, nothing, seen = outcomes
    assert shouts.told()
    assert not list(shouts.problems())
    assert nothing.caught.failed
    assert not nothing.told()
    assert not list(nothing.problems())
    assert [problem.partition(";")[0] for problem in seen.problems()] == [
        "SeenAnyway is caught by GET-1 on a noisy base, too: no quiet_only"
    ]


CRASHING = '''
import os
import signal
from crudspec.backends.asyncpg import AsyncpgBackend


class Crashes(AsyncpgBackend):
    """GET-1: the interpreter is shot."""

    async def get(self, task_id):
        os.kill(os.getpid(), signal.SIGSEGV)


class ShowsNothing(AsyncpgBackend):
    """LIST-1: a list is always empty."""

    async def list_tasks(self):
        return []
'''


def test_a_mutant_that_ends_its_process_is_a_problem_and_takes_no_other_with_it(
    server, tmp_path: Path, monkeypatch
) -> None:
    """Also where somebody's options for pytest would run the checks in processes of their own."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "-n 1")
    (tmp_path / "crashing.py").write_text(CRASHING, encoding="utf-8")
    choice = ServerChoice(kind="external", dsn=server.dsn)
    outcomes = hunt_all(tmp_path, collect(tmp_path), choice, processes=1, tell=lambda _: None)
    found = problems(outcomes, whole=False)
    found = [problem for problem in found if problem.startswith("Crashes")]
    assert found[:1] == ["Crashes survives GET-1: the interpreter is shot"]
    assert len(found) == 2, outcomes
    assert "Fatal Python error" in found[1], found
    (other,) = (outcome for outcome in outcomes if outcome.mutant.name == "ShowsNothing")
    assert "LIST-1" in other.caught.failed
