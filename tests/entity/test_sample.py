"""What the checks are given, beside what the server has tried."""

from dataclasses import replace
from datetime import date

from crudspec.entity.proven import ColumnValues, Proven
from crudspec.entity.sample import Sample
from crudspec.entity.table import Column, Reference, Table, Unique
from crudspec.entity.types import Type

DAY, INT, TEXT = Type("date", "date"), Type("int", "bigint", bits=64), Type("text", "text")


def test_two_halves_of_a_change_part_no_columns_that_a_rule_is_about():
    names = ("guest", "starts", "room", "note", "ends", "house")
    kinds = (TEXT, DAY, INT, TEXT, DAY, INT)
    table = Table(
        "stays",
        (Column("id", INT, default="generated"), *(Column(*one) for one in zip(names, kinds, strict=True))),
        ("id",),
        creates=names,
        updates=names,
        checks={"some_nights": "(ends > starts)", "guest": "(guest <> ''::text)"},
        references=(Reference("of_a_room", ("house", "room"), "rooms", ("house", "id")),),
    )
    plain = {"guest": "a", "starts": date(1, 1, 1), "room": 1, "note": "a", "ends": date(1, 1, 2), "house": 1}
    other = {"guest": "b", "starts": date(2, 1, 1), "room": 2, "note": "b", "ends": date(2, 1, 2), "house": 2}

    first, second = Sample(table, Proven((plain, other))).halves()

    for half in (first, second):
        assert {*half} == {*names}
        for pair in (("starts", "ends"), ("house", "room")):
            assert len({half[name] == other[name] for name in pair}) == 1
    assert {name for name in names if first[name] != plain[name]} == {"guest", "starts", "ends"}
    assert {name for name in names if second[name] != plain[name]} == {"room", "house", "note"}


SEATS = Table(
    "seats",
    (Column("id", INT, default="generated"), Column("room", TEXT), Column("seat", INT, nullable=True)),
    ("id",),
    creates=("room", "seat"),
    updates=("seat",),
    unique=(Unique("one_seat", ("room", "seat")),),
)


def seats(*values: int) -> Sample:
    rooms = ColumnValues(fresh=tuple(f"a{number}" for number in range(9)))
    return Sample(
        SEATS, Proven(tuple({"room": "a", "seat": one} for one in values), {"room": rooms, "seat": ColumnValues()})
    )


def test_only_the_first_change_leaves_a_plain_row_as_it_is():
    """Of many changes, the seventh would be the first again: whoever updates nothing then looks as if it had not."""
    sample = seats(1, 2, 3)

    assert [sample.change(number)["seat"] for number in range(7)] == [1, 2, 3, 2, 3, 2, 3]
    assert seats(1).change()["seat"] == 1


def test_what_must_be_unique_together_does_not_collide_where_one_of_it_is_null():
    (found,) = seats(1, 2).unique_nullable

    assert found["seat"] is None
    assert found["room"] is not None
    rooms_are_unique = replace(SEATS, unique=(*SEATS.unique, Unique("one_room", ("room",))))
    assert Sample(rooms_are_unique, seats(1, 2).proven).unique_nullable == []


def test_values_that_must_be_unique_come_back_only_from_the_second_half():
    """The first rows of a check stay, those after them go again."""
    sample = seats(1, 2)

    rooms = [sample.new()["room"] for _ in range(30)]

    assert all(rooms.count(room) == 1 for room in rooms[:3])
    assert len(set(rooms)) > 6
