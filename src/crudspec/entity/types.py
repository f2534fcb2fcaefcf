"""The types of PostgreSQL that the suite knows: what a value of each is in Python, and which values are tried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "bool", "int", "numeric", "float", "text", "uuid", "date", "time", "timestamp", "timestamptz", "interval",
    "bytes", "json", "enum", "inet", "array", "unknown",
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
