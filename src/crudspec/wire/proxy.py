"""The proxy: stands on a free port of the loopback interface between any driver and a server."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

from crudspec.wire.frames import CLIENT, SERVER, Origin
from crudspec.wire.framing import WireError
from crudspec.wire.interference import Interference
from crudspec.wire.link import Link
from crudspec.wire.observer import Observer
from crudspec.wire.thread import in_a_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import TracebackType
    from typing import Any, Self

_PLAIN = {
    "sslmode": ("disable", "allow", "prefer"),
    "ssl": ("disable", "allow", "prefer", "false", "0"),
    "gssencmode": ("disable", "prefer"),
    "sslnegotiation": ("postgres",),
}


class Proxy:
    """An async context manager; while it is open, :attr:`dsn` leads through it to the server.

    It needs no thread of its own: the backend may run in the same event loop, or in worker threads while that
    loop runs. Where no loop runs while the backend works, use :func:`threaded`.

    Args:
        dsn: of the server, ``postgresql://user:password@host:port/database``.
        observer: records the traffic; one is made if none is given.
        interference: decides about messages; None forwards everything.

    Raises:
        WireError: the DSN asks for TLS or GSS encryption, or names no TCP address.

    Attributes:
        upstream: host and port of the server.
        judged: whether somebody decides about the messages of an origin.
        loop: the event loop that the proxy runs in.
        rtt: seconds by which everything that a client sends is delayed, so that a round trip takes that much
            longer. Order is kept and what is pipelined is delayed once, as on a long line.
    """

    def __init__(self, dsn: str, *, observer: Observer | None = None, interference: Interference | None = None) -> None:
        self.upstream, self._rewrite = _read_dsn(dsn)
        self.observer = observer or Observer()
        self.rtt = 0.0
        self._interference = interference
        self.judged: dict[Origin, bool] = {}
        self._judge_by(interference)
        self._links: dict[int, Link] = {}
        self._accepted = 0
        self._port = 0
        self._listener: asyncio.Server | None = None
        self._thread: int | None = None
        self._watchers: list[asyncio.Event] = []

    @property
    def dsn(self) -> str:
        """The way to the same database through the proxy: a plain URL, never with ``sslmode``."""
        return self._rewrite(self._port)

    @property
    def port(self) -> int:
        """The port on 127.0.0.1 that the proxy listens on; 0 before it was opened."""
        return self._port

    @property
    def links(self) -> tuple[Link, ...]:
        """The open connections in the order in which they were accepted."""
        return tuple(self._links.values())

    @property
    def interference(self) -> Interference | None:
        """Who decides about messages. Changing it lets everything go that was held."""
        return self._interference

    @interference.setter
    def interference(self, interference: Interference | None) -> None:
        self.call(self._replace_interference, interference)

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function in the proxy's event loop, from whatever thread, and return its result."""
        if self._thread in (None, threading.get_ident()):
            return function(*args)
        result: Future[Any] = Future()

        def run() -> None:
            try:
                result.set_result(function(*args))
            except BaseException as error:  # noqa: BLE001 - raised again in the thread that asked
                result.set_exception(error)

        self.loop.call_soon_threadsafe(run)
        return result.result()

    async def __aenter__(self) -> Self:
        self.loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        await self.listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def listen(self) -> None:
        """Accept connections (again), always on the same port. Entering the context does it first."""
        if self._listener is None:
            self._listener = await self.loop.create_server(self._accept, "127.0.0.1", self._port, backlog=1024)
            self._port = self._listener.sockets[0].getsockname()[1]

    async def deafen(self) -> None:
        """Stop listening: the next client is refused by the operating system; open connections stay."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    async def close(self) -> None:
        """Stop listening, cut every connection, and wait until nothing of it is left. May be repeated."""
        await self.deafen()
        connecting = [link.connecting for link in self.links if link.connecting is not None]
        for link in self.links:
            link.cut(reset=False)
        await asyncio.gather(*connecting, return_exceptions=True)
        await self.until(lambda: not self._links)

    async def until(self, condition: Callable[[], bool], *, seconds: float = 10.0) -> None:
        """Wait until a condition holds; it is asked again after everything that happens on a connection.

        Only in the proxy's own event loop. Where the condition depends on something else too, whoever changes
        that calls :meth:`stir`.

        Raises:
            TimeoutError: it did not hold within that time.
        """
        stirred = asyncio.Event()
        self._watchers.append(stirred)
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    await stirred.wait()
                    stirred.clear()
        finally:
            self._watchers.remove(stirred)

    def stir(self) -> None:
        """Have every condition that is waited for looked at again."""
        for stirred in self._watchers:
            stirred.set()

    def _accept(self) -> asyncio.BaseProtocol:
        self._accepted += 1
        return Link(self, self._accepted).ends[CLIENT]

    def opened(self, link: Link) -> None:
        """A client has connected."""
        self._links[link.number] = link
        for traffic in self.observer.recording:
            traffic.connections += 1
        if self._listener is None:  # accepted by the kernel before, delivered after the end
            link.cut()
        elif self._interference is not None:
            self._interference.opened(link)
        self.stir()

    def over(self, link: Link) -> None:
        """Both sockets of a link are gone."""
        self._links.pop(link.number, None)
        self.stir()

    def _replace_interference(self, interference: Interference | None) -> None:
        self._interference = interference
        self._judge_by(interference)
        for link in self.links:
            for origin in Origin:
                link.release(origin)

    def _judge_by(self, interference: Interference | None) -> None:
        kind = type(interference) if interference is not None else Interference
        self.judged = {
            CLIENT: kind.from_client is not Interference.from_client,
            SERVER: kind.from_server is not Interference.from_server,
        }


@contextmanager
def threaded(
    dsn: str, *, observer: Observer | None = None, interference: Interference | None = None
) -> Generator[Proxy]:
    """Open a proxy in a thread and an event loop of its own, for a client that lets no loop run.

    Takes what :class:`Proxy` takes. ``proxy.call`` reaches its loop.
    """
    with in_a_thread(lambda: Proxy(dsn, observer=observer, interference=interference)) as proxy:
        yield proxy


def _read_dsn(dsn: str) -> tuple[tuple[str, int], Callable[[int], str]]:
    """Return the server's address and a function that gives the DSN with our port instead."""
    url = urlsplit(dsn)
    options = parse_qsl(url.query, keep_blank_values=True)
    if url.scheme not in ("postgresql", "postgres"):
        raise WireError(f"the wire needs a postgresql:// URL, not {url.scheme or 'something else'}://")
    for key, value in options:
        if key in _PLAIN and value not in _PLAIN[key]:
            raise WireError(
                f"the DSN asks for an encrypted connection ({key}={value}), which nobody can look into: the wire "
                "needs a plain loopback connection. Leave the option out or say sslmode=disable, and let the "
                "server accept the host without TLS (a 'host' line in pg_hba.conf, not 'hostssl')"
            )
    try:
        host, port = url.hostname, url.port or 5432
    except ValueError:
        host, port = None, 0
    if not host or "," in url.netloc or any(key in ("host", "hostaddr", "port") for key, _ in options):
        raise WireError("the wire needs one TCP address in the DSN: postgresql://user:password@host:port/database")
    login, at, _ = url.netloc.rpartition("@")
    # As it was written: drivers disagree about what a plus sign means.
    query = "&".join(part for part in url.query.split("&") if unquote(part.partition("=")[0]) not in _PLAIN)

    def rewrite(port: int) -> str:
        return urlunsplit((url.scheme, f"{login}{at}127.0.0.1:{port}", url.path, query, url.fragment))

    return (host, port), rewrite
