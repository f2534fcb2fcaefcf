"""The reference model: what the table holds after any program, in memory, by rules that fit a glance.

It imports nothing that a backend imports, and states what a valid value is in its own words: a model that
shared a helper with a backend would share its mistakes.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection

_LARGEST_BIGINT = 9_223_372_036_854_775_807
_VARCHAR_LIMIT = 255


class _Unread:
    """Stands in a row for a value that a backend does not deliver. It is told once, and compared nowhere else."""

    def __repr__(self) -> str:
        return "?"


UNREAD: Any = _Unread()


class Row(NamedTuple):
    """The four values of one stored task."""

    id: int
    title: str
    done: bool
    created_at: datetime

    def but(self, **values: Any) -> Row:
        """The row with other values, where it has any."""
        return self._replace(**{name: value for name, value in values.items() if getattr(self, name) is not UNREAD})


def hide(row: Row, columns: Collection[str]) -> Row:
    """The row without the values of some columns."""
    return row._replace(**dict.fromkeys(columns, UNREAD)) if columns else row


def matches(one: object, other: object) -> bool:
    """Equal and of one type, ``1`` not being ``True``; rows by the values that both have, lists row by row."""
    if one is UNREAD or other is UNREAD:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, Row) and isinstance(other, Row):
        pairs = zip(one, other, strict=True)
        return all(matches(mine, theirs) for mine, theirs in pairs)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(matches, one, other))
    return one == other


class Refused(Exception):
    """The operation must raise ``InvalidValue`` and change nothing."""


def title_is_valid(title: object) -> bool:
    """Text that PostgreSQL can store unchanged in a ``varchar(255)``."""
    return (
        type(title) is str
        and len(title) <= _VARCHAR_LIMIT
        and not any(character == "\0" or "\ud800" <= character <= "\udfff" for character in title)
    )


class Model:
    """A dict with rules. Ids and times are the server's to choose, so ``create`` is told what they became."""

    def __init__(self) -> None:
        self.rows: dict[int, Row] = {}
        self._used: set[int] = set()

    def create(self, title: object) -> None:
        """Say whether the title may be stored; raises :class:`Refused`. Then call :meth:`created`."""
        if not title_is_valid(title):
            raise Refused

    def created(self, row: Row) -> str | None:
        """Take over a row that was just created; returns what is wrong with its id, if anything is."""
        if row.id in self._used:
            return f"id {row.id} was used before"
        if not 1 <= row.id <= _LARGEST_BIGINT:
            return f"id {row.id} is not from 1 to 2**63-1"
        self._used.add(row.id)
        self.rows[row.id] = row
        return None

    def get(self, task_id: object) -> Row | None:
        if type(task_id) is not int:
            raise Refused
        return self.rows.get(task_id)

    def list_tasks(self) -> list[Row]:
        return [self.rows[task_id] for task_id in sorted(self.rows)]

    def update(self, task_id: object, title: object, done: object) -> bool:
        if type(task_id) is not int or not title_is_valid(title) or type(done) is not bool:
            raise Refused
        row = self.rows.get(task_id)
        if row is None:
            return False
        assert isinstance(title, str)
        self.rows[task_id] = row.but(title=title, done=done)
        return True

    def delete(self, task_id: object) -> bool:
        if type(task_id) is not int:
            raise Refused
        return self.rows.pop(task_id, None) is not None
