"""The values of a table that the server has tried: what it stores unchanged, what it refuses, and what it changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class ColumnValues:
    """The values of one column; those with a name are told by it in a failure.

    Attributes:
        valid: Stored as they were given, each beside the first variant's other values.
        invalid: What the server refuses, and what is of a type that nobody should take for this one's.
        lossy: What the server would store changed, with what it makes of them.
        fresh: Distinct valid values for a column that must be unique, as many as there are; else empty.
        by_rule: Names of those invalid ones that a CHECK refuses.
    """

    valid: Mapping[str, Any] = field(default_factory=dict)
    invalid: Mapping[str, Any] = field(default_factory=dict)
    lossy: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    fresh: tuple[Any, ...] = ()
    by_rule: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proven:
    """What the server has said of a table's values.

    Attributes:
        variants: Up to six sets of values, by column, for the columns that create or update are given: plain ones, and
            as different from each other as the columns allow. Each was stored, and written over the first one. Columns
            that must be unique have the first, the second, … of their fresh values.
        columns: The values of each of these columns.
        parents: Rows of other tables that must be there, in the order in which they are inserted: the table's quoted
            name and its values by column.
        missing: By reference, values of its columns that refer to no row.
        notes: What could not be asked, and why, a line each.
        inserts: SQL that inserts the parents, in one script: hundreds of rows in one round trip, whatever is in them.
    """

    variants: tuple[Mapping[str, Any], ...]
    columns: Mapping[str, ColumnValues] = field(default_factory=dict)
    parents: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    missing: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    inserts: str = ""

    def plain(self, columns: Iterable[str]) -> dict[str, Any]:
        """The first variant's values of some columns."""
        return {name: self.variants[0][name] for name in columns}
