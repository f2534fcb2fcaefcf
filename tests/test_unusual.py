"""A correct backend never fails, whatever its rows, its connections and its methods are made of."""

import ast
import re
import subprocess
import sys
from pathlib import Path

from crudspec.backends.registry import Adapter, resolve
from crudspec.clauses import BY_ID, PROFILES
from crudspec.plugin import suite_directory
from crudspec.server import Server

ROOT = Path(__file__).parents[1]
UNUSUAL = ROOT / "tests" / "unusual"

EXPLORED = frozenset({"PROGRAM-1", "MIX-1", "RACE-2", "LOST-2", "COST-1"})
"""Clauses that are explored, or swept message by message: they have most of the time, and need a whole minute for all
of these backends. One of each kind is asked them here; `crudspec check --strict` asks any of them everything."""

ONE_OF_EACH_KIND = frozenset({"Dicts", "OneKept", "Facade", "PsycopgInThreads"})


def backends() -> list[Adapter]:
    """Every public class of the folder."""
    return resolve(
        [
            f"{path}:{node.name}"
            for path in sorted(UNUSUAL.glob("*.py"))
            for node in ast.parse(path.read_text("utf-8")).body
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
        ]
    )


def count_checks(adapters: list[Adapter], clause_ids: frozenset[str]) -> int:
    """How many checks there are of these clauses for these backends."""
    sources = "\n".join(path.read_text("utf-8") for path in suite_directory().glob("test_*.py"))
    profiles = {profile.name: profile for profile in PROFILES}
    return sum(
        profiles[BY_ID[found].profile].is_claimed_by(adapter.cls) and BY_ID[found].is_claimed_by(adapter.cls)
        for found in re.findall(r'^@clause\("(.+)"\)', sources, re.MULTILINE)
        for adapter in adapters
        if found in clause_ids
    )


def assert_all_hold(server: Server, adapters: list[Adapter], clause_ids: frozenset[str]) -> None:
    """Run the checks of these clauses, strictly, in a pytest of their own."""
    command = [sys.executable, "-m", "pytest", str(suite_directory()), "-c", str(suite_directory() / "pytest.ini")]
    command += ["-q", "-n", "2", "-p", "no:cacheprovider", "-k", " or ".join(sorted(clause_ids))]
    command += ["--crud-strict", "--crud-effort=quick", "--crud-server=external", f"--crud-dsn={server.dsn}"]
    command += [f"--crud-backend={adapter.spec}" for adapter in adapters]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    told = run.stdout + run.stderr
    assert run.returncode == 0, told
    planned = count_checks(adapters, clause_ids)
    assert f"{planned} of {planned} planned checks were run" in told


def test_there_is_one_of_each_kind() -> None:
    found = {adapter.name for adapter in backends()}
    assert found > ONE_OF_EACH_KIND
    assert len(found) >= 14


def test_all_pass_strictly(server: Server) -> None:
    assert_all_hold(server, backends(), frozenset(BY_ID) - EXPLORED)


def test_one_of_each_kind_passes_what_is_explored(server: Server) -> None:
    assert_all_hold(server, [adapter for adapter in backends() if adapter.name in ONE_OF_EACH_KIND], EXPLORED)
