"""The command line: what it prints, and the status it exits with."""

import re
from importlib.metadata import version

import pytest
from click.testing import CliRunner

from crudspec.cli import main
from crudspec.contract.clauses import CLAUSES

WRONG = {
    "no command": ([], 4),
    "an unknown command": (["chek"], 4),
    "an unknown option": (["check", "--fast"], 4),
    "an unknown server": (["check", "--server", "mainframe"], 4),
    "an unknown profile": (["check", "--profile", "crd"], 4),
    "an unknown effort": (["check", "--effort", "heroic"], 4),
    "no workers": (["check", "-n", "0"], 4),
    "an unknown clause": (["spec", "CREATE-99"], 4),
    "a template that is no Python file": (["new", "backend.txt"], 4),
    "a template with a bad name": (["new", "backend.py", "--name", "my backend"], 4),
    "a template with a keyword for a name": (["new", "backend.py", "--name", "class"], 4),
    "mutants without a gallery": (["mutants"], 4),
    "an empty DSN": (["demo", "--dsn", ""], 4),
    "a template in no folder": (["new", "nowhere/backend.py"], 4),
    "a demo of nobody": (["demo", "nobody"], 4),
    "a demo on a server that is not there": (["demo", "--server", "external"], 4),
    "the cost on a server that is not there": (["cost", "--server", "external"], 4),
}


@pytest.mark.parametrize(("args", "status"), WRONG.values(), ids=WRONG)
def test_wrong_usage_is_told_without_a_traceback(args, status, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CRUDSPEC_DSN", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    result = CliRunner().invoke(main, args)

    assert result.exit_code == status, result.output
    assert isinstance(result.exception, SystemExit)
    assert "Usage:" in result.output
    assert not list(tmp_path.iterdir())


def test_spec_prints_a_clause():
    result = CliRunner().invoke(main, ["spec", "create-4", "GET-6"])

    assert result.exit_code == 0
    assert [line.partition(":")[0] for line in result.output.splitlines()] == [
        "CREATE-4 (MUST, crud; if not",
        "GET-6 (SHOULD, crud; if not",
    ]


def test_help_names_every_command():
    result = CliRunner().invoke(main, ["--help"])

    assert all(f"  {name} " in result.output for name in ("check", "demo", "spec", "new"))
    assert CliRunner().invoke(main, ["--version"]).output.strip().endswith(version("crudspec"))


def test_check_exits_0_where_all_holds(consumer):
    """In a project whose pytest configuration would break the suite, and whose conftest would, too."""
    consumer.write(
        "pyproject.toml",
        """
        [tool.pytest.ini_options]
        addopts = "--cov --no-such-option"
        python_files = "check_*.py"
        python_functions = "check_*"
        asyncio_mode = "auto"
        filterwarnings = ["error"]
        """,
    )
    consumer.write("conftest.py", "raise RuntimeError('the suite has nothing to do with me')\n")
    result = consumer.check("asyncpg", "core", "-k", "CREATE-6 or GET-4", "--strict")

    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "crudspec: PostgreSQL 17*backends asyncpg (asyncpg *), core (sqlalchemy *",
            "*CREATE-6 * pass *pass *",
            "6 of 6 planned checks were run*",
        ]
    )
    assert not list(consumer.path.glob(".pytest_cache"))
    assert not list(consumer.path.glob(".hypothesis"))


def test_check_exits_1_where_a_promise_is_broken_and_stops_where_asked(consumer):
    assert CliRunner().invoke(main, ["new", "mine.py", "--name", "Mine"]).exit_code == 0
    result = consumer.check("mine.py:Mine", "-k", "CREATE-6 or GET-2", "-x")

    assert result.ret == 1
    text = result.stdout.str()
    for told in ("an operation is not written yet", "    create: fill in create: INSERT INTO tasks", "INCOMPLETE"):
        assert told in text
    assert "is broken by" not in text
    assert "Traceback" not in text + result.stderr.str()


def test_check_hands_its_options_on_and_its_status_back(monkeypatch):
    given = []
    monkeypatch.setattr("crudspec.check.run", lambda order, **options: given.append((order, options)) or 4)
    options = ["--server", "embedded", "--profile", "crud", "--strict", "--effort", "quick", "--deadline", "3"]
    options += ["-k", "CREATE-6", "-n", "2", "-x", "-v"]
    result = CliRunner().invoke(main, ["check", "asyncpg", "a.py:Mine", *options])

    assert result.exit_code == 4
    order, shown = given[0]
    named = {"--crud-backend=asyncpg", "--crud-backend=a.py:Mine", "--crud-server=embedded", "--crud-profile=crud"}
    named |= {"--crud-strict", "--crud-effort=quick", "-k", "CREATE-6", "--crud-deadline=3.0"}
    assert named <= set(order.arguments)
    assert (order.processes, order.stop_at_first, order.effort, order.deadline) == (2, True, "quick", 3.0)
    assert order.choice.kind == "embedded"
    assert shown == {"verbose": True, "draft": None}


def test_a_dsn_is_in_no_argument_and_in_no_command(monkeypatch):
    given = []
    monkeypatch.setattr("crudspec.check.run", lambda order, **_: given.append(order) or 0)
    CliRunner().invoke(main, ["check", "asyncpg", "--dsn", "postgresql://u:s3cret@h/d"])

    assert "s3cret" not in repr(given[0])
    assert given[0].choice.dsn == "postgresql://u:s3cret@h/d"
    assert given[0].command == "crudspec check asyncpg"


