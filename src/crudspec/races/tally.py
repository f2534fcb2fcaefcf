"""How many schedules were run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crudspec.races.entries import Outcome


@dataclass(slots=True)
class Tally:
    """How many schedules were run.

    Attributes:
        schedules: All of them.
        overlapped: Those in which two operations were on the wire at one moment.
        complete: Races of which every schedule was run.
    """

    schedules: int = 0
    overlapped: int = 0
    complete: int = 0

    def add(self, outcome: Outcome) -> None:
        """Count a schedule.

        Raises:
            ContractBroken: it is broken.
        """
        self.schedules += 1
        self.overlapped += outcome.overlapped
        if outcome.broken is not None:
            raise outcome.broken
