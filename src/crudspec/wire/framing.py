"""The framing of PostgreSQL's frontend/backend protocol 3.

Nothing here does input or output: bytes go in, frames come out, whatever the network did to the packets.
Layouts are those of the PostgreSQL manual, "Message Formats"; the limits on lengths are those that the server
(``pqcomm.c``, ``postgres.c``) and libpq (``fe-protocol3.c``) apply themselves. Everything else is passed
through unread, message types of a later version of the protocol included.
"""

from __future__ import annotations

import struct

from crudspec.wire.frames import (
    CLIENT,
    CLIENT_NAMES,
    GSSENC_REQUEST,
    SERVER,
    SERVER_NAMES,
    SSL_REQUEST,
    STARTUP_NAMES,
    Frame,
    Origin,
)

_LENGTH = struct.Struct(">I")

_MAX_LENGTH = 0x3FFFFFFF
_MAX_UNKNOWN = 64 << 20  # below what any four characters of text would mean as a length
_MAX_STARTUP = 10_000
_MAX_SMALL = 30_000


class WireError(Exception):
    """The two sides do not speak what the wire understands, or the wire cannot be put between them."""


class _Framer:
    """Cuts a stream into frames; subclasses know how long a message may be and how a stream begins.

    Attributes:
        elide: type bytes whose messages are not kept, so that a large result costs no memory. May be changed at
            any time, for the messages that begin after it. A server's are not returned; of a client's the header
            is, as soon as it is there.
        skipping: bytes still to come of an elided message.
        broken: set when the stream stopped making sense. The frames before that point are still returned;
            every later ``feed`` raises it.
    """

    origin: Origin
    _announces: bool

    def __init__(self, *, elide: bytes = b"") -> None:
        self.elide = elide
        self.skipping = 0
        self.broken: WireError | None = None
        self._tail = bytearray()
        self._need = 1

    @property
    def tail(self) -> bytes:
        """The beginning of a message that is not complete yet."""
        return bytes(self._tail)

    @property
    def partial(self) -> int:
        """How many bytes of it there are."""
        return len(self._tail)

    def feed(self, data: bytes) -> list[Frame]:
        """Take what arrived and return the messages that it completes, in order."""
        if self.broken is not None:
            raise self.broken
        start = 0
        if self.skipping:
            start = min(self.skipping, len(data))
            self.skipping -= start
        if self._tail:
            self._tail += data
            if len(self._tail) < self._need:
                return []
            data = bytes(self._tail)
            self._tail.clear()
        frames: list[Frame] = []
        try:
            start = self._cut(data, start, frames)
        except WireError as error:
            self.broken = error
        else:
            self._tail += data[start:]
        return frames

    def _cut(self, data: bytes, start: int, frames: list[Frame]) -> int:
        """Append the complete messages to ``frames`` and return where the first incomplete one begins."""
        end, elide, origin = len(data), self.elide, self.origin
        self._need = 5
        while end - start >= 5:
            code = data[start : start + 1]
            length = _LENGTH.unpack_from(data, start + 1)[0]
            if not 4 <= length <= _MAX_SMALL:  # the common case costs one comparison
                self._check(code, length)
            stop = start + 1 + length
            if code in elide:
                self.skipping = max(0, stop - end)
                if self._announces:
                    frames.append(Frame(origin, code, data[start : start + 5]))
                start = min(stop, end)
            elif stop > end:
                self._need = stop - start
                break
            else:
                frames.append(Frame(origin, code, data[start:stop]))
                start = stop
        return start

    def _check(self, code: bytes, length: int) -> None:
        if length < 4:
            raise WireError(f"{self._who()}: message type {code!r} with the impossible length {length}")
        if length > self._limit(code):
            raise WireError(
                f"{self._who()}: message type {code!r} with the absurd length {length}; "
                "this is not PostgreSQL's protocol 3, or the stream has lost its place"
            )

    def _limit(self, code: bytes) -> int:
        raise NotImplementedError

    def _who(self) -> str:
        return f"garbage from the {self.origin.value}"


class ClientFramer(_Framer):
    """Frames of what a client sends: type-less packets until the StartupMessage, then typed messages."""

    origin = CLIENT
    _announces = True  # whether a client began to COPY before it was told to tells whether it waited
    _long = b"QPBFd"  # no limit but the protocol's own in the server's SocketBackend()

    def __init__(self, *, elide: bytes = b"") -> None:
        super().__init__(elide=elide)
        self.started = False
        """True once the StartupMessage or a CancelRequest has passed."""

    def _limit(self, code: bytes) -> int:
        if code in self._long:
            return _MAX_LENGTH
        if code == b"p":
            return 65_535
        return _MAX_SMALL if code in CLIENT_NAMES else _MAX_UNKNOWN

    def _cut(self, data: bytes, start: int, frames: list[Frame]) -> int:
        while not self.started:
            if data[start : start + 2] == b"\x16\x03":
                raise WireError(
                    "the client began TLS without asking (sslnegotiation=direct); "
                    "the wire needs a plain loopback connection: sslmode=disable"
                )
            if len(data) - start < 8:
                self._need = 8 if len(data) - start >= 2 else 2
                return start
            length, request = struct.unpack_from(">II", data, start)
            if not 8 <= length <= _MAX_STARTUP:
                raise WireError(
                    f"garbage from the client: a connection begins with a packet of 8 to {_MAX_STARTUP} bytes, "
                    f"this one begins with {data[start : start + 16]!r}"
                )
            if len(data) - start < length:
                self._need = length
                return start
            if request >> 16 != 3 and request not in STARTUP_NAMES:
                raise WireError(
                    f"the client asks for protocol {request >> 16}.{request & 0xFFFF}; the wire speaks only 3"
                )
            frames.append(Frame(CLIENT, b"", data[start : start + length]))
            start += length
            self.started = request not in (SSL_REQUEST, GSSENC_REQUEST)
        return super()._cut(data, start, frames)


class ServerFramer(_Framer):
    """Frames of what a server sends, from its first answer to the StartupMessage on."""

    origin = SERVER
    _announces = False  # a million rows would be a million frames that nobody looks at
    _long = b"TDdVENAtS"

    def __init__(self, *, elide: bytes = b"") -> None:
        super().__init__(elide=elide)
        self._begun = False

    def _limit(self, code: bytes) -> int:
        if code in self._long:
            return _MAX_LENGTH
        return _MAX_SMALL if code in SERVER_NAMES else _MAX_UNKNOWN

    def _cut(self, data: bytes, start: int, frames: list[Frame]) -> int:
        if not self._begun:
            if len(data) < 5:
                # Waiting for more of `HTTP` or of a lone NUL would hang both sides.
                if data and data[:1] not in (b"R", b"E", b"v", b"N"):
                    raise self._stranger(data)
                self._need = 5
                return start
            code, length = data[:1], _LENGTH.unpack_from(data, 1)[0]
            # The same plausibility test that libpq makes of the first answer.
            if code not in (b"R", b"E", b"v", b"N") or not 8 <= length <= _MAX_SMALL:
                raise self._stranger(data)
            self._begun = True
        return super()._cut(data, start, frames)

    @staticmethod
    def _stranger(data: bytes) -> WireError:
        if data[:1] == b"E":  # protocol 2 sent a bare text
            text = data[1:].split(b"\0")[0].decode("utf-8", "replace").strip()
            return WireError(f"the server does not speak PostgreSQL's protocol 3: {text}")
        return WireError(f"the server does not speak PostgreSQL's protocol 3; it began with {data[:40]!r}")
