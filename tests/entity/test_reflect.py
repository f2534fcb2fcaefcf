"""What is read of a table, and what is said where it cannot be used."""

import asyncio

import asyncpg
import pytest
from sqlalchemy import MetaData
from tests.entity.tables import ENTITIES
from tests.tasks import BIGINT, TABLE

from crudspec.entity.entity import Entity, Values
from crudspec.entity.errors import EntityError
from crudspec.entity.reflect import reflect
from crudspec.entity.table import Reference, Unique
from crudspec.entity.tasks import TASKS
from crudspec.entity.types import Type

GIVEN = {
    "serial": (["body", "seen"], ["body", "rank", "seen"]),
    "uuid_key": (["name", "price", "sold_at"], ["name", "price", "sold_at"]),
    "text_key": (["code", "name", "people"], ["name", "people"]),
    "composite_key": (["order_id", "line", "article"], ["article", "amount"]),
    "no_mutable_column": (["user_id", "tag"], []),
    "parents": (["title", "author_id", "editor_id", "publisher"], ["title", "author_id", "editor_id", "publisher"]),
    "one_to_one": (["user_id", "bio"], ["bio", "public"]),
    "self_reference": (["name", "parent_id"], ["name", "parent_id"]),
    "unique_pair": (["room", "seat", "badge"], ["room", "seat", "badge", "note"]),
    "check_pair": (["starts", "ends", "stars"], ["starts", "ends", "state", "stars"]),
    "updated_at": (["title"], ["title"]),
    "generated_column": (["net"], ["net", "rate"]),
    "partitioned": (["sensor", "value"], ["sensor", "value"]),
    "quoted_names": (["select", 'quo"ted', "100%"], ["select", "with blank", 'quo"ted', "100%"]),
    "soft_delete": (["email", "name", "badge", "team", "state"], ["email", "name", "badge", "team", "state"]),
    "other_schema": (["id", "email", "nick"], ["email", "size", "nick"]),
}


def read(dsn, table, **more):
    return asyncio.run(reflect(dsn, table if isinstance(table, Entity) else Entity(table, MetaData(), **more)))


def test_of_tasks_nothing_has_to_be_said(scratch_dsn):
    assert read(scratch_dsn, TASKS) == TABLE


@pytest.mark.parametrize("name", GIVEN)
def test_create_and_update_are_given_what_the_server_does_not_fill_in(name, made):
    table = read(made(name), ENTITIES[name])
    assert (list(table.creates), list(table.updates)) == GIVEN[name]


def test_a_table_of_forty_columns_is_read(made):
    assert len(read(made("wide"), ENTITIES["wide"]).columns) == 40


def test_types_are_read_with_their_limits_and_without_their_domain(made):
    types = {column.name: column.type for column in read(made("rich_types"), ENTITIES["rich_types"]).columns}
    labels = ("sad", "ok", "glad")

    assert types == {
        "id": BIGINT,
        "mood": Type("enum", "mood", labels=labels),
        "price": Type("numeric", "numeric(10,2)", precision=10, scale=2),
        "attributes": Type("json", "jsonb"),
        "tags": Type("array", "text[]", item=Type("text", "text")),
        "sizes": Type("array", "integer[]", item=Type("int", "integer", bits=32)),
        "moods": Type("array", "mood[]", item=Type("enum", "mood", labels=labels)),
        "discount": Type("int", "smallint", bits=16),
        "weight": Type("float", "real", bits=32),
        "released": Type("date", "date"),
        "opens": Type("time", "time without time zone"),
        "lasts": Type("interval", "interval"),
        "picture": Type("bytes", "bytea"),
        "address": Type("inet", "inet"),
        "net": Type("inet", "cidr"),
        "code": Type("text", "character(4)", length=4, padded=True),
    }


def test_a_type_of_another_schema_is_named_with_it(made):
    table = read(made("other_schema"), ENTITIES["other_schema"])

    assert (table.schema, table.quoted) == ("shop", '"shop"."customers"')
    assert table.by_name["size"].type == Type("enum", "shop.size", labels=("s", "m"))
    assert table.by_name["nick"].type.kind == "text"
    assert not table.by_name["email"].nullable, "its domain is NOT NULL"


