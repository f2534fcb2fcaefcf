"""Is there a Docker daemon, and has it the image? Asked before anything heavy is imported."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from crudspec.server.choice import ServerError

if TYPE_CHECKING:
    from docker import DockerClient

IMAGE = "postgres:17"
ANSWER_SECONDS = 1.0
"""How long a daemon may take to answer before a run goes on without it."""

_DEFAULT = "unix:///var/run/docker.sock"


def answers() -> bool:
    """Tell whether a daemon answers a ping; a machine without Docker pays nothing for the question."""
    host = os.environ.get("DOCKER_HOST", _DEFAULT)
    if host.startswith("unix://"):
        return _pings(host.removeprefix("unix://"))
    from docker import DockerClient
    from docker.errors import DockerException

    with suppress(DockerException, OSError):
        client = DockerClient.from_env(timeout=int(ANSWER_SECONDS))
        try:
            return bool(client.ping())
        finally:
            client.close()
    return False


def _pings(path: str) -> bool:
    """Speak HTTP by hand: the client library takes a quarter of a second only to be imported."""
    if not Path(path).is_socket():
        return False
    with suppress(OSError), socket.socket(socket.AF_UNIX) as line:
        line.settimeout(ANSWER_SECONDS)
        line.connect(path)
        line.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
        return line.recv(64).split(b" ", 2)[1:2] == [b"200"]
    return False


def have_image() -> None:
    """Pull the image if it is not there.

    Raises:
        ServerError: it is not there and cannot be pulled, or the daemon does not answer.
    """
    from docker.errors import DockerException, ImageNotFound

    client = connect()
    try:
        try:
            client.images.get(IMAGE)
        except ImageNotFound:
            client.images.pull(IMAGE)
    except (DockerException, OSError):
        # Not the daemon's own words: those are long, and name the registry that it tried.
        raise ServerError(f"Docker answers, but has no image {IMAGE} and cannot pull it") from None
    finally:
        client.close()


def connect() -> DockerClient:
    """Return a client of the daemon.

    Raises:
        ServerError: no daemon answers.
    """
    import docker as library
    from docker.errors import DockerException

    try:
        return library.from_env()
    except (DockerException, OSError):
        raise ServerError("no Docker daemon answers; start it, or use --crud-server embedded or --crud-dsn") from None


def remove(name: str) -> None:
    """Remove a container and its volume by its name; nothing happens if there is none."""
    from docker.errors import DockerException, NotFound

    with suppress(ServerError, DockerException, OSError):
        client = connect()
        try:
            client.containers.get(name).remove(force=True, v=True)
        except NotFound:
            pass
        finally:
            client.close()
