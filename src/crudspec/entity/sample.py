"""The values that a check uses, for whichever table it runs on. Each has been tried by the server before."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from crudspec.entity import keys
from crudspec.entity.candidates import candidates
from crudspec.entity.row import frozen

if TYPE_CHECKING:
    from crudspec.entity.proven import Proven
    from crudspec.entity.row import Key, Row
    from crudspec.entity.table import Column, Table

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
        by_rule: A CHECK refuses it, which looks at rows: where none is, nobody has to know.
    """

    name: str
    column: str
    values: Values
    by_rule: bool = False


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
        once = {name for columns in table.uniques for name in columns}
        given = [name for name in dict.fromkeys((*table.inserts, *table.updates)) if name in once]
        self._fresh = {name: fresh for name in given if (fresh := self._unused(name))}

    def _unused(self, column: str) -> list[Any]:
        """Values of a column that must be unique, without those that are tried by name, or stand in a variant."""
        values = self.proven.columns[column]
        taken = {frozen(value) for value in values.valid.values()}
        taken |= {frozen(variant[column]) for variant in self.proven.variants}
        return [value for value in values.fresh if frozen(value) not in taken]

    def restart(self) -> None:
        """Begin again with the first of the values that must be unique; the table is empty."""
        self._used = 0

    @property
    def most_rows(self) -> int:
        """How many rows a check may have, so that there are as many values left for columns that must be unique."""
        return min(map(len, self._fresh.values()), default=1 << 30) // 2

    def row(self, variant: int = 0, **but: Any) -> Values:
        """Values for a whole row: all that create or update is given, and what a data layer fills in by itself."""
        return self._some((*self.table.inserts, *self.table.updates), variant) | but

    def new(self, variant: int = 0, **but: Any) -> Values:
        """What ``create`` is given."""
        return self._some(self.table.creates, variant) | but

    def change(self, variant: int = 1, **but: Any) -> Values:
        """What ``update`` is given; only variant 0 is what a row of the witness's holds, but for unique columns."""
        others = max(1, len(self.proven.variants) - 1)
        return self._some(self.table.updates, variant and 1 + (variant - 1) % others) | but

    def halves(self) -> tuple[Values, Values]:
        """What ``update`` is given to change some columns of a plain row, and what to change the others."""
        plain, changed = self.proven.plain(self.table.updates), self.change(1)
        groups = self.table.together([name for name in plain if plain[name] != changed[name]])
        middle = (len(groups) + 1) // 2
        first, second = (
            {name: changed[name] for group in part for name in group} for part in (groups[:middle], groups[middle:])
        )
        return plain | first, plain | second

    def same(self, row: Row) -> Values:
        """What ``update`` is given for a row to stay as it is."""
        return {name: row[name] for name in self.table.updates}

    def shared(self, values: Mapping[str, Any]) -> Values:
        """Those of some values that several rows may have."""
        once = {name for columns in self.table.uniques for name in columns}
        return {name: value for name, value in values.items() if name not in once}

    @property
    def unique_nullable(self) -> list[Values]:
        """Values of columns that must be unique together, which any row may have, as NULL is among them."""
        found = []
        for one in self.table.unique:
            null = {name for name in one.columns if self.table.by_name[name].nullable}
            alone = any({*columns} <= {*one.columns} - null for columns in self.table.uniques)
            if one.nulls_distinct and null and not alone and {*one.columns} <= {*self.table.creates}:
                values = self.new() | dict.fromkeys(null)
                found.append({name: values[name] for name in one.columns})
        return found

    @property
    def nullable_references(self) -> list[tuple[str, ...]]:
        """Columns of references that may be NULL."""
        given = {*self.table.creates, *self.table.updates}
        return [
            one.columns
            for one in self.table.references
            if all(self.table.by_name[name].nullable and name in given for name in one.columns)
        ]

    # What the server fills in

    @property
    def constants(self) -> list[str]:
        """Columns with a default that is always the same, which create is not given."""
        return [
            one.name for one in self.table.columns if one.default == "constant" and one.name not in self.table.creates
        ]

    @property
    def clocks(self) -> list[str]:
        """Columns that the server's clock fills in."""
        return [column.name for column in self.table.clocks]

    @property
    def instants(self) -> list[str]:
        """Those of them that tell one microsecond from the next."""
        exact = {"timestamp with time zone", "timestamp without time zone"}
        return [column.name for column in self.table.clocks if column.type.sql in exact]

    @property
    def past(self) -> Values:
        """A row's values where all that the server's clock fills in is long past."""
        return self.row() | self.at(LONG_PAST)

    @property
    def future(self) -> Values:
        """A row's values where all that is yet to come."""
        return self.row() | self.at(LONG_PAST.replace(year=2100))

    def at(self, time: datetime | int) -> Values:
        """The columns of the server's clock at a time, or at a long past one with these microseconds."""
        then = time if isinstance(time, datetime) else LONG_PAST.replace(microsecond=time)
        return {column.name: _as(column, then) for column in self.table.clocks}

    def later(self, row: Row, column: str) -> Any:
        """What another client may make of such a time: it was a day before."""
        return row[column] - timedelta(days=1)

    @property
    def sequence(self) -> str:
        """SQL that names the sequence which makes a key that goes beyond int32; empty where none does."""
        (first, *others) = self.table.key_columns
        found = re.fullmatch(r"nextval\((.+)\)", first.makes)
        return found[1] if found and not others and first.type.bits == 64 else ""

    @property
    def late_key(self) -> Key:
        """A key that comes after those that the server makes next; empty where nobody can say."""
        return (2**40 if self.table.key_columns[0].type.bits == 64 else 2**30,) if self.sequence else ()

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

    def of_another_type(self, operation: str) -> Iterator[Values]:
        """For each column, the first two values that are of another type."""
        for column in self._given(operation):
            kind = self.table.by_name[column].type
            wrong = [value for value in candidates(kind).wrong.values() if value is not None]
            for value in [one for one in wrong if not isinstance(one, str) or kind.kind != "text"][:2]:
                yield self._values(operation) | {column: value}

    def stored(self, tried: Tried) -> Any:
        """Its special value as a row holds it."""
        value, column = tried.values[tried.column], self.table.by_name[tried.column]
        return frozen(value if value is None else column.type.read(value))

    def _each(self, operation: str, values: Callable[[str], Mapping[str, Any]]) -> Iterator[Tried]:
        for column in self._given(operation):
            for name, value in values(column).items():
                by_rule = name in self.proven.columns[column].by_rule
                yield Tried(f"{column} {name!r}", column, self._values(operation) | {column: value}, by_rule)

    def _given(self, operation: str) -> tuple[str, ...]:
        return self.table.creates if operation == "create" else self.table.updates

    def _values(self, operation: str) -> Values:
        """The values beside a special one. Of an update, others that change, too, where that cannot break a CHECK."""
        return self.new() if operation == "create" else self.change(0 if self.table.has_joint_checks else 1)

    def _some(self, columns: tuple[str, ...], variant: int) -> Values:
        found = dict(self.proven.variants[variant % len(self.proven.variants)])
        if self._fresh:
            self._used += 1
            for name, values in self._fresh.items():
                # The first half, with which rows may have come to stay, is not used again.
                half = len(values) // 2
                beyond = max(0, self._used - half)
                found[name] = values[half + beyond % (len(values) - half) if beyond else self._used % len(values)]
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
        return keys.large(self.table, self.proven)

    def look_alikes(self, key: Key) -> dict[str, Key]:
        """Keys of no row, each of which a careless conversion makes that of the row."""
        return keys.look_alikes(self.table, key)

    @property
    def neighbours(self) -> list[Key]:
        """Keys that begin, end or contain one another."""
        return keys.neighbours(self.table, self.proven)

    @property
    def targets(self) -> list[Key]:
        """Those of them that are contained in others, or contain others."""
        there = self.neighbours
        return [there[place] for place in (0, 3, 1) if place < len(there)]

    @property
    def between(self) -> tuple[list[Key], list[Key]]:
        """The neighbours in two groups, so that each key of one has neighbours in the other."""
        there = self.neighbours
        return there[::2], there[1::2]

    @property
    def unencodable_keys(self) -> list[Key]:
        """Keys that a driver refuses, or may refuse, while it sends a statement."""
        text = next((part for part in self.no_keys.values() if isinstance(part, str)), None)
        far = [key for name, key in self.missing_keys.items() if "far" in name]
        return [*([(text, *self.missing_key[1:])] if text is not None else []), *far[:1]]


def _as(column: Column, then: datetime) -> Any:
    kinds = {"timestamp": then.replace(tzinfo=None), "date": then.date(), "time": then.time()}
    return kinds.get(column.type.kind, then)
