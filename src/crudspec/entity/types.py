"""The types of PostgreSQL that the suite knows: what a value of each is in Python, and which values are tried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from crudspec.entity import exact
from crudspec.entity.exact import WrongType

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Kind", "Type", "WrongType", "type_of"]

Kind = Literal[
    "bool",
    "int",
    "numeric",
    "float",
    "text",
    "uuid",
    "date",
    "time",
    "timestamp",
    "timestamptz",
    "interval",
    "bytes",
    "json",
    "enum",
    "inet",
    "array",
    "unknown",
]


@dataclass(frozen=True, slots=True)
class Type:
    """The type of a column.

    Attributes:
        kind: What it is, for the suite.
        sql: As PostgreSQL writes it: ``character varying(255)``.
        length: Most characters of a text; None where there is no limit.
        padded: A text that is filled up with blanks to its length: ``char(n)``.
        bits: Of an int: 16, 32 or 64; of a float: 32 or 64.
        precision: Digits of a numeric in all; None where there is no limit.
        scale: Those behind the point.
        labels: Of an enum, in its order.
        item: Of an array's items.
    """

    kind: Kind
    sql: str
    length: int | None = None
    padded: bool = False
    bits: int = 0
    precision: int | None = None
    scale: int | None = None
    labels: tuple[str, ...] = ()
    item: Type | None = None

    def read(self, value: object) -> object:
        """What a backend returned, or the server stores, as the one Python value that stands for it.

        Equal values become equal ones of one type, whatever driver they come from: an instant is in UTC, a member of an
        Enum its label, an address one of :mod:`ipaddress`, a ``char(n)`` without the blanks that fill it up. What is in
        a column of a type that the suite does not know is :data:`~crudspec.entity.row.UNREAD`.

        Args:
            value: Any object but None, which is for the caller to judge.

        Raises:
            WrongType: it is not exactly of the type.
        """
        return exact.read(self, value)

    @property
    def untyped(self) -> str:
        """The type that a statement says for a value of it, so that it is the column that cuts, rounds or refuses."""
        if self.item is not None:
            return f"{self.item.untyped}[]"
        return _SAID.get(self.kind, self.sql)

    @property
    def shown(self) -> str:
        """The type that a statement says to read a value of it, which asyncpg knows by itself; JSON comes as text."""
        if self.item is not None:
            return f"{self.item.shown}[]"
        return "text" if self.kind in ("text", "enum", "json", "unknown") else self.sql


_SAID: dict[str, str] = {
    "int": "numeric",  # has no bounds, where an int's column has
    "numeric": "numeric",
    "float": "double precision",
    "text": "text",
    "time": "time",
    "timestamp": "timestamp",
    "timestamptz": "timestamptz",
    "interval": "interval",
}

_KINDS: dict[str, Kind] = {
    "bool": "bool",
    "int2": "int",
    "int4": "int",
    "int8": "int",
    "numeric": "numeric",
    "float4": "float",
    "float8": "float",
    "text": "text",
    "varchar": "text",
    "bpchar": "text",
    "citext": "text",
    "uuid": "uuid",
    "date": "date",
    "time": "time",
    "timestamp": "timestamp",
    "timestamptz": "timestamptz",
    "interval": "interval",
    "bytea": "bytes",
    "json": "json",
    "jsonb": "json",
    "inet": "inet",
    "cidr": "inet",
}

_HEADER = 4
"""What PostgreSQL adds to the length of a text and to the digits of a number in a column's ``atttypmod``."""


def type_of(facts: Mapping[str, Any]) -> Type:
    """Make a type of what the catalogue says of one, domains being looked through before.

    Args:
        facts: ``sql`` (``format_type``), ``name`` (``typname``), ``modifier`` (``atttypmod``), ``labels`` of an enum,
            and ``item``, the name of the type of an array's items.
    """
    sql, modifier = facts["sql"], facts["modifier"]
    if facts["item"] is not None:
        inner = {**facts, "sql": sql.removesuffix("[]"), "name": facts["item"], "item": None}
        item = type_of(inner)
        return Type("unknown", sql) if item.kind == "unknown" else Type("array", sql, item=item)
    if facts["labels"]:
        return Type("enum", sql, labels=tuple(facts["labels"]))
    name = facts["name"]
    kind = _KINDS.get(name, "unknown")
    limited = modifier >= _HEADER
    return Type(
        kind,
        sql,
        length=modifier - _HEADER if kind == "text" and limited else None,
        padded=name == "bpchar",
        bits=int(name[-1]) * 8 if kind in ("int", "float") else 0,
        precision=(modifier - _HEADER) >> 16 if kind == "numeric" and limited else None,
        scale=_signed((modifier - _HEADER) & 0x7FF) if kind == "numeric" and limited else None,
    )


def _signed(scale: int) -> int:
    """The number of digits behind the point, which may be negative since PostgreSQL 15: eleven bits."""
    return (scale ^ 1024) - 1024
