"""What a client sends until it asks for an answer, as far as it has arrived."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from crudspec.wire.frames import CLIENT

if TYPE_CHECKING:
    from crudspec.races.clients import Turn
    from crudspec.wire.frames import Frame
    from crudspec.wire.link import Link

_CONTROL = re.compile(r"\s*(BEGIN|START|COMMIT|END|ROLLBACK)\b", re.IGNORECASE)


def is_half(link: Link) -> bool:
    """Tell whether the rest of what is held must come first: it may be a preparation only."""
    held = link.held(CLIENT)
    return bool(held) and executes_something(held) is None


def executes_something(frames: tuple[Frame, ...]) -> bool | None:
    """Tell whether a batch does more than to prepare or close statements; None while its end may yet tell."""
    for frame in frames:
        if frame.code in b"SH":
            return False
        if frame.code not in b"PCD":
            return True
    return None


def takes_locks(turn: Turn) -> bool:
    """Tell whether there is more in a batch than the beginning or the end of a transaction."""
    return not all(_CONTROL.match(sql) for sql, _ in turn.sent)


def write_down(turn: Turn, link: Link, frame: Frame) -> None:
    """Note the statement of a message that is about to be forwarded."""
    if frame.code in b"QPB" and (sql := link.session.sql(frame)):
        turn.sent.append((sql, frame))
