"""Faults, each a context manager whose docstring says what the client of the proxy observes.

>>> with cut_before_client(proxy, 3) as fault:                        # doctest: +SKIP
...     await backend.create("a task")
... assert fault.struck

They work on a proxy in the caller's event loop and on one of :func:`~crudspec.wire.threaded`. Those that strike
at a message count what passes from the moment they are entered, over all connections, each direction by itself.
They strike once; afterwards everything passes, so that a client that tries again meets a healthy server. Leaving
the block ends the fault. One at a time: each sets ``proxy.interference``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, cast

from crudspec.wire.frames import CLIENT, SERVER, Frame, Origin
from crudspec.wire.interference import Interference, Verdict

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Coroutine, Generator
    from typing import Any

    from crudspec.wire.link import Link
    from crudspec.wire.proxy import Proxy


class Cut(Interference):
    """What a fault that strikes at a message has seen.

    Attributes:
        message: Strikes at this one, from 1.
        origin: Of the messages that count.
        logged_in_only: Leaves out connections that were not logged in when the fault was armed.
        passed: Names of the messages that counted, the struck one included.
        struck: The message that it struck at; None as long as there was none.
        pid: Of the server process whose connection was cut, where it had told it.
        connections: How many connections were open when it struck.
    """

    def __init__(self, proxy: Proxy, origin: Origin, message: int, *, logged_in_only: bool) -> None:
        self.message = message
        self.origin = origin
        self.logged_in_only = logged_in_only
        self.passed: list[str] = []
        self.struck: Frame | None = None
        self.pid: int | None = None
        self.connections = 0
        self._counts = {link.number for link in proxy.links if link.session.status}

    def count(self, link: Link, frame: Frame) -> bool:
        """Count a message; True if this is the one."""
        if self.struck is not None or (self.logged_in_only and link.number not in self._counts):
            return False
        self.passed.append(frame.name)
        if len(self.passed) != self.message:
            return False
        self.struck = frame
        self.pid = link.session.pid
        self.connections = len(link.proxy.links)
        return True

    def __str__(self) -> str:
        name = self.struck.name if self.struck else "none"
        return f"message {self.message} of the {self.origin.value} ({name})"


CutFault = Callable[..., AbstractContextManager[Cut]]
"""A fault that strikes at a message: takes the proxy, the number of the message, and ``logged_in_only``."""


class _CutBeforeServer(Cut):
    reset = True

    def from_client(self, link: Link, frame: Frame) -> Verdict:
        if self.count(link, frame):
            link.cut(reset=self.reset)
            return Verdict.DROP
        return Verdict.PASS


class _CutBeforeClient(Cut):
    reset = True
    midway = False

    def from_server(self, link: Link, frame: Frame) -> Verdict:
        if self.count(link, frame):
            if self.midway:
                link.inject(CLIENT, frame.raw[: max(1, len(frame.raw) // 2)])
            link.cut(reset=self.reset)
            return Verdict.DROP
        return Verdict.PASS


@contextmanager
def _interfering(proxy: Proxy, interference: Interference) -> Generator[None]:
    proxy.interference = interference
    try:
        yield
    finally:
        proxy.interference = None


@contextmanager
def cut_before_server(
    proxy: Proxy, message: int = 1, *, reset: bool = True, logged_in_only: bool = False
) -> Generator[Cut]:
    """The connection ends when the client's n-th message is about to reach the server, which never sees it.

    The client observes a reset (or, without ``reset``, an end of stream) while it waits for an answer, possibly
    only when it writes again; what the server was told before, it goes on with until it reads.
    """
    fault = proxy.call(lambda: _CutBeforeServer(proxy, CLIENT, message, logged_in_only=logged_in_only))
    fault.reset = reset
    with _interfering(proxy, fault):
        yield fault


@contextmanager
def cut_before_client(
    proxy: Proxy, message: int = 1, *, reset: bool = True, logged_in_only: bool = False
) -> Generator[Cut]:
    """The connection ends when the server's n-th message is about to reach the client: the server has done it.

    The client observes what it observes in :func:`cut_before_server`, after the first n-1 answers, and cannot
    tell one from the other: the answer to a COMMIT is such a message.
    """
    fault = proxy.call(lambda: _CutBeforeClient(proxy, SERVER, message, logged_in_only=logged_in_only))
    fault.reset = reset
    with _interfering(proxy, fault):
        yield fault


@contextmanager
def cut_midway(proxy: Proxy, message: int = 1, *, logged_in_only: bool = False) -> Generator[Cut]:
    """The client gets the first half of the server's n-th message, and then a reset."""
    fault = proxy.call(lambda: _CutBeforeClient(proxy, SERVER, message, logged_in_only=logged_in_only))
    fault.midway = True
    with _interfering(proxy, fault):
        yield fault


