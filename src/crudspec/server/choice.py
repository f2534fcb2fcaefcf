"""The values that callers see: which server is wanted, which one it is, and why there is none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["container", "embedded", "external"]
"""What a server can be."""


class ServerError(Exception):
    """No server, or no database on it: one or two lines, what failed and what to do next.

    The text never contains a password.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerChoice:
    """Which server a run wants.

    Attributes:
        kind: ``auto`` is: the DSN if there is one (here or in ``CRUDSPEC_DSN``), else a container if a Docker
            daemon answers, else embedded.
        dsn: ``postgresql://user:password@host:port/database`` of somebody's server; hidden from ``repr``.
    """

    kind: Literal["auto", "container", "embedded", "external"] = "auto"
    dsn: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server with a migrated template database ``<prefix>_template``.

    Attributes:
        kind: What it is.
        dsn: URL of the maintenance database over TCP, with a role that may create databases; hidden from ``repr``.
        version: As PostgreSQL says it, for example ``17.10``.
        origin: Where it comes from, for people; without a password.
        prefix: Begins the name of every database of this run, and of no other.
    """

    kind: Kind
    dsn: str = field(repr=False)
    version: str
    origin: str
    prefix: str
