"""What is known of a table outlives the process that asked."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from tests.entity.tables import ENTITIES

from crudspec.entity.kept import from_json, to_json
from crudspec.entity.prove import prove
from crudspec.entity.proven import ColumnValues, Proven
from crudspec.entity.reflect import reflect
from crudspec.entity.row import matches
from crudspec.entity.table import Column, Table
from crudspec.entity.types import Type


@pytest.mark.parametrize("name", ["rich_types", "composite_key", "updated_at", "other_schema"])
def test_a_table_and_its_values_come_back_as_they_were(name, made):
    dsn, entity = made(name), ENTITIES[name]

    async def both():
        table = await reflect(dsn, entity)
        return table, await prove(dsn, table, entity)

    table, proven = asyncio.run(both())
    table_read, proven_read = from_json(to_json(table, proven))

    assert table_read == table
    for column, values in proven.columns.items():
        for pile in ("valid", "invalid", "lossy", "fresh"):
            was, now = getattr(values, pile), getattr(proven_read.columns[column], pile)
            if pile == "invalid":  # an object() and NaN are equal to nothing but themselves
                was, now = ({k: v for k, v in one.items() if k not in ("an object", "NaN")} for one in (was, now))
            assert matches(now, was), (column, pile)
            assert list(getattr(values, pile)) == list(getattr(proven_read.columns[column], pile))
    emptied = [replace(one, columns={}) for one in (proven, proven_read)]
    assert emptied[0] == emptied[1]


VALUES = [
    2**200, 0.1, float("inf"), Decimal("1.50"), "a\ud800b", b"\0\xff", True, 1, [None, {"": [1]}], timedelta(-1, 5, 7),
    datetime(1, 1, 1, tzinfo=UTC), ("a", 1), {"a": 2**70},
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_comes_back_exactly(value):
    table = Table("t", (Column("c", Type("text", "text")),), ("c",), ("c",), ())
    _, proven = from_json(to_json(table, Proven(({"c": value},), {"c": ColumnValues()})))
    assert matches(proven.variants[0]["c"], value)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"format": 0}', '{"format": 1, "table": 1, "proven": 2}'], ids=[*"abcde"]
)
def test_what_is_no_such_file_is_a_value_error(text):
    with pytest.raises(ValueError, match="not what this version wrote"):
        from_json(text)
