"""Asking the server once what it makes of each value, so that a check knows it before it asks a data layer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crudspec.entity import catalogue, search
from crudspec.entity import choices as choosing
from crudspec.entity.candidates import candidates
from crudspec.entity.fresh import far
from crudspec.entity.parents import Parents
from crudspec.entity.partial import understood
from crudspec.entity.proven import ColumnValues, Proven
from crudspec.entity.row import matches
from crudspec.entity.trial import Trial
from crudspec.entity.untouched import untouched
from crudspec.entity.verdicts import Judged, Tried, candidates_of, piles, taken

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asyncpg import Connection

    from crudspec.entity.choices import Choice
    from crudspec.entity.entity import Entity
    from crudspec.entity.table import Table

VARIANTS = 6
_SAMPLE = (6, 50, 99, 500, 1_000, 5_000, -1)
_FEW = 300
"""How many of a column's fresh values are tried one by one where some of a sample are refused."""


async def prove(dsn: str, table: Table, entity: Entity) -> Proven:
    """Try each value that the suite knows for a table's columns, in one transaction that is rolled back.

    Args:
        dsn: Plain ``postgresql://`` URL of a database in which the table has been made, and the seed has been run.
            Nothing is left behind, but for what a trigger does outside of the database.
        table: As :func:`~crudspec.entity.reflect.reflect` has it.
        entity: What the user says of it.

    Raises:
        EntityError: no row can be stored, or nearly no value of a column; what to write.
    """
    async with untouched(dsn) as connection:
        return await _Prover(connection, table, entity).proven()


