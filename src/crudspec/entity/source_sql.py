"""A schema in a file of SQL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from crudspec.entity.errors import EntityError
from crudspec.entity.source import Source, located

if TYPE_CHECKING:
    from collections.abc import Iterable


class Sql(Source):
    """A schema in a file of SQL, as ``psql -f`` would apply it; the plain output of ``pg_dump`` is one."""

    def __init__(self, path: str | Path) -> None:
        """Find the file.

        Args:
            path: Of the file, from the folder of the module that says this or from the current one.

        Raises:
            EntityError: it is not there.
        """
        self.shown = str(path)
        self.path = located(path)

    def _parts(self) -> Iterable[bytes]:
        yield self._bytes()

    def script(self) -> str:
        """Return the file's text.

        Raises:
            EntityError: it cannot be read, or is no text.
        """
        content = self._bytes()
        if content.startswith(b"PGDMP"):
            raise EntityError(f"{self.shown} is an archive of pg_dump's; write it with pg_dump --format=plain")
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise EntityError(f"{self.shown} is not UTF-8; save it as UTF-8") from None

    def _bytes(self) -> bytes:
        try:
            return self.path.read_bytes()
        except OSError as exc:
            raise EntityError(f"{self.shown} cannot be read: {exc.strerror}") from exc
