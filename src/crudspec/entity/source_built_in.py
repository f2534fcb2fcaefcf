"""The schema of the table ``tasks``: the migrations of this package."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from crudspec.entity.errors import EntityError
from crudspec.entity.source import Source, installed

if TYPE_CHECKING:
    from collections.abc import Iterable


class BuiltIn(Source):
    """The migrations of ``alembic/``.

    Unlike somebody else's, they may run in this process: their ``env.py`` is known, and leaves nothing behind.
    """

    shown = "the migrations of crudspec"
    slow = True

    def _parts(self) -> Iterable[bytes]:
        directory = script_directory()
        for path in sorted(directory.rglob("*.py")):
            yield str(path.relative_to(directory)).encode()
            yield path.read_bytes()
        yield installed("alembic", "sqlalchemy")

    def script(self) -> str:
        """Return what ``alembic upgrade head --sql`` prints.

        Raises:
            EntityError: the migrations are not where they belong.
        """
        from alembic.command import upgrade
        from alembic.config import Config

        said = io.StringIO()
        config = Config(output_buffer=said)
        # ConfigParser reads a percent sign as its own.
        config.set_main_option("script_location", str(script_directory()).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        upgrade(config, "head", sql=True)
        return said.getvalue()


def script_directory() -> Path:
    """Return where the migrations are: inside the installed package, or at the top of the checkout.

    Raises:
        EntityError: in neither place.
    """
    package = Path(__file__).resolve().parent.parent
    for path in (package / "alembic", package.parent.parent / "alembic"):
        if (path / "env.py").is_file():
            return path
    raise EntityError(f"no migrations in {package / 'alembic'}; install crudspec again")
