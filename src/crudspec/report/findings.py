"""Findings: failures of one backend that have one cause are one finding, named by what it means to the user."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crudspec.contract.causes import meaning
from crudspec.contract.clause import Consequence
from crudspec.contract.clauses import BY_ID
from crudspec.record import Record, Result, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

_ORDER = {clause_id: place for place, clause_id in enumerate(BY_ID)}
UNTOLD = "the run ended before"
"""Stands as the reason where no other was told."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a backend, once.

    Attributes:
        backend: Its name.
        title: What it means to the user, or what was seen.
        results: The failures that have it in common, the worst one first.
    """

    backend: str
    title: str
    results: tuple[Result, ...]

    @property
    def worst(self) -> Result:
        return self.results[0]

    @property
    def consequence(self) -> Consequence:
        return self.worst.consequence

    @property
    def is_advice(self) -> bool:
        """Whether only promises are broken that need not be kept."""
        return all(result.verdict is Verdict.ADVICE for result in self.results)

    @property
    def clauses(self) -> list[str]:
        """The clauses that it touches, in the order of the contract."""
        return sorted({result.clause for result in self.results}, key=place)

    @property
    def rank(self) -> tuple[int, bool, int, int]:
        """The smaller, the sooner it should be looked at."""
        optional = all(result.level == "SHOULD" for result in self.results)
        return self.consequence.rank, optional, -len(self.clauses), place(self.worst.clause)


def place(clause_id: str) -> int:
    """Where a clause stands in the contract."""
    return _ORDER.get(clause_id, len(_ORDER))


def findings(record: Record) -> list[Finding]:
    """Every finding of the run: backend by backend, the worst first, advice at its place among the others."""
    broken: dict[str, list[Result]] = defaultdict(list)
    for result in record.of(Verdict.FAIL, Verdict.ADVICE):
        broken[result.backend].append(result)
    return [
        finding
        for backend in record.backends()
        for finding in sorted(map(_finding, _with_one_cause(broken[backend])), key=lambda found: found.rank)
    ]


def _with_one_cause(results: Sequence[Result]) -> list[list[Result]]:
    """What has a cause goes by it; else what was seen is one, else the clause."""
    groups: list[list[Result]] = []
    by_key: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        keys = [("cause", result.cause)] if result.cause else [("seen", result.detail), ("clause", result.clause)]
        group = next((by_key[key] for key in keys if key in by_key), None)
        if group is None:
            group = []
            groups.append(group)
        group.append(result)
        for key in keys:
            by_key.setdefault(key, group)
    return groups


def _finding(results: Sequence[Result]) -> Finding:
    ordered = sorted(
        results,
        key=lambda result: (
            result.verdict is Verdict.ADVICE,
            result.consequence.rank,
            result.level == "SHOULD",
            place(result.clause),
        ),
    )
    first = ordered[0]
    return Finding(first.backend, meaning(first.cause) or first.detail or first.clause, tuple(ordered))


def not_run(record: Record) -> dict[str, dict[str, list[str]]]:
    """By backend and reason, the clauses that were planned and not asked; a clause that fails besides is not here."""
    table = record.table()
    found: dict[str, dict[str, list[str]]] = {}
    for check in record.missing():
        if table[check.backend, check.clause] is not Verdict.NOT_RUN:
            continue
        result = record.results.get(check.nodeid)
        reasons = found.setdefault(check.backend, {})
        clauses = reasons.setdefault((result.because if result else "") or UNTOLD, [])
        if not any(check.clause in told for told in reasons.values()):
            clauses.append(check.clause)
    return {
        backend: {reason: clauses for reason, clauses in reasons.items() if clauses}
        for backend, reasons in found.items()
    }