@pytest.mark.parametrize("command", ["check", "demo", "cost"])
def test_a_dsn_for_a_backend_is_not_repeated(command, consumer):
    result = consumer.crudspec(command, "postgresql://user:s3cret@localhost/x", "--server", "embedded")
    text = result.stdout.str() + result.stderr.str()

    assert result.ret == 4
    assert "a URL stands where a backend was expected; a DSN goes to --dsn" in text
    assert "s3cret" not in text


def test_the_checks_that_would_run_are_listed_without_a_server(consumer):
    result = consumer.crudspec("check", "asyncpg", "--list", "-k", "CREATE-6 or GET-4", "--server", "external")

    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["CREATE-6 *asyncpg *test_*", "GET-4 *asyncpg *test_*", "3 of 9? checks"], consecutive=False
    )


def test_new_does_not_overwrite(tmp_path):
    path = tmp_path / "mine.py"
    first = CliRunner().invoke(main, ["new", str(path)])
    path.write_text("my own work\n")
    second = CliRunner().invoke(main, ["new", str(path)])

    assert (first.exit_code, second.exit_code) == (0, 4)
    assert f"crudspec check -x {path}:MyBackend" in first.output
    assert "left alone" in second.output
    assert path.read_text() == "my own work\n"


def test_new_says_what_cannot_be_written(monkeypatch, tmp_path):
    def refuses(*_args, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.write_text", refuses)
    result = CliRunner().invoke(main, ["new", str(tmp_path / "mine.py")])
    assert result.exit_code == 4
    assert "mine.py cannot be written: Permission denied" in result.output


def test_options_are_called_what_the_command_calls_them(consumer):
    result = consumer.check("asyncpg", "--server", "embedded", "--dsn", "postgresql://a@b/c")
    text = result.stdout.str() + result.stderr.str()
    assert result.ret == 4
    assert "so was --server embedded" in text


def test_demo_shows_each_backend_and_that_they_agree(consumer):
    server = ("--server", "external", "--dsn", consumer.dsn)
    consumer.write(
        "theirs.py",
        """
        from crudspec.backends.asyncpg import AsyncpgBackend

        class Other(AsyncpgBackend):
            async def update(self, task_id, title, done):
                await super().update(task_id, title, done)
                raise RuntimeError("late")
        """,
    )
    alone = CliRunner().invoke(main, ["demo", "theirs.py:Other", *server])
    same = CliRunner().invoke(main, ["demo", *server])
    other = CliRunner().invoke(main, ["demo", "asyncpg", "theirs.py:Other", *server])

    assert same.exit_code == 0
    assert re.search(r"asyncpg +core +orm +sqlmodel", same.output)
    assert same.output.count("title=a") >= 4
    assert "all the same" in same.output
    assert alone.exit_code == other.exit_code == 1
    assert "all the same" not in alone.output
    assert re.search(r"raised\s+RuntimeError:\s+late", other.output)
    assert "NOT all of it was done" in other.output
    assert consumer.password not in same.output + other.output


ITEMS = """
from contextlib import asynccontextmanager

import asyncpg

from crudspec.entity.entity import Entity


class Items:
    entity = Entity("items", "items.sql", names={"list_all": "all"})

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        self = cls()
        async with asyncpg.create_pool(dsn, min_size=1) as self.pool:
            yield self

    async def create(self, name):
        return await self.pool.fetchrow("INSERT INTO items (name) VALUES ($1) RETURNING *", name)

    async def get(self, key):
        return await self.pool.fetchrow("SELECT * FROM items WHERE id = $1", key)

    async def all(self):
        return await self.pool.fetch("SELECT * FROM items ORDER BY id")

    async def update(self, key, name):
        return await self.pool.execute("UPDATE items SET name = $2 WHERE id = $1", key, name) == "UPDATE 1"

    async def delete(self, key):
        return await self.pool.execute("DELETE FROM items WHERE id = $1", key) == "DELETE 1"


class More(Items):
    pass
"""


def test_demo_compares_no_keys_that_the_server_draws(consumer):
    key = "id uuid PRIMARY KEY DEFAULT gen_random_uuid()"
    consumer.write("items.sql", f"CREATE TABLE items ({key}, name text NOT NULL)")
    consumer.write("items.py", ITEMS)
    server = ("--server", "external", "--dsn", consumer.dsn)
    shown = CliRunner().invoke(main, ["demo", "items.py:Items", "items.py:More", *server])

    assert shown.exit_code == 0, shown.output
    assert "all the same, but for what the server fills in anew each time" in shown.output
    assert re.search(r"^all\(\) +id=", shown.output, re.MULTILINE)


def test_every_clause_can_be_named_on_the_command_line():
    result = CliRunner().invoke(main, ["spec", *(clause.id for clause in CLAUSES)])

    assert len(result.output.splitlines()) == len(CLAUSES)


def test_a_selection_that_leaves_nothing_is_wrong_usage_and_told_at_once(consumer):
    """The process of the checks waited for the word to go, and the parent for a plan, until it was taken for silent."""
    result = consumer.check("asyncpg", "-k", "CREATE-99")

    assert result.ret == 4
    told = result.stdout.str() + result.stderr.str()
    assert "the selection -k 'CREATE-99' leaves none of" in told
    assert "silent" not in told
