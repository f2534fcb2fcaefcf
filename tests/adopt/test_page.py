"""``docs/your-own-table.md``: what it says to write is written, and what it shows is what is shown."""

import re
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from crudspec.cli import main

PAGE = (Path(__file__).parents[2] / "docs" / "your-own-table.md").read_text("utf-8")
BLOCKS = dict(re.findall(r"^```\w+ (\S+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
COMMANDS = re.findall(r"^```sh\ncrudspec (.*)\n```$", PAGE, re.MULTILINE)


@pytest.fixture
def project(consumer):
    for name, text in BLOCKS.items():
        if name.endswith((".sql", ".py")):
            consumer.write(name, text)
    return consumer


def shown(text):
    """Without what differs from run to run."""
    return re.sub(r"\bid=\d+|update\(\d+|of \d+ checks| --server=\S+", "", text).split("\n")


def run(project, command, *args):
    options = ["--server", "external", "--dsn", project.dsn]
    result = CliRunner().invoke(main, [command, *options, *args])
    sys.stdout.write(result.output)
    return result


def test_what_was_understood_is_shown(project):
    assert "entity shop/contract.py:Orders" in COMMANDS
    result = run(project, "entity", "shop/contract.py:Orders")

    assert result.output == BLOCKS["entity"]


def test_the_finding_is_shown(project):
    assert "check shop/contract.py:Orders -k UPDATE-1" in COMMANDS
    result = run(project, "check", "shop/contract.py:Orders", "-k", "UPDATE-1")

    assert result.exit_code == 1
    assert shown(result.output[result.output.index("DATA ") :]) == shown(BLOCKS["check"])


def test_the_class_can_be_written_anew(project):
    (project.path / "shop" / "contract.py").unlink()
    command = "new shop/contract.py --table orders --schema schema.sql"
    assert command in COMMANDS
    result = run(project, *command.split())

    assert result.exit_code == 0
    assert "async def create(" in (project.path / "shop" / "contract.py").read_text("utf-8")


def test_without_the_bug_the_finding_is_gone(project):
    path = project.path / "shop" / "orders.py"
    text = path.read_text("utf-8")
    assert " if value}" in text
    path.write_text(text.replace(" if value}", "}"), "utf-8")

    assert run(project, "check", "shop/contract.py:Orders", "-k", "UPDATE-1").exit_code == 0


def test_the_settings_can_be_read(project):
    project.write("pyproject.toml", BLOCKS["pyproject.toml"])
    result = CliRunner().invoke(main, ["check", "--list", "-k", "UPDATE-1"])

    assert result.exit_code == 0
    assert "UPDATE-1       Orders" in result.output
