"""The engine, and the session of a request."""

from collections.abc import AsyncIterator
from functools import lru_cache

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from shop.settings import get_settings


def make_engine(url: str) -> AsyncEngine:
    """An engine that waits for a silent server for some seconds, and not for ever."""
    return create_async_engine(url, pool_pre_ping=True, connect_args={"timeout": 5, "command_timeout": 5})


@lru_cache
def get_engine() -> AsyncEngine:
    return make_engine(get_settings().sqlalchemy_url)


def new_session(engine: AsyncEngine) -> AsyncSession:
    return AsyncSession(engine, expire_on_commit=False)


async def get_session() -> AsyncIterator[AsyncSession]:
    async with new_session(get_engine()) as session:
        yield session
