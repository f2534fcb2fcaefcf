"""What is left to be asked, and of whom."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from crudspec.supervisor import limits

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from crudspec.record import Check


class Work:
    """The checks of a run that are waiting, in the order of the plan."""

    def __init__(self, checks: Iterable[Check], *, apart: bool) -> None:
        """Remember what is to be asked.

        Args:
            checks: In the order of the plan.
            apart: Rather all checks of a backend in one process, as there are several.
        """
        self._waiting = {check.nodeid: check for check in checks}
        self._apart = apart
        self._ends: Counter[str] = Counter()
        self._lost: Counter[str] = Counter()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def next(self, mine: str, others: Collection[str]) -> Check | None:
        """Take a check: in the order of the plan, but rather of a backend that no other process has open.

        Args:
            mine: The backend that the asking process was asked about last.
            others: Those that the other processes are busy with.
        """
        waiting = self._waiting.values()
        check = None
        if self._apart:
            check = next((check for check in waiting if check.backend == mine), None)
        check = check or next((check for check in waiting if check.backend not in others), None)
        check = check or next(iter(waiting), None)
        return self._waiting.pop(check.nodeid) if check else None

    def take(self, backend: str, clause: str) -> Check | None:
        """Take a check of that clause, out of its turn, if one is waiting."""
        found = [check for check in self._waiting.values() if (check.backend, check.clause) == (backend, clause)]
        return self._waiting.pop(found[0].nodeid) if found else None

    def put_back(self, check: Check) -> None:
        """Ask it again, first of all: what ended its process was not its own."""
        self._waiting = {check.nodeid: check, **self._waiting}

    def ended_by(self, check: Check, seconds: float) -> list[Check]:
        """Note that a process ended in a check; after some such ends, the rest of the backend's is given up.

        Returns:
            What is given up.
        """
        self._ends[check.backend] += 1
        return self.lost_in(check, seconds)

    def lost_in(self, check: Check, seconds: float) -> list[Check]:
        """Note that a check took time because something did not come back; where it adds up, the rest is given up.

        Returns:
            What is given up.
        """
        backend = check.backend
        self._lost[backend] += int(seconds)
        if self._ends[backend] < limits.ENDS and self._lost[backend] < limits.LOST:
            return []
        return self.without(backend)

    def without(self, backend: str) -> list[Check]:
        """Give up what is left of a backend.

        Returns:
            What is given up.
        """
        rest = [waiting for waiting in self._waiting.values() if waiting.backend == backend]
        for waiting in rest:
            del self._waiting[waiting.nodeid]
        return rest

    def clear(self) -> list[Check]:
        """Take everything that is left."""
        rest = list(self._waiting.values())
        self._waiting.clear()
        return rest
