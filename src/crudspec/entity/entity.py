"""What a user says of the table that their data layer is about."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

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
        returns: The columns that a returned row has; left out: all of them.
        seed: SQL that is run in each new database first, for rows that the table needs, or a path to it.
    """

    table: str
    schema: Source | MetaData | str | Path
    order: Sequence[str] | None = ()
    values: Mapping[str, Values] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    models: MetaData | None = None
    create: Sequence[str] | None = None
    update: Sequence[str] | None = None
    returns: Sequence[str] | None = None
    seed: str | Path | None = None
