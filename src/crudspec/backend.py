"""What a backend must offer, and what the suite does with it: the plug-in interface, from both sides.

There is nothing to inherit from and nothing to register in code. A class with these names is a backend. It
is selected by a built-in name, by an entry point in the group ``crudspec.backends``, by
``package.module:Class``, or by ``path/to/file.py:Class``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime
    from typing import Any, Self

    Row = Any
    """Anything with the table's columns, as attributes or as mapping keys."""


class TaskRow(Protocol):
    """The attribute form of a row of ``tasks``; a mapping with the same four keys does as well.

    The backend returns a plain value: the suite reads it after the call, after the table has changed, and
    after the backend was closed. The suite compares exact types: ``int`` (never ``bool``), ``str``, ``bool``
    and an aware ``datetime``.
    """

    @property
    def id(self) -> int: ...
    @property
    def title(self) -> str: ...
    @property
    def done(self) -> bool: ...
    @property
    def created_at(self) -> datetime: ...


class Backend(Protocol):
    """The five operations on ``tasks``: profile ``crud``, and with them ``resilience``.

    On another table, which the class names as its ``entity`` (see :class:`~crudspec.entity.entity.Entity`), the key
    comes first and by position, values come by keyword, and ``list_tasks`` is ``list_all``, or what the entity says.

    The backend
        owns its pool or engine, accepts calls from many asyncio tasks at once, has committed a write when the
        call returns, refuses what the table does not allow with :class:`~crudspec.errors.InvalidValue` (or
        another ``ValueError`` or ``TypeError``), reports a database that is lost, unreachable or says
        "not now" with :class:`~crudspec.errors.Unavailable` (or another ``ConnectionError`` or ``TimeoutError``), and
        lets no exception class of its driver out.

    The suite
        opens one instance in the event loop that it uses it in, gives every call a deadline, cancels calls,
        locks rows and ends connections under it, and looks at the table through a connection of its own. It
        never asks a backend whether it was right.

    A backend may publish what its operations cost, as a class attribute of its own (one that it inherits claims
    nothing, as its operations may be others)::

        round_trips: ClassVar[Mapping[str, int]] = {"create": 1, "get": 1, "list_tasks": 1, "update": 1, "delete": 1}

    A figure for each operation: the round trips that it takes at most on a connection that is open and has its
    statements prepared, whatever the row's state. It claims COST-2, which holds the backend to it.

    A backend on a synchronous driver has the same methods without ``async`` and a ``connect`` that is a plain
    context manager. The suite runs its calls in worker threads, several at once.
    """

    @classmethod
    def connect(cls, dsn: str) -> AbstractAsyncContextManager[Self]:
        """Open the backend; leaving the context closes every connection it made.

        Args:
            dsn: ``postgresql://user:password@host:port/database``, over TCP, without a driver suffix.
        """
        ...

    async def create(self, title: str) -> Row:
        """Store a task that is not done and return it as stored, the server's ``created_at`` included."""
        ...

    async def get(self, task_id: int) -> Row | None:
        """Return the newest committed state of the row, or None where no row has that id."""
        ...

    async def list_tasks(self) -> Sequence[Row]:
        """Return every row in ascending id order, as a new sequence each time."""
        ...

    async def update(self, task_id: int, title: str, done: bool) -> bool:
        """Set both values. True if the row exists, also if nothing changes by it; False if it does not."""
        ...

    async def delete(self, task_id: int) -> bool:
        """Remove the row. True if this call removed it; False if there was none."""
        ...


OPERATIONS = ("create", "get", "list_all", "update", "delete")
"""The methods that every backend must have, in the order of the contract."""

ONE_ROW = ("get", "update", "delete")
"""Those that are about one row, and are given its key."""

WRITES = ("create", "update", "delete")
"""Those that change something."""
