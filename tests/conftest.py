"""What our own tests stand on: the run's server, and databases on it."""

import asyncio
import importlib
import shutil
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from click.testing import CliRunner
from tests.copies import copied
from tests.scratch import Scratch

from crudspec.backends.registry import resolve
from crudspec.cli import main
from crudspec.entity.tasks import TASKS
from crudspec.harness.databases import scratch_with
from crudspec.plugin import current_run
from crudspec.server import Server, create_scratch, drop_scratch

ROOT = Path(__file__).parent.parent

# What is first imported in a test that has a pytester is forgotten again after it, and SQLAlchemy warns of what comes
# twice.
ALONE = ("crudspec.run.run", "crudspec.check", "crudspec.demo", "crudspec.cost.table", "crudspec.adopt.understood")
for name in (*ALONE, "crudspec.truth.schema", "sqlalchemy.dialects.postgresql.asyncpg"):
    importlib.import_module(name)
resolve(())


LONG = {"test_hostile", "test_unusual", "test_gallery"}
"""Modules with tests that take ten seconds and more: begun first, or one process is left with them in the end."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.stem not in LONG)


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Server:
    """The run's PostgreSQL, started on first use."""
    return current_run(request.config).running_server()


@pytest.fixture
def scratch_dsn(server: Server) -> Iterator[str]:
    """A database of its own for one test, migrated."""
    dsn = asyncio.run(create_scratch(server, "tests"))
    yield dsn
    asyncio.run(drop_scratch(server, dsn))


@pytest.fixture
def scratch(server: Server) -> Iterator[Scratch]:
    """The same, and the values of its table: who opens a backend or a witness in a test needs both."""
    made = Scratch(*asyncio.run(scratch_with(server, "tests", TASKS)))
    yield made
    asyncio.run(drop_scratch(server, made.dsn))


@pytest.fixture
def blank_dsn(scratch_dsn: str) -> str:
    """A database of its own for one test, with nothing in it."""

    async def blank() -> None:
        connection = await asyncpg.connect(scratch_dsn)
        await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        await connection.close()

    asyncio.run(blank())
    return scratch_dsn


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for ``PYTHONPATH`` with the package as the wheel lays it out: the suite and the migrations inside."""
    place = tmp_path_factory.mktemp("installed")
    leave = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src" / "crudspec", place / "crudspec", ignore=leave)
    for inside in ("conformance", "alembic"):
        shutil.copytree(ROOT / inside, place / "crudspec" / inside, ignore=leave)
    return place


class Consumer:
    """Somebody's project, in a folder of its own, with crudspec installed in its environment."""

    def __init__(self, pytester: pytest.Pytester, server: Server) -> None:
        self.pytester = pytester
        self.path = pytester.path
        self.dsn = server.dsn
        self.password = urlsplit(server.dsn).password or ""
        self._server = ("--crud-server=external", f"--crud-dsn={server.dsn}")

    def write(self, name: str, text: str) -> Path:
        """Write a file of the project."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    def run(self, *args: str) -> pytest.RunResult:
        """``pytest`` as the project's developer calls it."""
        return self.pytester.runpytest_subprocess("-p", "no:cacheprovider", *args)

    def suite(self, *args: str, anew: bool = False) -> pytest.RunResult:
        """``pytest --pyargs crudspec.conformance`` against the server of our own run.

        In a copy of a process that has imported everything, which takes half of the time; or in one that is started
        anew, for what happens when plugins are loaded.
        """
        args = (*self._server, *args)
        if anew:
            return self.run("--pyargs", "crudspec.conformance", *args)
        return copied(self.path, "-p", "no:cacheprovider", str(ROOT / "conformance"), *args)

    def collect(self, *args: str, part: str = "") -> pytest.RunResult:
        """List the suite's checks, by path and without a process of its own: a tenth of the time."""
        suite = str(ROOT / "conformance" / part)
        return self.pytester.runpytest_inprocess(
            "--import-mode=importlib", "-p", "no:cacheprovider", "--collect-only", "-q", suite, *args
        )

    def crudspec(self, *args: str) -> pytest.RunResult:
        """The command line, in a process of its own."""
        return self.pytester.run(sys.executable, "-m", "crudspec", *args)

    def check(self, *args: str) -> pytest.RunResult:
        """``crudspec check`` against the server of our own run. The backends are in a process of their own anyway."""
        began = time.monotonic()
        command = ["check", "--server", "external", "--dsn", self.dsn, *args]
        result = CliRunner().invoke(main, command, prog_name="crudspec", catch_exceptions=False)
        sys.stdout.write(result.output)
        took = time.monotonic() - began
        return pytest.RunResult(result.exit_code, result.stdout.splitlines(), result.stderr.splitlines(), took)


@pytest.fixture
def consumer(pytester: pytest.Pytester, server: Server, installed: Path, monkeypatch: pytest.MonkeyPatch) -> Consumer:
    """A project outside the checkout; nothing of the outer pytest run reaches it."""
    monkeypatch.setenv("PYTHONPATH", str(installed))
    for name in ("CRUDSPEC_DSN", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_AUTO_NUM_WORKERS"):
        monkeypatch.delenv(name, raising=False)
    return Consumer(pytester, server)
