"""The catalogue, the suite and the page: three views of one contract, none of which may drift."""

import ast
import re
from pathlib import Path

from click.testing import CliRunner

from crudspec.cli import main
from crudspec.contract.clauses import CLAUSES, PROFILE_NAMES, PROFILES

ROOT = Path(__file__).parents[2]


def functions_of_the_suite():
    for path in sorted((ROOT / "conformance").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield path.name, node


def clause_ids(node):
    return [
        ast.literal_eval(decorator.args[0])
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name) and decorator.func.id == "clause"
    ]


def test_every_clause_has_a_check():
    asked = {clause_id for _, node in functions_of_the_suite() for clause_id in clause_ids(node)}

    assert {clause.id for clause in CLAUSES} == asked


def test_every_check_has_one_clause_and_takes_the_backend():
    for name, node in functions_of_the_suite():
        is_check = node.name.startswith("test_")
        assert len(clause_ids(node)) == is_check, f"{name}: {node.name} has {clause_ids(node)}"
        if is_check:
            assert node.args.args[0].arg == "backend", f"{name}: {node.name}"


def test_a_check_says_what_it_expects_and_saw():
    """A bare assert would be told as an exception of the backend's."""
    for name, node in functions_of_the_suite():
        assert not any(isinstance(part, ast.Assert) for part in ast.walk(node)), f"{name}: {node.name}"


def test_a_check_is_named_once_in_its_module():
    """A second function of the same name would replace the first one silently."""
    seen = set()
    for name, node in functions_of_the_suite():
        assert (name, node.name) not in seen, f"{name}: {node.name} is there twice"
        seen.add((name, node.name))


def test_no_name_of_a_check_selects_a_backend():
    """``pytest -k orm`` looks for a part of any name, so that 'performance' would be a check of the orm's."""
    ours = [*(ROOT / "conformance").glob("test_*.py"), *(ROOT / "tests").rglob("test_*.py")]
    names = [path.stem for path in ours]
    names += [node.name for name, node in functions_of_the_suite() if node.name.startswith("test_")]
    for name in names:
        assert not re.search("asyncpg|core|orm|sqlmodel", name.lower()), name


def test_ids_are_unique_and_levels_and_profiles_are_known():
    ids = [clause.id for clause in CLAUSES]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[A-Z]+-[1-9][0-9]*", clause_id) for clause_id in ids)
    assert {clause.level for clause in CLAUSES} <= {"MUST", "SHOULD"}
    assert {clause.profile for clause in CLAUSES} == set(PROFILE_NAMES)
    assert all("|" not in clause.promise and "\n" not in clause.promise for clause in CLAUSES)


def test_the_page_is_what_the_command_prints():
    printed = CliRunner().invoke(main, ["spec"])

    assert printed.exit_code == 0
    assert (ROOT / "docs" / "contract.md").read_text(encoding="utf-8") == printed.output, (
        "run: crudspec spec > docs/contract.md"
    )
    for clause in CLAUSES:
        assert f"| {clause.id} | {clause.level} | {clause.consequence.value} | {clause.promise} |" in printed.output
    for profile in PROFILES:
        assert f"## Profile `{profile.name}`" in printed.output
