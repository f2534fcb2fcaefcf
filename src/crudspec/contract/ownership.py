"""Whose an exception is: the data layer's own, or a third party's that its caller should not have to know."""

from __future__ import annotations

import sys
from functools import lru_cache
from pathlib import Path

_PYTHONS = frozenset({*sys.stdlib_module_names, "builtins"})


def is_leak(error: BaseException, backend: type) -> bool:
    """Tell whether an exception's class is a third party's.

    A rule and no list of drivers: the data layer's own are Python's exceptions, crudspec's, and those that are defined
    in the backend's own top-level package, or, where the backend is a single file, in its folder. Any other class
    makes a caller depend on a library that the data layer was to hide. Which bases the class has does not matter: what
    a caller has to name is the class itself.

    Args:
        error: What was raised.
        backend: The backend's class.
    """
    module = type(error).__module__
    top = module.partition(".")[0]
    if top in _PYTHONS or top in {"crudspec", backend.__module__.partition(".")[0]}:
        return False
    file, home = _file(module), _home(backend.__module__)
    if file is None or home is None or not file.is_relative_to(home):
        return True
    return "site-packages" in file.relative_to(home).parts  # an environment inside the project


def _file(module: str) -> Path | None:
    file = getattr(sys.modules.get(module), "__file__", None)
    return Path(file).resolve() if file else None


@lru_cache
def _home(module: str) -> Path | None:
    """The folder of the top-level package that a module belongs to; of one that is in none, its own."""
    file = _file(module)
    if file is None:
        return None
    folder = file.parent
    while (folder / "__init__.py").is_file() and (folder.parent / "__init__.py").is_file():
        folder = folder.parent
    return folder
