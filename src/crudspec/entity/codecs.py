"""JSON as an asyncpg connection gives and takes it: decoded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncpg

    from crudspec.entity.table import Table
    from crudspec.entity.types import Type


async def plain_values(connection: asyncpg.Connection, table: Table) -> None:
    """Have a connection decode the JSON in a table."""
    names = {_base(column.type).sql for column in table.columns}
    for name in sorted(names & {"json", "jsonb"}):
        await connection.set_type_codec(name, schema="pg_catalog", encoder=json.dumps, decoder=json.loads)


def _base(kind: Type) -> Type:
    return kind if kind.item is None else _base(kind.item)
