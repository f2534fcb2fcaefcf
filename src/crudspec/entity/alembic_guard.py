"""What keeps somebody's ``env.py`` from a database that is not ours, in the process that it runs in.

Several things that each hold alone, because each driver connects in its own way: SQLAlchemy asks before it connects,
Python tells of each socket, and on Linux the kernel refuses what a library in C tries.
"""

from __future__ import annotations

import ctypes
import platform
import struct
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Tell = Callable[[str], None]
    """Told where a connection was going to; ends the process."""

_CONNECT = {"x86_64": (0xC000003E, 42), "aarch64": (0xC00000B7, 203)}
"""For each machine, its name for the kernel's filter and the number of the call ``connect``."""

_REFUSED = 111
"""ECONNREFUSED: what every library understands."""


def nothing(tell: Tell) -> None:
    """From now on, this process and its children connect to nothing."""
    from sqlalchemy import Engine, event
    from sqlalchemy.pool import Pool

    # At once, and not by an error: it may be caught, and tried again for a minute.
    event.listen(Engine, "do_connect", lambda _dialect, _record, _args, params: tell(_address(params)))
    # An engine may have a function of its own to connect with; where the kernel does not help, it is stopped here.
    event.listen(Pool, "connect", lambda _connection, _record: tell("by a function of its own"))

    def heard(name: str, args: tuple[Any, ...]) -> None:
        # Other Unix sockets are those of a log or a name service.
        if name == "socket.connect" and (isinstance(args[1], tuple) or ".s.PGSQL." in str(args[1])):
            raise ConnectionRefusedError(_REFUSED, "Connection refused")

    sys.addaudithook(heard)
    _filter_calls()


def only(database: str, tell: Tell) -> None:
    """From now on, SQLAlchemy connects to this database, which no other server has, and to no other."""
    from sqlalchemy import Engine, event
    from sqlalchemy.pool import Pool

    def before(_dialect: object, _record: object, _args: object, params: dict[str, Any]) -> None:
        if _database(params) not in {None, database}:
            tell(_address(params))

    def after(connection: Any, _record: object) -> None:
        """For an engine that has a function of its own to connect with."""
        cursor = connection.cursor()
        cursor.execute("SELECT current_database()")
        (found,) = cursor.fetchone()
        cursor.close()
        connection.rollback()
        if found != database:
            tell(str(found))

    event.listen(Engine, "do_connect", before)
    event.listen(Pool, "connect", after)


def _database(params: dict[str, Any]) -> str | None:
    return params.get("database") or params.get("dbname")


def _address(params: dict[str, Any]) -> str:
    """Return where it was going to, without the password."""
    port = f":{params['port']}" if "port" in params else ""
    return f"{params.get('host') or 'localhost'}{port}/{_database(params) or ''}"


def _filter_calls() -> None:
    """Have the kernel refuse ``connect``, in children too; without such a kernel, the rest has to do."""
    if sys.platform != "linux" or platform.machine() not in _CONNECT:
        return
    machine, connect = _CONNECT[platform.machine()]
    program = b"".join(
        struct.pack("HBBI", *step)
        for step in (
            (0x20, 0, 0, 4),  # load the machine's name
            (0x15, 0, 3, machine),  # another one's calls have other numbers: let them pass
            (0x20, 0, 0, 0),  # load the call's number
            (0x15, 0, 1, connect),
            (0x06, 0, 0, 0x00050000 | _REFUSED),  # fail with this error
            (0x06, 0, 0, 0x7FFF0000),  # let it pass
        )
    )
    steps = ctypes.create_string_buffer(program, len(program))
    whole = ctypes.create_string_buffer(struct.pack("HP", len(program) // 8, ctypes.addressof(steps)))
    libc = ctypes.CDLL(None)
    libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS, without which only root may have a filter
    libc.prctl(22, 2, whole)  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