def test_rules_are_read(made):
    table = read(made("unique_pair"), ENTITIES["unique_pair"])
    assert table.unique == (
        Unique("one_badge", ("badge",), nulls_distinct=False),
        Unique("seats_room_seat_key", ("room", "seat")),
    )


def test_what_a_unique_index_with_a_predicate_says_is_known_where_its_column_is_left_alone(made):
    dsn = made("soft_delete")
    table = read(dsn, ENTITIES["soft_delete"])

    assert table.unique == (
        Unique("members_badge", ("badge",)),
        Unique("members_email", ("email",)),
        Unique("members_name", ("name",)),
    )
    assert "deleted_at" not in (*table.creates, *table.updates)
    assert "is_primary" not in (*table.creates, *table.updates), "no row that the suite makes is a primary one"


def test_references_and_checks_are_read(made):
    lines = read(made("composite_key"), ENTITIES["composite_key"])
    assert lines.key == ("order_id", "line")
    assert lines.references == (Reference("order_lines_order_id_fkey", ("order_id",), '"public"."orders"', ("id",)),)


def test_a_check_is_read_with_its_text_and_an_order_is_kept(made):
    table = read(made("check_pair"), ENTITIES["check_pair"])
    assert table.checks["in_order"] == "CHECK ((starts < ends))"
    assert table.order == ("-starts", "id")


def test_what_a_trigger_moves_is_found(made):
    table = read(made("updated_at"), ENTITIES["updated_at"])
    assert {column.name for column in table.columns if column.moves} == {"slug", "revision", "updated_at"}


def test_a_trigger_that_minds_its_own_business_moves_nothing(made):
    dsn = made("""
        CREATE TABLE log (text text);
        CREATE TABLE t (id bigserial PRIMARY KEY, a text NOT NULL, b timestamptz NOT NULL DEFAULT now());
        CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN INSERT INTO log VALUES (NEW.a); RETURN NEW; END $$;
        CREATE TRIGGER f AFTER INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f();
    """)
    table = read(dsn, "t")
    assert not any(column.moves for column in table.columns)
    assert (table.creates, table.updates) == (("a",), ("a",))


def test_a_trigger_that_acts_only_where_nobody_else_did_is_found(made):
    dsn = made("""
        CREATE TABLE t (id bigserial PRIMARY KEY, a text NOT NULL, b timestamptz NOT NULL DEFAULT now());
        CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN IF NEW.b = OLD.b THEN NEW.b := now(); END IF; RETURN NEW; END $$;
        CREATE TRIGGER f BEFORE UPDATE ON t FOR EACH ROW WHEN (OLD.a <> NEW.a) EXECUTE FUNCTION f();
    """)
    assert [column.name for column in read(dsn, "t").columns if column.moves] == ["b"]


def test_defaults_are_told_apart(made):
    dsn = made("""
        CREATE FUNCTION tomorrow() RETURNS timestamptz LANGUAGE sql AS $$ SELECT now() + interval '1 day' $$;
        CREATE TABLE t (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            a timestamptz DEFAULT now(), b timestamptz DEFAULT CURRENT_TIMESTAMP, c timestamptz DEFAULT tomorrow(),
            d date DEFAULT CURRENT_DATE, e timestamptz DEFAULT clock_timestamp(), f numeric DEFAULT 1.50,
            g jsonb DEFAULT '{"a": [1]}', h text DEFAULT NULL, i text[] DEFAULT '{a}', j text DEFAULT current_user,
            k bigint GENERATED ALWAYS AS IDENTITY, l int DEFAULT 1 / 0
        )
    """)
    found = {column.name: (column.default, column.constant) for column in read(dsn, "t").columns}
    assert {name: default for name, (default, _) in found.items()} == {
        "id": "generated", "a": "clock", "b": "clock", "c": "generated", "d": "generated", "e": "generated",
        "f": "constant", "g": "constant", "h": "", "i": "constant", "j": "generated", "k": "generated",
        "l": "generated",
    }  # fmt: skip
    assert found["g"][1] == {"a": [1]}
    assert found["i"][1] == ["a"]


