"""What a run can find out about a clause.

*n/a* says something of the table, and nothing of the backend: the table lacks what the clause is about.
"""

from __future__ import annotations

from enum import Enum


class Verdict(Enum):
    """What a run found out about one clause and one backend. Later ones outweigh earlier ones."""

    UNCLAIMED = "unclaimed"
    NOT_SELECTED = "not selected"
    NOT_APPLICABLE = "n/a"
    PASS = "pass"  # noqa: S105 - a verdict, not a password
    DEVIATES = "deviates"
    ADVICE = "advice"
    NOT_RUN = "not run"
    FAIL = "fail"

    @property
    def weight(self) -> int:
        """How much it outweighs others."""
        return list(Verdict).index(self)
