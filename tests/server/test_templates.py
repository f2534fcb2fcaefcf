"""One template for each schema: made once, whoever asks; cloned; closed; and gone if it could not be made."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import asyncpg
import pytest
from tests.entity.alembics import BOTH, ORDERS, project

from crudspec.entity.errors import EntityError
from crudspec.entity.sources import BUILT_IN, Alembic, Sql
from crudspec.server import Server, ServerChoice, ServerError, create_scratch, drop_scratch, start, stop, template
from crudspec.server import dsn as urls


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("templates") / "run"
    yield start(ServerChoice(kind="embedded"), run_dir=run_dir, owner=os.getpid())
    stop(run_dir)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """A cache for each test, and not the user's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "crudspec"


async def value(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def databases(server: Server) -> set[str]:
    names = await value(server.dsn, "SELECT array_agg(datname::text) FROM pg_database")
    assert isinstance(names, list)
    return set(names)


def script(folder, text: str) -> Sql:
    path = folder / "schema.sql"
    path.write_text(text, encoding="utf-8")
    return Sql(path)


def refused(server: Server, source) -> str:
    before = asyncio.run(databases(server))
    with pytest.raises(EntityError) as failed:
        asyncio.run(create_scratch(server, "refused", source))
    assert asyncio.run(databases(server)) == before
    assert "\n" not in str(failed.value)
    return str(failed.value)


def test_a_schema_is_cloned_and_its_template_made_once(server, tmp_path):
    source = script(tmp_path, "CREATE TABLE made AS SELECT now() AS at")

    async def program():
        before = await databases(server)
        dsns = [await create_scratch(server, "one", source) for _ in range(2)]
        template_of_it = template.name(server.prefix, source)
        assert await databases(server) - before == {template_of_it, *(urls.database_of(dsn) for dsn in dsns)}
        assert len({await value(dsn, "SELECT at FROM made") for dsn in dsns}) == 1
        for dsn in dsns:
            await drop_scratch(server, dsn)

    asyncio.run(program())


def test_whoever_asks_at_the_same_time_waits_for_the_one_that_makes_it(server, tmp_path):
    source = script(tmp_path, "SELECT pg_sleep(0.2); CREATE TABLE made AS SELECT now() AS at")

    async def program():
        dsns = await asyncio.gather(*(create_scratch(server, "race", source) for _ in range(5)))
        assert len({await value(dsn, "SELECT at FROM made") for dsn in dsns}) == 1

    asyncio.run(program())


def test_a_template_that_was_left_half_way_is_made_anew(server, tmp_path):
    source = script(tmp_path, "CREATE TABLE orders (id int)")

    async def program():
        half = template.name(server.prefix, source)
        connection = await asyncpg.connect(server.dsn)
        await connection.execute(f'CREATE DATABASE "{half}"')
        await connection.close()
        dsn = await create_scratch(server, "anew", source)
        assert await value(dsn, "SELECT count(*) FROM orders") == 0

    asyncio.run(program())


def test_a_maker_that_is_killed_keeps_nobody_waiting(server, tmp_path):
    program = """
import asyncio, sys
from crudspec.entity.sources import Sql
from crudspec.server import Server, create_scratch
server = Server(kind="embedded", dsn=sys.argv[1], version="", origin="", prefix=sys.argv[2])
asyncio.run(create_scratch(server, "x", Sql(sys.argv[3])))
"""
    source = script(tmp_path, "SELECT pg_sleep(2); CREATE TABLE orders (id int)")
    maker = subprocess.Popen([sys.executable, "-c", program, server.dsn, server.prefix, str(source.path)])

    async def seen():
        while template.name(server.prefix, source) not in await databases(server):
            assert maker.poll() is None

    asyncio.run(asyncio.wait_for(seen(), 20))
    maker.kill()
    maker.wait()
    dsn = asyncio.run(asyncio.wait_for(create_scratch(server, "after", source), 20))
    assert asyncio.run(value(dsn, "SELECT count(*) FROM orders")) == 0


def test_a_template_is_closed_and_never_dropped(server, tmp_path):
    source = script(tmp_path, "CREATE TABLE orders (id int)")
    asyncio.run(create_scratch(server, "closed", source))
    inside = urls.with_database(server.dsn, template.name(server.prefix, source))
    with pytest.raises(asyncpg.PostgresError):
        asyncio.run(asyncpg.connect(inside))
    with pytest.raises(ServerError, match="left alone"):
        asyncio.run(drop_scratch(server, inside))


def test_a_clone_with_the_name_of_a_template_can_be_dropped(server):
    for label in ("template", "template x0123456789abcdef"):
        dsn = asyncio.run(create_scratch(server, label))
        asyncio.run(drop_scratch(server, dsn))
        assert urls.database_of(dsn) not in asyncio.run(databases(server))


def test_the_built_in_schema_needs_no_template_of_its_own(server):
    before = asyncio.run(databases(server))
    dsn = asyncio.run(create_scratch(server, "tasks", BUILT_IN))
    assert asyncio.run(value(dsn, "SELECT count(*) FROM tasks")) == 0
    assert asyncio.run(databases(server)) - before == {urls.database_of(dsn)}


def test_texts_have_one_order_on_every_server(server, tmp_path):
    """The cluster of a container has a locale of its own: a template says which it has, and does not inherit it."""
    locale = "SELECT format('%s %s', datlocprovider, datlocale) FROM pg_database WHERE datname = current_database()"
    words = "SELECT array_agg(word ORDER BY word)::text || upper('ä') FROM unnest('{ä,a,Z,z,Ä,B}'::text[]) word"
    for source in (None, script(tmp_path, "CREATE TABLE orders (id int)")):
        dsn = asyncio.run(create_scratch(server, "order", source))
        assert asyncio.run(value(dsn, locale)) == "b C.UTF-8"
        assert asyncio.run(value(dsn, words)) == "{B,Z,a,z,Ä,ä}Ä"


DUMP = r"""
-- PostgreSQL database dump
\restrict 5xyz
SET statement_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET default_table_access_method = heap;
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
COMMENT ON EXTENSION pg_trgm IS 'trigrams; and more';
CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.at = now(); RETURN NEW; END$$;
CREATE TABLE public.orders (id bigint NOT NULL, at timestamp with time zone);
ALTER TABLE public.orders ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.orders_id_seq START WITH 1 INCREMENT BY 1 NO MINVALUE NO MAXVALUE CACHE 1
);
ALTER TABLE ONLY public.orders ADD CONSTRAINT orders_pkey PRIMARY KEY (id);
CREATE TRIGGER touch BEFORE UPDATE ON public.orders FOR EACH ROW EXECUTE FUNCTION public.touch();
\unrestrict 5xyz
"""


def test_a_dump_applies(server, tmp_path):
    dsn = asyncio.run(create_scratch(server, "dump", script(tmp_path, DUMP)))
    assert asyncio.run(value(dsn, "SELECT count(*) FROM orders")) == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (DUMP + "ALTER TABLE public.orders OWNER TO shop;", "leave out owners and privileges (pg_dump --no-owner"),
        (DUMP + "GRANT SELECT ON public.orders TO reader;", "template has no role reader"),
        (DUMP + "COPY public.orders (id, at) FROM stdin;\n1\t\\N\n\\.\n", "pg_dump --schema-only"),
        ("CREATE EXTENSION nonesuch;", "the extension nonesuch cannot be had on this server: use a container"),
        (
            "CREATE TABLE a ();\n\nCREATE TABLE orders (\n  kind nonsense\n);",
            'CREATE TABLE orders (: type "nonsense" does not exist (42704), line 3',
        ),
        ("SELECT 1/0;", "SELECT 1/0: division by zero (22012), line 1"),
        ("BEGIN; CREATE TABLE orders ();", "never commits it"),
        ("-- nothing\n", "no statement in it"),
        ("CREATE TABL orders ();", "syntax error"),
    ],
)
def test_a_script_that_does_not_apply_is_one_line_and_leaves_nothing(text, said, server, tmp_path):
    told = refused(server, script(tmp_path, text))
    assert told.startswith(f"the schema {tmp_path}/schema.sql does not apply: ")
    assert said in told


