"""Somebody's Alembic project: its env.py runs away from every database but ours, and a failure says what to write."""

from __future__ import annotations

import asyncio
import logging
import sys
from urllib.parse import urlsplit

import asyncpg
import pytest
from tests.entity.alembics import BOTH, OFFLINE, ORDERS, project

from crudspec.entity.applied import apply
from crudspec.entity.errors import EntityError
from crudspec.entity.sources import Alembic

CONNECTS = {
    "through SQLAlchemy": "sa.create_engine('postgresql+psycopg://' + place).connect()",
    "through SQLAlchemy, and tries again": """
for _ in range(1000):
    try:
        sa.create_engine('postgresql+psycopg://' + place).connect()
    except Exception:
        pass
""",
    "through SQLAlchemy, in an event loop": """
async def run():
    async with create_async_engine('postgresql+asyncpg://' + place).connect() as connection:
        await connection.run_sync(migrate)
asyncio.run(run())
""",
    "with a driver in Python": "asyncio.run(asyncpg.connect('postgresql://' + place))",
    "with a driver in C": "psycopg.connect('postgresql://' + place)",
    "in a child": """
done = subprocess.run([sys.executable, '-c', f'import psycopg; psycopg.connect("postgresql://{place}")'],
    stderr=subprocess.PIPE, text=True)
raise OSError(done.stderr[-500:].replace("\\n", " "))
""",
}


def refused(source: Alembic) -> str:
    with pytest.raises(EntityError) as failed:
        source.script()
    told = str(failed.value)
    assert "\n" not in told
    assert told.startswith("Alembic(")
    return told


async def online(source: Alembic, dsn: str) -> list[str]:
    await source.migrate(dsn)
    connection = await asyncpg.connect(dsn)
    try:
        return [name for (name,) in await connection.fetch("SELECT note FROM orders ORDER BY 1")]
    finally:
        await connection.close()


# Offline


def test_offline_prints_what_alembic_prints(tmp_path):
    env = OFFLINE + "import os\ncontext.execute('-- ' + os.environ['DATABASE_URL'])\nassert context.is_offline_mode()\n"
    before = {*sys.modules}, logging.root.level
    said = Alembic(project(tmp_path, ORDERS, "op.add_column('orders', sa.Column('n', sa.Integer))", env=env)).script()
    assert "CREATE TABLE orders" in said
    assert "ADD COLUMN n" in said
    assert "alembic_version" in said
    assert ({*sys.modules}, logging.root.level) == before


def test_a_percent_sign_is_written_once_whatever_the_driver(tmp_path):
    step = "op.create_table('orders', sa.Column('note', sa.Text, sa.CheckConstraint(\"note LIKE 'A%'\")))"
    said = Alembic(project(tmp_path, step, url="postgresql+psycopg://u:p@h/d")).script()
    assert "LIKE 'A%')" in said


def test_up_to_a_revision(tmp_path):
    said = Alembic(project(tmp_path, ORDERS, "op.drop_table('orders')"), revision="0001").script()
    assert "CREATE TABLE" in said
    assert "DROP TABLE" not in said


@pytest.mark.parametrize("how", CONNECTS)
def test_offline_connects_to_nothing(how, tmp_path, scratch_dsn, monkeypatch):
    monkeypatch.setenv("SHOP", scratch_dsn.partition("://")[2])
    env = """
import asyncio, os, subprocess, sys
import asyncpg, psycopg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine
place = os.environ["SHOP"]
"""
    ini = project(tmp_path, env=env + CONNECTS[how])
    told = refused(Alembic(ini))
    assert "connects" in told
    assert "is_offline_mode" in told
    assert 'Alembic("alembic.ini", online=True)' in told
    assert (urlsplit(scratch_dsn).password or "") not in told


@pytest.mark.parametrize(
    ("env", "said"),
    [
        (
            "import os\nos.environ['SHOP_SECRET']",
            "env.py, line 2 needs the environment variable SHOP_SECRET: set it; a",
        ),
        (
            "import pydantic\nclass Settings(pydantic.BaseModel):\n    shop_url: str\n    key: int\nSettings(key='x')",
            "line 5 needs settings (shop_url, key)",
        ),
        ("import nowhere.models", "cannot import nowhere: say in the ini's prepend_sys_path"),
        ("raise SystemExit('no settings')", "ends the process (no settings)"),
        ("import os\nos.write(1, b'out of here')\nos._exit(3)", "exit code 3): out of here"),
        ("{}['url']", "env.py, line 1 fails (KeyError: 'url')"),
        ("def", "SyntaxError"),
        (
            "raise ValueError('postgresql://shop:se/cret@db/live is no URL')",
            "(ValueError: postgresql://***@db/live is no",
        ),
        ("", "printed no SQL"),
    ],
)
def test_an_env_that_fails_is_one_line_that_says_what_to_write(env, said, tmp_path):
    assert said in refused(Alembic(project(tmp_path, env=env)))


def test_two_heads_are_named(tmp_path):
    ini = project(tmp_path, ORDERS, "pass", "pass")
    last = tmp_path / "migrations" / "versions" / "0003_step.py"
    last.write_text(last.read_text().replace("'0002'", "'0001'"))
    assert 'revision="heads"' in refused(Alembic(ini))
    assert "CREATE TABLE orders" in Alembic(ini, revision="heads").script()


