"""A correct backend never fails, whatever its table: three ways to each of the tables keep the whole contract."""

import os
import re
from itertools import cycle

import pytest
from click.testing import CliRunner
from tests.entity.tables import ENTITIES
from tests.entity.ways import WAYS

from crudspec.cli import main
from crudspec.server import Server

TELLING = ("composite_key", "rich_types", "parents", "unique_pair", "check_pair", "other_schema")
"""Tables that differ most: all of them would take minutes."""

FEW = ("CREATE-1", "UPDATE-4", "UNIQUE-1", "REFERENCE-1")
"""What is asked in every run of our own tests."""


_ALL = bool(os.environ.get("CRUDSPEC_ALL_WAYS"))
_TABLES = list(ENTITIES) if _ALL else TELLING
_ASKED = [(entity, list(WAYS) if _ALL else [way]) for entity, way in zip(_TABLES, cycle(WAYS), strict=False)]
"""The most telling tables with one way each, by turns; all of them with all three where there is time for it."""


def keeps(server: Server, classes: list[str], *more: str) -> None:
    """Ask ways to tables: nothing fails, and there is nothing that could not be asked."""
    specs = [f"tests.entity.ways:{name}" for name in classes]
    command = ["check", *specs, "--server", "external", "--dsn", server.dsn, "--strict", "--effort", "quick", *more]
    done = CliRunner().invoke(main, command, prog_name="crudspec", catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert not re.search("^.*not run.*$", done.output, re.MULTILINE), done.output


def test_each_way_keeps_what_a_table_asks_for(server: Server) -> None:
    """By turns, so that each table is asked about once."""
    classes = [f"{entity}_{way}" for entity, way in zip(TELLING, cycle(("records", "mapped")), strict=False)]
    keeps(server, classes, "-k", " or ".join(FEW))


@pytest.mark.slow
@pytest.mark.parametrize(("entity", "ways"), _ASKED, ids=_TABLES)
def test_ways_keep_the_whole_contract(entity: str, ways: list[str], server: Server) -> None:
    keeps(server, [f"{entity}_{way}" for way in ways])
