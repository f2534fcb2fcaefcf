"""What the server is asked of a table's values, and what is made of its answers."""

import asyncio
import itertools
from datetime import date
from decimal import Decimal

import asyncpg
import pytest
from sqlalchemy import MetaData
from tests.entity.tables import ENTITIES
from tests.tasks import PROVEN

from crudspec.entity.entity import Entity, Values
from crudspec.entity.errors import EntityError
from crudspec.entity.prove import prove
from crudspec.entity.reflect import reflect
from crudspec.entity.row import matches
from crudspec.entity.tasks import TASKS


def proven(dsn, entity, **more):
    entity = entity if isinstance(entity, Entity) else Entity(entity, MetaData(), **more)

    async def both():
        table = await reflect(dsn, entity)
        return table, await prove(dsn, table, entity)

    return asyncio.run(both())


def test_tasks_has_the_values_that_it_always_had(scratch_dsn):
    _, found = proven(scratch_dsn, TASKS)

    assert found == PROVEN


@pytest.mark.parametrize("name", ENTITIES)
def test_every_variant_can_be_stored_and_written_over_the_first(name, made):
    """By a statement as others would write it, beside the parents, all of them at once."""
    dsn = made(name)
    table, found = proven(dsn, ENTITIES[name])

    assert 3 <= len(found.variants) <= 6
    assert not any(matches(one, other) for one, other in itertools.combinations(found.variants, 2))
    assert set(found.columns) == {*table.creates, *table.updates}
    assert all(column.valid for column in found.columns.values())
    asyncio.run(_store_all(dsn, table, found))


