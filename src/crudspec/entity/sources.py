"""How what a user writes as ``schema=`` becomes a source."""

from __future__ import annotations

from pathlib import Path

from crudspec.entity.errors import EntityError
from crudspec.entity.source import Source
from crudspec.entity.source_alembic import Alembic
from crudspec.entity.source_built_in import BuiltIn
from crudspec.entity.source_metadata import Metadata, is_metadata
from crudspec.entity.source_sql import Sql

BUILT_IN: Source = BuiltIn()
"""The table ``tasks``, on which the four ways are shown."""

_WANTED = 'write schema=Alembic("alembic.ini"), schema="schema.sql" or schema=Base.metadata'


def as_source(value: object) -> Source:
    """Return what ``schema=`` means.

    Args:
        value: A source; a path that ends with ``.ini`` (Alembic's) or ``.sql``; a ``MetaData``, or
            ``"module:attribute"`` of one.

    Raises:
        EntityError: none of these, or it is not there; what to write.
    """
    if isinstance(value, Source):
        return value
    if isinstance(value, str | Path):
        return _named(value)
    if is_metadata(value):
        return Metadata(value)
    if is_metadata(getattr(value, "metadata", None)):
        raise EntityError(f"schema: {_shown(value)} has a MetaData and is none; write schema={_shown(value)}.metadata")
    raise EntityError(f"schema: {_shown(value)} is none; {_WANTED}")


def _named(value: str | Path) -> Source:
    text = str(value)
    if text.endswith(".ini"):
        return Alembic(value)
    if text.endswith(".sql"):
        return Sql(value)
    module, colon, attribute = text.partition(":")
    if colon and all(part.isidentifier() for part in (*module.split("."), *attribute.split("."))):
        return Metadata.imported(text)
    raise EntityError(f'schema: "{text}" is no file .ini or .sql, and no "module:attribute"; {_WANTED}')


def _shown(value: object) -> str:
    return getattr(value, "__name__", type(value).__name__)
