"""The template databases: one for each schema that a run needs, made once, cloned for everybody."""

from __future__ import annotations

import hashlib
import re
import secrets
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from crudspec.entity.errors import EntityError
from crudspec.entity.sources import BUILT_IN
from crudspec.server import cache
from crudspec.server import dsn as urls
from crudspec.server.binaries import PREFERRED
from crudspec.server.choice import ServerError
from crudspec.server.connections import connected, quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncpg import Connection

    from crudspec.entity.source import Source
    from crudspec.server.choice import Server

STARTING_SECONDS = 60
"""How long a container's server may take until it accepts connections; the image starts it twice."""

MAKING_SECONDS = 900
"""How long one process waits for another that makes a template."""

POOLER = "give the DSN of the server itself, not of a pooler such as PgBouncer"
"""What to do where databases can be made, and not be cloned or connected to."""


def name(prefix: str, source: Source | None = None) -> str:
    """Return the name of a run's template database for a schema; the built-in one's if None."""
    if source is None or source.digest() == BUILT_IN.digest():
        return f"{prefix}_template"
    return f"{prefix}_template_x{source.digest()[:16]}"


def is_one(prefix: str, database: str) -> bool:
    """Tell whether a database is a template of this run; what is cloned ends with an underscore and a number."""
    return re.fullmatch(rf"{prefix}_template(_x[0-9a-f]{{16}})?", database) is not None


async def adopt(up: dict[str, Any], prefix: str) -> tuple[str, str]:
    """Make a cluster from the cache this run's own: a new password, and the template under the run's name.

    Over the Unix socket in a 0700 directory, where the cluster trusts whoever gets in.

    Returns:
        The maintenance DSN and the server's version.
    """
    port = int(up["dsn"].rpartition(":")[2].partition("/")[0])
    password = secrets.token_hex(16)
    async with connected(up["dsn"], host=up["socket"], port=port) as connection:
        version = await _version(connection, up["dsn"])
        await connection.execute(f"ALTER ROLE postgres PASSWORD '{password}'")
        (old,) = await connection.fetchrow(
            "SELECT datname FROM pg_database WHERE datname ~ '^crudspec_[0-9a-f]+_template$'"
        )
        await connection.execute(f"ALTER DATABASE {quoted(old)} RENAME TO {quoted(name(prefix))}")
    return urls.local(port, password), version


async def build(dsn: str, prefix: str, *, external: bool, reached: Callable[[], None]) -> str:
    """Make the template of the built-in schema.

    Args:
        dsn: Where.
        prefix: The run's.
        external: Somebody's server: its role may lack a right, and it either runs or does not.
        reached: Called before anything is created.

    Returns:
        The server's version.

    Raises:
        ServerError: the server is too old, the role may not create databases, or a migration failed.
    """
    async with connected(dsn, patience=0 if external else STARTING_SECONDS) as connection:
        version = await _version(connection, dsn)
        if external:
            from crudspec.server.external import check

            await check(connection)
        reached()
        try:
            await _make(connection, dsn, name(prefix), BUILT_IN)
        except EntityError as exc:
            raise ServerError(str(exc)) from exc
        except ServerError as exc:
            raise ServerError(f"{exc}; {POOLER}" if external else str(exc)) from exc
    return version


async def have(connection: Connection, server: Server, source: Source | None) -> str:
    """Return the name of the template for a schema, made now if this is the first use of it in the run.

    Safe to call from several processes and tasks at once.

    Args:
        connection: To the server's maintenance database.
        server: Where.
        source: Of the schema; None is the built-in one, which every server has.

    Raises:
        EntityError: the schema cannot be made; says what to write.
        ServerError: the server refuses.
    """
    import asyncpg

    template = name(server.prefix, source)
    if source is None or template == name(server.prefix) or await _is_made(connection, template):
        return template
    try:
        # The server's own lock: it is gone with whoever held it, killed or not.
        await connection.execute(f"SET lock_timeout = '{MAKING_SECONDS}s'")
        await connection.execute("SELECT pg_advisory_lock(hashtextextended($1, 0))", template)
    except asyncpg.LockNotAvailableError:
        raise ServerError(f"another process has been making {template} for {MAKING_SECONDS} s") from None
    if not await _is_made(connection, template):
        await _make(connection, server.dsn, template, source)
    await connection.execute("SELECT pg_advisory_unlock(hashtextextended($1, 0))", template)
    return template


