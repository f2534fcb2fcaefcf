"""Rows of other tables, for those that refer to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crudspec.entity import catalogue, search
from crudspec.entity import choices as choosing
from crudspec.entity.choices import Choice, choice_of, unique_columns
from crudspec.entity.describe import table_of
from crudspec.entity.errors import EntityError
from crudspec.entity.literals import constant, from_server
from crudspec.entity.table import quoted
from crudspec.entity.trial import Trial

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from asyncpg import Connection

    from crudspec.entity.entity import Values
    from crudspec.entity.table import Reference, Table

USUAL = 3
"""How many rows of a parent there are, as a rule."""

FOR_UNIQUE = 300
"""How many, where each may be referred to but once."""

FIRST = 101
"""What the first of their fresh values is made of, so that a parent's key is not that of a row by accident."""


class Parents:
    """The parents of one table, and theirs."""

    def __init__(self, connection: Connection, table: Table) -> None:
        """Of a table.

        Args:
            connection: Of :func:`~crudspec.entity.untouched.untouched`; the rows are inserted there.
            table: The table.
        """
        self.rows: list[tuple[str, Mapping[str, Any]]] = []
        self.inserts = ""
        self.notes: list[str] = []
        self._connection = connection
        self._tables: dict[str, Table] = {}
        self._made: dict[str, list[Mapping[str, Any]]] = {}
        self._under_way: list[str] = [table.quoted]

    async def choices(
        self,
        table: Table,
        names: Iterable[str],
        values: Mapping[str, Values],
        *,
        first: int = 1,
        only_needed: bool = False,
    ) -> list[Choice]:
        """What may stand in columns of a table, those that refer to parents included, which are made.

        Args:
            table: The table.
            names: Of the columns.
            values: What the user says, by column.
            first: The number that the first of fresh values is made of.
            only_needed: Where NULL may stand for a parent, it does.

        Raises:
            EntityError: a parent cannot be made.
        """
        names = set(names)
        refers = [one for one in table.references if set(one.columns) & names]
        said = {name for one in refers for name in one.columns} - {name for name, one in values.items() if one.valid}
        found = [
            choice_of(table, column, values.get(column.name), first=first)
            for column in table.columns
            if column.name in names - said
        ]
        # Those with more columns later: where two share a column, a row that the one refers to fits the other.
        referring = [
            await self._referring(table, one, only_needed=only_needed)
            for one in sorted(refers, key=lambda one: len(one.columns))
            if said >= set(one.columns)
        ]
        # Where a part of a reference alone is NULL, the rest of it stays a column like others.
        refers_to = {name for one in referring for option in one.options for name in option}
        found += [choice_of(table, table.by_name[name], None) for name in names & said - refers_to]
        return found + referring

    async def _referring(self, table: Table, reference: Reference, *, only_needed: bool) -> Choice:
        unique = bool(set(reference.columns) & unique_columns(table))
        none = {name: None for name in reference.columns if table.by_name[name].nullable}
        options: list[Mapping[str, Any]] = []
        if not (none and (only_needed or reference.parent in self._under_way)):
            try:
                options = [
                    dict(zip(reference.columns, values, strict=True))
                    for values in await self._keys(reference, FOR_UNIQUE if unique else USUAL)
                ]
            except EntityError as error:
                if not none:
                    raise
                self.notes.append(f"{', '.join(reference.columns)}: always NULL, as no row can be referred to: {error}")
        elif reference.parent == table.quoted:
            self.notes.append(f"{', '.join(reference.columns)}: always NULL, as it refers to the table itself")
        if none and not (unique and options):
            # What is not NULL then is another reference's matter, or as in another row.
            others = {name for one in table.references if one is not reference for name in one.columns}
            rest = {name: value for name, value in (options[0] if options else {}).items() if name not in others}
            options = [*options[:2], {**rest, **none}, *options[2:]]
        return Choice(reference.columns, options, refers=True, unique=unique)

    async def _keys(self, reference: Reference, count: int) -> list[list[Any]]:
        """What refers to so many parents, or to as many as can be made."""
        quoted_name = reference.parent
        if quoted_name in self._under_way:
            names = (*self._under_way, quoted_name)
            circle = " → ".join(name.replace('"', "").removeprefix("public.") for name in names)
            raise EntityError(
                f"references: each row of {circle} needs another one to be there: let a column be NULL, "
                'or say seed="…" with SQL that inserts rows to refer to, and values={…} that refer to them'
            )
        self._under_way.append(quoted_name)
        try:
            table = await self._table(quoted_name)
            made = self._made[quoted_name]
            rows = [row for row in made if all(row.get(name) is not None for name in reference.to)]
            if len(rows) < count:
                try:
                    rows += await self._make(table, reference, len(made), count - len(rows))
                except EntityError as error:
                    if not rows:
                        raise EntityError(f'{error}; or seed="INSERT INTO {quoted_name} …"') from None
        finally:
            self._under_way.pop()
        return [[row[name] for name in reference.to] for row in rows[:count]]

    async def _table(self, quoted_name: str) -> Table:
        if quoted_name not in self._tables:
            schema, name, oid = await self._connection.fetchrow(
                "SELECT n.nspname, c.relname, c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                "WHERE c.oid = $1::text::regclass",
                quoted_name,
            )
            rules = await catalogue.rules(self._connection, oid)
            table = await table_of(self._connection, schema, name, oid, rules)
            self._tables[quoted_name] = table
            self._made[quoted_name] = await self._there(table)
        return self._tables[quoted_name]

    async def _there(self, table: Table) -> list[Mapping[str, Any]]:
        """Rows that a migration or a seed has inserted."""
        columns = [column for column in table.columns if column.type.kind != "unknown"]
        shown = ", ".join(f"{quoted(column.name)}::{column.type.shown}" for column in columns)
        key = ", ".join(map(quoted, table.key))
        found = await self._connection.fetch(f"SELECT {shown} FROM {table.quoted} ORDER BY {key} LIMIT {FOR_UNIQUE}")
        return [
            {column.name: from_server(column.type, value) for column, value in zip(columns, row, strict=True)}
            for row in found
        ]

    async def _make(self, table: Table, reference: Reference, already: int, count: int) -> list[Mapping[str, Any]]:
        names = [
            column.name
            for column in table.columns
            if not column.computed and column.name in {*table.creates, *table.key, *reference.to}
        ]
        choices = await self.choices(table, names, {}, first=FIRST + already, only_needed=True)
        trial = await Trial(self._connection, table, names, ()).make()
        base = await search.first_row(trial, choices)
        varied = [one for one in choices if one.unique]
        rows: list[Mapping[str, Any]] = [base]
        rows += [{**base, **choosing.row(varied, place)} for place in range(1, count)] if varied else []
        outcomes = await trial.run([(row, None) for row in rows])
        rows = [row for row, one in zip(rows, outcomes, strict=True) if one.keeps(row)]
        await self._insert(table, names, rows)
        self._made[table.quoted] += rows
        self.rows += [(table.quoted, row) for row in rows]
        return rows

    async def _insert(self, table: Table, names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
        kinds = [table.by_name[name].type for name in names]
        values = ",\n".join(
            f"({', '.join(constant(kind, row[name]) for name, kind in zip(names, kinds, strict=True))})" for row in rows
        )
        columns = ", ".join(map(quoted, names))
        script = f"INSERT INTO {table.quoted} ({columns}) OVERRIDING SYSTEM VALUE VALUES\n{values};\n"
        await self._connection.execute(script)
        self.inserts += script
