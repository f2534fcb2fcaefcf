"""How long until a database with somebody's schema is there: python benchmarks/schemas.py [--rounds N].

A history of Alembic's with a table, an index, a foreign key and a statement of SQL in each migration, made for it.
``first`` finds nothing and runs the migrations; ``cached`` is a later run, which finds their SQL and makes the template
of it; ``clone`` is each further database of that run. ``online`` lets ``env.py`` connect, and nothing is ever cached;
``file`` is the same SQL, in a file. The start of the server is not counted.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path

from crudspec.entity.source import Source
from crudspec.entity.sources import Alembic, Sql
from crudspec.server import Server, ServerChoice, create_scratch, running, template

ENV = """
from alembic import context
from sqlalchemy import create_engine, pool

url = context.config.get_main_option("sqlalchemy.url")
if context.is_offline_mode():
    context.configure(url=url, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    with create_engine(url, poolclass=pool.NullPool).connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
"""

MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision = "{number:04}"
down_revision = {down!r}


def upgrade():
    op.create_table(
        "table_{number}",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("amount", sa.Numeric(12, 2), sa.CheckConstraint("amount > 0")),
        sa.Column("placed_at", sa.DateTime(timezone=True), server_default=sa.func.now()),
        sa.Column("parent", sa.BigInteger, sa.ForeignKey("table_{parent}.id")),
    )
    op.create_index("table_{number}_name", "table_{number}", ["name"], unique=True)
    op.add_column("table_{number}", sa.Column("note", sa.Text))
    op.execute("COMMENT ON TABLE table_{number} IS 'the {number}th'")
"""


def history(folder: Path, count: int) -> Path:
    """Write a project and return the path of its ini."""
    versions = folder / "migrations" / "versions"
    versions.mkdir(parents=True)
    (folder / "migrations" / "env.py").write_text(ENV)
    for number in range(1, count + 1):
        down = f"{number - 1:04}" if number > 1 else None
        text = MIGRATION.format(number=number, down=down, parent=max(1, number - 1))
        (versions / f"{number:04}.py").write_text(text)
    ini = folder / "alembic.ini"
    ini.write_text("[alembic]\nscript_location = %(here)s/migrations\n")
    return ini


def made(server: Server, source: Source) -> float:
    """Return the seconds until a database is there, as for a process that has never seen the schema."""
    template.script_of.cache_clear()
    begin = time.perf_counter()
    asyncio.run(create_scratch(server, "bench", source))
    return time.perf_counter() - begin


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--migrations", type=int, default=30)
    options = parser.parse_args()
    rows: dict[str, list[float]] = {"first": [], "cached": [], "clone": [], "online": [], "file": []}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = f"{folder}/cache"
        ini = history(Path(folder) / "project", options.migrations)
        for _ in range(options.rounds):
            for kept in (Path(folder) / "cache").glob("*/schema-*.sql"):
                kept.unlink()
            for name in ("first", "cached"):
                with running(ServerChoice(kind="embedded")) as server:
                    rows[name].append(made(server, Alembic(ini)))
                    rows["clone"].append(made(server, Alembic(ini)))
            with running(ServerChoice(kind="embedded")) as server:
                rows["online"].append(made(server, Alembic(ini, online=True)))
                file = ini.with_suffix(".sql")
                file.write_text(template.script_of(Alembic(ini)))
                rows["file"].append(made(server, Sql(file)))
    print(f"{'':8} {'median':>8} {'min':>8} {'max':>8}   ({options.migrations} migrations, seconds)")
    for name, times in rows.items():
        print(f"{name:8} {statistics.median(times):8.3f} {min(times):8.3f} {max(times):8.3f}")


if __name__ == "__main__":
    main()
