"""The keys that the suite asks for."""

from uuid import UUID

from tests import tasks

from crudspec.entity import keys
from crudspec.entity.proven import ColumnValues, Proven
from crudspec.entity.table import Column, Reference, Table
from crudspec.entity.types import Type

INT = Type("int", "integer", bits=32)
TEXT = Type("text", "character varying(20)", length=20)


def table(*columns, key=("id",), creates=(), **more):
    return Table("t", columns, key, creates, (), **more)


NOTHING = Proven(())


def parts(keys):
    return {name: value for name, (value,) in keys.items()}


def test_the_keys_of_tasks_are_what_they_always_were():
    assert parts(keys.missing(tasks.TABLE, tasks.PROVEN)) == tasks.MISSING_IDS
    assert keys.no_keys(tasks.TABLE) == tasks.NOT_IDS
    assert parts(keys.large(tasks.TABLE)) == tasks.LARGE_IDS
    assert parts(keys.look_alikes(tasks.TABLE, (7,))) == tasks.look_alikes(7)
    assert keys.neighbours(tasks.TABLE, tasks.PROVEN) == [(1,), (2,), (10,), (11,), (12,), (21,), (101,), (111,)]


def test_a_uuid_is_like_one_that_differs_in_a_bit():
    made = table(Column("id", Type("uuid", "uuid"), default="generated"))

    assert UUID(int=0) in parts(keys.missing(made, NOTHING)).values()
    assert all((one.int ^ 6).bit_count() == 1 for one in parts(keys.look_alikes(made, (UUID(int=6),))).values())
    assert len(set(keys.neighbours(made, NOTHING))) == 8


def test_a_text_is_like_its_beginning_and_other_case():
    made = table(Column("id", TEXT), creates=("id",))
    fresh = tuple(f"a{number}" for number in range(1, 201))
    proven = Proven(({"id": "a1"}, {"id": "a2"}), {"id": ColumnValues({"percent": "100%"}, fresh=fresh)})

    alike = parts(keys.look_alikes(made, ("a1",)))
    assert {"a", "A1", "a1 ", "a%", "%", "__"} < set(alike.values())
    assert "a1" not in alike.values()
    assert not set(keys.missing(made, proven).values()) & {(one,) for one in fresh}
    assert set(keys.neighbours(made, proven)) <= {(one,) for one in fresh}
    assert keys.large(made) == {"longest": ("z" * 20,)}


def test_a_composite_key_has_its_parts_swapped_and_one_of_them_wrong():
    made = table(
        Column("order_id", INT),
        Column("line", INT),
        key=("order_id", "line"),
        creates=("order_id", "line"),
        references=(Reference("r", ("order_id",), '"public"."orders"', ("id",)),),
    )
    columns = {"order_id": ColumnValues(fresh=(101, 102, 103)), "line": ColumnValues(fresh=tuple(range(1, 201)))}
    proven = Proven(({"order_id": 101, "line": 1},), columns)

    alike = keys.look_alikes(made, (101, 1))
    assert alike["parts swapped"] == (1, 101)
    assert (101, -1) in alike.values()
    assert (-101, 1) in alike.values()
    assert (101, 1) not in alike.values()
    near = keys.neighbours(made, proven)
    assert near[:4] == [(101, 1), (102, 1), (101, 2), (102, 2)]
    assert len(set(near)) == len(near) == 8
    assert {one for one, _ in near} <= {101, 102, 103}
    missing = keys.missing(made, proven)
    assert missing["line never created"] == (101, 1_000_000_007)
    assert missing["order_id never created"] == (1_000_000_007, 1)
    assert keys.large(made) == {}


def test_a_key_of_a_type_that_is_not_known_has_few():
    made = table(Column("id", Type("unknown", "ltree")))
    assert keys.missing(made, NOTHING) == {}
    assert keys.look_alikes(made, (1,)) == {}


def test_where_a_key_has_a_convention_one_that_keeps_it_is_missing():
    made = table(Column("id", TEXT), creates=("id",))
    fresh = ("AA-1", "AA-2", "ZZ-9")
    proven = Proven(({"id": "AA-1"},), {"id": ColumnValues(valid={"'AA-1'": "AA-1"}, fresh=fresh)})
    assert keys.missing(made, proven) == {"never created": ("ZZ-9",)}
