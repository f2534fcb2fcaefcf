"""``crudspec new``: the class that it writes for a table, whatever the table is called and has in it."""

import asyncio
import subprocess
import sys

import pytest
from tests.entity.tables import ENTITIES

from crudspec.adopt.adapter import adapter, class_name_of
from crudspec.backends.registry import resolve
from crudspec.entity.entity import Entity
from crudspec.entity.reflect import reflect


@pytest.fixture(autouse=True)
def _in_a_project(tmp_path, monkeypatch):
    (tmp_path / "schema.sql").touch()
    monkeypatch.chdir(tmp_path)


def written(made, tmp_path, sql: str, table: str, **more):
    dsn = made(sql)
    found = asyncio.run(reflect(dsn, Entity(table=table, schema="schema.sql", **more)))
    name = class_name_of(table)
    text = adapter(found, named=table, schema="schema.sql", class_name=name, path="mine.py")
    (tmp_path / "mine.py").write_text(text, "utf-8")
    return text, f"{tmp_path / 'mine.py'}:{name}"


def is_clean(path) -> bool:
    """As ruff has it where nobody says otherwise, and with what many projects add."""
    for command in (["check", "--select", "E4,E7,E9,F,I,UP,B,N,W"], ["format", "--check"]):
        call = [sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache", path]
        done = subprocess.run(call, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr + path.read_text()
    return True


@pytest.mark.parametrize("name", ENTITIES)
def test_the_class_is_clean_and_is_a_backend(name, made, tmp_path):
    entity = ENTITIES[name]
    text, spec = written(made, tmp_path, name, entity.table)

    assert is_clean(tmp_path / "mine.py"), text
    (found,) = resolve([spec])
    assert found.entity.table == entity.table


def test_columns_are_parameters(made, tmp_path):
    text, _ = written(made, tmp_path, "parents", "books")

    assert "    async def create(" in text
    assert "        author_id: UUID," in text
    assert "        publisher: str | None," in text
    assert "    async def get(self, id_: int) -> object | None:" in text
    assert '"TODO: INSERT INTO books (title, author_id, editor_id, publisher) VALUES "' in text


@pytest.mark.parametrize("column", ['"class"', '"first name"', '"self"', '"2nd"'])
def test_what_is_no_name_in_python_makes_all_values_one_parameter(column, made, tmp_path):
    text, _ = written(made, tmp_path, f"CREATE TABLE t (id bigserial PRIMARY KEY, {column} int NOT NULL)", "t")

    assert "async def create(self, **values: object) -> object:" in text
    assert "async def update(self, id_: int, **values: object) -> bool:" in text
    assert is_clean(tmp_path / "mine.py")


def test_odd_names_are_quoted_in_the_statements(made, tmp_path):
    text, _ = written(made, tmp_path, "quoted_names", "Order")

    assert 'class Order:\n    entity = Entity(table="Order"' in text
    assert 'SELECT * FROM "Order"' in text


def test_a_key_that_only_the_server_makes_and_nothing_to_update(made, tmp_path):
    text, _ = written(made, tmp_path, "CREATE TABLE t (id uuid PRIMARY KEY DEFAULT gen_random_uuid())", "t")

    assert "async def create(self) -> object:" in text
    assert "INSERT INTO t DEFAULT VALUES RETURNING *" in text
    assert "No column of this table can be updated" in text


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("orders", "Orders"),
        ("order_lines", "OrderLines"),
        ("shop.orders", "Orders"),
        ("Order", "Order"),
        ("2024", "MyBackend"),
        ("none", "MyBackend"),
        ("日記", "日記"),
    ],
)
def test_the_class_is_called_after_the_table(table, name):
    assert class_name_of(table) == name
