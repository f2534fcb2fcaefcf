"""Correct backends whose methods and contexts are not what ``async def`` and ``@asynccontextmanager`` make."""

import asyncio
import functools

from crudspec.backends.asyncpg import AsyncpgBackend
from crudspec.backends.orm import OrmBackend
from crudspec.backends.sqlmodel import SqlmodelBackend


class _Later:
    """Something to await that is neither a coroutine nor a future."""

    def __init__(self, call):
        self._call = call

    def __await__(self):
        return self._call().__await__()


def _logged(operation):
    """A decorator as they are often written: a plain function that returns what the operation returns."""

    @functools.wraps(operation)
    def call(*args, **kwargs):
        return _Later(functools.partial(operation, *args, **kwargs))

    return call


class Decorated(AsyncpgBackend):
    """Methods that are plain functions and return something to await."""

    create = _logged(AsyncpgBackend.create)
    get = _logged(AsyncpgBackend.get)
    list_tasks = _logged(AsyncpgBackend.list_tasks)
    update = _logged(AsyncpgBackend.update)
    delete = _logged(AsyncpgBackend.delete)


class Tasks(OrmBackend):
    """Methods that return tasks which are under way already, under names that are not in the class."""

    def __getattribute__(self, name):
        found = super().__getattribute__(name)
        if name not in {"create", "get", "list_tasks", "update", "delete"}:
            return found
        return lambda *args, **kwargs: asyncio.ensure_future(found(*args, **kwargs))


class _Opening:
    """An asynchronous context manager that is a class; what it opens is another object."""

    def __init__(self, dsn):
        self._context = SqlmodelBackend.connect(dsn)

    async def __aenter__(self):
        return Facade(await self._context.__aenter__())

    async def __aexit__(self, *raised):
        return await self._context.__aexit__(*raised)


class Facade:
    """``connect`` is a class, and the backend hands everything on to another one."""

    connect = _Opening

    def __init__(self, inner):
        self._inner = inner

    async def create(self, title):
        return await self._inner.create(title)

    async def get(self, task_id):
        return await self._inner.get(task_id)

    async def list_tasks(self):
        return await self._inner.list_tasks()

    async def update(self, task_id, title, done):
        return await self._inner.update(task_id=task_id, title=title, done=done)

    async def delete(self, task_id):
        return await self._inner.delete(task_id)
