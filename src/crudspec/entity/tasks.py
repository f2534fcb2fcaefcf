"""The built-in entity: the table on which the four ways are shown."""

from __future__ import annotations

from crudspec.entity.entity import Entity
from crudspec.entity.sources import BUILT_IN

TASKS = Entity(table="tasks", schema=BUILT_IN, names={"list_all": "list_tasks"})
"""``tasks(id bigint identity, title varchar(255), done boolean default false, created_at timestamptz default now())``.

A class that names no entity is asked about this one.
"""
