"""What whoever has something run says beforehand: what to run, and who is told how it goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crudspec.record import Event, Record
    from crudspec.server import ServerChoice


class Audience(Protocol):
    """Whoever is told every event as it comes."""

    def take(self, event: Event, record: Record) -> None:
        """One more event; the record has it already."""

    def tick(self) -> None:
        """Some time has passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to run.

    Attributes:
        arguments: For pytest, without the server's DSN.
        choice: Where PostgreSQL comes from; None to list the checks, which needs none.
        processes: How many children at once.
        stop_at_first: Whether the first failure is the end of the run.
        effort: Name of the effort, for what a check may take.
        deadline: What an operation may take, in seconds, if it is not the usual; a check may then take more, too.
        command: What was typed, without a DSN.
        options: Those of it that a check has to be repeated with.
    """

    arguments: Sequence[str]
    choice: ServerChoice | None
    processes: int = 1
    stop_at_first: bool = False
    effort: str = "default"
    deadline: float | None = None
    command: str = ""
    options: Sequence[str] = ()
