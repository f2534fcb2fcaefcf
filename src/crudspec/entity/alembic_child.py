"""The process in which somebody's ``env.py`` runs: told on its stdin what to do, tells a file what came of it."""

from __future__ import annotations

import io
import json
import os
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from crudspec.entity import alembic_guard
from crudspec.entity.alembic_failures import connects, connects_elsewhere, explained

if TYPE_CHECKING:
    from alembic.config import Config

NOWHERE = "crudspec:offline@127.0.0.1:1/offline"
"""Port 1 of this machine: whoever gets so far is refused at once."""


def main() -> NoReturn:
    """Run the migrations as the request says, and answer."""
    request = json.load(sys.stdin)
    sys.stdin = io.StringIO()
    answer = int(sys.argv[1])
    del sys.argv[1:]  # env.py may read it

    def tell(**said: str) -> NoReturn:
        with os.fdopen(answer, "w", encoding="utf-8") as file:
            json.dump(said, file)
        # Without what was registered for the end: a thread of env.py's must not keep this process.
        os._exit(0)

    try:
        tell(script=_run(request, lambda failed: tell(failed=failed)))
    except BaseException as exc:  # noqa: BLE001 - sys.exit(), too, is an answer
        tell(failed=explained(exc, request))


def _run(request: dict[str, Any], fail: Any) -> str:
    from alembic.command import upgrade
    from alembic.config import Config
    from sqlalchemy.engine import make_url

    printed = io.StringIO()
    config = Config(request["ini"], toml_file=request["toml"], output_buffer=printed)
    _point(config, request["dsn"])
    if request["dsn"] is None:
        _write_percent_signs_once()
        alembic_guard.nothing(lambda where: fail(connects(where, request)))
    else:
        database = make_url(request["dsn"]).database
        alembic_guard.only(str(database), lambda where: fail(connects_elsewhere(where)))
    upgrade(config, request["revision"], sql=request["dsn"] is None)
    return printed.getvalue()


def _write_percent_signs_once() -> None:
    """Have SQL printed as a server reads it: for some drivers, a literal percent sign is written twice.

    ``alembic init`` writes an ``env.py`` that says so itself; not everybody's has kept that line.
    """
    from alembic.runtime.environment import EnvironmentContext

    original = EnvironmentContext.configure

    def configure(self: EnvironmentContext, *args: Any, **options: Any) -> None:
        options["dialect_opts"] = {"paramstyle": "named"} | (options.get("dialect_opts") or {})
        original(self, *args, **options)

    EnvironmentContext.configure = configure


def _point(config: Config, dsn: str | None) -> None:
    """Say where the database is, in both places where an ``env.py`` usually looks, with the driver that it expects."""
    from sqlalchemy.engine import make_url

    # Raw: the value may have variables that nobody gives here.
    in_ini = _postgres(config.file_config.get("alembic", "sqlalchemy.url", raw=True, fallback=""))
    in_environment = _postgres(os.environ.get("DATABASE_URL", ""))
    for scheme, put in (
        (in_ini or in_environment, lambda url: config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))),
        (in_environment or in_ini, lambda url: os.environ.__setitem__("DATABASE_URL", url)),
    ):
        driver = scheme or _guessed(config)
        url = make_url(dsn or f"postgresql://{NOWHERE}").set(drivername=driver)
        # Of what else a DSN may say, drivers know different things by different names.
        encrypted = {"ssl" if driver.endswith("+asyncpg") else "sslmode": url.query.get("sslmode", "")}
        url = url.set(query=encrypted if "sslmode" in url.query else {})
        put(url.render_as_string(hide_password=False))


def _postgres(url: str) -> str | None:
    """Return the scheme of PostgreSQL's that a URL has, its driver included, as SQLAlchemy writes it."""
    found = re.match(r"postgres(?:ql)?(\+\w+)?://", url)
    return f"postgresql{found[1] or ''}" if found else None


def _guessed(config: Config) -> str:
    """Return a driver that ``env.py`` can use: an asynchronous one if it speaks of that, else one that is there."""
    location = config.get_alembic_option("script_location") or ""
    program = Path(location) / "env.py"
    if program.is_file() and "async" in program.read_text("utf-8", "replace"):
        return "postgresql+asyncpg"
    for driver in ("psycopg2", "psycopg", "pg8000"):
        if find_spec(driver) is not None:
            return f"postgresql+{driver}"
    return "postgresql"
