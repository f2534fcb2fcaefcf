"""A database of a test's own, and what opens a backend or a witness there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from crudspec.backends.registry import Adapter, resolve
from crudspec.harness.subject import Subject
from crudspec.truth.witness import Witness

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from crudspec.entity.sample import Sample
    from crudspec.entity.table import Table


class Scratch(NamedTuple):
    """A database with an entity's table in it, and values for the table."""

    dsn: str
    sample: Sample

    @property
    def table(self) -> Table:
        return self.sample.table

    def witness(self, kind: type[Witness] = Witness) -> AbstractAsyncContextManager[Witness]:
        return kind.connect(self.dsn, self.sample)

    def subject(self, backend: Any, **more: Any) -> Subject:
        """A backend that is not open yet, of an adapter, a class, or what names one on the command line."""
        return Subject(adapter_of(backend), self.dsn, self.table, **more)


def adapter_of(backend: Any) -> Adapter:
    """The adapter of a class, or of what names one."""
    if isinstance(backend, Adapter):
        return backend
    if isinstance(backend, str):
        (found,) = resolve([backend])
        return found
    return Adapter(backend.__name__, f"tests:{backend.__name__}", backend, ())
