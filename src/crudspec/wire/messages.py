"""The few messages of PostgreSQL's protocol that must be understood, and not only passed on.

Layouts are those of the PostgreSQL manual, "Message Formats". A message that is too short is read as far as it
goes: it is the server that has to refuse it.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from crudspec.wire.frames import Frame

_LENGTH = struct.Struct(">I")
_SHORT = struct.Struct(">H")


class Parse(NamedTuple):
    """A statement is given a name (the empty one is overwritten by the next)."""

    statement: str
    sql: str


class Bind(NamedTuple):
    """A portal is made of a statement and its parameters."""

    portal: str
    statement: str
    parameters: int
    """How many values were bound."""


class ErrorReport(NamedTuple):
    """An ErrorResponse or NoticeResponse."""

    severity: str
    sqlstate: str
    message: str

    def __str__(self) -> str:
        return f"{self.severity} {self.sqlstate}: {self.message}"


def query_text(frame: Frame) -> str:
    """Return the SQL of a Query, or the tag of a CommandComplete: the payload is one string."""
    return _string(frame.raw, 5)[0]


def read_parse(frame: Frame) -> Parse:
    """Read a Parse message."""
    name, at = _string(frame.raw, 5)
    return Parse(name, _string(frame.raw, at)[0])


def read_bind(frame: Frame) -> Bind:
    """Read a Bind message, the values excepted."""
    portal, at = _string(frame.raw, 5)
    statement, at = _string(frame.raw, at)
    at += 2 + 2 * _short(frame.raw, at)
    return Bind(portal, statement, _short(frame.raw, at))


def read_portal(frame: Frame) -> str:
    """Return the portal's name in an Execute message."""
    return _string(frame.raw, 5)[0]


def read_target(frame: Frame) -> tuple[str, str]:
    """Return ``("S", statement)`` or ``("P", portal)`` of a Close or Describe message."""
    return chr(frame.raw[5]) if len(frame.raw) > 5 else "", _string(frame.raw, 6)[0]


def read_error(frame: Frame) -> ErrorReport:
    """Read an ErrorResponse or a NoticeResponse."""
    fields = {part[:1]: part[1:].decode("utf-8", "replace") for part in frame.payload.split(b"\0") if part}
    return ErrorReport(fields.get(b"V") or fields.get(b"S", "ERROR"), fields.get(b"C", ""), fields.get(b"M", ""))


def read_number(frame: Frame) -> int:
    """Return the first int32: the pid of a BackendKeyData, the kind of an Authentication request."""
    return _LENGTH.unpack_from(frame.raw, 5)[0] if len(frame.raw) >= 9 else -1


def error_response(sqlstate: str, message: str, *, severity: str = "FATAL") -> bytes:
    """Build the ErrorResponse by which a server, or the wire in its place, says what is wrong."""
    fields = (("S", severity), ("V", severity), ("C", sqlstate), ("M", message))
    body = b"".join(f"{key}{value}\0".encode() for key, value in fields) + b"\0"
    return b"E" + _LENGTH.pack(4 + len(body)) + body


def _string(raw: bytes, at: int) -> tuple[str, int]:
    """Return the NUL-terminated string at an offset and where it ends; a missing NUL ends with the message."""
    end = raw.find(b"\0", at)
    if end < 0:
        end = len(raw)
    return raw[at:end].decode("utf-8", "replace"), end + 1


def _short(raw: bytes, at: int) -> int:
    """Return an int16, or 0 where the message ends too early: the server is the one to complain."""
    return _SHORT.unpack_from(raw, at)[0] if at + 2 <= len(raw) else 0
