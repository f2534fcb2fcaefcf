"""Databases with the tables that people have."""

import asyncio
from collections.abc import Callable

import asyncpg
import pytest
from tests.entity.tables import SQL


@pytest.fixture
def made(blank_dsn: str) -> Callable[[str], str]:
    """Run SQL in a database of the test's own, given as it is or by the name of its file, and say where that is."""

    def make(sql: str) -> str:
        file = SQL / f"{sql}.sql"

        async def run() -> None:
            connection = await asyncpg.connect(blank_dsn)
            await connection.execute(file.read_text("utf-8") if " " not in sql else sql)
            await connection.close()

        asyncio.run(run())
        return blank_dsn

    return make
