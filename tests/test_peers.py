"""The data layers of docs/peers.md: short, as tutorials have it, listed, and each finding explained once."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from crudspec.backends.registry import import_file
from crudspec.contract.clause import Consequence

ROOT = Path(__file__).parent.parent
FILES = sorted(path for folder in ("peers", "taught") for path in (ROOT / "examples" / folder).glob("*.py"))
OPERATIONS = {"connect", "create", "get", "list_tasks", "update", "delete"}
LONGEST = 40

peers = import_file(ROOT / "docs" / "peers.py")


def lines_besides_the_model(tree: ast.Module) -> int:
    """Statements and decorators, without imports, docstrings, and whatever else the table and its rows look like."""

    def count(node: ast.AST) -> int:
        own = isinstance(node, ast.stmt | ast.excepthandler) + len(getattr(node, "decorator_list", ()))
        return own + sum(count(child) for child in ast.iter_child_nodes(node) if not is_docstring(child))

    def is_docstring(node: ast.AST) -> bool:
        return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)

    def is_model(node: ast.AST) -> bool:
        table = isinstance(node, ast.Assign) and "Table" in ast.dump(node)
        return table or (isinstance(node, ast.ClassDef) and node.name != "Backend")

    rest = [node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom) and not is_model(node)]
    return sum(count(node) for node in rest if not is_docstring(node))


def missing(tree: ast.Module) -> set[str]:
    """Libraries that the module imports and that are not installed here."""
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return {name for name in {name.partition(".")[0] for name in names} if not is_there(name)}


def is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ValueError:  # a stand-in of another test's
        return False


# Without ids: with names in them, `-k` of a backend would select a part of these.
@pytest.mark.parametrize("path", FILES, ids=[str(number) for number in range(len(FILES))])
def test_is_short_and_can_be_imported(path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))  # a file's folder is added to it, and these are named as libraries
    tree = ast.parse(path.read_text(encoding="utf-8"))
    (backend,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Backend")
    methods = {node.name for node in backend.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert methods >= OPERATIONS
    assert lines_besides_the_model(tree) <= LONGEST, path.name
    if absent := missing(tree):
        pytest.skip(f"{path.name} needs {', '.join(sorted(absent))}: the dependency group `peers`")
    assert callable(import_file(path).Backend.connect)


def test_each_file_is_listed_once():
    listed = [ROOT / way.file for way in peers.ways()]
    assert sorted(listed) == FILES
    assert {way.page for way in peers.ways()} == {"peers", "taught"}


def test_libraries_are_pinned():
    pinned = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]["peers"]
    names = {requirement.partition("==")[0].partition("[")[0] for requirement in pinned if "==" in requirement}
    assert len(names) == len(pinned)
    assert {library for way in peers.ways() for library in way.libraries} <= names


def result(clause="RACE-1", verdict="fail", cause="", consequence="data"):
    return peers.Result(clause, verdict, consequence, cause, "said of it")


WAY = replace(peers.ways()[0], findings={"RACE-1": peers.Explained("Two deletes", "Both are told so.")})


def test_failures_with_one_cause_are_one_finding_the_worst_first():
    found = peers.grouped(
        [
            result("CREATE-8", cause="leak", consequence="error"),
            result("LOST-1", cause="leak", consequence="error"),
            result("LOST-3", consequence="hang"),
            result("GET-6", "advice", consequence="data"),
            result("GET-1", "pass"),
            result("GET-2", "not run"),
        ]
    )
    assert [(one.key, one.consequence, one.clauses) for one in found] == [
        ("GET-6", Consequence.DATA, ("GET-6",)),
        ("LOST-3", Consequence.HANG, ("LOST-3",)),
        ("leak", Consequence.ERROR, ("CREATE-8", "LOST-1")),
    ]


def test_a_page_is_written_where_each_finding_is_explained():
    text = peers.page(WAY.page, [(WAY, [result(), result("GET-1", "pass")])])
    assert "1. **Two deletes** (data lost or wrong; RACE-1) Both are told so." in text
    assert "Keeps 1 of 2 clauses." in text


@pytest.mark.parametrize(
    ("results", "said"),
    [
        ([result(), result("LOST-1")], "LOST-1 (LOST-1) has no explanation: said of it"),
        ([result("RACE-1", "pass")], "RACE-1 is"),
    ],
)
def test_no_page_is_written_with_what_is_not_so_or_without_what_is(results, said):
    with pytest.raises(peers.Unexplained, match=re.escape(said)):
        peers.page(WAY.page, [(WAY, results)])
