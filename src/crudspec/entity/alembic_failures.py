"""What went wrong in somebody's ``env.py`` or migrations, in one line that says what to write."""

from __future__ import annotations

import os
import re
import traceback
from pathlib import Path
from typing import Any

_OFFLINE = "write its branch for context.is_offline_mode(), as `alembic init` does"


def connects(where: str, request: dict[str, Any]) -> str:
    """Say that a connection was tried where there is to be none."""
    return f"env.py connects ({where}) although Alembic runs offline: {_OFFLINE}, or {request['otherwise']}"


def connects_elsewhere(where: str) -> str:
    """Say that a connection was tried to somebody's database."""
    return (
        f"env.py connects to {where}, which is not the database that it is given: let it take "
        'config.get_main_option("sqlalchemy.url") or os.environ["DATABASE_URL"]'
    )


def explained(exc: BaseException, request: dict[str, Any]) -> str:
    """Say what failed, where, and what to do.

    Args:
        exc: What came out of Alembic.
        request: What it was asked for.
    """
    frames = [frame for frame in traceback.extract_tb(exc.__traceback__) if _theirs(frame.filename)]
    where = f"{_short(frames[-1].filename)}, line {frames[-1].lineno}" if frames else "alembic"
    offline = request["dsn"] is None
    dummy = "; a dummy value will do" if offline else ""
    told = f"{type(exc).__name__}: {_first_line(exc)}".removesuffix(": ")
    if (name := _missing_variable(exc)) is not None:
        return f"{where} needs the environment variable {name}: set it{dummy}"
    if (settings := _missing_settings(exc)) is not None:
        return f"{where} needs settings ({settings}): set their environment variables{dummy}"
    if isinstance(exc, SystemExit):
        return f"{where} ends the process ({exc.code})"
    if offline and _is_refusal(exc):
        return connects(where, request)
    if isinstance(exc, ModuleNotFoundError):
        return f"{where} cannot import {exc.name}: say in the ini's prepend_sys_path where it is, or install it"
    if type(exc).__name__ == "CommandError":
        more = '; write revision="heads" for all of them' if "Multiple head" in str(exc) else ""
        return f"{_first_line(exc)}{more}"
    if offline and any(frame.name == "run_migrations" for frame in traceback.extract_tb(exc.__traceback__)):
        return f"{where} fails offline ({told}); if it reads from the database, {request['otherwise']}"
    return f"{where} fails ({told})"


def _theirs(file: str) -> bool:
    """Tell whether a file is of the project: not of Python, not of a library, not of ours."""
    path = Path(file)
    ours = Path(__file__).parent
    return path.is_file() and "site-packages" not in path.parts and ours not in path.parents and not _python(path)


def _python(path: Path) -> bool:
    return Path(os.__file__).parent in path.parents


def _short(file: str) -> str:
    return os.path.relpath(file) if Path(file).is_relative_to(Path.cwd()) else file


def _first_line(exc: BaseException) -> str:
    """Return the beginning of what an exception says, without the password of a URL that it may quote."""
    line = next((line.strip() for line in str(exc).splitlines() if line.strip()), "")
    return re.sub(r"://\S*@", "://***@", line)


def _missing_variable(exc: BaseException) -> str | None:
    """Return the name that ``os.environ[…]`` did not find."""
    if not isinstance(exc, KeyError) or exc.__traceback__ is None:
        return None
    last = traceback.extract_tb(exc.__traceback__)[-1]
    return str(exc.args[0]) if last.filename in {os.__file__, "<frozen os>"} else None


def _missing_settings(exc: BaseException) -> str | None:
    """Return the fields that Pydantic refuses."""
    if type(exc).__name__ != "ValidationError" or not type(exc).__module__.startswith("pydantic"):
        return None
    errors: list[dict[str, Any]] = getattr(exc, "errors", list)()
    return ", ".join(".".join(map(str, error["loc"])) for error in errors) or _first_line(exc)


def _is_refusal(exc: BaseException) -> bool:
    """Tell whether it is our guard's refusal, whatever a driver made of it."""
    while exc is not None:
        if isinstance(exc, ConnectionRefusedError) or "connection refused" in str(exc).lower():
            return True
        exc = exc.__cause__ or exc.__context__  # ty: ignore[invalid-assignment]
    return False
