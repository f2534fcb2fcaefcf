"""Which SQL the prepared statements and the portals of one connection stand for."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from crudspec.wire import messages as m

if TYPE_CHECKING:
    from crudspec.wire.frames import Frame


class Prepared:
    """Names and what they mean, as the server knows them.

    A Parse or a Close holds when the server has said so: it may refuse it, or skip it after an earlier error. What
    is sent behind it before the answer goes by what it will mean if all goes well; if not, the server skips that, too.
    """

    def __init__(self) -> None:
        self._statements: dict[str, str] = {}
        self._portals: dict[str, tuple[str, int]] = {}
        self._pending: deque[tuple[str | None, str | None]] = deque()  # names (None: of a portal), SQL (None: a Close)

    def sql(self, frame: Frame) -> str | None:
        """Return the SQL that a client's message is about, or None; to be asked before it passes.

        Knows Query, Parse, Bind, Execute and Describe or Close of a statement or portal.
        """
        if frame.code == b"Q":
            return m.query_text(frame)
        if frame.code == b"P":
            return m.read_parse(frame).sql
        if frame.code == b"B":
            return self._statement(m.read_bind(frame).statement)
        if frame.code == b"E":
            return self._portals.get(m.read_portal(frame), (None, 0))[0]
        if frame.code in (b"C", b"D"):
            kind, name = m.read_target(frame)
            return self._statement(name) if kind == "S" else self._portals.get(name, (None, 0))[0]
        return None

    def executed(self, frame: Frame) -> tuple[str, int]:
        """Return the SQL and the number of parameters of an Execute."""
        portal = m.read_portal(frame)
        return self._portals.get(portal, (f"(portal {portal!r})", 0))

    def bound(self, frame: Frame) -> None:
        """A portal is made by a Bind."""
        portal, statement, parameters = m.read_bind(frame)
        self._portals[portal] = (self._statement(statement) or f"(statement {statement!r})", parameters)

    def sent(self, frame: Frame) -> None:
        """A Parse or a Close was sent, and is owed an answer."""
        if frame.code == b"P":
            self._pending.append(m.read_parse(frame))
            return
        kind, name = m.read_target(frame)
        if kind != "S":
            self._portals.pop(name, None)
        self._pending.append((name if kind == "S" else None, None))

    def answered(self, *, done: bool) -> None:
        """The oldest of them was done, or else refused or skipped."""
        name, sql = self._pending.popleft()
        if name is None:
            return
        if done and sql is not None:
            self._statements[name] = sql
        elif done or not name:  # the server forgets the nameless one before it parses another
            self._statements.pop(name, None)

    def _statement(self, name: str) -> str | None:
        for pending, sql in reversed(self._pending):
            if pending == name:
                return sql
        return self._statements.get(name)
