"""A gallery of mutants: classes that tell one lie each, and the clause that has to catch it."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from crudspec.backends.registry import BUILT_IN, BackendError, import_file
from crudspec.contract.clauses import BY_ID

GENERAL = frozenset({"PROGRAM-1", "MIX-1", "CANCEL-2", "RACE-2", "LOST-1", "LOST-2", "LOST-3", "ERROR-4"})
"""Clauses that run any operation under any circumstances (programs, races, faults) and look at all that comes of it:
they may catch any lie, so they count as related to each. CANCEL-2 catches whatever is written straight on a session,
as most of the mutants on SQLAlchemy are: its driver is stopped while it stops."""

NO_WAY = "only the four ways have a noisy base"
"""Why a mutant on a way of our tests' own, to another table than ``tasks``, is hunted on a quiet base alone."""

_FIRST_LINE = re.compile(r"([A-Z]+-[0-9]+): (.+)")


@dataclass(frozen=True, slots=True)
class Mutant:
    """A deliberately wrong backend.

    Attributes:
        name: Its class's name.
        spec: What selects it, ``path/to/file.py:Class``.
        clause: Id of the clause that must catch it, by name.
        lie: What it does wrong, from its docstring.
        also: Ids of other clauses that the same lie breaks.
        way: Which of the four ways it is written on; empty if on none.
        quiet_only: Why it cannot be told from a noisy base, such as that its lie is what that does anyway; empty if
            it can be.
    """

    name: str
    spec: str
    clause: str
    lie: str
    also: frozenset[str]
    way: str = ""
    quiet_only: str = ""

    @property
    def related(self) -> frozenset[str]:
        """Clauses that may fail; every other one must hold."""
        return self.also | GENERAL | {self.clause}


def collect(folder: Path) -> list[Mutant]:
    """Read a gallery: each public class of each module whose docstring begins ``CLAUSE-ID: the lie``.

    Raises:
        BackendError: no gallery there, an unknown clause, a class without such a docstring, or one name twice.
    """
    files = [path for path in sorted(folder.glob("*.py")) if path.name != "__init__.py"]
    if not files:
        raise BackendError(f"no mutants in {folder}; name the folder of a gallery")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))  # as `python -m` does: mutants may be written on ways of our tests' own
    found: dict[str, Mutant] = {}
    for path in files:
        module = import_file(path)
        for name, value in vars(module).items():
            if isinstance(value, type) and value.__module__ == module.__name__ and hasattr(value, "connect"):
                if name.startswith("_"):
                    continue
                if name in found:
                    raise BackendError(f"{path}: {name} is the name of two mutants, here and in {found[name].spec}")
                found[name] = _mutant(path, name, value)
    return list(found.values())


def _mutant(path: Path, name: str, cls: type) -> Mutant:
    match = _FIRST_LINE.match((cls.__doc__ or "").strip().partition("\n")[0])
    if match is None:
        raise BackendError(f"{path}: {name} lacks a docstring that begins 'CLAUSE-ID: the lie'")
    also = frozenset(getattr(cls, "also", "").split())
    for clause_id in {match[1], *also}:
        if clause_id not in BY_ID:
            raise BackendError(f"{path}: {name} names the clause {clause_id!r}, which does not exist")
    lie, way = match[2].rstrip("."), _way(cls)
    quiet_only = getattr(cls, "quiet_only", "") or (NO_WAY if not way else "")
    return Mutant(name, f"{path}:{name}", match[1], lie, also, way, quiet_only)


def _way(cls: type) -> str:
    targets = {target: name for name, target in BUILT_IN.items()}
    return next(filter(None, (targets.get(f"{kind.__module__}:{kind.__name__}") for kind in cls.__mro__)), "")
