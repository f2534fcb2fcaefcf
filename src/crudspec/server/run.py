"""Start and stop, as the processes of a test run call them; the server itself is the keeper's business."""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from crudspec.entity.errors import EntityError
from crudspec.entity.source import Source
from crudspec.entity.sources import BUILT_IN
from crudspec.server import dsn as urls
from crudspec.server import process
from crudspec.server.choice import Server, ServerChoice, ServerError
from crudspec.server.process import Identity
from crudspec.server.rundir import RunDir, last_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

    from crudspec.server.rundir import Fact

T = TypeVar("T")

BEGIN_SECONDS = 30
"""Until the keeper has begun with something."""
UP_SECONDS = 120
"""From there until the server is up."""
PULL_SECONDS = 600
"""The same where an image may have to be pulled."""
LOCK_SECONDS = 900
"""How long one process waits for another that is starting the server: longer than a start can take."""
END_SECONDS = 90
"""How long the keeper may take to remove everything before it is made to end."""


@contextmanager
def running(choice: ServerChoice) -> Generator[Server]:
    """A server for as long as the block lasts, for a program of one process.

    Raises:
        ServerError: it cannot be had; says what to do.
    """
    run_dir = Path(tempfile.gettempdir()) / f"crudspec-run-{os.getpid()}-{secrets.token_hex(6)}"
    try:
        # In here, as a start that fails leaves its folder, too: other processes of a run may have to read why.
        yield start(choice, run_dir=run_dir, owner=os.getpid())
    finally:
        stop(run_dir)


def start(choice: ServerChoice, *, run_dir: Path, owner: int) -> Server:
    """Return the run's server, starting it if this is the first process of the run to ask.

    Safe to call from several processes at once, and again: all get the same server, or the same error.

    Args:
        choice: What is wanted; only the first call's counts.
        run_dir: The run's own directory, made private (0700). It may not exist yet.
        owner: Process id of the test run's main process. When it is gone, killed included, so is everything.

    Raises:
        ServerError: there is no server; what to do about it.
    """
    from filelock import FileLock, Timeout

    run = RunDir(run_dir.absolute())
    run.make()
    try:
        with FileLock(run.path / "lock", timeout=LOCK_SECONDS):
            return _known(run) or _new(run, choice, owner)
    except Timeout:
        raise ServerError(
            f"another process has been starting the server for {LOCK_SECONDS} s; see {run.log()}"
        ) from None


def stop(run_dir: Path) -> None:
    """End the run's server, drop its databases, remove the directory. Nothing happens the second time."""
    run = RunDir(run_dir.absolute())
    if not run.path.is_dir():
        return
    _end_keeper(run)
    run.remove()


def _known(run: RunDir) -> Server | None:
    """The server, or the failure, that this run already has."""
    if (failed := run.read("failed")) is not None:
        raise ServerError(failed["message"])
    if (known := run.read("server")) is None:
        return None
    keeper = run.read("keeper")
    if keeper is None or not process.alive(Identity(**keeper)):
        raise ServerError("the server of this run is gone: its keeper was killed; start the run again")
    return Server(**known)


def _new(run: RunDir, choice: ServerChoice, owner: int) -> Server:
    # What is here belongs to a start that was killed half-way.
    _end_keeper(run)
    run.forget("request", "keeper", "began", "up", "reached", "migrated", "sealed")
    try:
        request = _request(choice, owner)
        run.tell("request", **request)
        keeper = _spawn(run)
        server = _brought_up(run, keeper, request)
    except ServerError as exc:
        run.tell("failed", message=str(exc))
        raise
    run.tell("server", **asdict(server))
    return server


def _request(choice: ServerChoice, owner: int) -> dict[str, Any]:
    dsn = choice.dsn
    if dsn is not None and not dsn.strip():
        raise ServerError(f"the DSN of --crud-dsn is empty; it is {urls.WANTED}")
    if choice.kind in {"auto", "external"}:
        dsn = dsn or os.environ.get("CRUDSPEC_DSN")
    if choice.kind == "external" and not dsn:
        raise ServerError(f"an external server needs its DSN: --crud-dsn or CRUDSPEC_DSN, {urls.WANTED}")
    if choice.kind in {"container", "embedded"} and dsn:
        raise ServerError(f"a DSN was given, and so was --crud-server {choice.kind}; leave one of them out")
    identity = process.identify(owner)
    if identity is None:
        raise ServerError(f"the test run that wants a server (process {owner}) is gone")
    return {
        "kind": "external" if dsn else choice.kind,
        "dsn": urls.normalised(dsn) if dsn else None,
        "owner": identity,
        "prefix": f"crudspec_{secrets.token_hex(6)}",
        "schema": _built_in(Source.digest),
    }


