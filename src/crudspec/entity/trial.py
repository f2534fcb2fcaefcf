"""Trying rows on the server, many in one round trip, each in a savepoint of its own that is rolled back."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crudspec.entity.literals import from_server, literal
from crudspec.entity.row import UNREAD, matches
from crudspec.entity.table import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from asyncpg import Connection

    from crudspec.entity.table import Column, Table

_REFUSED = ("22", "23")
"""SQLSTATE classes of a refused value: data exception, integrity constraint violation."""

_numbers = itertools.count(1)

# Values come as bytes, whatever they are: with parameters of the columns' own types one value that cannot be sent, such
# as a text with NUL in it, would fail all others with it.
_FUNCTION = """
CREATE FUNCTION {name}(_crud_inserts bytea[], _crud_updates bytea[], _crud_tries int[])
RETURNS SETOF record LANGUAGE plpgsql AS $crudspec${options}
DECLARE
    _crud_row {table}%ROWTYPE;
    _crud_i int; _crud_u int; _crud_state text; _crud_said text; _crud_named text;
BEGIN
    FOR _crud_at IN 1 .. cardinality(_crud_tries) / 2 LOOP
        _crud_i := _crud_tries[_crud_at * 2 - 1] * {inserted};
        _crud_u := _crud_tries[_crud_at * 2] * {updated};
        BEGIN
            INSERT INTO {table} {insert} RETURNING * INTO _crud_row;
            {update}
            RAISE SQLSTATE 'CRUD0';
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS _crud_state = RETURNED_SQLSTATE, _crud_said = MESSAGE_TEXT,
                _crud_named = CONSTRAINT_NAME;
        END;
        IF _crud_state <> 'CRUD0' THEN
            _crud_row := NULL;
        END IF;
        RETURN QUERY SELECT _crud_state, _crud_said, _crud_named, {columns};
    END LOOP;
END $crudspec$
"""

_UPDATE = """
            IF _crud_u >= 0 THEN
                UPDATE {table} SET {sets} WHERE {key} RETURNING * INTO _crud_row;
                IF NOT FOUND THEN
                    RAISE SQLSTATE 'CRUD1' USING MESSAGE = 'no row is there after it was inserted';
                END IF;
            END IF;
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the server made of a row.

    Attributes:
        state: Its SQLSTATE where it refused; empty where the row was stored.
        said: Its message.
        constraint: The one that refused, where it says so.
        row: Where it was stored: the values of the row as it was then, as they came.
        columns: Those of the row.
    """

    state: str
    said: str
    constraint: str
    row: Sequence[Any] = ()
    columns: Mapping[str, tuple[int, Column]] = field(default_factory=dict)

    def value(self, name: str) -> Any:
        """The stored row's value in a column, as :meth:`crudspec.entity.types.Type.read` has it."""
        if name not in self.columns:
            return UNREAD
        # Most of a row nobody asks for, and to read it all would take as long as to store it.
        place, column = self.columns[name]
        return from_server(column.type, self.row[place])

    @property
    def refused(self) -> bool:
        """Whether a value was refused, and not something else."""
        return self.state.startswith(_REFUSED)

    def keeps(self, values: Mapping[str, Any]) -> bool:
        """Tell whether a row was stored with exactly these values."""
        return not self.state and all(self.has(name, value) for name, value in values.items())

    def has(self, name: str, value: Any) -> bool:
        """Tell whether a stored row has exactly this value in a column, as far as that can be read."""
        return matches(self.value(name), value)


class Trial:
    """Tries rows on one table: one insert each, or an insert and an update of that row."""

    def __init__(self, connection: Connection, table: Table, inserts: Iterable[str], updates: Iterable[str]) -> None:
        """Prepare for a table; :meth:`make` makes what it needs on the server.

        Args:
            connection: Of :func:`~crudspec.entity.untouched.untouched`.
            table: The table.
            inserts: The columns that an insert is given.
            updates: Those that an update is given; none where there is nothing to update.
        """
        self.table = table
        self.inserts, self.updates = tuple(inserts), tuple(updates)
        self._connection = connection
        self._name = f"pg_temp.crudspec_try_{next(_numbers)}"
        read = [column for column in table.columns if column.type.kind != "unknown"]
        self._read = {column.name: (place, column) for place, column in enumerate(read, 3)}

    async def make(self) -> Trial:
        await self._connection.execute(self._function())
        return self

    def _function(self) -> str:
        table, by_name = self.table, self.table.by_name
        values = [
            f"convert_from(_crud_inserts[_crud_i + {place}], 'UTF8')::{by_name[name].type.untyped}"
            for place, name in enumerate(self.inserts, 1)
        ]
        insert = f"({', '.join(map(quoted, self.inserts))}) OVERRIDING SYSTEM VALUE VALUES ({', '.join(values)})"
        sets = [
            f"{quoted(name)} = convert_from(_crud_updates[_crud_u + {place}], 'UTF8')::{by_name[name].type.untyped}"
            for place, name in enumerate(self.updates, 1)
        ]
        key = " AND ".join(f"{quoted(name)} = _crud_row.{quoted(name)}" for name in table.key)
        return _FUNCTION.format(
            name=self._name,
            options="\n#variable_conflict use_variable",
            table=table.quoted,
            inserted=len(self.inserts),
            updated=len(self.updates) or 1,
            insert=insert if values else "DEFAULT VALUES",
            update=_UPDATE.format(table=table.quoted, sets=", ".join(sets), key=key) if sets else "",
            columns=", ".join(
                f"_crud_row.{quoted(column.name)}::{column.type.shown}" for _, column in self._read.values()
            ),
        )

    async def run(self, tries: Sequence[tuple[Mapping[str, Any], Mapping[str, Any] | None]]) -> list[Outcome]:
        """Try rows, in one round trip.

        Args:
            tries: The values of the insert, and those of the update after it or None. Each has the columns of the
                trial, and may have others, which are left out.
        """
        inserts, insert_at = self._packed((insert for insert, _ in tries), self.inserts)
        updates, update_at = self._packed((update for _, update in tries), self.updates)
        places = [place for pair in zip(insert_at, update_at, strict=True) for place in pair]
        types = ", ".join(f"c{place} {column.type.shown}" for place, column in self._read.values())
        found = await self._connection.fetch(
            f"SELECT * FROM {self._name}($1, $2, $3) AS (state text, said text, named text, {types})",
            inserts,
            updates,
            places,
        )
        return [self._outcome(row) for row in found]

    def _packed(
        self, rows: Iterable[Mapping[str, Any] | None], names: Sequence[str]
    ) -> tuple[list[bytes | None], list[int]]:
        """All values one after the other, a row that comes twice once, and at which row each try begins."""
        values: list[bytes | None] = []
        places: dict[int, int] = {}
        at, kept = [], []
        for row in rows:
            if row is None:
                at.append(-1)
                continue
            if id(row) not in places:
                places[id(row)] = len(places)
                kept.append(row)  # so that no other row gets its id
                values += [literal(self.table.by_name[name].type, row[name]) for name in names]
            at.append(places[id(row)])
        return values, at

    def _outcome(self, row: Any) -> Outcome:
        if row["state"] != "CRUD0":
            return Outcome(row["state"], row["said"] or "", row["named"] or "")
        return Outcome("", "", "", row, self._read)
