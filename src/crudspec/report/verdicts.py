"""The verdict on each clause for each backend, from what pytest reported of its checks."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class Verdict(Enum):
    """What a run found out about one clause and one backend. Later ones outweigh earlier ones."""

    UNCLAIMED = "unclaimed"
    NOT_SELECTED = "not selected"
    PASS = "pass"  # noqa: S105 - a verdict, not a password
    DEVIATES = "deviates"
    ADVICE = "advice"
    NOT_RUN = "not run"
    FAIL = "fail"


_WEIGHT = {verdict: weight for weight, verdict in enumerate(Verdict)}


@dataclass(slots=True)
class Verdicts:
    """Planned checks against executed ones.

    A clause may have several checks; the worst of them is its verdict, and a check that was planned but did
    not run is worse than one that passed.
    """

    planned: dict[str, tuple[str, str]] = field(default_factory=dict)
    outcomes: dict[str, Verdict] = field(default_factory=dict)
    details: dict[tuple[str, str], str] = field(default_factory=dict)

    def plan(self, nodeid: str, backend: str, clause_id: str) -> None:
        self.planned[nodeid] = (backend, clause_id)

    def add(self, nodeid: str, backend: str, clause_id: str, verdict: Verdict, detail: str = "") -> None:
        """Record one phase of one check; phases of one check, too, add up to the worst."""
        self.planned.setdefault(nodeid, (backend, clause_id))
        before = self.outcomes.get(nodeid)
        if before is None or _WEIGHT[verdict] > _WEIGHT[before]:
            self.outcomes[nodeid] = verdict
        if detail:
            self.details.setdefault((backend, clause_id), detail)

    def table(self) -> dict[tuple[str, str], Verdict]:
        """The verdict by backend and clause, for everything that was planned."""
        result: dict[tuple[str, str], Verdict] = {}
        for nodeid, key in self.planned.items():
            verdict = self.outcomes.get(nodeid, Verdict.NOT_RUN)
            if key not in result or _WEIGHT[verdict] > _WEIGHT[result[key]]:
                result[key] = verdict
        return result

    def missing(self) -> list[tuple[str, str]]:
        """Backend and clause of every check that was planned and has no outcome, or was skipped."""
        without = (None, Verdict.NOT_RUN)
        return [key for nodeid, key in self.planned.items() if self.outcomes.get(nodeid) in without]

    def can_pass(self) -> bool:
        """Tell whether every planned check was asked and none failed, whatever became of pytest's reports."""
        return not self.missing() and Verdict.FAIL not in self.outcomes.values()
