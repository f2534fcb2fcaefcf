"""A table as the server has it: its columns, its key, what must be unique and what refers to other tables."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from crudspec.backend import OPERATIONS
from crudspec.entity.row import UNREAD, row_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from crudspec.entity.row import Key
    from crudspec.entity.row import Row as StoredRow
    from crudspec.entity.types import Type

_PLAIN = frozenset({"bool", "int", "numeric", "float", "text", "date", "time", "timestamp", "interval", "enum", "json"})

Default = Literal["", "constant", "generated", "clock"]
"""What fills a column where nothing is given: nothing (or NULL), the same value each time, another one each time
(a sequence, ``gen_random_uuid()``), or the transaction's time, ``now()``.
"""


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: As the table has it.
        type: What it holds.
        nullable: NULL may stand in it.
        default: What fills it where nothing is given.
        constant: The value of a constant default.
        makes: SQL that gives what the server would fill in next; empty where there is no default.
        computed: ``GENERATED ALWAYS AS (…) STORED``: nobody may write it.
        moves: It changes by itself when the row is updated; a trigger does that.
    """

    name: str
    type: Type
    nullable: bool = False
    default: Default = ""
    constant: Any = None
    makes: str = ""
    computed: bool = False
    moves: bool = False


@dataclass(frozen=True, slots=True)
class Unique:
    """Columns whose values no two rows share; the primary key is not among these.

    Attributes:
        name: Of the constraint, or of the index.
        columns: Its columns.
        nulls_distinct: Two rows may both have NULL there, as usual.
    """

    name: str
    columns: tuple[str, ...]
    nulls_distinct: bool = True


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key.

    Attributes:
        name: Of the constraint.
        columns: That refer.
        parent: The table that is referred to.
        to: Its columns.
    """

    name: str
    columns: tuple[str, ...]
    parent: str
    to: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table, and what of it the operations take.

    Attributes:
        name: Of the table.
        schema: That it stands in.
        columns: In the table's order.
        key: Names of the key's columns.
        creates: Names of the columns that ``create`` is given.
        updates: Names of the columns that ``update`` is given.
        order: What ``list_all`` promises: names of columns, with ``-`` before one that descends; None: any order.
        returns: Names of the columns that a returned row has; empty: all.
        names: What the class calls its operations, where it is not their own name.
        unique: What must be unique beside the key.
        references: Its foreign keys.
        checks: Its CHECK constraints, by name.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    creates: tuple[str, ...]
    updates: tuple[str, ...]
    schema: str = "public"
    order: tuple[str, ...] | None = ()
    returns: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    unique: tuple[Unique, ...] = ()
    references: tuple[Reference, ...] = ()
    checks: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    @cached_property
    def Row(self) -> type[StoredRow]:  # noqa: N802 - it is a class
        """The class of its rows."""
        return row_type(self.by_name, self.key)

    @cached_property
    def quoted(self) -> str:
        """Its name, for a statement."""
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    @cached_property
    def key_columns(self) -> tuple[Column, ...]:
        return tuple(self.by_name[name] for name in self.key)

    @cached_property
    def server_makes_key(self) -> bool:
        """Whether the server makes at least a part of the key, and not the client all of it."""
        return any(name not in self.creates for name in self.key)

    @cached_property
    def inserts(self) -> tuple[str, ...]:
        """What whoever inserts a row has to give: what create is given, and what a data layer fills in by itself."""
        return tuple(
            one.name
            for one in self.columns
            if one.name in self.creates or not (one.nullable or one.default or one.computed)
        )

    @cached_property
    def unpredictable(self) -> frozenset[str]:
        """Columns that an update may change without being given: computed ones, and those that a trigger moves."""
        return frozenset(column.name for column in self.columns if column.computed or column.moves)

    @cached_property
    def unreturned(self) -> frozenset[str]:
        """Columns that a returned row does not have."""
        return frozenset(name for name in self.by_name if self.returns and name not in self.returns)

    @cached_property
    def has_joint_checks(self) -> bool:
        """Whether a CHECK is about several columns at once."""
        return any(sum(_is_about(said, name) for name in self.by_name) > 1 for said in self.checks.values())

    def together(self, names: Sequence[str]) -> list[list[str]]:
        """Columns in groups: those that one CHECK or one reference is about are changed together, or it may break."""
        rules = [[name for name in names if _is_about(said, name)] for said in self.checks.values()]
        rules += [[name for name in names if name in one.columns] for one in self.references]
        groups = [[name] for name in names]
        for rule in rules:
            joined = [group for group in groups if set(group) & set(rule)]
            groups = [group for group in groups if group not in joined]
            groups += [[name for group in joined for name in group]] if joined else []
        return sorted(groups, key=lambda group: names.index(group[0]))

    @cached_property
    def uniques(self) -> tuple[tuple[str, ...], ...]:
        """The column sets that are unique, the key first."""
        return (self.key, *(one.columns for one in self.unique))

    @cached_property
    def clocks(self) -> tuple[Column, ...]:
        """Columns that the server's clock fills in, and nobody gives."""
        return tuple(one for one in self.columns if one.default == "clock" and one.name not in self.creates)

    @cached_property
    def operations(self) -> tuple[str, ...]:
        """The operations that make sense on it: without a column that can be updated there is no update."""
        return tuple(name for name in OPERATIONS if name != "update" or self.updates)

    @cached_property
    def told(self) -> tuple[str, ...]:
        """The columns by which a row is told in few words: its key, and what somebody gives."""
        given = {*self.creates, *self.updates} - {*self.key}
        return (*self.key, *(name for name in self.by_name if name in given))

    def method(self, operation: str) -> str:
        """What the class calls an operation."""
        return self.names.get(operation, operation)

    def stored(self, values: Iterable[Any]) -> StoredRow:
        """A row of what a driver reads from the server, its values in the order of the columns."""
        row = list(values)
        for place, kind in self._to_read:
            if row[place] is not None:
                row[place] = kind.read(row[place])
        return self.Row(row)

    @cached_property
    def _to_read(self) -> list[tuple[int, Type]]:
        """Where a driver may have a class of its own for a value, or more of it than counts."""
        kinds = [(place, column.type) for place, column in enumerate(self.columns)]
        return [(place, kind) for place, kind in kinds if kind.kind not in _PLAIN or kind.padded]

    def created(self, values: Mapping[str, Any]) -> StoredRow:
        """The row that a create with these values makes; what the server chooses is not known."""
        return self.Row(values.get(column.name, self._filled_in(column)) for column in self.columns)

    def holding(self, values: Mapping[str, Any]) -> StoredRow:
        """A row with these values, of which nothing else is known."""
        return self.Row(values.get(name, UNREAD) for name in self.by_name)

    def _filled_in(self, column: Column) -> Any:
        """What stands in a column that create was not given."""
        if column.default == "constant":
            return column.constant
        stays_empty = not column.default and column.nullable and not column.computed
        return None if stays_empty and column.name in self.creates else UNREAD

    def updated(self, row: StoredRow, values: Mapping[str, Any]) -> StoredRow:
        """The row after an update with these values; what moves by itself is not known."""
        return row.but(values).without(self.unpredictable)

    def collides(self, row: StoredRow, rows: Iterable[StoredRow]) -> tuple[str, ...]:
        """The unique columns in which a row would be equal to one of others; empty where it would not."""
        others = [other for other in rows if other.key != row.key]
        for one in self.unique:
            mine = [row[name] for name in one.columns]
            if one.nulls_distinct and None in mine:
                continue
            if any([other[name] for name in one.columns] == mine for other in others):
                return one.columns
        return ()

    def excludes(self, one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
        """Tell whether no two rows can hold these values: those of a unique set are the same."""
        return any(
            all(name in one and name in other and one[name] == other[name] for name in columns)
            for columns in self.uniques
        )

    def in_key_order(self, rows: Iterable[StoredRow]) -> list[StoredRow]:
        return sorted(rows, key=lambda row: self._sort_key(row, self.key))

    def sort(self, rows: Iterable[StoredRow]) -> list[StoredRow]:
        """Rows as ``list_all`` has to return them, those that it may return in any order by their keys."""
        found = self.in_key_order(rows)
        for name in reversed(self.order or ()):
            found.sort(key=lambda row, name=name: self._sort_key(row, (name.lstrip("-"),)), reverse=name[0] == "-")
        return found

    def is_in_order(self, rows: Sequence[StoredRow]) -> bool:
        """Tell whether rows stand as ``list_all`` has to return them; rows that are alike in that may change places."""
        if self.order is None:
            return True
        wanted = [[row[name.lstrip("-")] for name in self.order or self.key] for row in self.sort(rows)]
        return [[row[name.lstrip("-")] for name in self.order or self.key] for row in rows] == wanted

    def _sort_key(self, row: StoredRow, names: Iterable[str]) -> list[Any]:
        """Sorts as the server does: NULL comes after everything else, a label by its place in its type."""
        found = []
        for name in names:
            value, labels = row[name], self.by_name[name].type.labels
            found.append((value is None, labels.index(value) if labels and value in labels else value))
            if value is None:
                found[-1] = (True,)
        return found

    def shown_key(self, key: Key) -> str:
        """A key in words: ``id 1``."""
        return ", ".join(f"{name} {part!r}" for name, part in zip(self.key, key, strict=False))


def _is_about(said: str, name: str) -> bool:
    """Whether a rule speaks of a column."""
    return re.search(rf"\b{re.escape(name)}\b", said) is not None


def literal(text: str) -> str:
    """A text, for a statement."""
    return "'" + text.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """An identifier, for a statement."""
    return '"' + name.replace('"', '""') + '"'
