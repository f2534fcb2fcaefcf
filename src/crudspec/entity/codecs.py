"""Values of a table as an asyncpg connection gives and takes them: plain Python, and no class of the driver's."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncpg

    from crudspec.entity.table import Table
    from crudspec.entity.types import Type


async def plain_values(connection: asyncpg.Connection, table: Table) -> None:
    """Have a connection decode JSON, and make a plain ``uuid.UUID`` of what asyncpg has a class of its own for."""
    names = {_base(column.type).sql for column in table.columns}
    for name in sorted(names & {"json", "jsonb"}):
        await connection.set_type_codec(name, schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
    if "uuid" in names:
        await connection.set_type_codec("uuid", schema="pg_catalog", encoder=str, decoder=uuid.UUID)


def _base(kind: Type) -> Type:
    return kind if kind.item is None else _base(kind.item)
