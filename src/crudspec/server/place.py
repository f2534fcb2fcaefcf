"""The directory that an embedded server works in: reachable for its account, and removed in any case."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from crudspec.server.choice import ServerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crudspec.server.binaries import Account

MEMORY = Path("/dev/shm")  # noqa: S108 - not a temporary file: the machine's memory file system
MEMORY_NEEDED = 2 << 30
"""Bytes free that make it worth it. A container's usual 64 MB are too few for one cluster of 40 MB and its WAL."""

_NAME = "crudspec-pg-"
_LOCK = "keeper.lock"


def make(user: Account, *, programs: bool) -> Path:
    """Create the directory, owned by the server's account, 0700.

    In memory where there is plenty: a cluster is a thousand small files, and creating those is most of what a
    start costs on a disk. Never in the run's own directory, which the account may be unable to enter.

    Args:
        user: Who runs the server.
        programs: Programs will be copied here; ``/dev/shm`` is often mounted noexec.

    Raises:
        ServerError: no directory for temporary files that this user can enter.
    """
    for base in _bases(programs=programs):
        with contextlib.suppress(OSError):
            if enterable(base, user):
                path = Path(tempfile.mkdtemp(prefix=_NAME, dir=base))
                if user.uid is not None:
                    os.chown(path, user.uid, user.gid or -1)
                return path
    raise ServerError(
        f"user {user.uid} of the embedded server can enter no directory for temporary files; "
        "set TMPDIR to one that everybody can enter"
    )


def _bases(*, programs: bool) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        if not programs and shutil.disk_usage(MEMORY).free >= MEMORY_NEEDED:
            yield MEMORY
    yield Path(tempfile.gettempdir())
    yield Path("/tmp")  # noqa: S108 - mkdtemp makes the name; TMPDIR may be below somebody's 0700 home
    yield Path("/var/tmp")  # noqa: S108


def enterable(path: Path, user: Account) -> bool:
    """Tell whether the account may pass through every directory down to ``path``."""
    return all(_passable(parent.stat(), user) for parent in (path.resolve(), *path.resolve().parents))


def _passable(info: os.stat_result, user: Account) -> bool:
    if user.uid is None:
        return True
    if info.st_uid == user.uid:
        return bool(info.st_mode & stat.S_IXUSR)
    return bool(info.st_mode & (stat.S_IXGRP if info.st_gid == user.gid else stat.S_IXOTH))


def hold(path: Path) -> int:
    """Lock the directory as long as this process lives; return the descriptor that does it."""
    fd = os.open(path / _LOCK, os.O_WRONLY | os.O_CREAT, 0o600)
    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return fd


def remove(path: Path) -> None:
    """Remove the directory, also while the last processes in it are still on their way out."""
    deadline = time.monotonic() + 5
    while path.exists() and time.monotonic() < deadline:
        shutil.rmtree(path, ignore_errors=True)
        if path.exists():
            time.sleep(0.02)


def sweep(user: Account) -> None:
    """Remove the directories of keepers that were killed with SIGKILL and had no stop() after them."""
    for base in {*_bases(programs=False), MEMORY}:
        for path in base.glob(f"{_NAME}*"):
            with contextlib.suppress(OSError):
                if path.lstat().st_uid in {os.geteuid(), user.uid} and _abandoned(path):
                    remove(path)


def _abandoned(path: Path) -> bool:
    """A lock dies with its process, whatever killed it; a process id could have been given to somebody else."""
    lock = path / _LOCK
    if time.time() - lock.stat().st_mtime < 60:
        # Its keeper may be between creating the file and locking it.
        return False
    fd = os.open(lock, os.O_WRONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(fd)
    return True
