"""The backends that are known to be right, and stand beside the one under test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crudspec.backends.reference import reference
from crudspec.backends.registry import Adapter, resolve
from crudspec.entity.tasks import TASKS

if TYPE_CHECKING:
    from crudspec.entity.table import Table

REFERENCE = "reference"


def reference_of(adapter: Adapter, table: Table) -> Adapter:
    """The reference backend for the table of another one."""
    return Adapter(REFERENCE, adapter.spec, reference(adapter.entity, table), (), entity=adapter.entity)


def company(adapter: Adapter, table: Table) -> list[Adapter]:
    """Two of the four ways, or the reference where it is about another table than theirs."""
    if adapter.entity is not TASKS:
        return [reference_of(adapter, table)]
    return [peer for peer in resolve(["asyncpg", "orm", "core"]) if peer.cls is not adapter.cls][:2]