class Silence(Interference):
    """What a silent server was told.

    Attributes:
        swallowed: How many messages of clients; the start-up packets are messages, too.
        logins: How many of them asked for a new connection.
        broken: The silence has lasted as long as it may: since then every connection is reset.
        connections: How many were open when it ended.
    """

    def __init__(self) -> None:
        self.swallowed = 0
        self.logins = 0
        self.broken = False
        self.connections = 0

    def opened(self, link: Link) -> None:
        if self.broken:
            link.cut()

    def from_client(self, link: Link, frame: Frame) -> Verdict:  # noqa: ARG002 - the wire's signature
        self.swallowed += 1
        self.logins += not frame.code
        return Verdict.DROP

    def from_server(self, link: Link, frame: Frame) -> Verdict:  # noqa: ARG002 - the wire's signature
        return Verdict.DROP

    def end(self, proxy: Proxy) -> None:
        """Reset every connection, and whatever is opened from now on."""
        self.broken = True
        self.connections += _cut_all(proxy)


@contextmanager
def silent(proxy: Proxy, *, seconds: float) -> Generator[Silence]:
    """The server accepts connections and messages, and never answers, nor does it end a connection.

    Open connections fall silent in the middle; on a new one not even the question for TLS is answered, and a
    request to cancel is as lost as everything else. The client observes nothing at all, for ``seconds``: then
    every connection is reset. That end is real time in the proxy's event loop; with a proxy in a thread it comes
    even where the client blocks, so that a client without a timeout does not hang its run. Leaving the block
    resets every connection, too: what was swallowed is missing on them.
    """
    silence = Silence()
    timer = proxy.call(proxy.loop.call_later, seconds, silence.end, proxy)
    try:
        with _interfering(proxy, silence):
            try:
                yield silence
            finally:
                silence.connections += proxy.call(_cut_all, proxy)
    finally:
        proxy.call(timer.cancel)


class Hold(Interference):
    """An answer that is on its way: all that the server says to what a client has last said.

    Attributes:
        asked: A client has said something, on whatever connection.
        held: The answer is there, and waits.
    """

    def __init__(self, proxy: Proxy, answer: int) -> None:
        self.asked = False
        self.held = False
        self._left = answer
        self._spoken: set[int] = set()
        self._counts = {link.number for link in proxy.links if link.session.status}

    def from_client(self, link: Link, frame: Frame) -> Verdict:  # noqa: ARG002 - the wire's signature
        self.asked = True
        self._spoken.add(link.number)
        return Verdict.PASS

    def from_server(self, link: Link, frame: Frame) -> Verdict:  # noqa: ARG002 - the wire's signature
        if link.number in self._spoken & self._counts:
            self._spoken.discard(link.number)
            self._left -= 1
            self.held = self.held or not self._left
            return Verdict.PASS if self._left else Verdict.HOLD
        return Verdict.PASS


@contextmanager
def answer_held(proxy: Proxy, answer: int) -> Generator[Hold]:
    """The n-th answer on the connections that are open does not reach the client before the block is left."""
    hold = proxy.call(Hold, proxy, answer)
    with _interfering(proxy, hold):
        yield hold


class _Gone(Interference):
    def from_client(self, link: Link, frame: Frame) -> Verdict:  # noqa: ARG002 - the wire's signature
        link.cut()
        return Verdict.DROP


@asynccontextmanager
async def refusing(proxy: Proxy) -> AsyncGenerator[None]:
    """New connections are refused by the operating system (ECONNREFUSED); open ones work as before."""
    await _in_its_loop(proxy, proxy.deafen())
    try:
        yield
    finally:
        await _in_its_loop(proxy, proxy.listen())


@asynccontextmanager
async def gone(proxy: Proxy) -> AsyncGenerator[None]:
    """The server is gone without a goodbye: the next message resets its connection, new ones are refused."""
    async with refusing(proxy):
        with _interfering(proxy, _Gone()):
            yield


@contextmanager
def slow(proxy: Proxy, round_trip: float) -> Generator[None]:
    """Every answer takes ``round_trip`` seconds longer, as on a long line: what is pipelined waits once."""
    before, proxy.rtt = proxy.rtt, round_trip
    try:
        yield
    finally:
        proxy.rtt = before


@contextmanager
def idle_ended(proxy: Proxy, *, reset: bool) -> Generator[int]:
    """Every open connection has ended while nobody used it, as by a firewall, a pooler or a restart.

    The client observes a reset, or an end of stream without ``reset``, when it next looks at its socket: at once
    if its event loop runs, else in the middle of the next call. New connections work. Yields how many it were.
    """
    yield cast("int", proxy.call(_cut_all, proxy, reset))


def _cut_all(proxy: Proxy, reset: bool = True) -> int:
    links = proxy.links
    for link in links:
        link.cut(reset=reset)
    return len(links)


async def _in_its_loop(proxy: Proxy, work: Coroutine[Any, Any, None]) -> None:
    if proxy.loop is asyncio.get_running_loop():
        await work
    else:
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, proxy.loop))
