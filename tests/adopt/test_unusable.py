"""What of an entity cannot be used is told in one line that says what to write, whichever command it is."""

import asyncio

import pytest
from click.testing import CliRunner
from tests.shops import CODE, SCHEMA

from crudspec import EntityError
from crudspec.backends.registry import BackendError, resolve
from crudspec.cli import main
from crudspec.harness.databases import scratch_with

COMMANDS = {
    "check": ["check", "shop.py:Wrong"],
    "demo": ["demo", "shop.py:Wrong"],
    "cost": ["cost", "shop.py:Wrong"],
    "entity": ["entity", "shop.py:Wrong"],
    "database": ["database", "shop.py:Wrong", "--", "true"],
}

WRONG = {
    "a table that is not there": ('table="order", schema="schema.sql"', "table='order' is not there: did you mean"),
    "a view": ('table="open_orders", schema="schema.sql"', "is a view: name the table"),
    "no primary key": ('table="log", schema="schema.sql"', "has no primary key: name one that has"),
    "a schema that does not apply": ('table="t", schema="broken.sql"', 'type "nosuch" does not exist (42704), line 2'),
    "a missing extension": ('table="t", schema="extension.sql"', "the extension nosuch cannot be had on this server"),
    "a type without values": ('table="p", schema="odd.sql"', "of which no values are known: say values="),
    "a CHECK": ('table="c", schema="odd.sql"', "refuses every value that was tried: say values="),
    "an order by nothing": ('table="orders", schema="schema.sql", order=("placed",)', "did you mean 'placed_at'?"),
    "values of nothing": ('table="orders", schema="schema.sql", values={"refs": Values()}', "has no column 'refs'"),
    "an update of nothing": ('table="orders", schema="schema.sql", update=("statu",)', "did you mean 'status'?"),
    "a seed that does not apply": (
        'table="orders", schema="schema.sql", seed="INSERT INTO x DEFAULT VALUES"',
        "the seed",
    ),
    "a MetaData that is none": ('table="orders", schema=Base', "schema: Base is none; write schema="),
    "a module that is not there": ('table="orders", schema="nosuch:metadata"', "cannot import nosuch"),
}

ODD = """
CREATE TABLE p (id serial PRIMARY KEY, at point NOT NULL);
CREATE TABLE c (id serial PRIMARY KEY, code text NOT NULL CHECK (code ~ '^X[0-9]{7}Y$'));
"""

AT_ONCE = {
    "no schema": ('table="orders"', 'Entity(table="orders") lacks its schema: write schema=Alembic("alembic.ini")'),
    "a file that is not there": ('table="orders", schema="nope.sql"', "there is no file nope.sql"),
    "an ini that is not there": ('table="orders", schema=Alembic("nope.ini")', "there is no file nope.ini"),
    "a seed that is not there": (
        'table="orders", schema="schema.sql", seed="nope.sql"',
        "seed: there is no file nope.sql",
    ),
    "an order in one text": ('table="orders", schema="schema.sql", order="id"', 'write order=("id",)'),
    "values that are none": ('table="orders", schema="schema.sql", values={"a": [1]}', '"a": Values(valid=[…])'),
    "names that are none": ('table="orders", schema="schema.sql", names=("get",)', "names=('get',) is no dict"),
    "an operation that is none": (
        'table="orders", schema="schema.sql", names={"gett": "x"}',
        "which is none of create",
    ),
    "a table that is no name": ("table=3, schema='schema.sql'", "table=3 is no name"),
}


class Shop:
    """A project with tables, and a class whose entity is the test's."""

    def __init__(self, consumer):
        self._consumer = consumer
        consumer.write("schema.sql", SCHEMA)
        consumer.write("broken.sql", "\nCREATE TABLE t (id int PRIMARY KEY, x nosuch);")
        consumer.write("extension.sql", "CREATE EXTENSION nosuch;")
        consumer.write("odd.sql", ODD)

    def write(self, entity):
        self._consumer.write("shop.py", f"{CODE}\nclass Wrong(Base):\n    entity = {entity}\n")

    def run(self, command, entity):
        self.write(entity)
        name, *args = COMMANDS[command]
        return CliRunner().invoke(main, [name, "--server", "external", "--dsn", self._consumer.dsn, *args])