async def _store_all(dsn, table, found):
    connection = await asyncpg.connect(dsn)
    for kind in ("json", "jsonb"):
        import json

        await connection.set_type_codec(kind, schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
    await connection.execute(found.inserts or "SELECT")
    for values in found.variants:
        row = {name: values[name] for name in table.creates}
        stored = await _insert(connection, table.quoted, row)
        for name, value in row.items():
            read = None if stored[name] is None else table.by_name[name].type.read(stored[name])
            assert matches(read, value), name
    await connection.close()


async def _insert(connection, table, values):
    names = ", ".join('"' + name.replace('"', '""') + '"' for name in values)
    places = ", ".join(f"${place}" for place in range(1, len(values) + 1))
    sql = f"INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE VALUES ({places}) RETURNING *"
    return await connection.fetchrow(sql, *values.values())


def test_rows_that_are_referred_to_are_inserted_by_one_script(made):
    dsn = made("""
        CREATE TYPE mood AS ENUM ('so''so');
        CREATE TABLE p (id uuid PRIMARY KEY, j jsonb NOT NULL, a text[] NOT NULL, b bytea NOT NULL, m mood NOT NULL,
            d interval NOT NULL, t timestamptz NOT NULL, n numeric NOT NULL, i inet NOT NULL, c char(3) NOT NULL,
            o boolean NOT NULL, w text NOT NULL CHECK (w = 'it''s \\'));
        CREATE TABLE t (id bigserial PRIMARY KEY, p uuid NOT NULL REFERENCES p);
    """)
    _, found = proven(dsn, "t")

    async def inserted():
        connection = await asyncpg.connect(dsn)
        await connection.execute(found.inserts)
        rows = await connection.fetch("SELECT id, a, b, d, t, n, w FROM p ORDER BY id")
        await connection.close()
        return [dict(row) for row in rows]

    made_rows = [values for _, values in found.parents]
    expected = [{name: one[name] for name in ["id", "a", "b", "d", "t", "n", "w"]} for one in made_rows]
    assert asyncio.run(inserted()) == sorted(expected, key=lambda row: row["id"])


@pytest.mark.parametrize("name", ENTITIES)
def test_nothing_is_left_behind(name, made):
    dsn = made(name)
    before = asyncio.run(_everything(dsn))
    proven(dsn, ENTITIES[name])
    assert asyncio.run(_everything(dsn)) == before


async def _everything(dsn):
    connection = await asyncpg.connect(dsn)
    names = await connection.fetch(
        "SELECT format('%I.%I', nspname, relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace "
        "WHERE relkind IN ('r', 'p') AND nspname !~ '^(pg_|information_schema)'"
    )
    found = [await connection.fetchval(f"SELECT count(*) FROM {one['name']}") for one in names]
    found += await connection.fetch("SELECT sequencename, last_value FROM pg_sequences ORDER BY 1")
    found += await connection.fetch("SELECT relname, relkind FROM pg_class ORDER BY oid")
    await connection.close()
    return found


def test_what_must_be_unique_has_fresh_values(made):
    table, found = proven(made("text_key"), ENTITIES["text_key"])

    fresh = found.columns["code"].fresh
    assert fresh[:3] == ("a1", "a2", "a3")
    assert len(set(fresh)) == 10_000
    assert [one["code"] for one in found.variants] == list(fresh[:6])
    assert "code" not in table.updates
    assert found.columns["name"].fresh == ()
    assert None in [one["people"] for one in found.variants]


def test_unique_pairs_and_nulls(made):
    _, found = proven(made("unique_pair"), ENTITIES["unique_pair"])

    assert len({(one["room"], one["seat"]) for one in found.variants}) == 6
    assert len({one["badge"] for one in found.variants}) == 6
    assert found.columns["badge"].valid["None"] is None


def test_what_is_left_alone_because_of_an_index_is_noted(made):
    _, found = proven(made("soft_delete"), ENTITIES["soft_delete"])

    assert found.notes == (
        "deleted_at: always its default: members_email, WHERE (deleted_at IS NULL)",
        "is_primary: always its default: one_primary, WHERE is_primary",
        "rank: always its default: one_rank, WHERE (rank > 0)",
        "one_active, unique only WHERE (state = 'active'::text), is not known to any clause: "
        'say values={"state": Values(valid=[…])} that keep out of it',
    )


def test_a_value_that_a_default_gives_is_one_like_others(made):
    _, found = proven(made("serial"), ENTITIES["serial"])
    assert list(found.columns["rank"].valid) == ["0", "one", "negative", "largest int32", "smallest int32"]
    assert found.columns["rank"].lossy == {}


def test_rows_that_are_referred_to_are_made_the_grandparents_first(made):
    _, found = proven(made("parents"), ENTITIES["parents"])

    tables = [name for name, _ in found.parents]
    countries, authors, publishers = '"public"."countries"', '"public"."authors"', '"public"."publishers"'
    assert {name: tables.count(name) for name in tables} == {countries: 3, authors: 3, publishers: 3}
    assert tables.index(countries) < tables.index(authors)
    ids = [values["id"] for name, values in found.parents if name == authors]
    assert {one["author_id"] for one in found.variants} == set(ids)
    assert {one["editor_id"] for one in found.variants} == {*ids, None}
    assert found.columns["author_id"].valid == {"a parent": ids[0], "another parent": ids[1]}
    assert found.columns["author_id"].invalid["None"] is None
    assert set(found.missing) == {"books_author_id_fkey", "books_editor_id_fkey", "books_publisher_fkey"}
    assert found.missing["books_author_id_fkey"]["author_id"] not in ids


def test_what_may_be_referred_to_but_once_has_many_parents(made):
    _, found = proven(made("one_to_one"), ENTITIES["one_to_one"])

    assert len(found.parents) == 300
    assert found.columns["user_id"].fresh == tuple(range(101, 401))
    assert [one["user_id"] for one in found.variants] == list(range(101, 107))


def test_a_row_may_refer_to_no_other_of_its_table(made):
    _, found = proven(made("self_reference"), ENTITIES["self_reference"])

    assert {one["parent_id"] for one in found.variants} == {None}
    assert found.notes == ("parent_id: always NULL, as it refers to the table itself",)
    assert found.missing == {"categories_parent_id_fkey": {"parent_id": 1_000_000_007}}


def test_a_rule_over_two_columns_is_kept(made):
    _, found = proven(made("check_pair"), ENTITIES["check_pair"])

    assert all(one["starts"] < one["ends"] for one in found.variants)
    assert {one["state"] for one in found.variants} == {"new", "open", "done"}
    assert {one["stars"] for one in found.variants} <= {3, 4, 5, None}
    assert found.columns["ends"].invalid["far past"] == date(2, 1, 1)


def test_what_the_server_rounds_is_lossy(made):
    _, found = proven(made("rich_types"), ENTITIES["rich_types"])

    price = found.columns["price"]
    assert price.lossy["a digit too many behind the point"] == (Decimal("0.015"), Decimal("0.02"))
    assert "a digit too many before the point" in price.invalid
    assert price.valid["largest"] == Decimal("99999999.99")
    assert found.columns["weight"].lossy["a tenth"][1] != 0.1
    assert found.columns["attributes"].invalid["NUL inside"] == {"a": "\0"}
    assert "NUL inside" in found.columns["tags"].invalid
    assert found.columns["tags"].valid["commas and braces inside"]
    assert found.columns["mood"].valid == {"sad": "sad", "ok": "ok", "glad": "glad"}
    assert {one["discount"] for one in found.variants} <= {0, 1, 2}
    assert "negative" in found.columns["discount"].invalid, "its domain refuses it"
    assert "negative" in found.columns["discount"].by_rule, "an update of no row is refused by none"
    assert "over int16" not in found.columns["discount"].by_rule
    code = found.columns["code"]
    assert not any("blank" in one for one in (*code.valid, *code.invalid, *code.lossy)), "in char(n) they mean nothing"


def test_a_user_says_what_is_valid(made):
    _, found = proven(made("other_schema"), ENTITIES["other_schema"])

    email = found.columns["email"]
    assert all("@" in text for text in email.valid.values())
    assert "NUL" in email.invalid
    assert len(email.fresh) > 100
    assert [one["email"] for one in found.variants] == list(email.fresh[:6])


def test_two_references_that_share_a_column_agree(made):
    dsn = made("""
        CREATE TABLE tenants (id int PRIMARY KEY);
        CREATE TABLE orders (tenant int REFERENCES tenants, id int, PRIMARY KEY (tenant, id));
        CREATE TABLE t (
            id bigserial PRIMARY KEY,
            tenant int NOT NULL REFERENCES tenants,
            number int NOT NULL,
            other int,
            FOREIGN KEY (tenant, number) REFERENCES orders,
            FOREIGN KEY (tenant, other) REFERENCES orders
        );
    """)
    table, found = proven(dsn, "t")

    assert len(found.variants) >= 3
    assert {one["other"] is None for one in found.variants} == {True, False}
    assert set(found.missing) == {one.name for one in table.references}
    assert found.missing["t_tenant_number_fkey"]["tenant"] == 101
    asyncio.run(_store_all(dsn, table, found))


def test_rows_that_cannot_be_made_can_be_there_already(made):
    dsn = made("""
        CREATE TABLE p (id int PRIMARY KEY, price money NOT NULL);
        INSERT INTO p VALUES (1, 1), (2, 2);
        CREATE TABLE t (id bigserial PRIMARY KEY, p int NOT NULL REFERENCES p, q bigint NOT NULL REFERENCES t);
        INSERT INTO t VALUES (1, 1, 1);
    """)
    _, found = proven(dsn, "t", values={"q": Values(valid=[1])})
    assert {one["p"] for one in found.variants} == {1, 2}
    assert {one["q"] for one in found.variants} == {1}
    assert found.parents == ()


@pytest.mark.parametrize(
    ("columns", "values", "variants"),
    [
        ("", {}, [{}]),
        (
            ", a boolean NOT NULL DEFAULT false, b boolean NOT NULL DEFAULT true",
            {},
            [{"a": False, "b": False}, {"a": True, "b": True}, {"a": False, "b": True}, {"a": True, "b": False}],
        ),
        (
            ", price money NOT NULL",
            {"price": Values(valid=["$1.00", "$2.00"])},
            [{"price": "$1.00"}, {"price": "$2.00"}],
        ),
    ],
)
def test_variants_of_few_columns_are_few(columns, values, variants, made):
    _, found = proven(made(f"CREATE TABLE t (id serial PRIMARY KEY{columns})"), "t", values=values)
    assert list(found.variants) == variants


def test_what_is_said_of_values_is_asked_too(made):
    said = Values(valid=["x", "y", "z" * 81], invalid=["w"])
    _, found = proven(made("uuid_key"), "items", values={"name": said})

    assert [one["name"] for one in found.variants][:3] == ["x", "y", "x"]
    assert found.columns["name"].invalid["'w'"] == "w"
    assert set(found.columns["name"].valid.values()) == {"x", "y"}


def test_parents_that_are_there_are_referred_to(made):
    dsn = made("parents")

    async def seed():
        connection = await asyncpg.connect(dsn)
        await connection.execute("INSERT INTO countries VALUES ('NO', 'Norway'), ('SE', 'Sweden'), ('FI', 'Finland')")
        await connection.close()

    asyncio.run(seed())
    _, found = proven(dsn, ENTITIES["parents"])
    assert {values["country"] for name, values in found.parents if "authors" in name} <= {"NO", "SE", "FI"}
    assert not any("countries" in name for name, _ in found.parents)


@pytest.mark.parametrize(
    ("sql", "more", "message"),
    [
        (
            "CREATE TABLE t (id bigserial PRIMARY KEY, code text NOT NULL, "
            "CONSTRAINT like_this CHECK (code ~ '^[A-Z]{3}-\\d$'))",
            {},
            "t: like_this, CHECK ((code ~ '^[A-Z]{3}-\\d$'::text)), refuses every value that was tried: "
            'say values={"code": Values(valid=[…])}',
        ),
        (
            "CREATE TABLE t (id bigserial PRIMARY KEY, code text NOT NULL CHECK (code = 'x'))",
            {},
            'refuses nearly every value that was tried: say values={"code": Values(valid=[…])}',
        ),
        (
            "CREATE TABLE p (id int PRIMARY KEY, price money NOT NULL);"
            "CREATE TABLE t (id bigserial PRIMARY KEY, p int NOT NULL REFERENCES p)",
            {},
            'seed="INSERT INTO "public"."p" …"',
        ),
        (
            "CREATE TABLE t (id bigserial PRIMARY KEY);"
            "CREATE TABLE p (id int PRIMARY KEY, t bigint NOT NULL REFERENCES t);"
            "ALTER TABLE t ADD p int NOT NULL REFERENCES p",
            {},
            "references: each row of t → p → t needs another one to be there",
        ),
        (
            "CREATE TABLE t (id bigserial PRIMARY KEY, parent bigint NOT NULL REFERENCES t)",
            {},
            "references: each row of t → t needs another one to be there",
        ),
        (
            "CREATE TABLE t (id bigserial PRIMARY KEY, n int NOT NULL)",
            {"values": {"n": Values(valid=["1"])}},
            "values: valid='1' of column 'n' is not exactly int, for integer",
        ),
        (
            "CREATE TABLE t (id bigserial PRIMARY KEY, n text NOT NULL)",
            {"values": {"n": Values(valid=["\ud800"])}},
            "values: valid='\\ud800' of column 'n' is not text that can be sent, for text",
        ),
        (
            "CREATE TABLE t (id bigserial PRIMARY KEY, n int NOT NULL)",
            {"values": {"n": Values(matching="1")}},
            "values: column 'n' is integer, matching= is for text: say valid=[…]",
        ),
        (
            "CREATE TABLE t (id bigserial PRIMARY KEY, n text NOT NULL)",
            {"values": {"n": Values(matching="(")}},
            "values: matching='(' of column 'n': ",
        ),
        (
            "CREATE TABLE t (id bigserial PRIMARY KEY, n int4range, EXCLUDE USING gist (n WITH &&))",
            {},
            "t_n_excl, EXCLUDE USING gist (n WITH &&)",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_proven_is_told_with_what_to_write(sql, more, message, made):
    dsn = made(sql)
    with pytest.raises(EntityError) as caught:
        proven(dsn, "t", **more)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
