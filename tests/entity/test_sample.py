"""What the checks are given, beside what the server has tried."""

from datetime import date

from crudspec.entity.proven import Proven
from crudspec.entity.sample import Sample
from crudspec.entity.table import Column, Reference, Table
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
