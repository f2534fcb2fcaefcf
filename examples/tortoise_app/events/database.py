"""How the application begins and ends; its schema is what `Tortoise.generate_schemas()` makes."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from tortoise import Tortoise


@asynccontextmanager
async def opened(url: str) -> AsyncGenerator[None]:
    await Tortoise.init(db_url=url, modules={"models": ["events.models"]}, use_tz=True)
    try:
        yield
    finally:
        await Tortoise.close_connections()
