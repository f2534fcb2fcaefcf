"""What a clause is, and a profile of some, and what it does to a caller if one does not hold."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

Level = Literal["MUST", "SHOULD"]


class Consequence(Enum):
    """What a broken promise does to whoever relies on it, worst first."""

    DATA = "data"
    """Stored data are lost or wrong."""
    HANG = "hang"
    """It hangs, leaks or never recovers."""
    ANSWER = "answer"
    """A call returns what is not so, or refuses what is right."""
    ERROR = "error"
    """A failure is told by the wrong exception."""
    COST = "cost"
    """It costs more than it must."""

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Consequence).index(self)


@dataclass(frozen=True, slots=True)
class Clause:
    """One promise.

    Attributes:
        id: Stable name, such as ``CREATE-1``.
        profile: Name of the :class:`Profile` that it belongs to.
        level: ``MUST`` fails the run; ``SHOULD`` is advice, and fails only under ``--crud-strict``.
        consequence: What it does to a caller if it does not hold; one failure may be worse, or less bad, than that.
        promise: What every backend does, in one sentence or two.
        claimed_by: Defining any of these attributes in the backend's own class claims the clause. Empty: it is
            claimed with its profile.
    """

    id: str
    profile: str
    level: Level
    consequence: Consequence
    promise: str
    claimed_by: tuple[str, ...] = ()

    def is_claimed_by(self, backend: type) -> bool:
        """Tell whether the clause applies to a backend that claims its profile.

        What a base class promises does not bind a subclass: it has operations of its own.
        """
        return not self.claimed_by or any(name in vars(backend) for name in self.claimed_by)


@dataclass(frozen=True, slots=True)
class Profile:
    """A group of clauses that a backend claims as a whole.

    Attributes:
        name: As in ``--crud-profile``.
        summary: What it is about.
        claimed_by: Having any of these attributes claims the profile. Empty: every backend claims it.
    """

    name: str
    summary: str
    claimed_by: tuple[str, ...] = ()

    def is_claimed_by(self, backend: type) -> bool:
        """Tell whether this profile's clauses apply to the backend."""
        return not self.claimed_by or any(hasattr(backend, name) for name in self.claimed_by)