def test_migrations_run_once_and_are_then_read_from_the_cache(server, tmp_path, own_cache, monkeypatch):
    ini = project(tmp_path)
    asyncio.run(create_scratch(server, "first", Alembic(ini)))
    (kept,) = own_cache.glob("schema-*.sql")
    assert kept.stat().st_mode & 0o777 == 0o600

    template.script_of.cache_clear()
    monkeypatch.setattr(Alembic, "script", lambda _: pytest.fail("they ran again"))
    assert template.script_of(Alembic(ini)) == kept.read_text()


def test_migrations_that_run_online_make_a_template(server, tmp_path):
    step = """
    seen = op.get_bind().execute(sa.text("SELECT current_database()")).scalar()
    op.execute(f"INSERT INTO orders VALUES (1, '{seen}')")
    """
    source = Alembic(project(tmp_path, ORDERS, step, env=BOTH), online=True)
    dsn = asyncio.run(create_scratch(server, "online", source))
    assert asyncio.run(value(dsn, "SELECT note FROM orders")) == template.name(server.prefix, source)


def test_migrations_that_fail_leave_no_template(server, tmp_path):
    source = Alembic(project(tmp_path, "raise ValueError('no')", env=BOTH), online=True)
    assert "0001_step.py, line 10 fails (ValueError: no)" in refused(server, source)


def test_a_text_about_a_schema_is_remembered_for_that_schema_and_server(server, tmp_path, own_cache):
    source = script(tmp_path, "CREATE TABLE orders ()")
    assert template.recalled(server, source, "values") is None
    template.remember(server, source, "values", "ä" * 300_000)
    assert template.recalled(server, source, "values") == "ä" * 300_000
    assert {path.stat().st_mode & 0o777 for path in own_cache.iterdir()} == {0o600}

    (tmp_path / "schema.sql").write_text("CREATE TABLE others ()")
    newer = Server(kind="embedded", dsn=server.dsn, version="99.1", origin="", prefix=server.prefix)
    assert template.recalled(server, source, "other") is None
    assert template.recalled(server, Sql(tmp_path / "schema.sql"), "values") is None
    assert template.recalled(newer, source, "values") is None


def test_without_a_cache_nothing_is_remembered_and_all_works(server, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    source = Alembic(project(tmp_path))
    template.remember(server, source, "values", "x")
    assert template.recalled(server, source, "values") is None
    dsn = asyncio.run(create_scratch(server, "uncached", source))
    assert asyncio.run(value(dsn, "SELECT count(*) FROM orders")) == 0
