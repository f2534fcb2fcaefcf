"""One message of PostgreSQL's protocol 3: who sent it, and what the manual calls it ("Message Formats")."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import Enum

SSL_REQUEST = 80877103
GSSENC_REQUEST = 80877104
CANCEL_REQUEST = 80877102

_LENGTH = struct.Struct(">I")


class Origin(Enum):
    """Who sent a message."""

    CLIENT = "client"
    SERVER = "server"

    @property
    def other(self) -> Origin:
        """The opposite side."""
        return SERVER if self is CLIENT else CLIENT


CLIENT, SERVER = Origin.CLIENT, Origin.SERVER

CLIENT_NAMES = {
    b"B": "Bind",
    b"C": "Close",
    b"D": "Describe",
    b"E": "Execute",
    b"F": "FunctionCall",
    b"H": "Flush",
    b"P": "Parse",
    b"Q": "Query",
    b"S": "Sync",
    b"X": "Terminate",
    b"c": "CopyDone",
    b"d": "CopyData",
    b"f": "CopyFail",
    b"p": "Password",
}
SERVER_NAMES = {
    b"1": "ParseComplete",
    b"2": "BindComplete",
    b"3": "CloseComplete",
    b"A": "NotificationResponse",
    b"C": "CommandComplete",
    b"D": "DataRow",
    b"E": "ErrorResponse",
    b"G": "CopyInResponse",
    b"H": "CopyOutResponse",
    b"I": "EmptyQueryResponse",
    b"K": "BackendKeyData",
    b"N": "NoticeResponse",
    b"R": "Authentication",
    b"S": "ParameterStatus",
    b"T": "RowDescription",
    b"V": "FunctionCallResponse",
    b"W": "CopyBothResponse",
    b"Z": "ReadyForQuery",
    b"c": "CopyDone",
    b"d": "CopyData",
    b"n": "NoData",
    b"s": "PortalSuspended",
    b"t": "ParameterDescription",
    b"v": "NegotiateProtocolVersion",
}
STARTUP_NAMES = {
    SSL_REQUEST: "SSLRequest",
    GSSENC_REQUEST: "GSSENCRequest",
    CANCEL_REQUEST: "CancelRequest",
}


@dataclass(frozen=True, slots=True)
class Frame:
    """One message as it stood on the wire."""

    origin: Origin
    code: bytes
    """The type byte; empty for the packets that begin a connection, which have none."""
    raw: bytes
    """The whole message, its header included."""

    @property
    def payload(self) -> bytes:
        """What follows the type and the length."""
        return self.raw[len(self.code) + 4 :]

    @property
    def request(self) -> int:
        """The number in a packet that begins a connection: a protocol version or a request code; else 0."""
        return 0 if self.code else _LENGTH.unpack_from(self.raw, 4)[0]

    @property
    def name(self) -> str:
        """The manual's name of the message, or ``unknown b'x'``."""
        if not self.code:
            return STARTUP_NAMES.get(self.request, "StartupMessage")
        names = CLIENT_NAMES if self.origin is CLIENT else SERVER_NAMES
        return names.get(self.code, f"unknown {self.code!r}")
