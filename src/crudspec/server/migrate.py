"""Alembic's migrations, applied from a program to the database of a DSN."""

from __future__ import annotations

import hashlib
import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from crudspec.server import dsn as urls
from crudspec.server.choice import ServerError

if TYPE_CHECKING:
    from sqlalchemy import Connection


def script_directory() -> Path:
    """Return where the migrations are: inside the installed package, or at the top of the checkout.

    Raises:
        ServerError: in neither place.
    """
    package = Path(__file__).resolve().parent.parent
    for path in (package / "alembic", package.parent.parent / "alembic"):
        if (path / "env.py").is_file():
            return path
    raise ServerError(f"no migrations in {package / 'alembic'}; install crudspec again")


def digest() -> str:
    """Return a hash of the migrations and of the libraries that apply them: the name of their outcome."""
    from importlib.metadata import version

    found = hashlib.sha256()
    directory = script_directory()
    for path in sorted(directory.rglob("*.py")):
        found.update(str(path.relative_to(directory)).encode() + b"\0" + path.read_bytes() + b"\0")
    for library in ("alembic", "sqlalchemy", "asyncpg"):
        found.update(f"{library}={version(library)}\0".encode())
    return found.hexdigest()


def preload() -> None:
    """Import what :func:`upgrade` needs, 0.7 s of it, while the server is still starting."""
    for name in ("alembic.command", "sqlalchemy.dialects.postgresql.asyncpg", "sqlalchemy.ext.asyncio"):
        importlib.import_module(name)


async def upgrade(dsn: str) -> None:
    """Bring the database to the newest migration.

    Raises:
        ServerError: a migration failed.
    """
    import asyncpg
    from alembic.command import upgrade as alembic_upgrade
    from alembic.config import Config
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    def run(connection: Connection) -> None:
        config = Config()
        # ConfigParser reads a percent sign as its own.
        config.set_main_option("script_location", str(script_directory()).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        alembic_upgrade(config, "head")

    # asyncpg reads the DSN, not SQLAlchemy, whose dialect knows no sslmode and no other parameter of libpq's.
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(dsn), poolclass=NullPool
    )
    try:
        async with engine.begin() as connection:
            await connection.run_sync(run)
    except Exception as exc:
        reason = urls.redacted(str(exc).partition("\n")[0], dsn)
        raise ServerError(f"the migrations failed on {urls.shown(dsn)}: {type(exc).__name__}: {reason}") from exc
