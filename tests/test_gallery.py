"""The gallery of mutants, and the judgement on it; a fast subset of the hunt itself."""

from collections import Counter
from pathlib import Path

import pytest

from crudspec.backends.registry import BackendError
from crudspec.clauses import CLAUSES
from crudspec.mutants.gallery import Mutant, collect
from crudspec.mutants.hunt import Caught
from crudspec.mutants.matrix import Outcome, document, hunt_all, problems
from crudspec.server import ServerChoice

GALLERY = Path(__file__).parent / "mutants"

FAST = {"CREATE-1", "GET-4", "LIST-1", "UPDATE-2", "USABLE-1"}
"""Clauses whose first mutant is hunted in every run of our own tests; the whole gallery: ``crudspec mutants``."""


def mutant(**changes) -> Mutant:
    values = {"name": "M", "spec": "m.py:M", "clause": "GET-1", "lie": "lies", "also": frozenset({"GET-4"}), **changes}
    return Mutant(**values)


def test_every_clause_has_a_mutant_of_its_own_and_there_are_enough() -> None:
    found = collect(GALLERY)
    named = Counter(one.clause for one in found)
    assert len(found) >= 90
    assert [clause.id for clause in CLAUSES if clause.id not in named] == []


def test_the_kill_matrix_in_the_documents_shows_this_gallery() -> None:
    outcomes = [Outcome(one, Caught(one.name)) for one in collect(GALLERY)]
    assert (GALLERY.parents[1] / "docs" / "kill-matrix.md").read_text(encoding="utf-8") == document(outcomes)


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


def test_a_folder_without_mutants_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="no mutants"):
        collect(tmp_path)


def test_a_few_mutants_are_caught_by_name_and_break_nothing_else(server) -> None:
    chosen = {one.clause: one for one in reversed(collect(GALLERY)) if one.clause in FAST}
    told: list[str] = []
    choice = ServerChoice(kind="external", dsn=server.dsn)
    outcomes = hunt_all(GALLERY, list(chosen.values()), choice, processes=1, tell=told.append)
    assert problems(outcomes, whole=False) == []
    assert len(told) == len(FAST)


CRASHING = '''
import os
import signal
from crudspec.backends.asyncpg import AsyncpgBackend


class Crashes(AsyncpgBackend):
    """GET-1: the interpreter is shot."""

    async def get(self, task_id):
        os.kill(os.getpid(), signal.SIGSEGV)
'''


def test_a_mutant_that_ends_its_process_is_a_problem(server, tmp_path: Path, monkeypatch) -> None:
    """Also where somebody's options for pytest would run the checks in processes of their own."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "-n 1")
    (tmp_path / "crashing.py").write_text(CRASHING, encoding="utf-8")
    choice = ServerChoice(kind="external", dsn=server.dsn)
    outcomes = hunt_all(tmp_path, collect(tmp_path), choice, processes=1, tell=lambda _: None)
    found = problems(outcomes, whole=False)
    assert found[:1] == ["Crashes survives GET-1: the interpreter is shot"]
    assert len(found) == 2, outcomes
    assert "Fatal Python error" in found[1], found
