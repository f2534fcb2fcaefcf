"""Alembic's environment: async, and told by its caller or by ``CRUDSPEC_DSN`` where the database is.

A program passes ``config.attributes["connection"]`` (a synchronous ``Connection``, whose transaction stays the
caller's) or ``config.attributes["dsn"]``; the command line reads the environment. This directory never gets an
``__init__.py``: as a package named ``alembic`` it would shadow the library.
"""

import asyncio
import os
from logging.config import fileConfig

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from crudspec.backends.core import CoreBackend

config = context.config

if config.config_file_name is not None:
    # The default switches off every logger that the calling program has made so far.
    fileConfig(config.config_file_name, disable_existing_loggers=False)


def database_url() -> URL:
    """Return where the database is.

    Raises:
        CommandError: nobody said it, or it is not a PostgreSQL URL. Alembic prints one line and exits with 255.
            The DSN is not in the message: it holds a password.
    """
    dsn = config.attributes.get("dsn") or os.environ.get("CRUDSPEC_DSN")
    if not dsn:
        raise CommandError("set CRUDSPEC_DSN to postgresql://user:password@host:port/database")
    try:
        url = make_url(dsn)
    except (ArgumentError, ValueError):
        url = None
    if url is None or url.get_backend_name() not in ("postgresql", "postgres"):
        raise CommandError("CRUDSPEC_DSN is not of the form postgresql://user:password@host:port/database")
    return url.set(drivername="postgresql+asyncpg")


def migrate(connection: Connection) -> None:
    """Run the migrations on a connection."""
    context.configure(
        connection=connection,
        target_metadata=CoreBackend.metadata,
        compare_type=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def connect_and_migrate(url: URL) -> None:
    """Run the migrations on a connection of their own."""
    engine = create_async_engine(url, poolclass=NullPool)
    connection = engine.connect()
    try:
        await connection.start()
    except (SQLAlchemyError, OSError) as error:
        reason = str(getattr(error, "orig", error)).partition("\n")[0]
        raise CommandError(f"cannot connect to {url.render_as_string()}: {reason}") from error
    try:
        await connection.run_sync(migrate)
    finally:
        await connection.close()


def print_sql() -> None:
    """Print the migrations (``--sql``); no database is needed for it."""
    context.configure(dialect_name="postgresql", target_metadata=CoreBackend.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    print_sql()
elif (given := config.attributes.get("connection")) is not None:
    migrate(given)
else:
    asyncio.run(connect_and_migrate(database_url()))
