"""The class to derive from in order to interfere with what passes."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crudspec.wire.frames import Frame
    from crudspec.wire.link import Link


class Verdict(Enum):
    """What becomes of a message."""

    PASS = "pass"  # noqa: S105 - ruff takes the word for a password
    """It is forwarded."""
    DROP = "drop"
    """It is swallowed."""
    HOLD = "hold"
    """It, and everything behind it in that direction, waits for :meth:`Link.release`."""


class Interference:
    """Decides about every message; the base class lets everything pass.

    Set ``proxy.interference`` to an instance, at any time. The methods run in the proxy's event loop between
    two messages: they must not block, and may call the link's methods (``cut``, ``inject``, ``release``). A
    direction whose method is not overridden is forwarded without being taken apart.
    """

    def opened(self, link: Link) -> None:
        """A client has connected; nothing was read from it yet."""

    def from_client(self, link: Link, frame: Frame) -> Verdict:  # noqa: ARG002 - for those who override it
        """Decide about a message on its way to the server. ``link.session`` does not know it yet."""
        return Verdict.PASS

    def from_server(self, link: Link, frame: Frame) -> Verdict:  # noqa: ARG002 - for those who override it
        """Decide about a message on its way to the client. ``link.session`` does not know it yet."""
        return Verdict.PASS

    def closed(self, link: Link) -> None:
        """Either side has gone away, or the link was cut."""
