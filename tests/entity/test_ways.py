"""A correct backend never fails, whatever its table: three ways to each of the tables keep the whole contract."""

import re
from itertools import cycle

import pytest
from click.testing import CliRunner
from tests.entity.tables import ENTITIES
from tests.entity.ways import WAYS

from crudspec.cli import main
from crudspec.server import Server

FEW = ("CREATE-1", "UPDATE-4", "UNIQUE-1", "REFERENCE-1")
"""What is asked in every run of our own tests."""


def keeps(server: Server, classes: list[str], *more: str) -> None:
    """Ask ways to tables: nothing fails, and there is nothing that could not be asked."""
    specs = [f"tests.entity.ways:{name}" for name in classes]
    command = ["check", *specs, "--server", "external", "--dsn", server.dsn, "--strict", "--effort", "quick", *more]
    done = CliRunner().invoke(main, command, prog_name="crudspec", catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert not re.search("^.*not run.*$", done.output, re.MULTILINE), done.output


def test_each_table_has_a_way_that_keeps_what_it_asks_for(server: Server) -> None:
    """One way to each table, by turns, as all of them would take minutes."""
    classes = [f"{entity}_{way}" for entity, way in zip(ENTITIES, cycle(("records", "mapped")), strict=False)]
    keeps(server, classes, "-k", " or ".join(FEW))


@pytest.mark.slow
@pytest.mark.parametrize("entity", ENTITIES)
def test_ways_keep_the_whole_contract(entity: str, server: Server) -> None:
    keeps(server, [f"{entity}_{way}" for way in WAYS])
