"""What every source of a schema has in common, and how a path in somebody's file is found."""

from __future__ import annotations

import hashlib
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, final

from crudspec.entity.errors import EntityError

if TYPE_CHECKING:
    from collections.abc import Iterable


class Source(ABC):
    """Where a schema comes from: a script of SQL, or a program that works on a database that it is given.

    Attributes:
        shown: For people: the path or the name that the user wrote.
        online: It has no script; :meth:`migrate` takes its place.
        slow: To make the script takes a process of its own: who has a place for it keeps it, by the digest.
    """

    shown: str
    online: bool = False
    slow: bool = False
    _digest: str | None = None

    @final
    def digest(self) -> str:
        """Return a hash of all that the schema is made from: equal digests, equal schemas.

        Taken once: a run that began with one schema goes on with it, also if a file is edited meanwhile.

        Raises:
            EntityError: what it is made from cannot be read.
        """
        if self._digest is None:
            found = hashlib.sha256(type(self).__name__.encode())
            for part in self._parts():
                found.update(len(part).to_bytes(8) + part)
            self._digest = found.hexdigest()
        return self._digest

    @abstractmethod
    def _parts(self) -> Iterable[bytes]:
        """Return what the digest is of, in an order that never changes."""

    def script(self) -> str:
        """Return SQL as psql would take it from a file: it makes the schema in an empty database.

        May take seconds, and blocks: call it in a thread.

        Raises:
            EntityError: there is none; what to do.
        """
        raise EntityError(f"{self.shown} works on a database and has no script")

    async def migrate(self, dsn: str) -> None:  # noqa: ARG002 - what a source that is online gets
        """Make the schema in an empty database; only where :attr:`online`.

        Args:
            dsn: ``postgresql://`` URL of a database that was made for this and for nothing else.

        Raises:
            EntityError: it does not apply, or went elsewhere.
        """
        raise EntityError(f"{self.shown} is a script and has to be applied")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.shown!r})"


def located(path: str | Path, *, argument: str = "schema") -> Path:
    """Return the absolute path of a file that a user named.

    A relative one is looked for beside the file that names it first, and then in the current folder: what an entity
    means must not depend on where the command is given, and there may be another ``alembic.ini`` there.

    Args:
        path: Of the file.
        argument: That named it, for the message.

    Raises:
        EntityError: in neither place.
    """
    given = Path(path).expanduser()
    places = [given] if given.is_absolute() else [folder / given for folder in (*_naming(), Path.cwd())]
    for place in places:
        if place.is_file():
            return place.resolve()
    looked = " nor ".join(dict.fromkeys(str(place.parent) for place in places))
    raise EntityError(f"{argument}: there is no file {given.name} in {looked}; give a path from the current folder")


def installed(*libraries: str) -> bytes:
    """Return the versions of libraries, for a digest."""
    from importlib.metadata import version  # a hundredth of a second, which the keeper need not wait for

    return " ".join(f"{library}={version(library)}" for library in libraries).encode()


def _naming() -> list[Path]:
    """Return the folder of the first file on the stack that is none of ours, if it is a file."""
    frame = sys._getframe(1)  # inspect.stack() would read the sources of all callers
    while frame is not None and str(frame.f_globals.get("__name__")).startswith("crudspec."):
        frame = frame.f_back
    file = Path(frame.f_code.co_filename) if frame is not None else None
    return [file.resolve().parent] if file is not None and file.is_file() else []
