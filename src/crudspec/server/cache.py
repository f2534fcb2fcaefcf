"""Finished clusters, template database included, kept as one tar file each for the next run; and small texts.

One file, not a directory: on a disk, a thousand small files take longer to create than initdb takes. A file
is written under another name and renamed last, so what has its name is whole. Without a usable cache
directory, or without ``tar``, everything works as well, only slower.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import stat
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crudspec.server.binaries import Account, Installation

UNUSED_DAYS = 7
"""An entry that no run used for so long is removed."""

MOST_KEPT = 4
"""Entries of some 45 MB each; one more removes the one that was not used for longest."""

_KEPT = ("cluster-*.tar", "schema-*.sql", "known-*.txt")
"""Names of what is removed when nobody used it: clusters, scripts of schemas, what was found out about a schema."""

_MAKERS = ("postgres.py", "embedded.py", "cache.py", "template.py")
_MAKERS += ("../entity/source_built_in.py", "../entity/applied.py", "../entity/statements.py")
"""The code that makes what is in an entry; a change in it must miss the cache."""


def entry(installation: Installation, schema: str) -> Path | None:
    """Return where the cluster for these programs and this schema is or would be; None if there is no cache."""
    path = directory()
    if path is None or shutil.which("tar") is None:
        return None
    program = (installation.directory / "postgres").stat()
    key = hashlib.sha256(
        f"{installation.version} {installation.directory} {program.st_mtime_ns} {program.st_size} {schema}".encode()
    )
    for maker in _MAKERS:
        key.update((Path(__file__).parent / maker).read_bytes())
    return path / f"cluster-{installation.version}-{key.hexdigest()[:24]}.tar"


def directory() -> Path | None:
    """Return where the cache is, 0700; None if there is none to be had, or somebody else may write there."""
    from platformdirs import user_cache_path

    try:
        path = user_cache_path("crudspec")
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        info = path.stat()
    except OSError:
        return None
    # An entry is run as it is: one that somebody else could have written is not taken.
    private = info.st_uid == os.geteuid() and not info.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return path if private and os.access(path, os.W_OK) else None


def restore(kept: Path, into: Path, user: Account) -> bool:
    """Unpack an entry as the server's account, and note that it was used; False if it cannot be had."""
    try:
        with kept.open("rb") as file:
            # Opened here and read there: the account cannot enter root's cache directory.
            done = subprocess.run(
                ["tar", "-x", "-f", "-"], stdin=file, stderr=subprocess.DEVNULL, cwd=into, check=False, **user.popen()
            )
        os.utime(kept)
    except OSError:
        return False
    return done.returncode == 0


def store(kept: Path, directory: Path) -> None:
    """Keep a cluster that was shut down properly; a cache that cannot be written is not an error."""
    partial = kept.with_name(f".{secrets.token_hex(6)}.partial")
    try:
        with contextlib.suppress(OSError):
            done = subprocess.run(
                ["tar", "-c", "-f", partial, "-C", directory.parent, directory.name],
                stderr=subprocess.DEVNULL,
                check=False,
            )
            if done.returncode == 0:
                partial.chmod(0o600)
                partial.replace(kept)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def text(name: str) -> str | None:
    """Return a text that a run kept, and note that it was used; None if there is none, or no cache."""
    if (place := directory()) is None:
        return None
    with contextlib.suppress(OSError, UnicodeDecodeError):
        kept = (place / name).read_bytes().decode()
        os.utime(place / name)
        return kept
    return None


def keep_text(name: str, content: str) -> None:
    """Keep a text for later runs, readable by nobody else; a cache that cannot be written is not an error."""
    if (place := directory()) is None:
        return
    partial = place / f".{secrets.token_hex(6)}.partial"
    with contextlib.suppress(OSError):
        try:
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content.encode())
            partial.replace(place / name)
        finally:
            partial.unlink(missing_ok=True)


def prune(directory: Path) -> None:
    """Remove what nobody used for a week, or what is too much, and what a killed run left half written a day ago."""
    now = time.time()
    with contextlib.suppress(OSError):
        kept = sorted(directory.glob("cluster-*.tar"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in kept[MOST_KEPT:]:
            path.unlink(missing_ok=True)
    for pattern, days in (*((kept, UNUSED_DAYS) for kept in _KEPT), (".*.partial", 1)):
        for path in directory.glob(pattern):
            with contextlib.suppress(OSError):
                if now - path.stat().st_mtime > days * 86_400:
                    path.unlink()
