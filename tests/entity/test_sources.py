"""Where a schema comes from: what a user may write, what it becomes, and what is said of anything else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from tests.entity.alembics import ORDERS, project

from crudspec.entity.errors import EntityError
from crudspec.entity.source import Source
from crudspec.entity.sources import BUILT_IN, Alembic, Metadata, Sql, as_source
from crudspec.entity.statements import statements


class Base(DeclarativeBase):
    """Somebody's models."""


class Order(Base):
    __tablename__ = "orders"
    __table_args__ = (sa.CheckConstraint("note LIKE 'A%'"), {"schema": "shop"})
    id: Mapped[int] = mapped_column(primary_key=True)
    note: Mapped[str]
    state: Mapped[str] = mapped_column(sa.Enum("open", "paid", name="state"))
    earlier: Mapped[str] = mapped_column(sa.Enum("open", "paid", name="state"))


def texts(script: str) -> list[str]:
    return [statement.text for statement in statements(script)]


# What a user may write


def test_each_way_to_write_a_schema_is_its_source(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    project(tmp_path)
    (tmp_path / "schema.sql").write_text("CREATE TABLE orders ()")

    assert isinstance(as_source("alembic.ini"), Alembic)
    assert isinstance(as_source(tmp_path / "alembic.ini"), Alembic)
    assert isinstance(as_source("schema.sql"), Sql)
    assert isinstance(as_source(Base.metadata), Metadata)
    assert isinstance(as_source(f"{__name__}:Base.metadata"), Metadata)
    source = Sql("schema.sql")
    assert as_source(source) is source


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (3, "write schema="),
        (None, "write schema="),
        ("", "write schema="),
        ("schema.txt", "write schema="),
        ("postgresql://u:secret@h/d", "write schema="),
        (Base, "write schema=Base.metadata"),
        ("alembic.ini", "no file alembic.ini"),
        ("schema.sql", "no file schema.sql"),
        ("nowhere.models:Base", "cannot import nowhere.models"),
        (f"{__name__}:Nothing", "has no Nothing"),
        (f"{__name__}:Base", f'write "{__name__}:Base.metadata"'),
        (f"{__name__}:Order.id", "no MetaData"),
    ],
)
def test_anything_else_is_one_line_that_says_what_to_write(value, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EntityError) as failed:
        as_source(value)
    assert said in str(failed.value)
    assert "\n" not in str(failed.value)


def test_a_relative_path_is_looked_for_beside_the_module_that_says_it_and_then_here(tmp_path, monkeypatch):
    module = tmp_path / "shop" / "contract.py"
    module.parent.mkdir()
    module.write_text("from crudspec.entity.sources import Sql, as_source\ntold = Sql('a.sql'), as_source('a.sql')\n")
    (tmp_path / "a.sql").write_text("SELECT 1")
    monkeypatch.chdir(tmp_path)

    def found() -> set[Path]:
        told: dict = {}
        exec(compile(module.read_text(), module, "exec"), {"__name__": "shop.contract"}, told)
        return {source.path for source in told["told"]}

    assert found() == {tmp_path / "a.sql"}
    (module.parent / "a.sql").write_text("SELECT 2")
    assert found() == {module.parent / "a.sql"}


def test_importing_the_package_imports_none_of_the_libraries():
    heavy = {"sqlalchemy", "alembic", "asyncpg", "asyncio"}
    code = f"import sys, crudspec.entity.sources; print({heavy} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


# Digests


def test_the_digest_follows_what_the_schema_is_made_from(tmp_path):
    ini = project(tmp_path)
    step = tmp_path / "migrations" / "versions" / "0001_step.py"
    data = tmp_path / "migrations" / "seed.sql"
    seen = [Alembic(ini).digest(), Alembic(ini, online=True).digest(), Alembic(ini, revision="0001").digest()]
    for path, text in ((step, step.read_text() + "#"), (data, "SELECT 1"), (ini, ini.read_text() + "#")):
        path.write_text(text)
        seen.append(Alembic(ini).digest())
    assert len(set(seen)) == len(seen)

    for other in ("__pycache__/env.pyc", ".git/index", "venv/pyvenv.cfg"):
        path = tmp_path / "migrations" / other
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    assert Alembic(ini).digest() == seen[-1]