async def _is_made(connection: Connection, template: str) -> bool:
    """A template is closed to connections last: one that is open was left half-way."""
    return bool(
        await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1 AND NOT datallowconn", template)
    )


async def _make(connection: Connection, dsn: str, template: str, source: Source) -> None:
    """Create a template; nobody may connect to it afterwards, or it could not be cloned.

    Raises:
        EntityError: the schema does not apply; nothing of the template is left.
        ServerError: the server refuses.
    """
    import asyncio

    import asyncpg

    from crudspec.entity.applied import apply

    inside = urls.with_database(dsn, template)
    try:
        await connection.execute(f"DROP DATABASE IF EXISTS {quoted(template)} WITH (FORCE)")
        # template0: somebody's template1 may hold anything, a table tasks included. And with one locale everywhere:
        # the order of texts is otherwise that of the machine.
        await connection.execute(
            f"CREATE DATABASE {quoted(template)} TEMPLATE template0 ENCODING 'UTF8' "
            "LOCALE 'C' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'"
        )
        try:
            if source.online:
                await source.migrate(inside)
            else:
                script = await asyncio.to_thread(script_of, source)
                async with connected(inside) as within:
                    await apply(within, script, shown=source.shown)
        except BaseException:
            await connection.execute(f"DROP DATABASE IF EXISTS {quoted(template)} WITH (FORCE)")
            raise
        await connection.execute(f"ALTER DATABASE {quoted(template)} ALLOW_CONNECTIONS false")
    except asyncpg.PostgresError as exc:
        raise ServerError(f"cannot make a database on {urls.shown(dsn)}: {urls.redacted(str(exc), dsn)}") from exc


@lru_cache(maxsize=8)
def script_of(source: Source) -> str:
    """Return a source's script, from the cache if it is slow to make.

    Raises:
        EntityError: it cannot be made.
    """
    if not source.slow:
        return source.script()
    kept = f"schema-{source.digest()[:32]}.sql"
    if (script := cache.text(kept)) is None:
        script = source.script()
        cache.keep_text(kept, script)
    return script


def remember(server: Server, source: Source, key: str, text: str) -> None:
    """Keep a text about a schema on this kind of server for later runs; without a cache, nothing is kept.

    Args:
        server: On which it was found out; another version may have another answer.
        source: Of the schema.
        key: What it is, and all else that it depends on, such as a hash of the code that found it out.
        text: Up to some 100 kB.
    """
    cache.keep_text(_known(server, source, key), text)


def recalled(server: Server, source: Source, key: str) -> str | None:
    """Return what was kept by :func:`remember`, by this run or an earlier one; None if nothing was."""
    return cache.text(_known(server, source, key))


def _known(server: Server, source: Source, key: str) -> str:
    # Somebody's server has settings of its own.
    where = server.origin if server.kind == "external" else ""
    said = f"{server.kind}\0{server.version}\0{where}\0{source.digest()}\0{key}"
    return f"known-{hashlib.sha256(said.encode()).hexdigest()[:32]}.txt"


async def _version(connection: Connection, dsn: str) -> str:
    number, text = await connection.fetchrow(
        "SELECT current_setting('server_version_num')::int, current_setting('server_version')"
    )
    if number < PREFERRED * 10_000:
        raise ServerError(
            f"{urls.shown(dsn)} is PostgreSQL {text.split()[0]}; the contract is stated for {PREFERRED}, "
            "and a newer one will do"
        )
    return text.split()[0]
