"""The keeper: ``python -m crudspec.server.keeper RUN_DIR``, one per test run.

It starts the server, or only remembers whose it is, and waits. When the run's owner ends, or :func:`stop`
asks (SIGTERM), it removes the server, the container, or exactly this run's databases. It has a session of
its own, so that Ctrl-C in the terminal reaches neither it nor PostgreSQL while tests still need them. That
is one mechanism for all kinds of server; testcontainers' own (Ryuk) would need one more image and its socket.

It imports little: every run waits for it.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crudspec.server.choice import ServerError
from crudspec.server.interrupts import Interrupts, Stop
from crudspec.server.process import Identity, alive
from crudspec.server.rundir import RunDir

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


def main(run: RunDir) -> None:
    """Keep one run's server until the run is over."""
    request = run.read("request")
    if request is None:
        return
    owner = Identity(*request["owner"])
    interrupts = Interrupts(owner)
    with suppress(Stop):
        interrupts.install()
        _keep(run, request, interrupts)
    # A stop() removes the directory itself, and a start() that asked for an end needs it again.
    if not alive(owner):
        run.remove()


def _keep(run: RunDir, request: dict[str, Any], interrupts: Interrupts) -> None:
    """Serve until a :class:`Stop`; a failure is told, and then waited with, to clear up the directory too."""
    try:
        with _server(run, request, interrupts) as wait:
            wait()
    except ServerError as exc:
        run.tell("failed", message=str(exc))
    except Exception as exc:  # noqa: BLE001 - whatever it is, the waiting processes must hear of it
        traceback.print_exc()
        run.tell("failed", message=f"the server's keeper failed: {type(exc).__name__}; see {run.log()}")
    _forever()


def _server(run: RunDir, request: dict[str, Any], interrupts: Interrupts) -> AbstractContextManager[Callable[[], None]]:
    # Imported here: each kind costs its own imports, and a run has one.
    if request["kind"] == "external":
        return _external(run, request)
    if request["kind"] == "container":
        from crudspec.server import container

        return container.running(run, interrupts)
    if request["kind"] == "auto":
        return _auto(run, interrupts)
    from crudspec.server import embedded

    return embedded.running(run, interrupts)


@contextmanager
def _auto(run: RunDir, interrupts: Interrupts) -> Generator[Callable[[], None]]:
    """A container if a daemon answers and has, or gets, the image; else embedded, saying why."""
    from crudspec.server import container, docker, embedded

    remark = ""
    if docker.answers():
        try:
            docker.have_image()
        except ServerError as exc:
            remark = f"; {exc}"
        else:
            with container.running(run, interrupts) as wait:
                yield wait
            return
    with embedded.running(run, interrupts, remark=remark) as wait:
        yield wait


@contextmanager
def _external(run: RunDir, request: dict[str, Any]) -> Generator[Callable[[], None]]:
    """Somebody's server: nothing to start; at the end, this run's databases go and nothing else."""
    from crudspec.server import dsn

    url = request["dsn"]
    run.tell("began", kind="external", dsn=url, prefix=request["prefix"])
    run.tell("up", kind="external", dsn=url, origin=f"external {dsn.shown(url)}", socket=None)
    try:
        yield _forever
    finally:
        # A server that was never reached has nothing of ours, and asking it again would take its time.
        if run.read("reached") is not None:
            from crudspec.server import external

            external.clean(url, request["prefix"])


def _forever() -> None:
    while True:
        signal.pause()


if __name__ == "__main__":
    os.setsid()
    os.umask(0o077)
    main(RunDir(Path(sys.argv[1])))
