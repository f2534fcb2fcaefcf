"""What passed through the wire, in the words of somebody who wants to know what an operation costs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crudspec.wire.messages import ErrorReport


@dataclass(slots=True)
class Statement:
    """One statement of a Query, or one Execute of a portal, and what became of it."""

    connection: int
    """Number of the connection, counted from 1 in the order in which the proxy accepted them."""
    sql: str
    """The text as the driver sent it, of a Query the whole; of an Execute what was parsed, at any time before."""
    parameters: int = 0
    """How many values were bound."""
    tag: str | None = None
    """The server's CommandComplete, such as ``INSERT 0 1``; None while, or if, it has not answered."""
    error: ErrorReport | None = None

    def __str__(self) -> str:
        bound = f"  [{self.parameters} parameters]" if self.parameters else ""
        return f"#{self.connection} {' '.join(self.sql.split())}{bound} -> {self.error or self.tag or 'no answer'}"


@dataclass(slots=True)
class Traffic:
    """What passed in a stretch of time, over all connections. The figures of a Statement fill in later."""

    name: str = ""
    round_trips: int = 0
    """All of them; :mod:`crudspec.wire.session` has the definition."""
    login_trips: int = 0
    """Those among ``round_trips`` that opened a connection (TLS question, start-up, passwords)."""
    connections: int = 0
    """Connections that a client opened."""
    transactions: int = 0
    """Transactions begun on the server: explicit ones, and those that a statement outside of one makes."""
    bytes_sent: int = 0
    bytes_received: int = 0
    statements: list[Statement] = field(default_factory=list)

    def __str__(self) -> str:
        head = (
            f"{self.name or 'traffic'}: {self.round_trips} round trips, {self.transactions} transactions, "
            f"{self.bytes_sent} bytes sent, {self.bytes_received} received"
        )
        return "\n".join([head, *(f"  {n}. {s}" for n, s in enumerate(self.statements, 1))])


class Observer:
    """Records what passes through a proxy. One observer may serve several proxies in one thread.

    Attributes:
        problems: what the wire could not understand or do, one line each.
    """

    def __init__(self) -> None:
        self.problems: list[str] = []
        # Replaced, never changed: the proxy may be iterating over it in another thread.
        self.recording: tuple[Traffic, ...] = ()

    def operation(self, name: str = "") -> Recording:
        """Record everything between entering and leaving the ``with`` block; ``as`` gives the Traffic.

        The figures are exact as soon as the client has its answer, because the proxy takes note of a message
        before it forwards it. Blocks may overlap; each then records all.
        """
        return Recording(self, Traffic(name))


class Recording:
    """The context manager that :meth:`Observer.operation` returns."""

    def __init__(self, observer: Observer, traffic: Traffic) -> None:
        self._observer = observer
        self._traffic = traffic

    def __enter__(self) -> Traffic:
        self._observer.recording = (*self._observer.recording, self._traffic)
        return self._traffic

    def __exit__(self, *exc_info: object) -> None:
        kept = (traffic for traffic in self._observer.recording if traffic is not self._traffic)
        self._observer.recording = tuple(kept)
