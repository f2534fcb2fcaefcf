"""The built-in entity: the table on which the four ways are shown."""

from __future__ import annotations

from crudspec.backend import OPERATIONS
from crudspec.entity.entity import Entity
from crudspec.entity.sources import BUILT_IN

TASKS = Entity(table="tasks", schema=BUILT_IN, names={"list_all": "list_tasks"})
"""``tasks(id bigint identity, title varchar(255), done boolean default false, created_at timestamptz default now())``.

A class that names no entity is asked about this one.
"""


def entity_of(cls: type) -> object:
    """What a class says that it is about; the built-in table where it says nothing."""
    return getattr(cls, "entity", TASKS)


def methods_of(cls: type) -> dict[str, str]:
    """What a class calls its operations, by their names in the contract."""
    entity = entity_of(cls)
    names = entity.names if isinstance(entity, Entity) else {}
    return {operation: names.get(operation, operation) for operation in OPERATIONS}
