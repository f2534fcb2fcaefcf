"""``crudspec entity``, ``spec --entity``, ``new --table`` and ``database``: what a user does first with a table."""

import os
import re
import signal
import subprocess
import sys

import pytest
from click.testing import CliRunner
from tests.shops import CODE, SCHEMA

from crudspec.adopt.clauses import shortened
from crudspec.cli import main


@pytest.fixture
def shop(consumer):
    consumer.write("schema.sql", SCHEMA)
    consumer.write("shop.py", CODE)
    return consumer


def run(consumer, command, *args):
    result = CliRunner().invoke(main, [command, "--server", "external", "--dsn", consumer.dsn, *args])
    sys.stdout.write(result.output)
    return result


def sections(text):
    """The lines of each section, by its title."""
    found, title = {}, ""
    for line in text.splitlines():
        title = line[:11].strip() or title
        if line.strip():
            found.setdefault(title, []).append(line[11:])
    return found


def test_entity_says_what_was_understood(shop):
    result = run(shop, "entity", "shop.py:Orders")

    assert result.exit_code == 0
    found = sections(result.output)
    assert found["table"] == ["orders, from schema.sql"]
    assert found["key"] == ["id: the server makes it"]
    assert [line.split() for line in found["columns"][1:]] == [
        ["id", "bigint", "no", "a", "sequence"],
        ["customer_id", "bigint", "no", "given", "given"],
        ["reference", "varchar(20)", "no", "given", "given"],
        ["amount", "numeric(12,2)", "no", "given", "given"],
        ["status", "order_status", "no", "given", "'open'"],
        ["placed_at", "timestamptz", "no", "the", "clock"],
    ]
    assert found["unique"] == ["id", "reference"]
    assert found["parents"] == ["customer_id refers to customers (id)"]
    assert "create(customer_id=…, reference=…, amount=…) -> the row" in found["methods"]
    assert "list_all() -> every row, by id" in found["methods"]
    (amount,) = [line.split() for line in found["values"] if line.startswith("amount")]
    assert int(amount[1]) >= 4
    assert int(amount[2]) >= 4
    assert any(line.startswith("amount 'a digit too many") for line in found["changed"])
    assert any(line.startswith("CREATE-6: reference must be unique") for line in found["not asked"])
    assert any(line.startswith("SCHEMA-1, SCHEMA-2: not claimed; `metadata`") for line in found["not asked"])
    assert max(map(len, result.output.splitlines())) <= 80
    assert shop.password not in result.output


def test_entity_names_the_values(shop):
    result = run(shop, "entity", "shop.py:Orders", "-v")

    assert "status, stored as given: open, paid" in result.output
    assert "21 letters" in result.output
    assert max(map(len, result.output.splitlines())) <= 80


def test_entity_knows_the_built_in_table(shop):
    result = run(shop, "entity", "asyncpg")

    assert "table      tasks, from the migrations of crudspec" in result.output
    assert "           list_tasks() -> every row, by id" in result.output
    assert "UNIQUE-1, UNIQUE-2: nothing that is given must be unique" in result.output


def test_spec_has_the_values_beside_each_clause(shop):
    result = run(shop, "spec", "--entity", "shop.py:Orders", "create-4", "EXACT-1", "CREATE-6", "COST-2")

    assert result.exit_code == 0
    assert result.output.startswith("# The contract, on the table orders\n\n## CREATE-4 (MUST)\n\n")
    assert re.search(r"^\| column \| values \|\n\|---\|---\|\n\| `customer_id` \| ", result.output, re.MULTILINE)
    assert re.search(r"^\| `amount` \| `a digit too many behind the point` \|$", result.output, re.MULTILINE)
    assert "Does not apply: reference must be unique" in result.output
    assert "Not asked: not claimed; `round_trips` on the class would." in result.output


def test_ids_in_few_words():
    assert shortened(["A-1", "A-2", "A-3", "B-1", "B-2", "B-4", "C-9"]) == "A-1 to 3, B-1, B-2, B-4, C-9"


# What new writes