def test_an_ini_without_scripts_is_one_line(tmp_path):
    assert "nowhere" in refused(Alembic(project(tmp_path, location="nowhere")))


@pytest.mark.parametrize(
    "step",
    [
        "for row in op.get_bind().execute(sa.text('SELECT 1')).fetchall(): pass",
        "sa.inspect(op.get_bind()).get_table_names()",
    ],
)
def test_a_migration_that_reads_is_asked_to_be_run_online(step, tmp_path):
    told = refused(Alembic(project(tmp_path, ORDERS, step)))
    assert "0002_step.py, line " in told
    assert 'Alembic("alembic.ini", online=True)' in told


@pytest.mark.parametrize("folder", [".", "shop"])
def test_the_location_of_scripts_is_relative_to_the_ini_or_to_the_current_folder(folder, tmp_path, monkeypatch):
    ini = project(tmp_path / "shop", location="migrations" if folder == "." else "shop/migrations")
    monkeypatch.chdir(tmp_path)
    source = Alembic(ini)
    assert "CREATE TABLE orders" in source.script()
    before = source.digest()
    (tmp_path / "shop" / "migrations" / "versions" / "more.sql").write_text("SELECT 1")
    assert Alembic(ini).digest() != before


def test_a_folder_named_alembic_is_not_taken_for_the_library(tmp_path, monkeypatch):
    ini = project(tmp_path)
    (tmp_path / "alembic").mkdir()
    (tmp_path / "alembic" / "__init__.py").touch()
    ini.write_text(ini.read_text().replace("prepend_sys_path = .", ""))
    monkeypatch.chdir(tmp_path)
    assert "CREATE TABLE orders" in Alembic("alembic.ini").script()


# Online


def test_online_migrates_the_database_that_it_is_given(tmp_path, blank_dsn, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql+psycopg://shop:secret@db.invalid/live")
    step = """
    seen = op.get_bind().execute(sa.text("SELECT count(*) FROM orders")).scalar()
    op.execute(f"INSERT INTO orders VALUES (1, 'there were {seen}')")
    """
    env = BOTH.replace('context.config.get_main_option("sqlalchemy.url")', "__import__('os').environ['DATABASE_URL']")
    ini = project(tmp_path, ORDERS, step, env=env)
    assert asyncio.run(online(Alembic(ini, online=True), blank_dsn)) == ["there were 0"]


def test_online_in_an_event_loop_gets_a_driver_for_one(tmp_path, blank_dsn):
    env = """
import asyncio
from alembic import context
from sqlalchemy.ext.asyncio import async_engine_from_config

def migrate(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()

async def run():
    engine = async_engine_from_config(context.config.get_section("alembic"))
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()

asyncio.run(run())
"""
    ini = project(tmp_path, ORDERS, "op.execute(\"INSERT INTO orders VALUES (1, 'a')\")", env=env)
    assert asyncio.run(online(Alembic(ini, online=True), blank_dsn)) == ["a"]


@pytest.mark.parametrize(
    "engine",
    [
        "sa.create_engine('postgresql+psycopg://' + place)",
        "sa.create_engine('postgresql+psycopg://', creator=lambda: psycopg.connect('postgresql://' + place))",
    ],
)
def test_online_connects_to_no_other_database(engine, tmp_path, scratch_dsn, blank_dsn, server, monkeypatch):
    monkeypatch.setenv("SHOP", server.dsn.partition("://")[2])
    env = f"import os, psycopg\nimport sqlalchemy as sa\nplace = os.environ['SHOP']\n{engine}.connect()\n"
    with pytest.raises(EntityError) as failed:
        asyncio.run(online(Alembic(project(tmp_path, env=env), online=True), blank_dsn))
    assert "not the database that it is given" in str(failed.value)
    assert (urlsplit(server.dsn).password or "") not in str(failed.value)


def test_online_that_arrives_nowhere_is_told(tmp_path, blank_dsn):
    env = BOTH.replace("    with context.begin_transaction():\n        context.run_migrations()", "    pass")
    with pytest.raises(EntityError, match="to commit"):
        asyncio.run(online(Alembic(project(tmp_path, env=env), online=True), blank_dsn))


# What was printed, applied


async def applied(dsn: str, script: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await apply(connection, script, shown="S")
    finally:
        connection.terminate()


def test_a_step_outside_of_the_transaction_applies(tmp_path, blank_dsn):
    step = """
    with op.get_context().autocommit_block():
        op.create_index("orders_note", "orders", ["note"], postgresql_concurrently=True)
    """
    asyncio.run(applied(blank_dsn, Alembic(project(tmp_path, ORDERS, step)).script()))


def test_a_step_that_the_server_refuses_is_told_with_its_migration(tmp_path, blank_dsn):
    ini = project(tmp_path, ORDERS, "op.execute('ALTER TABLE orders\\n ADD COLUMN kind no')")
    with pytest.raises(EntityError) as failed:
        asyncio.run(applied(blank_dsn, Alembic(ini).script()))
    assert str(failed.value) == (
        'the schema S does not apply: ALTER TABLE orders: type "no" does not exist (42704), migration 0001 -> 0002'
    )
