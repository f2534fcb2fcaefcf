"""What a user says of the table that their data layer is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crudspec.entity.errors import EntityError
from crudspec.entity.source import located
from crudspec.entity.sources import as_source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import MetaData

    from crudspec.entity.source import Source


@dataclass(frozen=True)
class Values:
    """Values of a column that no type tells.

    Attributes:
        matching: A regular expression that all of a value matches, for text.
        valid: Values that may be stored, the plainest first; at least three tell the most.
        invalid: Values that must be refused.
    """

    matching: str | None = None
    valid: Sequence[Any] = ()
    invalid: Sequence[Any] = ()


@dataclass(frozen=True)
class Entity:
    """The table that a data layer is about; stands on its class as ``entity = Entity(…)``.

    All but the first two are seldom needed: what create and update take, what is unique and what the server fills in is
    read from the table itself. ``crudspec entity SPEC`` shows what was understood.

    Attributes:
        table: Its name, with its schema where that is not ``public``: ``"orders"``, ``"shop.orders"``.
        schema: What makes the table: ``Alembic("alembic.ini")`` or the path alone, a ``.sql`` file, a ``MetaData``.
        order: What ``list_all`` promises, such as ``("-placed_at", "id")``; left out: the key, ascending. None: any.
        values: By column, values that a convention asks for and no type tells.
        names: What the class calls an operation, such as ``{"list_all": "list_orders"}``.
        models: The data layer's own ``MetaData``, for what it fills in by itself (``default=``, ``onupdate=``); left
            out: the class's ``metadata``, or ``schema`` where that is one.
        create: The columns that create is given; left out: those without a default.
        update: The columns that update is given; left out: all but the key and what the server fills in by itself.
        moves: Columns that the data layer sets by itself when it creates a row, and again with each update, such as
            Django's ``auto_now``; what SQLAlchemy's models set (``onupdate=``) is known.
        returns: The columns that a returned row has; left out: all of them.
        seed: SQL that is run in each new database first, for rows that the table needs, or a path to it.

    Raises:
        EntityError: something is missing, or is written as it cannot be meant.
    """

    table: str
    schema: Source | MetaData | str | Path = None  # ty: ignore[invalid-assignment] - told below
    order: Sequence[str] | None = ()
    values: Mapping[str, Values] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    models: MetaData | None = None
    create: Sequence[str] | None = None
    update: Sequence[str] | None = None
    returns: Sequence[str] | None = None
    moves: Sequence[str] = ()
    seed: str | Path | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.table, str) or not self.table:
            raise EntityError(f'table={_shown(self.table)} is no name; write Entity(table="orders", schema=…)')
        if self.schema is None:
            raise EntityError(
                f'Entity(table="{self.table}") lacks its schema: write schema=Alembic("alembic.ini"), '
                'schema="schema.sql" or schema=Base.metadata'
            )
        for name in ("order", "create", "update", "returns", "moves"):
            given = getattr(self, name)
            if isinstance(given, str):
                raise EntityError(f'{name}="{given}" is one text; write {name}=("{given}",)')
            if given is not None and not all(isinstance(one, str) for one in given):
                raise EntityError(f'{name}={_shown(given)}: write the names of columns, such as {name}=("id",)')
        for name, example in (("values", '{"code": Values(matching=r"[A-Z]{3}")}'), ("names", '{"get": "find"}')):
            if not isinstance(getattr(self, name), Mapping):
                raise EntityError(f"{name}={_shown(getattr(self, name))} is no dict; write {name}={example}")
        for column, one in self.values.items():
            if not isinstance(one, Values):
                raise EntityError(f'values: "{column}" has {_shown(one)}; write "{column}": Values(valid=[…])')
        # Now, as a file may stand beside the one that says this, which nobody knows later.
        if str(self.schema).endswith((".ini", ".sql")) and isinstance(self.schema, str | Path):
            object.__setattr__(self, "schema", as_source(self.schema))
        if self.seed is not None and str(self.seed).endswith(".sql"):
            object.__setattr__(self, "seed", located(self.seed, argument="seed"))


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) < 60 else f"{text[:57]}…"