def _spawn(run: RunDir) -> Identity:
    """Start the keeper, detached: nobody has to wait for it, and no interpreter complains that nobody did."""
    log = os.open(run.log(), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    package_parent = str(Path(__file__).resolve().parents[2])
    inherited = os.environ.get("PYTHONPATH")
    environment = os.environ | {
        # Also where crudspec is importable only by what pytest did to sys.path.
        "PYTHONPATH": os.pathsep.join([package_parent, inherited] if inherited else [package_parent]),
    }
    try:
        # Not subprocess: a Popen object that is dropped while its process runs is a ResourceWarning, and in an
        # xdist worker that started the server nobody is left to keep it.
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-m", "crudspec.server.keeper", str(run.path)],
            environment,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, log, 1),
                (os.POSIX_SPAWN_DUP2, log, 2),
            ],
        )
    finally:
        os.close(log)
    identity = process.identify(pid)
    if identity is None:
        raise ServerError(f"the server's keeper ended at once: {last_lines(run.log())}")
    run.tell("keeper", **identity._asdict())
    return identity


def _brought_up(run: RunDir, keeper: Identity, request: dict[str, Any]) -> Server:
    """See the server through to its template; what can be done without it is done while the keeper is busy."""
    import asyncpg  # noqa: F401 - 0.1 s

    from crudspec.server import template

    began = _told(run, "began", keeper, BEGIN_SECONDS if request["kind"] != "auto" else PULL_SECONDS)
    if began.get("cold") or began["kind"] == "external":
        _built_in(template.script_of)
    up = _told(run, "up", keeper, PULL_SECONDS if began["kind"] == "container" else UP_SECONDS)
    if up["socket"]:
        dsn, version = _finished(template.adopt(up, request["prefix"]))
    else:
        dsn = up["dsn"]
        external = up["kind"] == "external"
        reached = partial(run.tell, "reached")
        version = _finished(template.build(dsn, request["prefix"], external=external, reached=reached))
        if up["kind"] == "embedded":
            run.tell("migrated")
            dsn = urls.with_port(dsn, _told(run, "sealed", keeper, UP_SECONDS)["port"])
    server = Server(kind=up["kind"], dsn=dsn, version=version, origin=up["origin"], prefix=request["prefix"])
    if up["kind"] == "external":
        from crudspec.server.scratch import try_out

        _finished(try_out(server))
    return server


def _built_in(ask: Callable[[Source], str]) -> str:
    """Ask the built-in schema for something of its own."""
    try:
        return ask(BUILT_IN)
    except EntityError as exc:
        raise ServerError(str(exc)) from exc


def _told(run: RunDir, fact: Fact, keeper: Identity, seconds: float) -> dict[str, Any]:
    """Wait for the keeper to tell a fact."""
    deadline = time.monotonic() + seconds
    watch = process.Watch(keeper)
    try:
        while True:
            ended = watch.gone()
            if (content := run.read(fact)) is not None:
                return content
            if (failed := run.read("failed")) is not None:
                raise ServerError(failed["message"])
            if ended:
                raise ServerError(f"the server's keeper ended: {last_lines(run.log()) or 'it was killed'}")
            if time.monotonic() > deadline:
                raise ServerError(f"the server is not ready after {seconds:.0f} s; see {run.log()}")
            watch.gone(0.003)
    finally:
        watch.close()


def _finished(work: Coroutine[Any, Any, T]) -> T:
    """Run it in a thread of its own: the caller's thread may have an event loop, running or only set."""
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(work)).result()


def _end_keeper(run: RunDir) -> None:
    """End the keeper; if it could not clean up, because somebody killed it, do that in its place."""
    keeper, began = run.read("keeper"), run.read("began")
    if keeper is None:
        return
    identity = Identity(**keeper)
    orderly = process.alive(identity) and process.end(identity, timeout=END_SECONDS)
    if not orderly and began is not None:
        _clean_up(run, began)


def _clean_up(run: RunDir, began: dict[str, Any]) -> None:
    if began["kind"] == "embedded":
        from crudspec.server import place

        place.remove(Path(began["work"]))
    elif began["kind"] == "container":
        from crudspec.server import docker

        docker.remove(began["container"])
    elif run.read("reached") is not None:
        import asyncio

        from crudspec.server import external

        _finished(asyncio.to_thread(external.clean, began["dsn"], began["prefix"]))