def test_a_source_that_has_begun_stays_with_its_digest(tmp_path):
    path = tmp_path / "a.sql"
    path.write_text("SELECT 1")
    source = Sql(path)
    before = source.digest()
    path.write_text("SELECT 2")
    assert source.digest() == before
    assert Sql(path).digest() != before


def test_equal_metadata_has_equal_digests():
    def made(*columns: str) -> Metadata:
        metadata = sa.MetaData()
        sa.Table("orders", metadata, *(sa.Column(name, sa.Integer) for name in columns))
        return Metadata(metadata)

    assert made("a").digest() == made("a").digest()
    assert made("a").digest() != made("a", "b").digest()


# What is said


def test_the_built_in_schema_is_the_table_tasks():
    assert isinstance(BUILT_IN, Source)
    assert "CREATE TABLE tasks" in BUILT_IN.script()


def test_metadata_is_create_all_and_the_schemas_that_it_needs():
    said = texts(Metadata(Base.metadata).script())
    assert [text.partition(" (")[0] for text in said] == [
        "CREATE SCHEMA IF NOT EXISTS shop",
        "CREATE TYPE state AS ENUM",
        "CREATE TABLE shop.orders",
    ]
    assert "LIKE 'A%')" in said[-1]  # and not %%, which only some drivers read as one


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"PGDMP\x01\x0f", "--format=plain", id="dump"),
        ("CREATE TABLE ö ()".encode("utf-16"), "UTF-8"),
    ],
)
def test_a_file_that_is_no_text_is_one_line(content, said, tmp_path):
    (tmp_path / "a.sql").write_bytes(content)
    with pytest.raises(EntityError, match=said):
        Sql(tmp_path / "a.sql").script()


def test_metadata_without_a_table_says_what_to_import():
    with pytest.raises(EntityError, match="import the modules"):
        Metadata(sa.MetaData()).script()


# A script is cut as psql cuts it


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT ';'",
        "SELECT 'it''s;'",
        r"SELECT E'\';'",
        r"SELECT '\'",
        'SELECT 1 AS ";"',
        "SELECT $$;$$",
        "SELECT $a$;$$;$a$",
        "SELECT $1a",
        "SELECT a$b$",
        "SELECT 1 -- ;\n + 1",
        "SELECT /* ; /* ; */ ; */ 1",
        "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END",
        "create or replace procedure begin_it() begin atomic select 1; end",
        "BEGIN",
        "SELECT CASE WHEN begin THEN 1 END",
    ],
)
def test_a_semicolon_inside_something_ends_nothing(statement):
    assert texts(f"-- first;\n{statement};\n/* ; */ SELECT 'last' ; ;") == [statement, "SELECT 'last'"]


def test_what_protects_psql_is_passed_over():
    assert texts("\\restrict abc'\nSELECT 1;\n\\unrestrict abc'\n") == ["SELECT 1"]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("SELECT 1;\n\\connect shop\n", r"line 2: \\connect .* without --create"),
        ("\\i other.sql", r"line 1: \\i "),
        ("SELECT 1 \\gset", r"\\gset"),
        ("COPY public.orders (id, note) FROM stdin;\n1\tit's\n\\.\n", "pg_dump --schema-only"),
        ("SELECT 1;\n\nSELECT 'a", "line 3: a ' is opened"),
        ('SELECT "a', 'line 1: a " is opened'),
        ("/* a", "line 1: a comment"),
        ("DO $x$ a $$", "line 1: .*x.* is opened"),
        ("CREATE ROLE shop PASSWORD 'secret'", r"PASSWORD '\*\*\*': .* --no-owner --no-privileges"),
        ("alter  user shop superuser", "whole server"),
        ("CREATE DATABASE shop", "whole server"),
        ("ALTER DATABASE shop SET timezone = 'UTC'", "whole server"),
        ("GRANT CONNECT ON DATABASE shop TO public", "whole server"),
        ("ALTER SYSTEM SET fsync = off", "whole server"),
    ],
)
def test_what_is_no_schema_is_refused_with_its_line(script, said):
    with pytest.raises(EntityError, match=said):
        texts(script)


@pytest.mark.parametrize(
    "statement", ["CREATE USER MAPPING FOR u SERVER s", "CREATE TABLE role ()", "COPY a TO '/dev/null'", ORDERS]
)
def test_what_only_looks_like_it_is_not_refused(statement):
    assert texts(statement) == [statement]
