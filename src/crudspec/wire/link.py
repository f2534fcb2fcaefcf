"""One client's connection to the server, as two sockets and the lanes between them."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, cast

from crudspec.wire.frames import CLIENT, GSSENC_REQUEST, SERVER, SSL_REQUEST, Frame, Origin
from crudspec.wire.framing import WireError
from crudspec.wire.interference import Verdict
from crudspec.wire.lane import HIGH_WATER, Lane
from crudspec.wire.messages import error_response
from crudspec.wire.session import Session

if TYPE_CHECKING:
    from crudspec.wire.proxy import Proxy

_RST_ON_CLOSE = struct.pack("ii", 1, 0)
_READ_SIZE = 1 << 16


class End(asyncio.BufferedProtocol):
    """One of the two sockets; hands everything to its link.

    Buffered, because a plain Protocol allocates 256 KiB for every read: 35 µs of a round trip.
    """

    def __init__(self, link: Link, origin: Origin) -> None:
        self._buffer = memoryview(bytearray(_READ_SIZE))
        self.link = link
        self.origin = origin
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=HIGH_WATER)
        self.link.made(self.origin, self.transport)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's name for it
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.link.lanes[self.origin].feed(bytes(self._buffer[:nbytes]))

    def eof_received(self) -> bool:
        self.link.ended(self.origin)
        return True  # what is still on its way to this side must arrive

    def connection_lost(self, exc: Exception | None) -> None:
        self.link.lost(self.origin, exc)

    def pause_writing(self) -> None:
        self.link.lanes[self.origin.other].sink_full(True)

    def resume_writing(self) -> None:
        self.link.lanes[self.origin.other].sink_full(False)


class Link:
    """A client's connection and the one that the proxy made to the server for it.

    Attributes:
        session: what the connection is doing, as far as messages have passed.
        stopped: nothing is forwarded any more; its sockets may not be closed yet.
    """

    def __init__(self, proxy: Proxy, number: int) -> None:
        self.proxy = proxy
        self.loop = proxy.loop
        self.session = Session(number, proxy.observer)
        self.started = False
        self.stopped = False
        self.connecting: asyncio.Task[None] | None = None
        self.ends = {CLIENT: End(self, CLIENT), SERVER: End(self, SERVER)}
        self.lanes = {CLIENT: Lane(self, CLIENT), SERVER: Lane(self, SERVER)}
        self._asked_for_tls = False

    @property
    def number(self) -> int:
        """Number of the connection, from 1 in the order in which clients connected."""
        return self.session.number

    def held(self, origin: Origin) -> tuple[Frame, ...]:
        """Return the messages that are held in one direction, oldest first."""
        return tuple(self.lanes[origin].held)

    def release(self, origin: Origin) -> None:
        """Let the oldest held message pass; those behind it are decided about anew, in order."""
        self.lanes[origin].release()

    def inject(self, to: Origin, data: bytes) -> None:
        """Write bytes of one's own to a side, behind everything that has passed."""
        lane = self.lanes[to.other]
        lane.flush()
        lane.write(data)

    def close(self) -> None:
        """End the connection properly on both sides, after what has passed; held messages are lost."""
        if not self.stopped:
            self._stop()
            for end in self.ends.values():
                if end.transport is not None:
                    end.transport.close()

    def cut(self, *, reset: bool = True) -> None:
        """End the connection at once on both sides: with a reset (RST), or with an end of stream (FIN).

        What has passed before was given to the operating system, and arrives as far as the other side reads.
        """
        self._stop()
        for end in self.ends.values():  # one that is closing may wait for ever for its peer to read
            if end.transport is not None:
                _abort(end.transport, reset=reset)

    def refuse(self, error: WireError) -> None:
        """Note down what is wrong, tell the client in the protocol's own words, and end the connection.

        A client that has got half a message is not told: it would take the error for the other half.
        """
        self.proxy.observer.problems.append(f"connection {self.number}: {error}")
        if self.lanes[SERVER].midway:
            self.cut()
        elif not self.stopped:
            self.inject(CLIENT, error_response("08P01", f"crudspec wire: {error}"))
            self.close()

    # For the lanes, the sockets and the proxy.

    def judged(self, origin: Origin) -> bool:
        """Tell whether somebody wants to decide about the messages of this origin."""
        return self.proxy.judged[origin]

    def judge(self, frame: Frame) -> Verdict:
        """Ask about a message."""
        interference = self.proxy.interference
        if interference is None:
            return Verdict.PASS
        judge = interference.from_client if frame.origin is CLIENT else interference.from_server
        return judge(self, frame)

    def forwards(self, frame: Frame) -> bool:
        """Deal with the packets that begin a connection; True if the frame is to be forwarded."""
        if frame.code:
            return True
        if frame.request in (SSL_REQUEST, GSSENC_REQUEST):
            self._asked_for_tls = True
            self.session.sent(frame)
            self.session.answered_by_proxy()
            self.inject(CLIENT, b"N")
            return False
        self._asked_for_tls = False
        self.started = True
        self.connecting = self.loop.create_task(self._connect())
        return True

    def made(self, origin: Origin, transport: asyncio.Transport) -> None:
        """A socket is connected."""
        if self.stopped:
            transport.abort()
            return
        self.lanes[origin].source = transport
        self.lanes[origin.other].sink = transport
        if origin is CLIENT:
            self.proxy.opened(self)
        else:
            self.lanes[CLIENT].drain()

    def ended(self, origin: Origin) -> None:
        """A socket has nothing more to say."""
        if origin is CLIENT and not self.started and not self.lanes[CLIENT].held:
            self._suspect_tls(origin)
            self.close()
        else:
            self.lanes[origin].end()

    def lost(self, origin: Origin, exc: Exception | None) -> None:
        """A socket is gone: the other one goes in the same way."""
        self._suspect_tls(origin)
        if exc is None:
            self.close()
        else:
            self.cut()
        self.ends[origin].transport = None
        if all(end.transport is None for end in self.ends.values()):
            self.proxy.over(self)

    def _suspect_tls(self, origin: Origin) -> None:
        if origin is CLIENT and self._asked_for_tls and not self.stopped:
            self.proxy.observer.problems.append(
                f"connection {self.number}: the client insists on TLS or GSS encryption; the wire needs a plain "
                "loopback connection: sslmode=disable (or prefer), gssencmode=disable"
            )

    async def _connect(self) -> None:
        host, port = self.proxy.upstream
        try:
            await self.loop.create_connection(lambda: self.ends[SERVER], host, port)
        except (OSError, UnicodeError) as error:
            self.proxy.observer.problems.append(
                f"connection {self.number}: the server at {host}:{port} cannot be reached: {error}"
            )
            self.cut()

    def _stop(self) -> None:
        """Stop forwarding."""
        if self.stopped:
            return
        for lane in self.lanes.values():
            lane.flush()
            lane.drop()
        self.stopped = True
        if self.connecting is not None and self.ends[SERVER].transport is None:
            self.connecting.cancel()
        if self.proxy.interference is not None:
            self.proxy.interference.closed(self)


def _abort(transport: asyncio.Transport, *, reset: bool) -> None:
    if reset and not transport.is_closing():
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
    transport.abort()
