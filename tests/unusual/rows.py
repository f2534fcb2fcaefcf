"""Correct backends whose rows and lists are of every shape that the contract allows."""

from collections import UserList
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType, SimpleNamespace
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from crudspec import InvalidValue, can_exist, check_title
from crudspec.backends.asyncpg import AsyncpgBackend
from crudspec.backends.core import CoreBackend
from crudspec.backends.orm import OrmBackend
from crudspec.backends.sqlmodel import SqlmodelBackend

_COLUMNS = "id, title, done, created_at"


class Records(AsyncpgBackend):
    """``asyncpg.Record``: it has keys, and is no Mapping."""

    async def create(self, title):
        check_title(title)
        async with self._connection() as connection:
            return await connection.fetchrow(f"INSERT INTO tasks (title) VALUES ($1) RETURNING {_COLUMNS}", title)

    async def get(self, task_id):
        if not can_exist(task_id):
            return None
        async with self._connection() as connection:
            return await connection.fetchrow(f"SELECT {_COLUMNS} FROM tasks WHERE id = $1", task_id)

    async def list_tasks(self):
        async with self._connection() as connection:
            return await connection.fetch(f"SELECT {_COLUMNS} FROM tasks ORDER BY id")


def _plain(task):
    return {"id": task.id, "title": task.title, "done": task.done, "created_at": task.created_at}


class Dicts(CoreBackend):
    """Dicts, as ``result.mappings()`` is often turned into."""

    def _row(self, task):
        return _plain(task)

    async def create(self, title):
        return self._row(await super().create(title))

    async def get(self, task_id):
        task = await super().get(task_id)
        return None if task is None else self._row(task)

    async def list_tasks(self):
        return [self._row(task) for task in await super().list_tasks()]


class ReadOnlyMappings(Dicts):
    """Mappings that nobody can change, in a tuple instead of a list."""

    def _row(self, task):
        return MappingProxyType(_plain(task))

    async def list_tasks(self):
        return tuple(await super().list_tasks())


class MoreThanAsked(Dicts):
    """Objects with more attributes than the four, some of them methods."""

    def _row(self, task):
        return SimpleNamespace(**_plain(task), keys=lambda: ["slug"], slug=task.title.casefold(), project=None)


class _Validated(BaseModel):
    """A frozen Pydantic model."""

    model_config = ConfigDict(frozen=True, strict=True, from_attributes=True)

    id: int
    title: str
    done: bool
    created_at: datetime


class PydanticModels(OrmBackend):
    """Pydantic models of ORM rows, as a web framework wants them."""

    async def create(self, title):
        return _Validated.model_validate(await super().create(title))

    async def get(self, task_id):
        task = await super().get(task_id)
        return None if task is None else _Validated.model_validate(task)

    async def list_tasks(self):
        return UserList(_Validated.model_validate(task) for task in await super().list_tasks())


@dataclass(frozen=True)
class _Frozen:
    """A frozen dataclass, not crudspec's own."""

    id: int
    title: str
    done: bool
    created_at: datetime


class FrozenDataclasses(SqlmodelBackend):
    """_Frozen dataclasses in a tuple."""

    async def create(self, title):
        return _Frozen(**_plain(await super().create(title)))

    async def get(self, task_id):
        task = await super().get(task_id)
        return None if task is None else _Frozen(**_plain(task))

    async def list_tasks(self):
        return tuple(replace(_Frozen(**_plain(task))) for task in await super().list_tasks())


class _Four(NamedTuple):
    """A named tuple whose fields are not in the table's order."""

    created_at: datetime
    done: bool
    title: str
    id: int


class NamedTuples(AsyncpgBackend):
    """Named tuples; and what the domain does not allow is a plain ValueError."""

    async def create(self, title):
        try:
            return _Four(**_plain(await super().create(title)))
        except InvalidValue as error:
            raise ValueError(str(error)) from error.__cause__

    async def get(self, task_id):
        task = await super().get(task_id)
        return None if task is None else _Four(**_plain(task))

    async def list_tasks(self):
        return [_Four(**_plain(task)) for task in await super().list_tasks()]