def test_new_writes_a_class_that_can_be_checked_at_once(shop):
    shop.write("pkg/__init__.py", "")
    result = run(shop, "new", "pkg/contract.py", "--table", "orders", "--schema", "schema.sql")

    assert result.exit_code == 0
    assert "now run: crudspec check -x pkg/contract.py:Orders" in result.output
    checked = shop.check("pkg/contract.py:Orders", "-k", "CREATE-1 or GET-1 or LIST-1 or UPDATE-1 or DELETE-1")
    text = checked.stdout.str()
    assert checked.ret == 1
    assert "1 finding: 1 data. Begin with CREATE-1: an operation is not written yet." in text
    for told in (
        "    create: TODO: INSERT INTO orders (customer_id, reference, amount) VALUES (...) RETURNING *",
        "    get: TODO: SELECT * FROM orders WHERE id = ...",
        "    list_all: TODO: SELECT * FROM orders ORDER BY id",
        "    delete: TODO: DELETE FROM orders WHERE id = ...",
    ):
        assert text.count(told) == 1, told
    assert "is broken by" not in text


def test_new_takes_models(shop):
    shop.write(
        "models.py",
        """
        from sqlalchemy import Column, Integer, MetaData, Table, Text

        metadata = MetaData()
        notes = Table("notes", metadata, Column("id", Integer, primary_key=True), Column("body", Text, nullable=False))
        """,
    )
    result = run(shop, "new", "mine.py", "--table", "notes", "--schema", "models:metadata", "--name", "Mine")

    assert result.exit_code == 0
    text = (shop.path / "mine.py").read_text("utf-8")
    assert "from models import metadata\n" in text
    assert 'entity = Entity(table="notes", schema=metadata)' in text
    assert "async def create(self, *, body: str) -> object:" in text
    assert run(shop, "entity", "mine.py:Mine").exit_code == 0


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--table", "orders"], "--table and --schema go together"),
        (["--schema", "schema.sql"], "--table and --schema go together"),
        (["--table", "orders", "--schema", "nope.sql"], "there is no file nope.sql"),
        (["--table", "orders", "--schema", "schema.txt"], 'no "module:attribute"'),
        (["--table", "order", "--schema", "schema.sql"], "did you mean 'orders'?"),
        (["--table", "orders", "--schema", "schema.sql", "--name", "a b"], "'a b' is no name for a class"),
    ],
)
def test_new_says_what_to_write(args, told, shop):
    result = run(shop, "new", "mine.py", *args)

    assert result.exit_code == 4
    assert told in result.stderr
    assert not (shop.path / "mine.py").exists()


# A database to run a program in

LOOKS = """
import asyncio, os, asyncpg

async def main():
    connection = await asyncpg.connect(os.environ["CRUDSPEC_DSN"])
    print("orders", await connection.fetchval("SELECT count(*) FROM orders"))
    print("customers", await connection.fetchval("SELECT count(*) > 0 FROM customers"))

asyncio.run(main())
raise SystemExit(7)
"""


def test_database_runs_a_command_and_ends_with_its_status(shop):
    shop.write("looks.py", LOOKS)
    server = ["--server", "external", "--dsn", shop.dsn]
    result = shop.crudspec("database", *server, "shop.py:Orders", "--", sys.executable, "looks.py")

    assert result.ret == 7
    assert result.outlines == ["orders 0", "customers True"]
    assert shop.password not in result.stderr.str()


def test_a_command_that_is_not_there(shop):
    result = run(shop, "database", "shop.py:Orders", "--", "no-such-program")

    assert result.exit_code == 4
    assert "'no-such-program' cannot be run: No such file or directory" in result.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_database_is_there_until_it_is_ended(number, shop):
    command = [
        sys.executable,
        "-m",
        "crudspec",
        "database",
        "--server",
        "external",
        "--dsn",
        shop.dsn,
        "shop.py:Orders",
    ]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.fullmatch(r"export CRUDSPEC_DSN='?(postgresql://\S+?)'?\n", line)
        assert found is not None
        dsn = found[1]
        seen = subprocess.run(
            [sys.executable, "-c", LOOKS], env={**os.environ, "CRUDSPEC_DSN": dsn}, check=False, capture_output=True
        )
        process.send_signal(number)
        _, said = process.communicate(timeout=60)

    assert seen.returncode == 7
    assert process.returncode == 0
    assert "the database is there until Ctrl-C" in said
    gone = subprocess.run(
        [sys.executable, "-c", LOOKS], env={**os.environ, "CRUDSPEC_DSN": dsn}, check=False, capture_output=True
    )
    assert b"does not exist" in gone.stderr
