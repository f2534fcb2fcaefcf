"""What an asyncpg connection gives and takes: JSON decoded, and what COPY would refuse as it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncpg

    from crudspec.entity.table import Table
    from crudspec.entity.types import Type


_SCHEMA_OF = (
    "SELECT n.nspname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.oid = $1::text::regtype"
)

_VERSIONS = {"json": b"", "jsonb": b"\1"}
"""What stands before the text, by type."""


async def plain_values(connection: asyncpg.Connection, table: Table) -> None:
    """Have a connection decode the JSON in a table, and take all of it for COPY, which is binary."""
    names = {_base(column.type).sql for column in table.columns}
    for name in sorted(one for one in names if one.rpartition(".")[2] == "citext"):
        schema = await connection.fetchval(_SCHEMA_OF, name)
        # It comes from an extension, and asyncpg knows it as text alone; binary, it is the same.
        await connection.set_type_codec(
            "citext", schema=schema, format="binary", encoder=str.encode, decoder=lambda data: bytes(data).decode()
        )
    for name in sorted(names & _VERSIONS.keys()):
        version = _VERSIONS[name]
        await connection.set_type_codec(
            name,
            schema="pg_catalog",
            format="binary",
            encoder=lambda value, version=version: version + json.dumps(value).encode(),
            decoder=lambda data, version=version: json.loads(data[len(version) :]),
        )


def _base(kind: Type) -> Type:
    return kind if kind.item is None else _base(kind.item)
