"""The run's directory: what its processes tell each other, one small JSON file per fact.

Private to the user (0700, files 0600): the facts include a password, which therefore never has to pass
through a command line or an environment, where other users can read it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from pathlib import Path
from typing import Any, Literal

from crudspec.server.choice import ServerError

Fact = Literal["request", "keeper", "began", "up", "reached", "migrated", "sealed", "failed", "server"]
"""In the order in which they come to be.

``request`` what is wanted; ``keeper`` the keeper's identity; ``began`` what has to be removed, whatever
happens; ``up`` the server answers; ``reached`` from here on databases are
made; ``migrated`` the template is made; ``sealed`` a copy of it is kept for
the next run; ``failed`` there will be no server; ``server`` everybody may use it.
"""


class RunDir:
    """One directory per test run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def make(self) -> None:
        """Create it, or make an existing one private.

        Raises:
            ServerError: it belongs to somebody else or cannot be written.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self.path.stat().st_uid != os.geteuid():
                raise ServerError(f"{self.path} belongs to another user; choose another run directory")
            self.path.chmod(0o700)
        except OSError as exc:
            raise ServerError(f"cannot use {self.path} for this run: {exc.strerror}") from exc

    def tell(self, fact: Fact, **content: Any) -> None:
        """Publish a fact; readers see all of it or nothing."""
        partial = self.path / f".{fact}.{os.getpid()}"
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(content, file)
        partial.replace(self.path / fact)

    def read(self, fact: Fact) -> dict[str, Any] | None:
        """Return a fact, or None as long as nobody told it."""
        try:
            return json.loads((self.path / fact).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None

    def forget(self, *facts: Fact) -> None:
        """Take facts back."""
        for fact in facts:
            (self.path / fact).unlink(missing_ok=True)

    def log(self) -> Path:
        """Return where the keeper's own words go."""
        return self.path / "keeper.log"

    def remove(self) -> None:
        """Remove the directory; nothing happens if it is gone."""
        shutil.rmtree(self.path, ignore_errors=True)


def last_lines(path: Path, count: int = 3) -> str:
    """Return the end of a log on one line; empty if there is none."""
    with contextlib.suppress(OSError):
        lines = [line.strip() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
        return " / ".join([line for line in lines if line][-count:])
    return ""
