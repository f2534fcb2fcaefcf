"""``[tool.crudspec]`` in a project's ``pyproject.toml``: what need not be said each time; options win over it.

pytest loads the plugin in every run, and with it this module: what it needs to read a file is imported then.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crudspec.contract.clauses import PROFILE_NAMES

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from crudspec.contract.deviations import Deviation

EFFORT_NAMES = ("quick", "default", "thorough")
SERVER_KINDS = ("auto", "container", "embedded", "external")

_FILE = "pyproject.toml"
_WANTED = {
    "backends": 'a list of texts, such as ["shop/contract.py:Orders"]',
    "server": f"one of {', '.join(SERVER_KINDS)}",
    "profiles": f"a list of some of {', '.join(PROFILE_NAMES)}",
    "strict": "true or false",
    "effort": f"one of {', '.join(EFFORT_NAMES)}",
    "deadline": "a number of seconds, more than 0",
    "deviations": "the path of a file, or tables [[tool.crudspec.deviations]]",
}


class SettingsError(Exception):
    """The file says what cannot be meant; one line, what to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the file says; what it does not say is as if nobody had said anything.

    Attributes:
        folder: Of the file; None where there is none.
        backends: As on the command line; a path is from the current folder.
        server: Where PostgreSQL comes from.
        profiles: Only these are asked.
        strict: A SHOULD that does not hold fails the run.
        effort: Name of the effort.
        deadline: Of each operation, in seconds.
        deviations: Known failures, or the path of a file of them.
    """

    folder: Path | None = None
    backends: tuple[str, ...] = ()
    server: str | None = None
    profiles: tuple[str, ...] = ()
    strict: bool = False
    effort: str | None = None
    deadline: float | None = None
    deviations: Path | tuple[Deviation, ...] | None = None


def read(folder: Path) -> Settings:
    """Read the nearest ``pyproject.toml``, from a folder upwards.

    Raises:
        SettingsError: it is no TOML, or has a key or a value that cannot be meant.
    """
    file = next((place / _FILE for place in (folder, *folder.parents) if (place / _FILE).is_file()), None)
    if file is None:
        return Settings()
    import tomllib

    where = os.path.relpath(file, folder)
    try:
        table = tomllib.loads(file.read_text("utf-8")).get("tool", {}).get("crudspec", {})
    except OSError as error:
        raise SettingsError(f"{where} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{where} is no TOML: {error}") from None
    if not isinstance(table, dict):
        raise SettingsError(f"{where}: write [tool.crudspec] as a table")
    values = {name: _checked(where, name, value, file.parent) for name, value in table.items()}
    backends = tuple(_from_here(spec, file.parent, folder) for spec in values.pop("backends", ()))
    return Settings(folder=file.parent, backends=backends, **values)


def _checked(where: str, name: str, value: Any, folder: Path) -> Any:
    if name == "dsn":
        raise SettingsError(
            f"{where}: [tool.crudspec] has no dsn, as there is a password in it: "
            'write server = "external", and set CRUDSPEC_DSN'
        )
    if name not in _WANTED:
        raise SettingsError(f"{where}: [tool.crudspec] has no key {name!r}{_meant(name, _WANTED)}")
    wrong = SettingsError(f"{where}: [tool.crudspec] {name} = {value!r}: write {_WANTED[name]}")
    match name:
        case "backends" | "profiles":
            if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
                raise wrong
            unknown = [one for one in value if one not in PROFILE_NAMES] if name == "profiles" else []
            if unknown:
                raise SettingsError(f"{where}: no profile is named {unknown[0]!r}{_meant(unknown[0], PROFILE_NAMES)}")
            return tuple(value)
        case "server" | "effort":
            known = SERVER_KINDS if name == "server" else EFFORT_NAMES
            if value not in known:
                meant = _meant(value, known) if isinstance(value, str) else ""
                raise SettingsError(f"{where}: [tool.crudspec] {name} = {value!r} is none{meant}")
        case "strict":
            if not isinstance(value, bool):
                raise wrong
        case "deadline":
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
                raise wrong
            return float(value)
        case "deviations":
            if isinstance(value, str):
                return folder / value
            if not isinstance(value, list):
                raise wrong
            from crudspec.contract.deviations import DeviationError, entries

            try:
                return tuple(entries(f"{where}: [tool.crudspec]", value))
            except DeviationError as error:
                raise SettingsError(str(error)) from None
    return value


def _meant(name: str, known: Collection[str]) -> str:
    close = get_close_matches(name, known, 1)
    return f": did you mean {close[0]!r}?" if close else f"; there are {', '.join(known)}"


def _from_here(spec: str, folder: Path, here: Path) -> str:
    """A backend as it is named from the current folder."""
    place, colon, name = spec.rpartition(":")
    if not colon or not place.endswith(".py") or folder == here:
        return spec
    return f"{Path(os.path.relpath(folder / place, here)).as_posix()}:{name}"


def chosen(given: Sequence[str], settings: Settings) -> tuple[str, ...]:
    """The backends that somebody names, or else those of the file."""
    return tuple(given) or settings.backends
