"""A database with an entity's table in it, for as long as somebody needs it: to run a program that a failure shows."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import subprocess
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from crudspec.adopt.understood import in_a_process
from crudspec.backends.registry import resolve
from crudspec.harness.databases import scratch_with
from crudspec.server import running

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from crudspec.server import Server, ServerChoice

VARIABLE = "CRUDSPEC_DSN"


class NoProgram(Exception):
    """The command cannot be run; the message says why."""


def serve(spec: str, choice: ServerChoice, command: Sequence[str]) -> int:
    """Make the database; run a command with its DSN, or print that and wait for Ctrl-C. Then it is gone.

    Returns:
        The command's exit status; 0 without one.

    Raises:
        BackendError: there is no such backend.
        EntityError: its table cannot be used.
        NoProgram: the command cannot be run.
        ServerError: there is no server.
    """
    with running(choice) as server:
        dsn = in_a_process(make_database, server, spec)
        return _run(command, dsn) if command else _wait(server, dsn)


def make_database(server: Server, spec: str) -> str:
    """In a process that may import the user's modules: make it, and return its DSN."""
    (adapter,) = resolve([spec])
    dsn, _ = asyncio.run(scratch_with(server, f"{adapter.name} by hand", adapter.entity))
    return dsn


def _run(command: Sequence[str], dsn: str) -> int:
    try:
        program = subprocess.Popen(command, env={**os.environ, VARIABLE: dsn})
    except OSError as error:
        raise NoProgram(f"{command[0]!r} cannot be run: {error.strerror}") from None
    # Ctrl-C in a terminal is sent to the program, too, which may have something to do still.
    with _handled(signal.SIGINT, lambda: None), _handled(signal.SIGTERM, program.terminate):
        status = program.wait()
    return 128 - status if status < 0 else status


def _wait(server: Server, dsn: str) -> int:
    over = threading.Event()
    with _handled(signal.SIGINT, over.set), _handled(signal.SIGTERM, over.set):
        # The password is in it, somebody's own server's, too: a DSN is what was asked for.
        click.echo(f"export {VARIABLE}={shlex.quote(dsn)}")
        click.echo(f"PostgreSQL {server.version}, {server.origin}; the database is there until Ctrl-C", err=True)
        over.wait()
    return 0


@contextmanager
def _handled(number: signal.Signals, call: Callable[[], object]) -> Generator[None]:
    before = signal.signal(number, lambda *_: call())
    try:
        yield
    finally:
        signal.signal(number, before)
