"""Where the parts of somebody's Alembic project are; read without Alembic, which takes long to import."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING

from crudspec.entity.errors import EntityError

if TYPE_CHECKING:
    from collections.abc import Iterable


class Project:
    """The settings of one ``alembic.ini``, and of the ``pyproject.toml`` beside it."""

    def __init__(self, ini: Path) -> None:
        self.ini = ini

    def toml(self) -> Path | None:
        """Return the file in which Alembic looks for its other settings; as its command does, beside the ini."""
        path = self.ini.with_name("pyproject.toml")
        return path if path.is_file() else None

    def folder(self) -> Path:
        """Return the folder to run in."""
        locations = self._options().get("script_location", "")
        inside = self.ini.parent
        only_here = ":" not in locations and not (inside / locations).is_dir() and Path(locations).is_dir()
        return Path.cwd() if only_here else inside

    def folders(self) -> list[Path]:
        """Return where the scripts are; one that is not there is Alembic's to complain of."""
        options = self._options()
        versions = options.get("version_locations", "").replace(",", " ").split()
        # A colon is between two paths, or between a package and a folder in it.
        named = [
            options.get("script_location", ""),
            *versions,
            *(part for name in versions for part in name.split(":")),
        ]
        return sorted({folder for name in named if name and (folder := self._found(name)).is_dir()})

    def _found(self, name: str) -> Path:
        package, colon, inside = name.partition(":")
        if not colon:
            return self.folder() / name
        try:
            spec = importlib.util.find_spec(package)
        except (ImportError, ValueError):
            spec = None
        return Path(spec.origin).parent / inside if spec and spec.origin else self.ini.parent / inside

    def _options(self) -> dict[str, str]:
        """Return the settings that name folders; Alembic itself is imported only where it is run."""
        import configparser
        import tomllib

        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read(self.ini, encoding="utf-8")
            section = dict(parser["alembic"]) if parser.has_section("alembic") else {}
            if (toml := self.toml()) is not None:
                tool = tomllib.loads(toml.read_text("utf-8")).get("tool", {}).get("alembic", {})
                section = {name: _joined(value) for name, value in tool.items()} | section
        except (configparser.Error, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
            raise EntityError(f"{self.ini.name} cannot be read: {str(exc).splitlines()[0]}") from None
        return {name: value.replace("%(here)s", str(self.ini.parent)) for name, value in section.items()}


def files(folder: Path) -> Iterable[Path]:
    """Return the files below a folder; without what others write there, as it may be the whole project's."""
    for place, inside, names in os.walk(folder):
        here = Path(place)
        passed = {"__pycache__", "node_modules", *(name for name in inside if name.startswith("."))}
        passed |= {name for name in inside if (here / name / "pyvenv.cfg").exists()}
        inside[:] = sorted({*inside} - passed)
        yield from (here / name for name in sorted(names) if (here / name).is_file())


def _joined(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
