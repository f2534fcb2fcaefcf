"""The applications in ``examples/``, each with its adapter: what is found in them is what is said beside them."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from crudspec.server import Server

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"

LONGEST = 25
"""Lines of an adapter, its imports included, its docstring and empty lines not."""

SOME = "CREATE-1 or GET-1 or LIST-1 or UPDATE-1 or DELETE-1 or SCHEMA-1"
"""What tells within seconds that a recipe works at all."""


@dataclass(frozen=True)
class Recipe:
    """An application."""

    folder: str
    cls: str
    needs: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        return EXAMPLES / self.folder

    @property
    def adapter(self) -> str:
        return (self.path / "contract.py").read_text("utf-8")


RECIPES = [
    Recipe("shop_fastapi_sqlmodel", "Orders", ("fastapi", "pydantic_settings")),
    Recipe("functions_sqlalchemy", "Products"),
    Recipe("service_pydantic", "Bookings"),
    Recipe("django_app", "Books", ("django",)),
    Recipe("tortoise_app", "Events", ("tortoise",)),
]

each = pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.folder)


def needs(*modules: str) -> None:
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)}: nox -s peers")


def run(recipe: Recipe, *command: str, dsn: str = "", seconds: float = 120) -> subprocess.CompletedProcess[str]:
    """Run a command where the recipe's own author would."""
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environment |= {"DATABASE_URL": dsn} if dsn else {}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=recipe.path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def check(recipe: Recipe, server: Server, *options: str, seconds: float = 120) -> str:
    needs(*recipe.needs)
    where = ["--server=external", f"--dsn={server.dsn}"]
    command = ["-m", "crudspec", "check", f"contract.py:{recipe.cls}", *where, *options]
    return run(recipe, *command, seconds=seconds).stdout


def test_each_folder_is_a_recipe():
    assert {path.parent.name for path in EXAMPLES.glob("*/contract.py")} == {recipe.folder for recipe in RECIPES}


@each
def test_it_keeps_what_tells_that_it_works(recipe, server):
    assert "planned checks were run" in check(recipe, server, "-k", SOME)


# Whole runs take minutes: of one everywhere, of all where somebody has a quarter of an hour, or works on recipes.
_ALL = bool(os.environ.get("CRUDSPEC_ALL_WAYS")) or find_spec("django") is not None


@pytest.mark.slow
@pytest.mark.parametrize(
    "recipe",
    [recipe for recipe in RECIPES if _ALL or recipe.folder == "service_pydantic"],
    ids=lambda recipe: recipe.folder,
)
def test_it_deviates_in_what_is_listed_beside_it_and_in_nothing_else(recipe, server):
    """An entry whose clause holds fails the run as well, and so does a clause that could not be asked."""
    assert "planned checks were run" in check(recipe, server, "--strict", seconds=1800)


@each
def test_its_adapter_is_short(recipe):
    (docstring, *_) = ast.parse(recipe.adapter).body
    lines = recipe.adapter.splitlines()[docstring.end_lineno :]
    assert len([line for line in lines if line.strip()]) <= LONGEST


@each
def test_the_page_has_its_adapter(recipe):
    page = (ROOT / "docs" / "recipes.md").read_text("utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert recipe.adapter in blocks
    assert f"../examples/{recipe.folder}" in page


def test_the_page_has_nothing_else():
    page = (ROOT / "docs" / "recipes.md").read_text("utf-8")
    assert len(re.findall(r"```python\n", page)) == len(RECIPES)


def test_the_shop_has_its_routes():
    """They use the repository that is checked; to import them, no settings are needed."""
    (shop, *_) = RECIPES
    needs(*shop.needs)
    told = run(shop, "-c", "from shop.main import app; print(*app.openapi()['paths'])").stdout
    assert told.split() == ["/orders", "/orders/{order_id}"]


def test_the_schema_is_what_django_makes(blank_dsn):
    recipe = next(recipe for recipe in RECIPES if "django" in recipe.needs)
    needs(*recipe.needs)
    run(recipe, "manage.py", "makemigrations", "--check", dsn=blank_dsn)
    made = "".join(
        run(recipe, "manage.py", "sqlmigrate", "library", path.stem, dsn=blank_dsn).stdout
        for path in sorted((recipe.path / "library" / "migrations").glob("0*.py"))
    )
    assert made == (recipe.path / "schema.sql").read_text("utf-8")


def test_the_schema_is_what_tortoise_makes():
    recipe = next(recipe for recipe in RECIPES if "tortoise" in recipe.needs)
    needs(*recipe.needs)
    made = run(recipe, "-m", "events.schema").stdout
    assert made == (recipe.path / "schema.sql").read_text("utf-8")
