"""One cluster and its postmaster: initdb, start, stop. For the keeper only, which has a single thread."""

from __future__ import annotations

import ctypes
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from crudspec.server.choice import ServerError
from crudspec.server.rundir import last_lines

if TYPE_CHECKING:
    from pathlib import Path

    from crudspec.server.binaries import Account, Installation
    from crudspec.server.interrupts import Interrupts

_NAMELESS = (
    "PostgreSQL runs only as a user that the system has a name for: run as one, or name a server with --crud-dsn"
)
START_SECONDS = 30
"""How long a server may take from its start to its first connection; it is 0.02 s on an idle machine."""

_PR_SET_PDEATHSIG = 1
_LONGEST_SOCKET = 100
"""Bytes in the path of a Unix socket; the limit is 108 on Linux, 104 on macOS."""

_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with_keeper() -> None:
    """Have the kernel shut the server down at once (SIGQUIT) if the keeper dies, SIGKILL included.

    After the change of user, which would undo it. Other systems have nothing like it: there, a server whose
    keeper was killed with SIGKILL runs on until stop().
    """
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(signal.SIGQUIT))


def free_port() -> int:
    """Return a port of 127.0.0.1 that was free a moment ago: whoever uses it must be ready to lose the race."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Postgres:
    """A cluster in ``work/data`` with its log beside it."""

    def __init__(self, installation: Installation, user: Account, work: Path, interrupts: Interrupts) -> None:
        self._installation = installation
        self._user = user
        self._interrupts = interrupts
        self._work = work
        self._process: subprocess.Popen[Any] | None = None
        self.data = work / "data"
        self.log = work / "postgres.log"
        self.port = 0

    @property
    def socket_directory(self) -> Path | None:
        """Where the Unix socket is, open to whoever may enter the directory; None if its path were too long."""
        short = len(os.fsencode(self._work)) + len("/.s.PGSQL.65535") <= _LONGEST_SOCKET
        return self._work if short else None

    def initdb(self) -> str:
        """Create the cluster; return the superuser's random password.

        Raises:
            ServerError: with the last words of initdb.
        """
        password = secrets.token_hex(16)
        secret = self._work / "password"
        secret.write_text(password + "\n", encoding="utf-8")
        if self._user.uid is not None:
            os.chown(secret, self._user.uid, -1)
        # The builtin locale: C.UTF-8 of the C library is missing on some systems and differs between others.
        options = ["--no-sync", "--no-instructions", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin"]
        options += ["--builtin-locale=C.UTF-8", "--auth-host=scram-sha-256", "--auth-local=trust"]
        # scram_iterations stays as it is, 4,096 rounds of hashing: fewer would make each connection cheaper, and no
        # random password needs them, but a client may refuse fewer (RFC 7677), and pg8000 does.
        process = self._spawn("initdb", "-D", str(self.data), "-U", "postgres", f"--pwfile={secret}", *options)
        status = process.wait()
        self._process = None
        secret.unlink()
        if status != 0:
            told = last_lines(self.log)
            hint = f"; {_NAMELESS}" if "could not look up effective user" in told else ""
            raise ServerError(f"initdb failed (exit code {status}): {told}{hint}")
        return password

    def start(self) -> None:
        """Start the server on a free port of 127.0.0.1 and wait until it accepts connections.

        Raises:
            ServerError: with the last words of its log.
        """
        for _ in range(20):
            self.port = free_port()
            self.log.unlink(missing_ok=True)
            if self._ready(self._spawn("postgres", "-D", str(self.data), *self._options())):
                return
            self.stop(signal.SIGQUIT)
            # PostgreSQL's own words (LC_ALL=C): somebody else took the port in the meantime.
            if "could not bind" not in self.log.read_text(encoding="utf-8", errors="replace"):
                break
        raise ServerError(f"PostgreSQL did not start: {last_lines(self.log)}")

    def stop(self, how: signal.Signals) -> None:
        """End the server: SIGINT writes everything out first, SIGQUIT does not and is for data to be thrown away."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.send_signal(how)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
        # The group: initdb has children that do its work. A postmaster's have groups of their own, and end with it.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def wait(self) -> None:
        """Return when the server has ended by itself."""
        if self._process is not None:
            self._process.wait()

    def _options(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self.socket_directory or "",
            "max_connections": 500,
            "fsync": "off",
            "full_page_writes": "off",
            # In the data directory, where it is removed with it, and not in /dev/shm.
            "dynamic_shared_memory_type": "mmap",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    def _ready(self, process: subprocess.Popen[Any]) -> bool:
        """Look into postmaster.pid, as pg_ctl does: its eighth line says when connections are accepted."""
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            with suppress(OSError, IndexError):
                lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
                if int(lines[0]) == process.pid and lines[7].strip() == "ready":
                    return True
            time.sleep(0.003)
        return False

    def _spawn(self, program: str, *arguments: str) -> subprocess.Popen[Any]:
        """Start a program as the account. From the moment that it exists, :meth:`stop` knows it."""
        path = self._installation.directory / program
        try:
            with self._interrupts.held(), self.log.open("ab") as output:
                self._process = process = subprocess.Popen(
                    [path, *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    # Not where the run was started: the account may be unable to enter it.
                    cwd=self._work,
                    env=self._installation.environment(self._work),
                    umask=0o077,
                    process_group=0,
                    preexec_fn=_die_with_keeper,  # noqa: PLW1509 - the keeper has a single thread
                    **self._user.popen(),
                )
        except (OSError, subprocess.SubprocessError) as exc:
            raise ServerError(
                f"cannot run {path} as user {self._user.uid or os.geteuid()}: {exc}; "
                "run as an ordinary user, use Docker, or name a server with --crud-dsn"
            ) from exc
        return process
