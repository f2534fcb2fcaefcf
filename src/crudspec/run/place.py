"""Where a process of a run stands, and where the suite does. Imports nothing but pytest, as the plugin needs it."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from crudspec.record import Event


@dataclass(frozen=True, slots=True)
class Place:
    """Where a process of a run stands among the others.

    Attributes:
        run_dir: Where they find their server. It exists only once there is one.
        owner: Process id of the one whose end is the end of the run.
        borrowed: Whether that is another one, which also stops the server.
        tell: Takes events, where another process watches this one and shows what comes of it.
    """

    run_dir: Path
    owner: int
    borrowed: bool = False
    tell: Callable[[Event], None] | None = None


PLACE = pytest.StashKey[Place]()
"""Set beforehand by what runs pytest on behalf of another process."""


def place_of(config: pytest.Config) -> Place:
    """Where this process stands."""
    if PLACE not in config.stash:
        worker = getattr(config, "workerinput", None)
        if worker is not None:
            place = Place(Path(worker["crudspec_run_dir"]), worker["crudspec_owner"], borrowed=True)
        else:
            name = f"crudspec-run-{os.getpid()}-{os.urandom(6).hex()}"
            place = Place(Path(tempfile.gettempdir()) / name, os.getpid())
        config.stash[PLACE] = place
    return config.stash[PLACE]


def suite_directory() -> Path:
    """The suite: inside the installed package, or at the top of the checkout."""
    package = Path(__file__).parents[1]
    installed = package / "conformance"
    return installed if installed.is_dir() else package.parents[1] / "conformance"
