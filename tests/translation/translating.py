"""What the tests of ``translated`` are written with: a backend that raises what it is told to, and errors for it."""

import asyncio
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import asyncpg
import pytest

from crudspec import translated


class Bare:
    """What each test gives it is raised by create; nothing is translated by itself."""

    error: BaseException | None = None
    round_trips: ClassVar = {"create": 1}
    dsn: ClassVar[str] = ""
    """What connect goes by: what it is given does not matter here."""
    connection: Any
    engine: Any

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        yield cls()

    async def create(self, title):
        if self.error is not None:
            raise self.error
        return title

    async def get(self, task_id):
        return task_id

    async def list_tasks(self):
        return []

    async def update(self, task_id, title, done):
        return True

    async def delete(self, task_id):
        return True


def called(backend):
    """What ``create`` raises."""

    async def call():
        async with translated(backend).connect("dsn") as instance:
            await instance.create("x")

    with pytest.raises(BaseException) as caught:  # noqa: PT011 - which one, the test says
        asyncio.run(call())
    return caught.value


def told(error, *, cause=None):
    """What ``create`` raises where the backend raises this error, whose cause is kept."""
    error.__cause__ = cause
    raised = called(type("Raising", (Bare,), {"__module__": __name__, "error": error}))
    if raised is not error:
        assert raised.__cause__ is error
    return raised


def made(module, name, *bases, **attributes):
    """An exception class of a library that is not installed here."""
    return type(name, bases or (Exception,), {"__module__": module, **attributes})


async def created(backend, title):
    """What ``create`` returns."""
    context = translated(backend).connect("dsn")
    if hasattr(context, "__aenter__"):
        async with context as instance:
            return await instance.create(title)
    with context as instance:
        return instance.create(title)


def unique():
    return asyncpg.UniqueViolationError("taken")
