"""From a name to a backend: built-in names, entry points, ``module:Class`` and ``path/to/file.py:Class``."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections import Counter
from dataclasses import dataclass, replace
from difflib import get_close_matches
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

from crudspec.backend import OPERATIONS
from crudspec.entity.entity import Entity
from crudspec.entity.errors import EntityError
from crudspec.entity.tasks import TASKS, entity_of, methods_of
from crudspec.translation.translated import translated as translated_class

BUILT_IN = {
    "asyncpg": "crudspec.backends.asyncpg:AsyncpgBackend",
    "core": "crudspec.backends.core:CoreBackend",
    "orm": "crudspec.backends.orm:OrmBackend",
    "sqlmodel": "crudspec.backends.sqlmodel:SqlmodelBackend",
}
"""The four ways, in the order in which they are shown."""

ENTRY_POINT_GROUP = "crudspec.backends"


class BackendError(Exception):
    """A backend cannot be used; the message is one line that says why and what to do."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """A backend that was found.

    Attributes:
        name: Short, unique in the run: the column of the matrix and the ``-k`` word.
        spec: What selects exactly this backend again.
        cls: The class; what the verdict is about.
        libraries: The libraries that its module uses, with versions, such as ``asyncpg 0.32.0``.
        entity: The table that it is about.
        translated: The class is what :func:`crudspec.translated` makes of the one that ``spec`` names.
    """

    name: str
    spec: str
    cls: Any
    libraries: tuple[str, ...]
    translated: bool = False
    entity: Entity = TASKS

    @property
    def table(self) -> str:
        """The name of its table; empty for the built-in one."""
        return "" if self.entity is TASKS else self.entity.table

    def __str__(self) -> str:
        libraries = f" ({', '.join(self.libraries)})" if self.libraries else ""
        return f"{self.name}{libraries}{' (translated)' * self.translated}"


def resolve(specs: tuple[str, ...] | list[str], *, translated: bool = False) -> list[Adapter]:
    """Find each backend, in the order given and each once; with no specs, the four ways.

    Args:
        specs: What selects them.
        translated: Of each, what :func:`crudspec.translated` makes of it.

    Raises:
        BackendError: an unknown name, a module that does not import, or a class that is no backend.
    """
    found = []
    for spec in dict.fromkeys(spec.strip() for spec in specs) if specs else BUILT_IN:
        if not spec:
            raise BackendError("a backend's name is empty; " + _known())
        if "://" in spec:  # and it is not repeated: there may be a password in it
            raise BackendError("a URL stands where a backend was expected; a DSN goes to --crud-dsn. " + _known())
        name, target = _target(spec)
        cls = _load(spec, target)
        _check_operations(spec, cls)
        found.append((name, spec, cls))
    taken = Counter(name for name, _, _ in found)
    return [
        Adapter(
            _plain(spec if taken[name] > 1 else name),
            spec,
            translated_class(cls) if translated else cls,
            tuple(_libraries(cls)),
            translated,
            _entity(spec, cls),
        )
        for name, spec, cls in found
    ]


def _plain(name: str) -> str:
    """As pytest writes it into the id of a test: the verdict is found by it."""
    return name.encode("ascii", "backslashreplace").decode()


def _target(spec: str) -> tuple[str, str]:
    """A short name, and the ``module:Class`` that the spec stands for."""
    if ":" in spec:
        name = spec.rpartition(":")[2]
        return (spec if name in BUILT_IN else name), spec  # a class called `orm` is not the orm
    entry_points: dict[str, set[str]] = {}
    for point in metadata.entry_points(group=ENTRY_POINT_GROUP):
        entry_points.setdefault(point.name, set()).add(point.value)
    targets = " and ".join(sorted(entry_points.get(spec, ())))
    if spec in BUILT_IN:
        if targets:
            raise BackendError(
                f"the entry point {spec!r} ({targets}) takes the name of a built-in backend; "
                "rename it, or select it by module:Class"
            )
        return spec, BUILT_IN[spec]
    if len(entry_points.get(spec, ())) > 1:
        raise BackendError(f"the entry point {spec!r} stands for {targets}; select one of them by module:Class")
    if targets:
        return spec, targets
    if spec.endswith(".py"):
        raise BackendError(f"{spec}: name the class, too, as in {spec}:MyBackend{_classes_of(_imported(spec, spec))}")
    close = get_close_matches(spec, [*BUILT_IN, *entry_points], n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    raise BackendError(f"no backend is named {spec!r}; {hint}{_known(sorted(entry_points))}")


def _known(entry_points: list[str] | None = None) -> str:
    installed = f", installed: {', '.join(entry_points)}" if entry_points else ""
    return f"built in: {', '.join(BUILT_IN)}{installed}; your own: package.module:Class or file.py:Class"


def _load(spec: str, target: str) -> Any:
    place, _, attribute = target.rpartition(":")
    module = _imported(spec, place)
    found: Any = module
    for part in attribute.split("."):
        found = getattr(found, part, None)
    if found is None:
        raise BackendError(f"{spec}: {place!r} has no {attribute!r}{_classes_of(module)}")
    if not isinstance(found, type):
        raise BackendError(f"{spec}: {attribute!r} is of type {type(found).__name__}; name the class itself")
    return found


def _imported(spec: str, place: str) -> ModuleType:
    try:
        return import_file(Path(place)) if place.endswith(".py") else _import_module(place)
    except BackendError:
        raise
    except EntityError as error:  # in Entity(…) itself, which is written in the module
        raise BackendError(f"{spec}: {error}") from error
    except (Exception, SystemExit) as error:
        first = (str(error).strip().splitlines() or [""])[0]
        raise BackendError(f"{spec}: importing {place!r} raised {type(error).__name__}: {first}") from error


def _import_module(name: str) -> ModuleType:
    # As `python -m` does: what stands in the current folder can be named.
    here = str(Path.cwd())
    if here not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)
    return importlib.import_module(name)


def import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise BackendError(f"there is no file {str(path)!r} (looked in {Path.cwd()})")
    path = path.resolve()
    name = f"crudspec_file_{path.stem}_{abs(hash(path))}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # As `python file.py` has it, what stands beside it can be imported; and as `python -m`, what stands here.
    sys.path += [folder for folder in (str(path.parent), str(Path.cwd())) if folder not in sys.path]
    sys.modules[name] = module  # dataclasses and pydantic look their module up by name
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _classes_of(module: ModuleType) -> str:
    here = [
        name
        for name, value in vars(module).items()
        if isinstance(value, type) and hasattr(value, "connect") and hasattr(value, "create")
    ]
    return f"; it has {', '.join(here)}" if here else ""


def _entity(spec: str, cls: type) -> Entity:
    """The table that a class says it is about; the built-in one where it says nothing.

    Raises:
        BackendError: what it says is no entity.
    """
    entity = entity_of(cls)
    if not isinstance(entity, Entity):
        raise BackendError(
            f"{spec}: {cls.__name__}.entity is of type {type(entity).__name__}; write "
            'entity = crudspec.Entity(table="orders", schema="alembic.ini")'
        )
    unknown = [name for name in entity.names if name not in OPERATIONS]
    if unknown:
        raise BackendError(f"{spec}: names has {unknown[0]!r}, which is none of {', '.join(OPERATIONS)}")
    models = getattr(cls, "metadata", None)
    return entity if entity is TASKS or models is None or entity.models else replace(entity, models=models)


def _check_operations(spec: str, cls: type) -> None:
    entity, names = _entity(spec, cls), methods_of(cls)
    missing = [name for name in ("connect", *names.values()) if not callable(getattr(cls, name, None))]
    if missing:
        renamed = next((name for name in OPERATIONS if names[name] in missing), "")
        hint = (
            f'; if it is called otherwise: Entity(names={{"{renamed}": "its name"}})'
            if renamed and cls is not None
            else ""
        )
        raise BackendError(
            f"{spec}: {cls.__name__} lacks {', '.join(missing)}; a backend has connect and the five operations "
            f"{', '.join(names.values())} (`crudspec new PATH` writes a template){hint * (entity is not TASKS)}"
        )


def _libraries(cls: type) -> list[str]:
    """Versions of the installed distributions that the class's module, and its bases' modules, import from."""
    tops: dict[str, None] = {}
    for kind in cls.__mro__[:-1]:
        module = sys.modules.get(kind.__module__)
        for value in vars(module).values() if module else ():
            origin = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
            if isinstance(origin, str):
                tops.setdefault(origin.partition(".")[0])
    versions = []
    for top in sorted(tops):
        if top in sys.stdlib_module_names or top in {"crudspec", "typing_extensions"}:
            continue
        try:
            versions.append(f"{top} {metadata.version(top)}")
        except metadata.PackageNotFoundError:
            continue
    return versions
