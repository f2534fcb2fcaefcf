"""What is asked for in a race, and how it went."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crudspec.races.judged import RaceBroken

NAMES = "ABC"
"""The clients: three at most."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What one client asks for; the row's key goes without saying.

    Attributes:
        operation: ``create``, ``get``, ``update`` or ``delete``.
        values: What create or update is given.
        instance: Which instance of the backend it asks, 0 or 1: two of them are two processes of one service.
    """

    operation: str
    values: Mapping[str, Any] = field(default_factory=dict)
    instance: int = 0


@dataclass(frozen=True, slots=True)
class Race:
    """What concurrent clients do to a row.

    Attributes:
        entries: What each client asks for.
        row: Values of the row before, where they are not the plain ones.
        together: Every call is made before the first message goes. If not, a call is a step of the schedule like any
            other, so that one operation may be over before the next begins.
        excluding: They cannot all be had: both would store what only one row may.
    """

    entries: tuple[Entry, ...]
    row: Mapping[str, Any] = field(default_factory=dict)
    together: bool = True
    excluding: bool = False


@dataclass(slots=True)
class Outcome:
    """One race as it was run.

    Attributes:
        trace: Who went at each step, and who could have.
        overlapped: Two operations were on the wire at one moment.
        seconds: How long it took.
        pause: The longest time that a client had nothing on the wire.
        raised: What operations raised, by client.
        broken: What is wrong with it, if anything.
        refused: What is wrong with it if no other schedule of the race does better: an operation raised.
    """

    trace: list[tuple[str, str]] = field(default_factory=list)
    overlapped: bool = False
    seconds: float = 0.0
    pause: float = 0.0
    raised: dict[str, BaseException] = field(default_factory=dict)
    broken: RaceBroken | None = None
    refused: RaceBroken | None = None

    @property
    def schedule(self) -> str:
        """The schedule that this was, in full."""
        return "".join(chosen for chosen, _ in self.trace)
