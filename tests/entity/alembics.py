"""Projects with Alembic, as people have them."""

from __future__ import annotations

import textwrap
from pathlib import Path

INI = """
[alembic]
script_location = {location}
prepend_sys_path = .
sqlalchemy.url = {url}
"""

OFFLINE = """
from alembic import context

context.configure(url=context.config.get_main_option("sqlalchemy.url"), literal_binds=True)
with context.begin_transaction():
    context.run_migrations()
"""

BOTH = """
from alembic import context
from sqlalchemy import create_engine, pool

def run(**where):
    context.configure(**where)
    with context.begin_transaction():
        context.run_migrations()

url = context.config.get_main_option("sqlalchemy.url")
if context.is_offline_mode():
    run(url=url, literal_binds=True)
else:
    with create_engine(url, poolclass=pool.NullPool).connect() as connection:
        run(connection=connection)
"""
"""What ``alembic init`` writes, without its comments."""

MIGRATION = """
from alembic import op
import sqlalchemy as sa

revision = "{revision}"
down_revision = {down!r}


def upgrade():
{body}
"""

ORDERS = 'op.execute("CREATE TABLE orders (id bigint PRIMARY KEY, note text)")'


def project(
    folder: Path,
    *bodies: str,
    env: str = OFFLINE,
    url: str = "driver://user:pass@localhost/dbname",
    location: str = "%(here)s/migrations",
) -> Path:
    """Write a project with one migration for each body, and return the path of its ini."""
    versions = folder / "migrations" / "versions"
    versions.mkdir(parents=True)
    (folder / "migrations" / "env.py").write_text(env, encoding="utf-8")
    for number, body in enumerate(bodies or (ORDERS,), start=1):
        text = MIGRATION.format(
            revision=f"{number:04}",
            down=f"{number - 1:04}" if number > 1 else None,
            body=textwrap.indent(textwrap.dedent(body).strip(), "    "),
        )
        (versions / f"{number:04}_step.py").write_text(text, encoding="utf-8")
    ini = folder / "alembic.ini"
    ini.write_text(INI.format(location=location, url=url), encoding="utf-8")
    return ini
