"""Those who race, and what each of them sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crudspec.wire.frames import Frame


@dataclass(slots=True, eq=False)
class Turn:
    """One batch, and what came of it.

    Attributes:
        client: Who sent it.
        sent: Its SQL statements, each with the message that carries it (Query, Parse or Bind).
        answers: CommandComplete, DataRow and ErrorResponse messages.
        blockers: The clients whose locks it waited for.
        again: Goes on an earlier turn, which has waited: nothing was sent.
    """

    client: Client
    sent: list[tuple[str, Frame]] = field(default_factory=list)
    answers: list[Frame] = field(default_factory=list)
    blockers: tuple[Client, ...] = ()
    again: bool = False


@dataclass(slots=True, eq=False)
class Client:
    """One of those who race.

    Attributes:
        name: ``A``, ``B`` or ``C``.
        instance: Index of the instance of the backend that it calls.
        running: Its call is under way.
        quiet: It was given time to send something and did not: it waits for another client in the backend itself,
            at a lock or for a connection of a pool.
    """

    name: str
    instance: int
    running: bool = False
    quiet: bool = False
