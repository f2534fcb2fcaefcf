"""A server of our own, from PostgreSQL's programs: a copy of the last run's cluster, or a new one."""

from __future__ import annotations

import os
import shutil
import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from crudspec.server import binaries, cache, dsn, place
from crudspec.server.choice import ServerError
from crudspec.server.postgres import Postgres
from crudspec.server.rundir import last_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from crudspec.server.interrupts import Interrupts
    from crudspec.server.rundir import RunDir

MIGRATED_SECONDS = 300
"""How long the starting process may take to migrate; the keeper then gives up keeping a copy."""


@contextmanager
def running(run: RunDir, interrupts: Interrupts, *, remark: str = "") -> Generator[Callable[[], None]]:
    """Start the server, tell the run that it is up, and remove it all at the end.

    Yields:
        What waits for the server to end by itself.

    Raises:
        ServerError: no programs, or they do not start.
    """
    user = binaries.account()
    installation = binaries.find(user)
    kept = cache.entry(installation, (run.read("request") or {})["schema"])
    cold = kept is None or not kept.exists()
    work, lock, postgres = None, None, None
    try:
        with interrupts.held():
            work = place.make(user, programs=not installation.reachable)
            lock = place.hold(work)
            run.tell("began", kind="embedded", work=str(work), cold=cold)
        if not installation.reachable:
            installation = installation.copied_to(work / "programs")
        postgres = Postgres(installation, user, work, interrupts)
        cached = _restored(postgres, kept, user)
        password = "" if cached else _created(postgres)
        origin = f"embedded ({installation.source} {installation.version}{remark})"
        url = dsn.local(postgres.port, password)
        run.tell("up", kind="embedded", dsn=url, origin=origin, socket=str(work) if cached else None)
        place.sweep(user)
        if kept is not None:
            cache.prune(kept.parent)
        if not cached:
            _seal(postgres, kept, run)
        yield lambda: _wait(postgres)
    finally:
        if postgres is not None:
            postgres.stop(signal.SIGQUIT)
        if work is not None:
            place.remove(work)
        if lock is not None:
            os.close(lock)


def _restored(postgres: Postgres, kept: Path | None, user: binaries.Account) -> bool:
    """Start from the cache, if there is such an entry and it is good; else leave no trace of the attempt."""
    # Its password is nobody's any more; a new one is set over the socket, so without a socket it is of no use.
    if kept is None or not kept.exists() or postgres.socket_directory is None:
        return False
    try:
        if cache.restore(kept, postgres.data.parent, user):
            postgres.start()
            return True
    except ServerError:
        pass
    kept.unlink(missing_ok=True)
    shutil.rmtree(postgres.data, ignore_errors=True)
    return False


def _created(postgres: Postgres) -> str:
    password = postgres.initdb()
    postgres.start()
    return password


def _seal(postgres: Postgres, kept: Path | None, run: RunDir) -> None:
    """Keep a copy of the cluster, if there is a cache, once it is migrated, before anybody works on it.

    Shut down for it: a copy of running files would need a recovery at every start, and one made at the end of
    the run could carry what a backend under test did to roles or settings into all later runs. It takes 0.1 s.
    """
    deadline = time.monotonic() + MIGRATED_SECONDS
    while run.read("migrated") is None:
        if run.read("failed") is not None or time.monotonic() > deadline:
            return
        time.sleep(0.003)
    if kept is not None:
        postgres.stop(signal.SIGINT)
        cache.store(kept, postgres.data)
        postgres.start()
    run.tell("sealed", port=postgres.port)


def _wait(postgres: Postgres) -> None:
    postgres.wait()
    raise ServerError(f"the PostgreSQL server of this run ended by itself: {last_lines(postgres.log)}")
