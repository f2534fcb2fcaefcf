"""The errors a backend raises, and which one it is.

Each is also the builtin exception a Python programmer would expect, and the suite accepts any exception of
that builtin: a backend never has to import this module. What it must not do is let its driver's own
exception out, because a caller would then depend on the driver.
"""


class CrudError(Exception):
    """Base of every error below: one ``except`` for all that a backend raises on purpose."""


class InvalidValue(CrudError, ValueError):
    """A value that the domain does not allow: see :mod:`crudspec.task` for the limits."""


class Duplicate(CrudError, ValueError):
    """A name that must be unique is taken."""


class MissingReference(CrudError, LookupError):
    """A row that another row refers to does not exist."""


class StaleRow(CrudError, RuntimeError):
    """The expected version is not the stored one: somebody else wrote the row first."""


class Unavailable(CrudError, ConnectionError):
    """The database cannot be reached, no connection came free in time, or the same call may succeed later.

    The write that was under way may or may not have been stored; a caller that must know has to look.
    """


_NAMED: dict[str, type[CrudError]] = {"23503": MissingReference, "23505": Duplicate}
"""SQLSTATEs of a refused value that have an error of their own."""

_REFUSED = ("22", "23")
"""SQLSTATE classes of a refused value: data exception, integrity constraint violation."""

_LATER = ("08", "25", "28", "3D", "40", "53", "55P03", "57", "58")
"""SQLSTATE classes that say "not now" rather than "not that": connection, transaction state (a standby is read
only), login, database name, deadlock, resources, lock timeout, operator (shutdown, statement timeout), system.
"""


def from_sqlstate(sqlstate: str | None, text: str) -> CrudError:
    """Name an error of the server's, for a backend to raise from the driver's own. ``ERROR-2`` asks for it.

    Args:
        sqlstate: Its five characters: https://www.postgresql.org/docs/current/errcodes-appendix.html
            None, which drivers' types allow for, is one that says nothing.
        text: What the server said. What a driver says of itself may quote the DSN: leave that out.

    Returns:
        :class:`MissingReference` for a foreign key, :class:`Duplicate` for a unique one, :class:`InvalidValue` for any
        other refused value, :class:`Unavailable` for what may succeed later, else a plain :class:`CrudError`.
    """
    sqlstate = sqlstate or "no SQLSTATE"
    if sqlstate.startswith(_REFUSED):
        return _NAMED.get(sqlstate, InvalidValue)(f"the database refused the value: {text} ({sqlstate})")
    if sqlstate.startswith(_LATER):
        return Unavailable(f"the database cannot do it now: {text} ({sqlstate})")
    return CrudError(f"the database could not do it: {text} ({sqlstate})")