class _Prover:
    def __init__(self, connection: Connection, table: Table, entity: Entity) -> None:
        self._connection, self._table, self._entity = connection, table, entity
        self._parents = Parents(connection, table)
        self._names = [name for name in table.by_name if name in {*table.inserts, *table.updates}]

    async def proven(self) -> Proven:
        table = self._table
        choices = await self._parents.choices(table, self._names, self._entity.values)
        self._trial = await Trial(self._connection, table, table.inserts, table.updates).make()
        self._base = await search.first_row(self._trial, choices)
        choices = [await self._distinct(one) if one.unique and not one.refers else one for one in choices]

        rows = choosing.rows(choices, 4 * VARIANTS)
        values = {one.names[0]: candidates_of(one) for one in choices if not one.refers}
        singles = [{**self._base, name: value} for name, made in values.items() for _, value in made]
        tried = await self._tried([*rows, *singles])
        variants = [one.row for one in tried[: len(rows)] if one.is_stored]
        left = iter(tried[len(rows) :])
        judged = {name: [Judged.of(name, said, next(left)) for said, _ in made] for name, made in values.items()}
        if len(variants) < VARIANTS:
            # The plainest values do not fit together, or were refused: those that were taken.
            choices = [
                one if one.refers or one.unique else taken(one, judged[one.names[0]], self._base) for one in choices
            ]
            rows = choosing.rows(choices, 200)
            variants += [one.row for one in await self._tried(rows) if one.is_stored]
        columns: dict[str, ColumnValues] = {}
        for one in choices:
            columns |= self._referring(one) if one.refers else {one.names[0]: piles(table, one, judged[one.names[0]])}
        return Proven(
            self._apart(variants),
            {name: columns[name] for name in self._names},
            tuple(self._parents.rows),
            await self._missing(choices),
            (*await self._notes(), *self._parents.notes),
            self._parents.inserts,
        )

    async def _tried(self, rows: Sequence[Mapping[str, Any]]) -> list[Tried]:
        """Try rows, each for what it differs in from the first: as an insert, as an update of the first, or as both."""
        table, base = self._table, self._base
        pairs: list[tuple[Mapping[str, Any], Mapping[str, Any] | None]] = []
        about = []
        for row in rows:
            changed = {name for name in self._names if row[name] is not base[name]} or set(self._names)
            inserts = not changed.isdisjoint(table.inserts) or not table.updates
            updates = not changed.isdisjoint(table.updates)
            pairs += [(row, None)] * inserts + [(base, row)] * updates
            about.append([table.inserts] * inserts + [table.updates] * updates)
        outcomes = iter(await self._trial.run(pairs))
        return [Tried(row, [(one, next(outcomes)) for one in names]) for row, names in zip(rows, about, strict=True)]

    async def _distinct(self, choice: Choice) -> Choice:
        """Leave out of values that must be unique those that the server refuses; the first row's comes first."""
        (name,) = choice.names
        first = self._base[name]
        values = [option[name] for option in choice.options]
        if not matches(values[0], first):
            values = [first, *(value for value in values if not matches(value, first))]
        sample = [*sorted({*range(VARIANTS), *_SAMPLE} & set(range(len(values)))), len(values) - 1]
        tried = await self._tried([{**self._base, name: values[place]} for place in sample])
        if not all(one.is_stored for one in tried):
            tried = await self._tried([{**self._base, name: value} for value in (*values[:_FEW], *choice.plain)])
            values = choosing.distinct(one.row[name] for one in tried if one.is_stored)
        return replace(choice, options=[{name: value} for value in values])

    def _apart(self, variants: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
        found: list[Mapping[str, Any]] = []
        for one in (self._base, *variants):
            if len(found) < VARIANTS and not any(matches(one, other) for other in found):
                found.append({name: one[name] for name in self._names})
        return tuple(found)

    def _referring(self, choice: Choice) -> dict[str, ColumnValues]:
        found = {}
        alone = len(choice.names) == 1
        for name in choice.names:
            column = self._table.by_name[name]
            values = [option[name] for option in choice.options if name in option]
            known = [value for value in values if value is not None]
            valid = dict(zip(("a parent", "another parent"), known, strict=False)) if alone else {}
            if column.nullable:
                valid["None"] = None
            wrong = candidates(column.type, nullable=column.nullable).wrong
            found[name] = ColumnValues(valid, dict(wrong), {}, tuple(known) if choice.unique else ())
        return found

    async def _missing(self, choices: Sequence[Choice]) -> dict[str, Mapping[str, Any]]:
        """For each reference, values that refer to no row, by what the server says of them."""
        found: dict[str, Mapping[str, Any]] = {}
        for one in self._table.references:
            options = [option for choice in choices if choice.names == one.columns for option in choice.options]
            there = {name: self._base[name] for name in one.columns if name in self._base}
            there = next((option for option in options if None not in option.values()), there)
            # Of several columns the last that is no other reference's: the other one should find its row.
            shared = {name for other in self._table.references if other is not one for name in other.columns}
            names = [name for name in one.columns if name in self._names]
            for name in sorted(names, key=lambda name: (name in shared, -one.columns.index(name)))[:1]:
                tries = [{**there, name: value} for value in far(self._table.by_name[name].type)]
                for values, tried in zip(
                    tries, await self._tried([{**self._base, **values} for values in tries]), strict=True
                ):
                    if all(outcome.state == "23503" for _, outcome in tried.outcomes):
                        found.setdefault(one.name, values)
        return found

    async def _notes(self) -> list[str]:
        table = self._table
        oid = await self._connection.fetchval("SELECT $1::text::regclass::oid", table.quoted)
        rules = await catalogue.rules(self._connection, oid)
        found: list[str] = []
        if rules.partial:
            partial = await understood(self._connection, await catalogue.columns(self._connection, oid), rules)
            left_out = {name: why for name, why in partial.left_out.items() if name not in self._names}
            found += [f"{name}: {why}" for name, why in left_out.items()] + partial.notes
        return found + [
            f"{one.name}: always NULL, as no values of {one.type.sql} are known"
            for one in table.columns
            if one.type.kind == "unknown" and one.nullable and one.name not in self._names
        ]
