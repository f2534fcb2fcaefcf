"""The steps that a program may take, for whichever table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crudspec.entity.row import Key
    from crudspec.entity.sample import Sample

_MOST_ODD = 240
"""Steps with a value or a key that is out of the ordinary."""


@dataclass(frozen=True, slots=True)
class Newest:
    """The key of the row that was created that many creates ago (counted round and round), there still or not."""

    creates_ago: int


@dataclass(frozen=True, slots=True)
class Alike:
    """A key that only looks like that of the newest row.

    Attributes:
        how: One of the names that the sample gives them.
    """

    how: str


@dataclass(frozen=True, slots=True)
class Move:
    """One step that a program may take: an operation, and which row it is about.

    Attributes:
        operation: Its name.
        row: Which row, or a key of none; None where it is about none.
        values: What it is given.
        forbidden: Its key or one of its values must be refused.
    """

    operation: str
    row: Newest | Alike | Key | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    forbidden: bool = False


NEWEST = Newest(0)


def moves(sample: Sample) -> list[tuple[int, Move]]:
    """Every step that a program may take, and how often among the others.

    The simple ones come first (Hypothesis shrinks to the front). Long and odd values have clauses of their own; what
    matters here is that values and rows meet again, those that must be unique included.
    """
    table, variants = sample.table, sample.proven.variants
    news = _distinct({name: values[name] for name in table.creates} for values in variants)
    changes = _distinct({name: values[name] for name in table.updates} for values in variants) if table.updates else []
    rows = [Newest(ago) for ago in range(3)]
    odd_rows = [*map(Alike, sample.look_alikes(sample.missing_key)), *sample.missing_keys.values()]
    no_rows = [(part, *sample.missing_key[1:]) for part in sample.no_keys.values()]
    found: list[tuple[int, Move]] = []
    odd: list[Move] = []
    found += [(99 // len(news), Move("create", None, values)) for values in news]
    found += [(33, Move("get", row)) for row in rows]
    found += [(80, Move("list_all"))]
    found += [(27, Move("delete", row)) for row in rows]
    found += [(60 // len(changes), Move("update", row, values)) for values in changes for row in rows]
    odd += [Move("create", None, one.values) for one in sample.valid("create")]
    odd += [Move("create", None, one.values, forbidden=True) for one in sample.invalid("create")]
    for row, forbidden in [*((row, False) for row in odd_rows), *((row, True) for row in no_rows)]:
        odd += [Move(operation, row, forbidden=forbidden) for operation in ("get", "delete")]
        odd += [Move("update", row, values, forbidden) for values in changes[:1]]
    odd += [Move("update", NEWEST, one.values) for one in sample.valid("update")]
    odd += [Move("update", NEWEST, one.values, forbidden=True) for one in sample.invalid("update") if not one.by_rule]
    # Of a table with many columns only some, or there would be little else.
    return found + [(1, move) for move in odd[:: 1 + len(odd) // _MOST_ODD]]


def _distinct(some: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for values in some:
        if values not in found:
            found.append(values)
    return found
