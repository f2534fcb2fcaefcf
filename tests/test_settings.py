"""``[tool.crudspec]`` in ``pyproject.toml``: what need not be said on the command line."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from crudspec.cli import main
from crudspec.settings import Settings, SettingsError, read

ALL = """
[tool.crudspec]
backends = ["shop/contract.py:Orders", "shop.contract:Orders"]
server = "embedded"
profiles = ["crud", "cost"]
strict = true
effort = "quick"
deadline = 20
deviations = "known.toml"
"""

WRONG = {
    'backend = ["x"]': "has no key 'backend': did you mean 'backends'?",
    "colour = 1": "has no key 'colour'; there are backends, server,",
    'backends = "x"': "backends = 'x': write a list of texts",
    "backends = [1]": "write a list of texts",
    'server = "embeded"': "server = 'embeded' is none: did you mean 'embedded'?",
    "server = 3": "server = 3 is none",
    'profiles = ["crd"]': "no profile is named 'crd': did you mean 'crud'?",
    'strict = "yes"': "write true or false",
    'effort = "heroic"': "is none; there are quick, default, thorough",
    "deadline = 0": "write a number of seconds, more than 0",
    "deadline = true": "write a number of seconds",
    "deviations = 3": "write the path of a file, or tables",
    'deviations = [{ backend = "a" }]': "deviation 1: lacks a clause",
    'dsn = "postgresql://u:s3cret@h/d"': 'write server = "external", and set CRUDSPEC_DSN',
    "= 3": "is no TOML",
}

TASKS = """
    from crudspec.backends.asyncpg import AsyncpgBackend

    class Tasks(AsyncpgBackend):
        pass

    class Loud(AsyncpgBackend):
        async def create(self, title):
            return await super().create(title.upper() if isinstance(title, str) else title)
"""


def test_all_of_it_is_read(tmp_path):
    (tmp_path / "pyproject.toml").write_text(ALL)

    assert read(tmp_path) == Settings(
        folder=tmp_path,
        backends=("shop/contract.py:Orders", "shop.contract:Orders"),
        server="embedded",
        profiles=("crud", "cost"),
        strict=True,
        effort="quick",
        deadline=20.0,
        deviations=tmp_path / "known.toml",
    )


def test_the_nearest_file_counts_and_paths_are_from_there(tmp_path):
    inner = tmp_path / "shop" / "tests"
    inner.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text(ALL)

    assert read(inner).backends == ("../contract.py:Orders", "shop.contract:Orders")
    (inner / "pyproject.toml").write_text("[project]\n")
    assert read(inner) == Settings(folder=inner)


def test_no_file_says_nothing(monkeypatch):
    monkeypatch.setattr(Path, "is_file", lambda _: False)

    assert read(Path.cwd()) == Settings()


@pytest.mark.parametrize(("line", "told"), WRONG.items())
def test_what_cannot_be_meant_is_one_line(line, told, tmp_path):
    (tmp_path / "pyproject.toml").write_text(f"[tool.crudspec]\n{line}\n")
    with pytest.raises(SettingsError) as error:
        read(tmp_path)

    assert told in str(error.value)
    assert str(error.value).startswith("pyproject.toml")
    assert "\n" not in str(error.value)
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize("command", ["check", "demo", "cost"])
def test_every_command_refuses_it(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text('[tool.crudspec]\nserver = "docker"\n')
    result = CliRunner().invoke(main, [command])

    assert result.exit_code == 4
    assert result.stderr.splitlines()[-1].startswith("Error: pyproject.toml: [tool.crudspec] server = 'docker' is none")


def test_check_needs_no_options(consumer):
    consumer.write("tasks.py", TASKS)
    consumer.write(
        "pyproject.toml",
        """
        [tool.crudspec]
        backends = ["tasks.py:Tasks"]
        profiles = ["crud"]
        effort = "quick"
        """,
    )
    listed = consumer.check("--list")
    given = consumer.check("--list", "--profile", "cost", "asyncpg")

    assert listed.ret == given.ret == 0
    assert "CREATE-1" in listed.stdout.str()
    assert "LOST-1" not in listed.stdout.str()
    assert "asyncpg" not in listed.stdout.str()
    assert {line.split()[1] for line in given.outlines[:-1]} == {"asyncpg"}
    assert "CREATE-1" not in given.stdout.str()


def test_deviations_may_stand_in_it(consumer):
    consumer.write("tasks.py", TASKS)
    consumer.write(
        "pyproject.toml",
        """
        [tool.crudspec]
        backends = ["tasks.py:Loud"]

        [[tool.crudspec.deviations]]
        backend = "Loud"
        clause = "CREATE-3"
        reason = "upper case, on purpose"
        """,
    )
    result = consumer.check("-k", "CREATE-3")

    assert result.ret == 0
    assert "deviates: CREATE-3, Loud: upper case, on purpose" in result.stdout.str()


def test_the_suite_among_the_testpaths_is_asked_where_no_path_is_given(consumer):
    consumer.write("tasks.py", TASKS)
    consumer.write("tests/test_theirs.py", "def test_theirs(): pass\n")
    consumer.write(
        "pyproject.toml",
        """
        [tool.crudspec]
        backends = ["tasks.py:Tasks"]

        [tool.pytest]
        testpaths = ["tests", "crudspec.conformance"]
        asyncio_default_fixture_loop_scope = "function"
        filterwarnings = ["error"]
        """,
    )
    server = ("--crud-server=external", f"--crud-dsn={consumer.dsn}")
    both = consumer.run(*server, "-k", "theirs or CREATE-6")
    theirs = consumer.run("tests")

    both.assert_outcomes(passed=2, deselected=None)
    assert "No findings: Tasks keeps the clause." in both.stdout.str()
    theirs.assert_outcomes(passed=1)
    assert "contract" not in theirs.stdout.str()
