"""A script, applied to a database; and what the server's refusal means for the person who reads it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from crudspec.entity.errors import EntityError
from crudspec.entity.statements import line_of, statements

if TYPE_CHECKING:
    from asyncpg import Connection

    from crudspec.entity.statements import Statement

STATEMENT_SECONDS = 300
"""How long one statement may take."""

_LACKS_ROLE = re.compile(r'role "([^"]+)" does not exist')
_LACKS_EXTENSION = re.compile(r'extension "([^"]+)" is not available|create extension "([^"]+)"')
_MIGRATION = re.compile(r"^-- Running upgrade (.*)$", re.MULTILINE)
"""What Alembic writes before each migration."""


async def apply(connection: Connection, script: str, *, shown: str, what: str = "the schema") -> None:
    """Run the statements of a script one by one, as psql does.

    Args:
        connection: To an empty database that was made for this; afterwards it may have other settings.
        script: What a source says.
        shown: What to call it in messages.
        what: What it is.

    Raises:
        EntityError: a statement fails, or is not for a schema; there is none; or a transaction is left open.
    """
    import asyncpg

    shown = f"{what} {shown}".strip()
    try:
        found = list(statements(script))
    except EntityError as exc:
        raise EntityError(f"{shown} does not apply: {exc}") from None
    if not found:
        raise EntityError(f"{shown} does not apply: there is no statement in it")
    for statement in found:
        try:
            await connection.execute(statement.text, timeout=STATEMENT_SECONDS)
        except asyncpg.PostgresError as exc:
            said = f"{exc.args[0] if exc.args else exc} ({getattr(exc, 'sqlstate', None)})"
            raise EntityError(_refused(script, shown, statement, said)) from exc
        except TimeoutError as exc:
            raise EntityError(_refused(script, shown, statement, f"not done in {STATEMENT_SECONDS} s")) from exc
        except (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as exc:
            raise EntityError(_refused(script, shown, statement, str(exc) or type(exc).__name__)) from exc
    if connection.is_in_transaction():
        raise EntityError(f"{shown} does not apply: it begins a transaction and never commits it")


def _refused(script: str, shown: str, statement: Statement, said: str) -> str:
    told = said.replace("\n", " ")
    passed = _MIGRATION.findall(script, 0, statement.start)
    where = f"migration {passed[-1]}" if passed else f"line {line_of(script, statement.start)}"
    return f"{shown} does not apply: {statement.first_line}: {told}, {where}{_advice(told)}"


def _advice(told: str) -> str:
    if (role := _LACKS_ROLE.search(told)) is not None:
        return (
            f"; a template has no role {role[1]}: leave out owners and privileges "
            "(pg_dump --no-owner --no-privileges), or let a migration grant only to a role that is there"
        )
    if (extension := _LACKS_EXTENSION.search(told)) is not None:
        return (
            f"; the extension {extension[1] or extension[2]} cannot be had on this server: use a container "
            "(--crud-server container), or a server of your own that has it (--crud-dsn)"
        )
    return ""
