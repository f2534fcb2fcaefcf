"""The engine of the application."""

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine


def make_engine(url: str) -> AsyncEngine:
    """An engine that waits for a silent server for some seconds, and not for ever."""
    return create_async_engine(url, connect_args={"timeout": 5, "command_timeout": 5})
