"""Turn by turn: each client's next message is held until it is said whose goes.

A *batch* is what a client sends until it asks for an answer: one Query, or everything up to a Sync or a Flush. What
opens and ends a connection passes at once, and so do the preparation of statements, and what comes when no operation
is under way: a pool may keep house. A client whose connection is being opened is waited for like one that waits for an
answer: some backends connect in every call.
"""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING

from crudspec.races.batches import executes_something, is_half, takes_locks, write_down
from crudspec.races.clients import Client, Turn
from crudspec.races.locks import Locks
from crudspec.wire.frames import CLIENT
from crudspec.wire.interference import Interference, Verdict
from crudspec.wire.thread import goes_round

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from crudspec.wire.frames import Frame
    from crudspec.wire.link import Link

POLL_SECONDS = 0.001
"""How long an answer may take before the server is asked, again, whether its connection waits for a lock."""

SHORTEST_GRACE = 0.004
"""Seconds that the fastest backend is given to send something."""

_LONGEST_POLL = 0.02
_BLOCKED = 0.25  # seconds in which a loop goes round, if nothing blocks it
_SILENCE = 1.0  # after which the others go on without a connection that is owed an answer


class Turns(Interference):
    """Holds batches, knows which client each belongs to, and when there is nothing left to wait for.

    It lives in the event loop of its proxies, and while somebody races nobody else touches it. The backend may be in
    another thread, where a call of its own can block the loop.

    A message does not say whose call it belongs to. Clients on different instances of a backend are told apart by
    their proxy. Those that share one are told apart by what happened last: as only one client is let go at a time, a
    new batch on a connection that nobody uses comes from that one, or from one that waited for it. A wrong guess
    puts a statement into the wrong column; it cannot change a verdict.

    Args:
        blockers: Says for each of some server processes which other ones it waits for (``pg_blocking_pids``).
        grace: Seconds without any traffic after which a client that has sent nothing is taken to be quiet. It
            decides what is tried next, never what is right.
        home: The event loop of the backend; that of the proxies, if none is given.

    Attributes:
        grace: As given.
        log: Every turn, in order.
        overlapped: At some moment two clients had a message under way, held or unanswered.
        pause: The longest time, in seconds, that a client had nothing on the wire. Of a lone client, which waits for no
            other, it says how long the backend takes between two messages.
        blocked: The backend's loop did not go round while it was waited for: something blocks it. Never unset.
        pids: Server processes that have been given a turn.
    """

    def __init__(
        self,
        blockers: Callable[[list[int]], Awaitable[dict[int, list[int]]]],
        *,
        grace: float = SHORTEST_GRACE,
        home: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._locks = Locks(blockers)
        self.grace = grace
        self.blocked = False
        self._home = home
        self._happened = asyncio.Event()
        self._instances: dict[object, int] = {}
        self._begin([])

    def serves(self, proxy: object, instance: int) -> None:
        """Say which instance of the backend connects through a proxy."""
        self._instances[proxy] = instance

    def begin(self, clients: Iterable[Client]) -> None:
        """Start to hold, with these clients and an empty log."""
        self._begin(clients)
        self._free = False

    def _begin(self, clients: Iterable[Client]) -> None:
        self.clients = list(clients)
        self.log: list[Turn] = []
        self.overlapped = False
        self.pause = 0.0
        self.pids: set[int] = set()
        self._since: float | None = None
        self._free = True
        self._owners: dict[Link, Client] = {}
        self._turns: dict[Link, Turn] = {}
        self._locks.forget()
        self._last: Client | None = None

    def end(self) -> None:
        """Hold nothing any more, and let go what is held."""
        self._free = True
        for link in list(self._owners):
            while link.held(CLIENT):
                link.release(CLIENT)

    def stir(self) -> None:
        """Something has happened that no message tells: a call was made, or has returned."""
        self._happened.set()

    # Whose turn it is.

    def ready(self) -> list[Client]:
        """The clients that have a batch waiting, in order."""
        self._note_overlap()
        return [client for client in self.clients if self._held(client) is not None]

    def release(self, client: Client) -> None:
        """Let the next batch of a client go."""
        link = self._held(client)
        assert link is not None
        turn = self._turns[link] = Turn(client)
        self.log.append(turn)
        self._last = client
        if link.session.pid is not None:
            self.pids.add(link.session.pid)
        write_down(turn, link, link.held(CLIENT)[0])
        link.release(CLIENT)
        if takes_locks(turn):
            self._locks.taken(link)

    def called(self, client: Client) -> None:
        """A client makes its call now."""
        client.running = True
        self._last = client
        self.stir()

    async def settle(self) -> None:
        """Wait until every running client has a batch held, or waits for a lock in the server, or is quiet.

        An answer that does not come while nothing else happens, either, is waited for no longer. Like ``grace`` it
        decides what is tried next.
        """
        await self._let_quiet_ones_wake()
        patience, silence = POLL_SECONDS, 0.0
        while True:
            self._happened.clear()
            self._pass_preparations()
            self._note_overlap()
            thinking = [client for client in self.clients if self._is_thinking(client)]
            self._note_pause(thinking)
            unanswered = [link for link in self._owners if link not in self._locks and self._is_half_way(link)]
            if unanswered:
                if patience == POLL_SECONDS and self._locks.may_wait(unanswered) and await self._look_for_locks():
                    continue
                if await self._something(patience):
                    silence = 0.0
                    continue
                silence += patience
                patience = min(patience * 2, _LONGEST_POLL)
                if not await self._look_for_locks() and silence >= _SILENCE:
                    self._locks.set_aside(unanswered)
                continue
            if not thinking:
                return
            # On a busy machine the time may be over before the loop went round.
            if not await self._something(self.grace) and not await self._backend_went_on():
                for client in thinking:
                    client.quiet = True

    async def anything(self) -> None:
        """Wait until something happens: nobody has a batch, so it is for the server or the backend to go on."""
        self._happened.clear()
        if any(client.running for client in self.clients) and not self.ready():
            await self._something(_LONGEST_POLL)
            self._locks.recheck()

    async def _something(self, seconds: float) -> bool:
        """Wait until something happens; False if nothing does in that time."""
        try:
            async with asyncio.timeout(seconds):
                await self._happened.wait()
        except TimeoutError:
            return False
        return True

    async def _let_quiet_ones_wake(self) -> None:
        if any(client.running and client.quiet for client in self.clients):
            await self._backend_went_on()

    async def _backend_went_on(self) -> bool:
        """Let whatever can run in the backend's loop run there; True if something came of it."""
        # A busy machine may not come to it for a while. Only once, as what blocks it does so again and again.
        seconds = self.grace if self.blocked else max(self.grace, _BLOCKED)
        if not await goes_round(self._home or asyncio.get_running_loop(), seconds=seconds):
            self.blocked = True
        return self._happened.is_set()

    async def _look_for_locks(self) -> bool:
        """Ask the server who waits for whom; False if that is nothing new."""
        found = await self._locks.look(self._owners)
        if self._happened.is_set():
            return True  # an answer since then may have freed somebody
        for link, pids in found.items():
            if link in self._turns:
                self._turns[link].blockers = tuple(
                    dict.fromkeys(owner for other, owner in self._owners.items() if other.session.pid in pids)
                )
        return self._locks.note(found)

    def _pass_preparations(self) -> None:
        """Let go what executes nothing: a driver's cache decides whether a statement is prepared, no schedule does."""
        for link in list(self._owners):
            if executes_something(link.held(CLIENT)) is False:
                link.release(CLIENT)

    def _note_overlap(self) -> None:
        if not self.overlapped:
            under_way = {
                owner
                for link, owner in self._owners.items()
                if link.session.status and (link.session.waiting or link.held(CLIENT))
            }
            self.overlapped = len(under_way) > 1

    def _note_pause(self, thinking: list[Client]) -> None:
        if thinking and self._since is None:
            self._since = perf_counter()
        elif not thinking and self._since is not None:
            self.pause = max(self.pause, perf_counter() - self._since)
            self._since = None

    def _held(self, client: Client) -> Link | None:
        """The connection on which a client has a batch waiting; the beginning of one is none yet."""
        return next(
            (
                link
                for link, owner in self._owners.items()
                if owner is client and link.held(CLIENT) and (link in self._locks or not is_half(link))
            ),
            None,
        )

    def _is_thinking(self, client: Client) -> bool:
        """Tell whether it is this client's turn to do something that is not on the wire."""
        return client.running and not client.quiet and not self._is_on_the_wire(client)

    def _is_on_the_wire(self, client: Client) -> bool:
        """Tell whether it has a message under way, or opens a connection."""
        return any(
            link.held(CLIENT) or link.session.waiting or not link.session.status
            for link, owner in self._owners.items()
            if owner is client
        )

    def _is_half_way(self, link: Link) -> bool:
        """Tell whether something must still come on a connection: an answer, the rest of a batch, or of the login."""
        opening = not link.session.status and self._owners[link].running
        return opening or link.session.waiting or is_half(link)

    def _owner(self, link: Link) -> Client | None:
        """The client that a new batch on a connection belongs to; None if it can be nobody's."""
        owner = self._owners.get(link)
        # A pool may open a connection for one client and lend it to another.
        lent = owner is not None and link not in self._turns and self._is_on_the_wire(owner)
        if owner is not None and owner.running and not lent:
            return owner
        instance = self._instances.get(link.proxy)
        free = [
            client
            for client in self.clients
            if client.running and client.instance == instance and not self._is_on_the_wire(client)
        ]
        fallback = owner if owner is not None and owner.running else None
        return self._last if self._last in free else next(iter(free), fallback)

    # What passes.

    def opened(self, link: Link) -> None:
        """A client that opens a connection is under way until it is logged in."""
        if not self._free:
            owner = self._owner(link)
            if owner is not None:
                self._owners[link] = owner
                owner.quiet = False
            self._happened.set()

    def from_client(self, link: Link, frame: Frame) -> Verdict:
        """Hold the first message of a batch."""
        if self._free or not link.session.status or frame.code == b"X":
            return Verdict.PASS
        self._happened.set()
        if link.session.batch_begun:
            if link in self._turns:
                write_down(self._turns[link], link, frame)
            return Verdict.PASS
        owner = self._owner(link)
        if owner is None:
            self._owners.pop(link, None)
            return Verdict.PASS
        self._owners[link] = owner
        owner.quiet = False
        return Verdict.HOLD

    def from_server(self, link: Link, frame: Frame) -> Verdict:
        """Note what was answered."""
        if not self._free:
            turn = self._turns.get(link)
            if turn is not None and frame.code in b"CDEIs":
                self._turns[link] = turn = self._gone_on(turn)
                turn.answers.append(frame)
            self._locks.answered(link)
            if frame.raw[:1] == b"Z" and frame.raw[5:6] == b"I":
                self._locks.let_go(link)
            self._happened.set()
        return Verdict.PASS

    def closed(self, link: Link) -> None:
        """A connection that is gone owes nobody anything."""
        self._owners.pop(link, None)
        self._turns.pop(link, None)
        self._locks.closed(link)
        self._happened.set()

    def _gone_on(self, turn: Turn) -> Turn:
        """A new entry in the log for the answer to what had waited, if something came between."""
        if not turn.blockers or self.log[-1] is turn:
            return turn
        turn = Turn(turn.client, again=True)
        self.log.append(turn)
        return turn
