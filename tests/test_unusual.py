"""A correct backend never fails, whatever its rows, its connections and its methods are made of."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from crudspec.backends.registry import Adapter, resolve
from crudspec.contract.clauses import BY_ID, CLAUSES, PROFILE_NAMES, PROFILES
from crudspec.run.place import suite_directory
from crudspec.server import Server

ROOT = Path(__file__).parents[1]
UNUSUAL = ROOT / "tests" / "unusual"

EXPLORED = frozenset({"PROGRAM-1", "MIX-1", "RACE-2", "LOST-2", "COST-1"})
"""Clauses that are explored, or swept message by message. They take most of the time."""

LOSING = frozenset({"LOST-1", "LOST-3", "ERROR-4", "HYGIENE-3", "DDL-1"})
"""Clauses that lose or exhaust connections by the dozen, or wait for a timeout. They take most of the rest."""

# What a row is made of only the values of a row can tell, and where a connection comes from only what happens to
# connections; threads change everything.
KINDS = {
    "rows": (("crud", "schema"), ""),
    "shapes": (("crud", "schema"), "Facade"),
    "pools": (("resilience",), "OneKept"),
    "threads": (PROFILE_NAMES, "PsycopgInThreads"),
}
"""By file: the profiles that all its backends are asked, without the explored clauses, and a backend that is asked
everything. ``crudspec check --strict`` asks any of them everything."""


def backends(kind: str) -> list[Adapter]:
    """Every public class of that file."""
    path = UNUSUAL / f"{kind}.py"
    classes = [node.name for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.ClassDef)]
    return resolve([f"{path}:{name}" for name in classes if not name.startswith("_")])


def asked_of_all(kind: str, *, slow: bool) -> list[str]:
    """The clauses that every backend of a kind is asked."""
    profiles, _ = KINDS[kind]
    asked = [clause.id for clause in CLAUSES if clause.profile in profiles and clause.id not in EXPLORED]
    return [clause_id for clause_id in asked if (clause_id in LOSING) is slow]


def asked_of_one(kind: str) -> list[str]:
    """The clauses that only one backend of a kind is asked."""
    profiles, _ = KINDS[kind]
    return [clause.id for clause in CLAUSES if clause.profile not in profiles or clause.id in EXPLORED]


def count_checks(adapters: list[Adapter], clauses: list[str]) -> int:
    """How many checks a run has to plan, counted from the suite's text."""
    sources = "\n".join(path.read_text("utf-8") for path in suite_directory().glob("test_*.py"))
    found = [BY_ID[name] for name in re.findall(r'^@clause\("(.+)"\)', sources, re.MULTILINE)]
    by_name = {profile.name: profile for profile in PROFILES}
    return sum(
        by_name[clause.profile].is_claimed_by(adapter.cls) and clause.is_claimed_by(adapter.cls)
        for clause in found
        for adapter in adapters
        if clause.id in clauses
    )


def passes_strictly(adapters: list[Adapter], clauses: list[str], server: Server) -> None:
    """Ask these backends these clauses, in a process of its own."""
    suite = suite_directory()
    command = [sys.executable, "-m", "pytest", str(suite), "-c", str(suite / "pytest.ini"), "-q"]
    command += ["-k", " or ".join(clauses), "--crud-strict", "--crud-effort=quick"]
    command += ["--crud-server=external", f"--crud-dsn={server.dsn}"]
    command += [f"--crud-backend={adapter.spec}" for adapter in adapters]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    told = run.stdout + run.stderr
    assert run.returncode == 0, told
    assert "{0} of {0} planned checks were run".format(count_checks(adapters, clauses)) in told


def test_every_file_of_the_folder_is_a_kind() -> None:
    assert {path.stem for path in UNUSUAL.glob("*.py")} == set(KINDS)
    for kind, (_, explored) in KINDS.items():
        assert explored in {"", *(adapter.name for adapter in backends(kind))}


@pytest.mark.parametrize("kind", KINDS)
def test_unusual_backends_pass_strictly(kind: str, server: Server) -> None:
    passes_strictly(backends(kind), asked_of_all(kind, slow=False), server)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind in KINDS if asked_of_all(kind, slow=True)])
def test_unusual_backends_pass_strictly_when_connections_are_lost(kind: str, server: Server) -> None:
    passes_strictly(backends(kind), asked_of_all(kind, slow=True), server)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind, (_, explored) in KINDS.items() if explored])
def test_one_of_each_kind_passes_everything_strictly(kind: str, server: Server) -> None:
    _, explored = KINDS[kind]
    chosen = [adapter for adapter in backends(kind) if adapter.name == explored]
    passes_strictly(chosen, asked_of_one(kind), server)
