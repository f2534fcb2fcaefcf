"""A server in a container of the official image, through testcontainers."""

from __future__ import annotations

import os
import secrets
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from crudspec.server import docker
from crudspec.server.choice import ServerError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from testcontainers.core.container import DockerContainer

    from crudspec.server.interrupts import Interrupts
    from crudspec.server.rundir import RunDir

_COMMAND = ["postgres", "-c", "listen_addresses=*", "-c", "fsync=off", "-c", "full_page_writes=off"]
_COMMAND += ["-c", "max_connections=500"]


@contextmanager
def running(run: RunDir, interrupts: Interrupts) -> Generator[Callable[[], None]]:
    """Start the container, tell the run where it is, and remove it at the end.

    The name is known before the container is: whenever the end comes, it can be removed by its name.

    Yields:
        What waits, for ever.

    Raises:
        ServerError: no daemon, no image, or the container does not start.
    """
    name = (run.read("request") or {})["prefix"].replace("_", "-")
    try:
        run.tell("began", kind="container", container=name, cold=True)
        docker.have_image()
        url = _started(name, interrupts)
        run.tell("up", kind="container", dsn=url, origin=f"container {docker.IMAGE}", socket=None)
        yield _forever
    finally:
        docker.remove(name)


def _started(name: str, interrupts: Interrupts) -> str:
    # Read at import. Ryuk removes what a dead run left; the keeper does that, without one more image.
    os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"
    from docker.errors import DockerException
    from testcontainers.core.container import DockerContainer

    # Not PostgresContainer: all it adds is a wait for psql, once a second, with the password in psql's
    # command line. Whoever starts the server connects until it is answered.
    password = secrets.token_hex(16)
    try:
        container = DockerContainer(docker.IMAGE).with_name(name).with_command(_COMMAND)
        container.with_envs(POSTGRES_USER="postgres", POSTGRES_PASSWORD=password, POSTGRES_DB="postgres")
        _publish(container)
        with interrupts.held():
            container.start()
        host, port = container.get_container_host_ip(), container.get_exposed_port(5432)
    except (DockerException, OSError, TimeoutError) as exc:
        raise ServerError(
            f"the container of {docker.IMAGE} did not start ({type(exc).__name__}); "
            "look at docker's log, or use --crud-server embedded"
        ) from exc
    return f"postgresql://postgres:{password}@{host}:{port}/postgres"


def _publish(container: DockerContainer) -> None:
    """Publish the port on loopback only, where that is how the container is reached."""
    client = container.get_docker_client()
    mode = client.get_connection_mode().name
    if mode == "docker_host" and client.host() in {"localhost", "127.0.0.1"}:
        # docker-py's form of "any port, this interface", for which testcontainers has no method.
        cast("dict[str, Any]", container.ports)["5432"] = ("127.0.0.1",)
    else:
        container.with_exposed_ports(5432)


def _forever() -> None:
    while True:
        signal.pause()
