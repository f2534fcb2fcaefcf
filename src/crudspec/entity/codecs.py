"""JSON as an asyncpg connection gives and takes it: decoded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncpg

    from crudspec.entity.table import Table
    from crudspec.entity.types import Type


_VERSIONS = {"json": b"", "jsonb": b"\1"}
"""What stands before the text, by type."""


async def plain_values(connection: asyncpg.Connection, table: Table) -> None:
    """Have a connection decode the JSON in a table."""
    names = {_base(column.type).sql for column in table.columns}
    for name in sorted(names & _VERSIONS.keys()):
        version = _VERSIONS[name]
        # Binary, as COPY takes nothing else.
        await connection.set_type_codec(
            name,
            schema="pg_catalog",
            format="binary",
            encoder=lambda value, version=version: version + json.dumps(value).encode(),
            decoder=lambda data, version=version: json.loads(data[len(version) :]),
        )


def _base(kind: Type) -> Type:
    return kind if kind.item is None else _base(kind.item)