@pytest.fixture
def shop(consumer):
    return Shop(consumer)


def is_one_line(result, told: str) -> bool:
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert told in line
    assert "Traceback" not in result.output + result.stderr
    return result.exit_code == 4


@pytest.mark.parametrize(("entity", "told"), WRONG.values(), ids=WRONG)
def test_one_line_says_what_to_write(entity, told, shop, server):
    shop.write(f"Entity({entity})")
    (found,) = resolve(["shop.py:Wrong"])
    with pytest.raises(EntityError) as error:
        asyncio.run(scratch_with(server, "wrong", found.entity))

    assert told in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("entity", "told"), AT_ONCE.values(), ids=AT_ONCE)
def test_what_is_wrong_without_a_server_is_told_without_one(entity, told, shop):
    shop.write(f"Entity({entity})")
    with pytest.raises(BackendError) as error:
        resolve(["shop.py:Wrong"])

    assert str(error.value).startswith("shop.py:Wrong: ")
    assert told in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_tells_it(command, shop):
    result = shop.run(command, 'Entity(table="order", schema="schema.sql")')

    assert is_one_line(result, "did you mean 'orders'?")
    assert "Usage:" not in result.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_an_entity_that_is_none(command, shop):
    assert is_one_line(shop.run(command, '"orders"'), "Wrong.entity is of type str; write")


def test_a_class_that_lacks_a_method(consumer):
    consumer.write("schema.sql", SCHEMA)
    consumer.write(
        "shop.py", f"{CODE}\nclass Wrong:\n    entity = Base.entity\n    connect = create = get = Base.get\n"
    )
    result = consumer.check("shop.py:Wrong")

    assert is_one_line(result_of(result), "Wrong lacks list_all, update, delete; a backend has connect and the five")


def result_of(result):
    """As click's runner has it."""
    result.stderr, result.output, result.exit_code = "\n".join(result.errlines), "", result.ret
    return result


def test_the_others_go_on_and_the_run_is_not_green(consumer):
    consumer.write("schema.sql", SCHEMA)
    consumer.write("shop.py", f"{CODE}\nclass Wrong(Base):\n    entity = Entity(table='log', schema='schema.sql')\n")
    result = consumer.check("shop.py:Wrong", "shop.py:Orders", "-k", "CREATE-7 or LIST-2")

    assert result.ret == 1
    text = result.stdout.str()
    assert text.count("nothing was asked of Wrong: table 'log' has no primary key") == 1
    assert "No findings: Orders keeps all 2 clauses." in text
    assert "INCOMPLETE" not in text
    assert "is broken by" not in text


def test_where_none_can_be_used_the_run_is_none(consumer):
    consumer.write("schema.sql", SCHEMA)
    consumer.write(
        "shop.py",
        f"{CODE}\nclass Log(Base):\n    entity = Entity(table='log', schema='schema.sql')\n"
        "class View(Base):\n    entity = Entity(table='open_orders', schema='schema.sql')\n",
    )
    result = consumer.check("shop.py:Log", "shop.py:View", "-k", "GET-1", "-n", "2")

    assert result.ret == 4
    (line,) = [line for line in result.errlines if line.startswith("Error: ")]
    assert "Log: table 'log' has no primary key" in line
    assert "View: table='open_orders' is a view" in line


def test_pytest_tells_it_once(consumer):
    consumer.write("schema.sql", SCHEMA)
    consumer.write("shop.py", f"{CODE}\nclass Wrong(Base):\n    entity = Entity(table='log', schema='schema.sql')\n")
    result = consumer.suite("--crud-backend=shop.py:Wrong", "-k", "CREATE-1 or GET-1")

    assert result.ret == 4
    result.assert_outcomes(errors=1, skipped=4)
    assert "nothing can be asked of Wrong: table 'log' has no primary key" in result.stdout.str()
    assert "Traceback" not in result.stdout.str()
