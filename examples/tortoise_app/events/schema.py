"""Print the SQL of `Tortoise.generate_schemas()`: `python -m events.schema > schema.sql`."""

import asyncio

from tortoise import connections
from tortoise.utils import get_schema_sql

from events.database import opened


async def main() -> None:
    async with opened("asyncpg://nobody@localhost/nowhere"):  # it connects when it is first asked
        print(get_schema_sql(connections.get("default"), safe=False))


if __name__ == "__main__":
    asyncio.run(main())
