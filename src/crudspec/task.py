"""The domain: one table, ``tasks``, and what a value of it may be.

``tasks(id bigint identity primary key, title varchar(255) not null, done boolean not null default false,
created_at timestamptz not null default now())``.

The checks are for backends. The reference model and the suite state the same rules again in their own
words, so that a mistake made here cannot excuse itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crudspec.errors import InvalidValue

if TYPE_CHECKING:
    from datetime import datetime

MAX_TITLE = 255
"""Longest title in code points: PostgreSQL's ``varchar(n)`` counts characters, not bytes."""

MAX_ID = 2**63 - 1
"""Largest id: a PostgreSQL ``bigint``."""


@dataclass(frozen=True, slots=True)
class Task:
    """One stored row as a plain value."""

    id: int
    title: str
    done: bool
    created_at: datetime


def check_title(title: object) -> str:
    """Return the title, as an exact ``str``, or refuse it before it reaches a driver.

    PostgreSQL cuts blanks beyond the limit silently and a driver encodes the text only after it has begun to
    talk to the server, so neither can be left to do this.

    Raises:
        InvalidValue: not a ``str``, over 255 code points, or with a NUL or a lone surrogate in it.
    """
    if not isinstance(title, str):
        raise InvalidValue(f"a title is a str, not {type(title).__name__}")
    if len(title) > MAX_TITLE:
        raise InvalidValue(f"a title has at most {MAX_TITLE} characters, this one has {len(title)}")
    if "\0" in title:
        raise InvalidValue("a title has no NUL character")
    try:
        title.encode()
    except UnicodeEncodeError:
        raise InvalidValue("a title has no lone surrogate") from None
    return str.__str__(title)  # a StrEnum member would come back from a session as itself


def check_done(done: object) -> bool:
    """Return ``done`` unchanged.

    Raises:
        InvalidValue: not exactly ``True`` or ``False``. ``1`` and ``"false"`` are guesses, not answers.
    """
    if not isinstance(done, bool):
        raise InvalidValue(f"done is a bool, not {type(done).__name__}")
    return done


def can_exist(task_id: object) -> bool:
    """Tell whether a row with this id can exist; if not, the answer is known without asking the database.

    Raises:
        InvalidValue: not an ``int``, or a ``bool``: drivers truncate ``1.5`` to 1 and read ``True`` as 1.
    """
    if not isinstance(task_id, int) or isinstance(task_id, bool):
        raise InvalidValue(f"an id is an int, not {type(task_id).__name__}")
    return 1 <= task_id <= MAX_ID
