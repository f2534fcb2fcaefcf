"""Columns that a trigger writes: found by writing them, and looking what is there then."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

from crudspec.entity import search
from crudspec.entity.parents import Parents
from crudspec.entity.row import matches
from crudspec.entity.trial import Trial

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncpg import Connection

    from crudspec.entity.entity import Entity
    from crudspec.entity.table import Column, Table
    from crudspec.entity.trial import Outcome

_ROWS = 24
_FEW = 4

_Tried = list[tuple[dict[str, object], "Outcome"]]


async def with_moving_columns(connection: Connection, table: Table, entity: Entity) -> Table:
    """Say of a table's columns which of them change by themselves, and give these to no operation.

    Args:
        connection: Of :func:`~crudspec.entity.untouched.untouched`.
        table: A table that has triggers.
        entity: What the user says of it.

    Raises:
        EntityError: no row of it can be stored.
    """
    # A row that is not asked for its key: the key's default makes one.
    written = [one.name for one in table.columns if not one.computed and one.type.kind != "unknown"]
    inserts = [name for name in written if name in table.creates or name not in table.key]
    inserts += [name for name in table.creates if name not in inserts]
    updates = [name for name in written if name not in table.key]
    choices = await Parents(connection, table).choices(table, {*inserts, *updates}, entity.values)
    trial = await Trial(connection, table, inserts, updates).make()
    base = await search.first_row(trial, choices, exact=False)
    # At random, the same each time: two columns that went on together would look as if one were made of the other.
    chosen = random.Random(0)  # noqa: S311
    others = [
        {name: value for one in choices for name, value in chosen.choice(one.options[:6]).items()} for _ in range(_ROWS)
    ]

    if len(_stored(others, await trial.run([(row, None) for row in others]))) < _FEW:
        others += [{**base, **option} for one in choices for option in (*one.options[:6], *one.more)]

    inserted = _stored(others, await trial.run([(row, None) for row in others]))
    written_over = _stored(others, await trial.run([(base, row) for row in others]))
    made = {one.name for one in table.columns if one.name in inserts and _is_overwritten(one, inserted)}
    moved = {one.name for one in table.columns if one.name in updates and _is_overwritten(one, written_over)}

    # What a trigger writes only where nobody else does: as seen by those who write what update is given.
    given = [name for name in table.updates if name not in moved]
    if given:
        plain = await Trial(connection, table, inserts, given).make()
        (before,) = await plain.run([(base, None)])
        after = await plain.run([(base, row) for row in (base, *others)])
        for outcome in after:
            if not outcome.state and not before.state:
                unasked = [
                    one.name for one in table.columns if one.name not in {*given, *table.key} and not one.computed
                ]
                moved |= {name for name in unasked if not matches(outcome.value(name), before.value(name))}
    return replace(
        table,
        columns=tuple(
            replace(
                one,
                moves=one.moves or one.name in moved,
                default="generated" if one.name in made else one.default,
                constant=None if one.name in made else one.constant,
            )
            for one in table.columns
        ),
        creates=tuple(name for name in table.creates if name not in made),
        updates=tuple(name for name in table.updates if name not in moved),
    )


def _stored(rows: Sequence[dict[str, object]], outcomes: Sequence[Outcome]) -> _Tried:
    return [(row, one) for row, one in zip(rows, outcomes, strict=True) if not one.state]


def _is_overwritten(column: Column, tried: _Tried) -> bool:
    """Whether another value is there than was given, most times: by accident it may be the same."""
    kept = [one.has(column.name, row[column.name]) for row, one in tried]
    return len(kept) > 1 and sum(kept) <= len(kept) / 2
