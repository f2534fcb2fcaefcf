"""One direction of a connection: takes what one socket brought and decides when the other gets it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from crudspec.wire.frames import CLIENT, SERVER, Frame, Origin
from crudspec.wire.framing import ClientFramer, ServerFramer
from crudspec.wire.interference import Verdict

if TYPE_CHECKING:
    import asyncio

    from crudspec.wire.link import Link

HIGH_WATER = 1 << 20
"""Bytes that may wait in a direction before its source is no longer read."""

_TIMER_SLACK = 0.0015  # epoll's timeout is in whole milliseconds, rounded up


class Lane:
    """From the socket of ``origin`` to the other one of a link."""

    def __init__(self, link: Link, origin: Origin) -> None:
        self.link = link
        self.origin = origin
        # The bodies of rows and of COPY data are nobody's business as long as nobody interferes.
        self._unread = b"d" if origin is CLIENT else b"Dd"
        self.framer = ClientFramer() if origin is CLIENT else ServerFramer()
        self.note = link.session.sent if origin is CLIENT else link.session.received
        self.source: asyncio.Transport | None = None
        self.sink: asyncio.Transport | None = None
        self.held: deque[Frame] = deque()
        self._passed: list[bytes] = []
        self._ended = False
        self._ahead = 0  # bytes of the unfinished message that were forwarded already
        self._sink_full = False
        self._delayed: deque[tuple[float, bytes | None]] = deque()  # with due times; None is the end
        self._delayed_bytes = 0

    @property
    def midway(self) -> bool:
        """The sink was given the beginning of a message, and not its end."""
        return bool(self._ahead or self.framer.skipping)

    def feed(self, data: bytes) -> None:
        """Take note of what arrived, then forward it; in this order, so that the record is never late."""
        for traffic in self.link.proxy.observer.recording:
            if self.origin is CLIENT:
                traffic.bytes_sent += len(data)
            else:
                traffic.bytes_received += len(data)
        if self.framer.broken is not None:
            return
        if self.held or self.link.judged(self.origin) or not self.link.started:
            self._feed_judged(data)
        else:
            self._feed_plain(data)
        if self.framer.broken is not None:
            self.link.refuse(self.framer.broken)
        self.link.proxy.stir()

    def _feed_plain(self, data: bytes) -> None:
        """Forward the bytes as they came, complete messages or not."""
        framer = self.framer
        framer.elide = self._unread
        if self._ahead != framer.partial:  # left over from a time when messages were judged
            self.write(framer.tail[self._ahead :])
            self._ahead = framer.partial
        skipping = framer.skipping
        for frame in framer.feed(data):
            self.note(frame)
        if framer.broken is None:
            self._ahead = framer.partial
            self.write(data)
        else:
            self.write(data[:skipping])

    def _feed_judged(self, data: bytes) -> None:
        """Forward message by message, asking about each."""
        framer = self.framer
        framer.elide = b""
        if framer.skipping:
            self.write(data[: framer.skipping])
        frames = framer.feed(data)
        if self._ahead and frames:  # too late to ask: its beginning has gone
            first = frames.pop(0)
            self.note(first)
            self.write(first.raw[self._ahead :])
            self._ahead = 0
        if self.held:
            self.held.extend(frames)
            self._regulate()
        else:
            self._advance(deque(frames))

    def release(self) -> None:
        """Pass the oldest held message unasked and go on with those behind it."""
        if self.held:
            self._advance(self.held, ask=False)
            self._regulate()

    def _advance(self, frames: deque[Frame], *, ask: bool = True) -> None:
        """Pass messages on until one is to be held; that one and the rest are kept."""
        link = self.link
        while frames:
            frame = frames[0]
            verdict = link.judge(frame) if ask and link.judged(self.origin) else Verdict.PASS
            ask = True
            if link.stopped:
                return
            if verdict is Verdict.HOLD:
                break
            frames.popleft()
            if verdict is Verdict.PASS and link.forwards(frame):
                self.note(frame)
                self._passed.append(frame.raw)
        self.held = frames
        self.flush()
        if self._ended and not frames:
            self.write(None)

    def flush(self) -> None:
        """Write the messages that have passed: a burst is one packet, as it was on its way here."""
        if self._passed:
            data = b"".join(self._passed)
            self._passed.clear()
            self.write(data)

    def end(self) -> None:
        """The source has nothing more to say."""
        self._ended = True
        if not self.held:
            self.write(None)

    def write(self, data: bytes | None) -> None:
        """Write to the sink, or end it (None), now or when the delay is over."""
        rtt = self.link.proxy.rtt if self.origin is CLIENT else 0.0
        if rtt or self._delayed or self.sink is None:
            self._delayed.append((self.link.loop.time() + rtt, data))
            self._delayed_bytes += len(data or b"")
            if len(self._delayed) == 1:
                self.drain()
            else:
                self._regulate()
        else:
            self._write_now(data)

    def drain(self) -> None:
        """Write what is due of the delayed, and come back for the rest."""
        loop = self.link.loop
        while self._delayed and self.sink is not None:
            wait = self._delayed[0][0] - loop.time()
            if wait > _TIMER_SLACK:
                loop.call_later(wait - _TIMER_SLACK, self.drain)
                break
            if wait > 0:
                loop.call_soon(self.drain)  # a timer would be up to a millisecond late
                break
            _, data = self._delayed.popleft()
            self._delayed_bytes -= len(data or b"")
            self._write_now(data)
        self._regulate()

    def drop(self) -> None:
        """Forget everything that is held or delayed."""
        self.held.clear()
        self._delayed.clear()
        self._delayed_bytes = 0

    def sink_full(self, full: bool) -> None:
        """The sink takes no more for now, or takes more again."""
        self._sink_full = full
        self._regulate()

    def _write_now(self, data: bytes | None) -> None:
        sink = self.sink
        if sink is None or sink.is_closing():
            return
        if data is not None:
            sink.write(data)
        elif self.origin is SERVER:
            # A server process that ends closes both ways; the client must find out when it writes, too.
            self.link.close()
        elif sink.can_write_eof():
            sink.write_eof()

    def _regulate(self) -> None:
        """Read the source, or leave it alone for now."""
        if self.source is None or self.source.is_closing() or self._ended:
            return
        waiting = self._delayed_bytes + sum(len(frame.raw) for frame in self.held)
        if self._sink_full or waiting > HIGH_WATER:
            self.source.pause_reading()
        else:
            self.source.resume_reading()
