"""What a data layer's models fill in by themselves."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from crudspec.entity.client_side import filled
from crudspec.entity.entity import Entity


def by_column(*columns):
    metadata = sa.MetaData()
    sa.Table("orders", metadata, sa.Column("id", sa.Integer, primary_key=True), *columns)
    return {one.column: one for one in filled(Entity("orders", metadata))}


@pytest.mark.parametrize(
    ("default", "anew"),
    [
        (uuid4, True),
        (lambda: datetime.now(UTC), True),
        (lambda context: context.get_current_parameters()["id"], True),
        (sa.func.now(), True),
        (sa.Sequence("numbers"), True),
        ("new", False),
        (0, False),
        (list, False),
        (dict, False),
        (lambda: ["new"], False),
    ],
)
def test_what_is_filled_in_anew_no_update_is_given(default, anew):
    found = by_column(sa.Column("x", sa.JSON, default))["x"] if isinstance(default, sa.Sequence) else None
    found = found or by_column(sa.Column("x", sa.JSON, default=default))["x"]

    assert found.first
    assert found.anew is anew


def test_what_moves_with_each_update_is_known():
    found = by_column(sa.Column("x", sa.DateTime, server_default=sa.func.now(), onupdate=sa.func.now()))["x"]

    assert (found.first, found.moves) == (False, True)
    assert by_column(sa.Column("x", sa.Uuid, default=UUID(int=1)))["x"].anew is False