def test_nothing_is_left_behind(made):
    dsn = made("updated_at")
    before = asyncio.run(_catalogue(dsn))
    read(dsn, "articles")
    assert asyncio.run(_catalogue(dsn)) == before
    asyncio.run(_run(dsn, "INSERT INTO articles (title) VALUES ('a')"))
    before = asyncio.run(_catalogue(dsn))
    read(dsn, "articles")
    assert asyncio.run(_catalogue(dsn)) == before


def test_a_user_says_what_create_and_update_are_given(made):
    dsn = made("serial")
    table = read(dsn, "notes", create=("rank", "body"), update=["body"], names={"list_all": "all"})
    assert (table.creates, table.updates, table.names) == (("body", "rank"), ("body",), {"list_all": "all"})


async def _run(dsn, sql):
    connection = await asyncpg.connect(dsn)
    await connection.execute(sql)
    await connection.close()


async def _catalogue(dsn):
    connection = await asyncpg.connect(dsn)
    try:
        return (
            await connection.fetch("SELECT relname, relkind FROM pg_class ORDER BY oid"),
            await connection.fetch("SELECT proname FROM pg_proc ORDER BY oid"),
            await connection.fetch("SELECT sequencename, last_value FROM pg_sequences"),
        )
    finally:
        await connection.close()


ORDERS = "CREATE TABLE orders (id bigserial PRIMARY KEY, total numeric NOT NULL); CREATE VIEW seen AS TABLE orders;"


@pytest.mark.parametrize(
    ("sql", "table", "more", "message"),
    [
        (ORDERS, "order", {}, "table='order' is not there: did you mean 'orders'?"),
        (ORDERS, "zebras", {}, "table='zebras' is not there; there are orders, seen"),
        (ORDERS + "CREATE SCHEMA s; CREATE TABLE s.t (id int PRIMARY KEY)", "t", {}, "did you mean 's.t'?"),
        (ORDERS, "seen", {}, "table='seen' is a view: name the table that the data layer writes to"),
        ("CREATE TABLE t (a text)", "t", {}, "table 't' has no primary key"),
        (
            "CREATE TABLE t (id int PRIMARY KEY, price money NOT NULL)",
            "t",
            {},
            "column 'price' is of type money, of which no values are known: "
            'say values={"price": Values(valid=[…])}',
        ),
        (ORDERS, "orders", {"order": ("-totl",)}, "order: 'orders' has no column 'totl': did you mean 'total'?"),
        (ORDERS, "orders", {"values": {"TOTAL": Values()}}, "values: 'orders' has no column 'TOTAL': did you mean"),
        (ORDERS, "orders", {"create": ("totals",)}, "create: 'orders' has no column 'totals': did you mean 'total'?"),
        (ORDERS, "orders", {"update": ("id",)}, "update: column 'id' belongs to the key"),
        (ORDERS, "orders", {"returns": ("totle",)}, "returns: 'orders' has no column 'totle': did you mean 'total'?"),
        (ORDERS, "orders", {"names": {"list": "all"}}, "names: there is no operation 'list': did you mean 'list_all'?"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told_with_what_to_write(sql, table, more, message, made):
    dsn = made(sql)
    with pytest.raises(EntityError) as caught:
        read(dsn, table, **more)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_values_of_a_type_that_is_not_known_can_be_said(made):
    dsn = made("CREATE TABLE t (id int PRIMARY KEY, price money NOT NULL, spare money)")
    table = read(dsn, "t", values={"price": Values(valid=["$1.00", "$2.00"])})
    assert table.creates == ("id", "price")


def test_what_a_data_layer_sets_by_itself_is_given_to_nobody(made):
    sql = "CREATE TABLE t (id bigserial PRIMARY KEY, title text NOT NULL, changed timestamptz NOT NULL)"
    dsn = made(sql)
    table = read(dsn, Entity("t", MetaData(), moves=("changed",)))

    assert (table.creates, table.updates) == (("title",), ("title",))
    assert table.unpredictable == {"changed"}
    with pytest.raises(EntityError, match="leave it out of create and update"):
        read(dsn, Entity("t", MetaData(), moves=("changed",), update=("changed",)))
    with pytest.raises(EntityError, match="moves: 't' has no column 'change'"):
        read(dsn, Entity("t", MetaData(), moves=("change",)))
