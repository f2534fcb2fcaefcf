"""The values that a check uses, for whichever table it runs on. Each has been tried by the server before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from crudspec.entity import keys

if TYPE_CHECKING:
    from crudspec.entity.proven import Proven
    from crudspec.entity.row import Key
    from crudspec.entity.table import Table

Values = dict[str, Any]
"""Values by column, as ``create`` or ``update`` is given them."""

LONG_PAST = datetime(2001, 2, 3, 4, 5, 6, 789, tzinfo=UTC)
"""A time that no clock shows any more."""


@dataclass(frozen=True, slots=True)
class Tried:
    """Values of one create or update, one of them special.

    Attributes:
        name: What is special: ``title '255 letters'``.
        column: Whose value it is.
        values: All of them.
    """

    name: str
    column: str
    values: Values


class Sample:
    """Values for one table.

    Variant 0 is the plain one, and what the witness inserts where nothing else is said. The others differ from it, and
    from each other, in as many columns as there are values for. A column that must be unique has another value each
    time, whatever the variant.

    Attributes:
        table: The table.
        proven: What the server has said of its values.
    """

    def __init__(self, table: Table, proven: Proven) -> None:
        self.table = table
        self.proven = proven
        self._used = 0
        self._fresh = {
            name: proven.columns[name].fresh
            for name in (*table.creates, *table.updates)
            if any(name in columns for columns in table.uniques) and proven.columns[name].fresh
        }

    def restart(self) -> None:
        """Begin again with the first of the values that must be unique; the table is empty."""
        self._used = 0

    @property
    def most_rows(self) -> int:
        """How many rows the table can have, as far as values for its unique columns are known."""
        return min(map(len, self._fresh.values()), default=1 << 30) - len(self.proven.variants)

    def row(self, variant: int = 0, **but: Any) -> Values:
        """Values for a whole row: all that create or update is given."""
        return self._some((*self.table.creates, *self.table.updates), variant) | but

    def new(self, variant: int = 0, **but: Any) -> Values:
        """What ``create`` is given."""
        return self._some(self.table.creates, variant) | but

    def change(self, variant: int = 1, **but: Any) -> Values:
        """What ``update`` is given; variant 0 is what a row of the witness's holds, but for unique columns."""
        return self._some(self.table.updates, variant) | but

    def halves(self) -> tuple[Values, Values]:
        """What ``update`` is given to change some columns of a plain row, and what to change the others."""
        plain, changed = self.proven.plain(self.table.updates), self.change(1)
        some = [name for name in plain if plain[name] != changed[name]]
        middle = (len(some) + 1) // 2
        first, second = ({name: changed[name] for name in part} for part in (some[:middle], some[middle:]))
        return plain | first, plain | second

    def same(self, row: Mapping[str, Any]) -> Values:
        """What ``update`` is given for a row to stay as it is."""
        return {name: row[name] for name in self.table.updates}

    @property
    def past(self) -> Values:
        """A row's values where all that the server's clock fills in is long past."""
        return self.row() | {column.name: self._past(column.name) for column in self.table.clocks}

    def _past(self, column: str) -> Any:
        kind = self.table.by_name[column].type.kind
        return {"timestamp": LONG_PAST.replace(tzinfo=None), "date": LONG_PAST.date()}.get(kind, LONG_PAST)

    def later(self, row: Mapping[str, Any], column: str) -> Any:
        """A day before what the server's clock has filled in: what another client may make of it."""
        return row[column] - timedelta(days=1)

    @property
    def updates(self) -> list[Values]:
        """All variants of what ``update`` is given, the last one first, so that each differs from the one before."""
        return [self.change(variant) for variant in reversed(range(len(self.proven.variants)))]

    def valid(self, operation: str) -> Iterator[Tried]:
        """Every value that the server stores unchanged, one at a time."""
        yield from self._each(operation, lambda column: self.proven.columns[column].valid)

    def invalid(self, operation: str) -> Iterator[Tried]:
        """Every value that must be refused, one at a time."""
        yield from self._each(operation, lambda column: self.proven.columns[column].invalid)

    def lossy(self, operation: str) -> Iterator[Tried]:
        """Every value that the server would store changed, one at a time."""
        yield from self._each(
            operation, lambda column: {name: given for name, (given, _) in self.proven.columns[column].lossy.items()}
        )

    def _each(self, operation: str, values: Any) -> Iterator[Tried]:
        taken = self.table.creates if operation == "create" else self.table.updates
        for column in taken:
            for name, value in values(column).items():
                given = self.new() if operation == "create" else self.change()
                yield Tried(f"{column} {name!r}", column, given | {column: value})

    def _some(self, columns: tuple[str, ...], variant: int) -> Values:
        found = dict(self.proven.variants[variant % len(self.proven.variants)])
        if self._fresh:
            self._used += 1
            for name, values in self._fresh.items():
                found[name] = values[(len(self.proven.variants) + self._used) % len(values)]
        return {name: found[name] for name in dict.fromkeys(columns)}

    # Keys

    @property
    def missing_keys(self) -> dict[str, Key]:
        """Keys of no row, by what is special about them."""
        return keys.missing(self.table, self.proven)

    @property
    def missing_key(self) -> Key:
        """The plainest of them."""
        return next(iter(self.missing_keys.values()))

    @property
    def no_keys(self) -> dict[str, Any]:
        """What is no key, by name: it stands for the first part of one."""
        return keys.no_keys(self.table)

    @property
    def large_keys(self) -> dict[str, Key]:
        """The largest keys, by name."""
        return keys.large(self.table)

    def look_alikes(self, key: Key) -> dict[str, Key]:
        """Keys of no row, each of which a careless conversion makes that of the row."""
        return keys.look_alikes(self.table, key)

    @property
    def neighbours(self) -> list[Key]:
        """Keys that begin, end or contain one another."""
        return keys.neighbours(self.table, self.proven)
