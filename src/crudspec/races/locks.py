"""Which connections wait for a lock in the server, and which may hold some."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from crudspec.wire.link import Link


class Locks:
    """Decides only what is tried next: what is wrong here is put right by the next message.

    Those ``in`` it are not to be waited for: they wait for a lock, or were set aside.

    Args:
        ask: Says for each of some server processes which other ones it waits for (``pg_blocking_pids``).
    """

    def __init__(self, ask: Callable[[list[int]], Awaitable[dict[int, list[int]]]]) -> None:
        self._ask = ask
        self._blocked: dict[Link, list[int]] = {}
        self._holding: set[Link] = set()  # in a transaction with more in it than its BEGIN

    def __contains__(self, link: Link) -> bool:
        return link in self._blocked

    def forget(self) -> None:
        """Know nothing any more."""
        self._blocked.clear()
        self._holding.clear()

    def recheck(self) -> None:
        """Take nobody to be waiting until the server says so again."""
        self._blocked.clear()

    async def look(self, links: Iterable[Link]) -> dict[Link, list[int]]:
        """Ask the server which of some connections wait, and for which processes; nothing is noted yet."""
        waiting = {link.session.pid: link for link in links if link.session.waiting and link.session.pid}
        found = await self._ask([pid for pid in waiting if pid is not None]) if waiting else {}
        return {link: pids for pid, link in waiting.items() if (pids := found.get(pid or 0))}

    def note(self, found: Mapping[Link, list[int]]) -> bool:
        """Note who waits; False if that is nothing new."""
        known = len(self._blocked)
        self._blocked.update(found)
        return len(self._blocked) > known

    def set_aside(self, links: Iterable[Link]) -> None:
        """Take these, too, for waiting, though the server does not say for whom."""
        for link in links:
            self._blocked.setdefault(link, [])

    def may_wait(self, unanswered: Iterable[Link]) -> bool:
        """Tell whether somebody holds locks, so that asking at once is cheaper than to wait for an answer first."""
        return any(
            holder is not link and holder not in self._blocked
            for link in unanswered
            if link in self._holding
            for holder in self._holding
        )

    def taken(self, link: Link) -> None:
        """A connection was sent a statement that may take locks."""
        self._holding.add(link)

    def answered(self, link: Link) -> None:
        """A connection waits no longer."""
        self._blocked.pop(link, None)

    def let_go(self, link: Link) -> None:
        """A transaction is over: whoever waited for it does so no longer, or for somebody else."""
        self._holding.discard(link)
        for other in [other for other, pids in self._blocked.items() if link.session.pid in pids]:
            del self._blocked[other]

    def closed(self, link: Link) -> None:
        """A connection is gone, and its locks with it."""
        self._holding.discard(link)
        self.recheck()
