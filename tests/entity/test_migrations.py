"""The migrations, as a user runs them: ``alembic`` in a process of its own, from the checkout."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest
from alembic.command import upgrade
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

ROOT = Path(__file__).parents[2]
COLUMNS = """
    SELECT column_name, data_type, character_maximum_length, is_nullable, column_default, identity_generation
    FROM information_schema.columns WHERE table_name = 'tasks' ORDER BY ordinal_position
"""


def alembic(*arguments: str, dsn: str | None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "CRUDSPEC_DSN"}
    if dsn is not None:
        environment["CRUDSPEC_DSN"] = dsn
    return subprocess.run(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def fetch(dsn: str, query: str) -> list[tuple[object, ...]]:
    async def run() -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(dsn)
        try:
            return [tuple(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()

    return asyncio.run(run())


def test_upgrade_makes_the_four_columns(blank_dsn):
    done = alembic("upgrade", "0001", dsn=blank_dsn)
    assert done.returncode == 0, done.stderr
    assert fetch(blank_dsn, COLUMNS)[:4] == [
        ("id", "bigint", None, "NO", None, "BY DEFAULT"),
        ("title", "character varying", 255, "NO", None, None),
        ("done", "boolean", None, "NO", "false", None),
        ("created_at", "timestamp with time zone", None, "NO", "now()", None),
    ]


def test_up_and_down_and_up_again(blank_dsn):
    assert alembic("upgrade", "head", dsn=blank_dsn).returncode == 0
    assert "(head)" in alembic("current", dsn=blank_dsn).stdout
    down = alembic("downgrade", "-1", dsn=blank_dsn)
    assert down.returncode == 0, down.stderr
    assert "(head)" not in alembic("current", dsn=blank_dsn).stdout
    assert alembic("downgrade", "base", dsn=blank_dsn).returncode == 0
    assert fetch(blank_dsn, COLUMNS) == []
    assert alembic("upgrade", "head", dsn=blank_dsn).returncode == 0


def test_check_finds_no_difference_after_upgrade(blank_dsn):
    assert alembic("upgrade", "head", dsn=blank_dsn).returncode == 0
    checked = alembic("check", dsn=blank_dsn)
    assert checked.returncode == 0, checked.stderr + checked.stdout


def test_check_fails_before_upgrade(blank_dsn):
    assert alembic("check", dsn=blank_dsn).returncode != 0


@pytest.mark.parametrize(
    "dsn",
    [
        None,
        "",
        "nonsense",
        "mysql://root:secret@127.0.0.1/x",
        "postgresql://u:secret@127.0.0.1:port/x",
        "postgresql://u:secret@127.0.0.1:1/x",
    ],
    ids=["missing", "empty", "no-url", "other-database", "bad-port", "nobody-listens"],
)
def test_a_dsn_that_does_not_work_is_one_line_and_a_failure(dsn):
    failed = alembic("current", dsn=dsn)
    assert failed.returncode != 0
    assert len(failed.stdout.splitlines() + failed.stderr.splitlines()) == 1
    assert "secret" not in failed.stdout + failed.stderr


def test_offline_mode_prints_sql_without_a_database():
    printed = alembic("upgrade", "head", "--sql", dsn=None)
    assert printed.returncode == 0, printed.stderr
    assert "CREATE TABLE tasks" in printed.stdout


def test_a_given_connection_is_used_and_its_transaction_stays_the_callers(blank_dsn):
    def migrate(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(ROOT / "alembic").replace("%", "%%"))
        config.attributes["connection"] = connection
        # A second source, which must not be looked at.
        config.attributes["dsn"] = "nonsense"
        upgrade(config, "head")

    async def run() -> None:
        url = make_url(blank_dsn).set(drivername="postgresql+asyncpg")
        async with create_async_engine(url, poolclass=NullPool).connect() as connection:
            transaction = await connection.begin()
            await connection.run_sync(migrate)
            assert await connection.run_sync(lambda sync: sync.dialect.has_table(sync, "tasks"))
            await transaction.rollback()

    asyncio.run(run())
    assert fetch(blank_dsn, COLUMNS) == []
