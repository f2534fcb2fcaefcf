"""The errors a backend raises.

Each is also the builtin exception a Python programmer would expect, and the suite accepts any exception of
that builtin: a backend never has to import this module. What it must not do is let its driver's own
exception out, because a caller would then depend on the driver.
"""


class CrudError(Exception):
    """Base of every error below: one ``except`` for all that a backend raises on purpose."""


class InvalidTask(CrudError, ValueError):
    """A value that the domain does not allow: see :mod:`crudspec.task` for the limits."""


class Duplicate(CrudError, ValueError):
    """A name that must be unique is taken."""


class MissingReference(CrudError, LookupError):
    """A row that another row refers to does not exist."""


class StaleTask(CrudError, RuntimeError):
    """The expected version is not the stored one: somebody else wrote the row first."""


class Unavailable(CrudError, ConnectionError):
    """The database cannot be reached, or no connection came free in time.

    The write that was under way may or may not have been stored; a caller that must know has to look.
    """
