"""The witness's SQL for one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crudspec.entity.table import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crudspec.entity.table import Table


class Statements:
    """Statements that read and write a table, whatever its columns are called."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._columns = ", ".join(map(quoted, table.by_name))
        keys = ", ".join(map(quoted, table.key))
        self._is_it = " AND ".join(f"{quoted(name)} = ${place}" for place, name in enumerate(table.key, 1))
        self._down = ", ".join(f"{quoted(name)} DESC" for name in table.key)
        self.rows = f"SELECT {self._columns} FROM {table.quoted} ORDER BY {keys}"
        self.row = f"SELECT {self._columns} FROM {table.quoted} WHERE {self._is_it}"
        self.versions = (
            f"SELECT {self._columns}, xmin::text AS xmin, tableoid::text || ' ' || ctid::text AS ctid "
            f"FROM {table.quoted} ORDER BY {keys}"
        )
        self.outer_keys = (
            f"(SELECT {keys} FROM {table.quoted} ORDER BY {keys} LIMIT $1) UNION "
            f"(SELECT {keys} FROM {table.quoted} ORDER BY {self._down} LIMIT $1) ORDER BY {keys}"
        )
        self.delete = f"DELETE FROM {table.quoted} WHERE {self._is_it}"

    def insert(self, values: Iterable[str]) -> str:
        names = list(values)
        given = f"({', '.join(map(quoted, names))}) OVERRIDING SYSTEM VALUE VALUES ({_places(len(names))})"
        return f"INSERT INTO {self._table.quoted} {given if names else 'DEFAULT VALUES'} RETURNING {self._columns}"

    def update(self, values: Iterable[str]) -> str:
        first = len(self._table.key) + 1
        changes = ", ".join(f"{quoted(name)} = ${place}" for place, name in enumerate(values, first))
        return f"UPDATE {self._table.quoted} SET {changes} WHERE {self._is_it}"

    def next_keys(self, columns: Iterable[str]) -> str:
        """Values that the server makes for key columns, by their defaults."""
        made = ", ".join(f"{self._table.by_name[name].makes} AS {quoted(name)}" for name in columns)
        return f"SELECT {made} FROM generate_series(1, $1::int)"


def _places(count: int) -> str:
    return ", ".join(f"${place}" for place in range(1, count + 1))
