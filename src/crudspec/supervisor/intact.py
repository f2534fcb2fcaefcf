"""Whether the suite's own code is still what it was: a backend that replaces a part of it asks itself."""

from __future__ import annotations

import sys
from functools import cached_property
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from crudspec.run.place import suite_directory

if TYPE_CHECKING:
    from collections.abc import Iterator

_PACKAGE = "crudspec"
_COPIED = "crudspec.backends."
"""The four ways are backends as any other, and their modules their own."""


class Intact:
    """Remembers the functions and classes of the suite, and finds the first that was replaced.

    Only of what is loaded when it is asked to look, and only what is called: a value that changes may be a counter.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[str, Any, dict[str, Any]]] = {}
        self._codes: dict[FunctionType, Any] = {}

    def learn(self) -> None:
        """Remember what has been loaded since the last time."""
        suite = str(suite_directory())
        for name, module in list(sys.modules.items()):
            ours = name.split(".", 1)[0] == _PACKAGE or str(getattr(module, "__file__", "")).startswith(suite)
            if ours and not name.startswith(_COPIED) and isinstance(module, ModuleType):
                self._learn(name, module)

    def _learn(self, name: str, owner: Any) -> None:
        if id(owner) in self._known:
            return
        members = dict(_members(owner))
        self._known[id(owner)] = name, owner, members
        for key, member in members.items():
            function = getattr(member, "__func__", member)
            if isinstance(function, FunctionType):
                self._codes[function] = function.__code__
            elif isinstance(member, type) and str(member.__module__).split(".", 1)[0] == _PACKAGE:
                self._learn(f"{name}.{key}", member)

    def changed(self) -> str:
        """The name of the first that was replaced; empty where all are what they were."""
        for name, owner, members in self._known.values():
            now = vars(owner)
            for key, member in members.items():
                if now.get(key) is not member:
                    return f"{name}.{key}"
        for function, code in self._codes.items():
            if function.__code__ is not code:
                return f"{function.__module__}.{function.__qualname__}"
        return ""


def _members(owner: Any) -> Iterator[tuple[str, Any]]:
    for key, member in list(vars(owner).items()):
        if isinstance(member, FunctionType | classmethod | staticmethod | property | cached_property | type):
            yield key, member
