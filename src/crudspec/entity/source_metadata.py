"""A schema in SQLAlchemy's ``MetaData``."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, TypeGuard

from crudspec.entity.errors import EntityError
from crudspec.entity.source import Source, installed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import MetaData


class Metadata(Source):
    """What ``create_all`` makes of a ``MetaData``, and the schemas that its tables are in.

    Whoever migrates had better name the migrations: the tables that they make are those of the live database, and a
    trigger or a default that a migration adds is in no model.
    """

    def __init__(self, metadata: MetaData, *, shown: str = "the MetaData") -> None:
        """Take it; it is read when the schema is needed, so models may still be added.

        Args:
            metadata: For example ``Base.metadata``.
            shown: What to call it in messages.
        """
        self.metadata = metadata
        self.shown = shown

    @classmethod
    def imported(cls, name: str) -> Metadata:
        """Return the one that ``module:attribute`` names; the attribute may have dots.

        Raises:
            EntityError: it cannot be imported, or is no ``MetaData``.
        """
        module, _, attribute = name.partition(":")
        try:
            found: Any = importlib.import_module(module)
        except Exception as exc:
            said = str(exc).partition("\n")[0]
            raise EntityError(f'schema "{name}": cannot import {module} ({type(exc).__name__}: {said})') from exc
        for part in attribute.split("."):
            if not hasattr(found, part):
                raise EntityError(f'schema "{name}": {module} has no {attribute}')
            found = getattr(found, part)
        if not is_metadata(found):
            better = f'; write "{name}.metadata"' if is_metadata(getattr(found, "metadata", None)) else ""
            raise EntityError(f'schema "{name}" is a {type(found).__name__} and no MetaData{better}')
        return cls(found, shown=name)

    def _parts(self) -> Iterable[bytes]:
        yield self.script().encode()
        yield installed("sqlalchemy")

    def script(self) -> str:
        """Return the statements of ``create_all``.

        Raises:
            EntityError: it has no table, or cannot be written without a database.
        """
        from sqlalchemy import create_mock_engine
        from sqlalchemy.schema import CreateSchema

        if not self.metadata.tables:
            raise EntityError(f"{self.shown} has no table; import the modules with the models before the entity")
        said: list[str] = []

        def executed(statement: Any, *_: Any, **__: Any) -> None:
            said.append(str(statement.compile(dialect=engine.dialect, compile_kwargs=literal)).strip())

        literal = {"literal_binds": True}
        # asyncpg's dialect: for others, a literal percent sign is written twice.
        engine = create_mock_engine("postgresql+asyncpg://", executed)
        try:
            for schema in sorted({table.schema for table in self.metadata.tables.values() if table.schema}):
                executed(CreateSchema(schema, if_not_exists=True))
            # Without a look at what is there: nothing is.
            self.metadata.create_all(engine, checkfirst=False)
        except Exception as exc:
            reason = f"{type(exc).__name__}: {str(exc).partition(chr(10))[0]}"
            raise EntityError(f"create_all of {self.shown} cannot be written as SQL ({reason})") from exc
        return "".join(f"{statement};\n" for statement in said)


def is_metadata(value: object) -> TypeGuard[MetaData]:
    """Tell whether it is a ``MetaData``."""
    from sqlalchemy import MetaData

    return isinstance(value, MetaData)
