"""One CRUD contract, every backend: what a PostgreSQL data layer does, proven on a real server."""

from crudspec.backend import Backend, TaskRow
from crudspec.entity.entity import Entity, Values
from crudspec.entity.errors import EntityError
from crudspec.entity.sources import Alembic, Metadata, Sql
from crudspec.errors import (
    CrudError,
    Duplicate,
    InvalidValue,
    MissingReference,
    StaleRow,
    Unavailable,
    from_sqlstate,
)
from crudspec.task import MAX_ID, MAX_TITLE, Task, can_exist, check_done, check_title
from crudspec.translation.translated import translated

__all__ = [
    "MAX_ID",
    "MAX_TITLE",
    "Alembic",
    "Backend",
    "CrudError",
    "Duplicate",
    "Entity",
    "EntityError",
    "InvalidValue",
    "Metadata",
    "MissingReference",
    "Sql",
    "StaleRow",
    "Task",
    "TaskRow",
    "Unavailable",
    "Values",
    "can_exist",
    "check_done",
    "check_title",
    "from_sqlstate",
    "translated",
]
