"""``translated``: a data layer whose callers need to know no driver, by one line above its class."""

from __future__ import annotations

import re
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from crudspec.contract.ownership import is_leak
from crudspec.errors import CrudError, InvalidValue, Unavailable, from_sqlstate
from crudspec.translation.border import bordered

if TYPE_CHECKING:
    from collections.abc import Iterator

_Class = TypeVar("_Class", bound=type)

_REFUSED = frozenset({"DataError", "IntegrityError", "ProgrammingError", "ValidationError"})
"""Names of classes, also of a class's bases, that say without a SQLSTATE that a value was refused: those of the DB-API
(https://peps.python.org/pep-0249/#exceptions), where a driver's own ProgrammingError is a type that it cannot send,
and what libraries for models call theirs."""

_LOST = re.compile(r"^(InterfaceError|OperationalError|InternalError|InternalClientError)$|Timeout|Connect|Closed")
"""The same for a connection that is not there, not in a state to be used, or not free in time."""

_SQLSTATE = re.compile(r"[0-9A-Z]{5}")


def translated(cls: _Class) -> _Class:
    """Turn the third-party exceptions of a backend into crudspec's: ``@translated`` above its class.

    It checks no value and stores nothing. What leaves ``connect`` (entering and leaving it included) or one of the five
    operations, and is of a class that is neither Python's nor crudspec's nor of the backend's own package, is raised
    as what its SQLSTATE says (:func:`crudspec.from_sqlstate`), with the original as its ``__cause__``. The SQLSTATE is
    looked for in the exception and in those that it wraps, as drivers and libraries on top of them have it: asyncpg,
    psycopg, psycopg2, pg8000; SQLAlchemy, Django, peewee, Tortoise, Piccolo. Where there is none:

    * :class:`~crudspec.Unavailable` for what an ``OSError`` or a ``TimeoutError`` has led to, or a class says whose
      name, or a base's, is the DB-API's ``OperationalError`` or ``InterfaceError`` or tells of a connection or a
      timeout;
    * :class:`~crudspec.InvalidValue` for what a ``ValueError`` or a ``TypeError`` has led to, or a class whose name, or
      a base's, is the DB-API's ``DataError``, say; not in ``connect``, which is given no value;
    * :class:`~crudspec.CrudError` for anything else.

    The server's message is told on. That of a driver is not, as it may quote the DSN: only the name of its class is.

    An ``ExceptionGroup`` with such exceptions in it becomes one error: what all of them are, or a ``CrudError``. Other
    exceptions pass as they are, and so do cancellations and whatever else is no ``Exception``.

    Args:
        cls: The backend, synchronous or not. It is left as it is.

    Returns:
        A class that derives from it, with its name, module and claims.
    """
    return cast("_Class", bordered(cls, partial(_instead, cls)))


def _instead(backend: type, error: Exception, method: str) -> CrudError | None:
    leaves = list(_leaves(error))
    if not any(is_leak(leaf, backend) for leaf in leaves):
        return None
    named = [leaf if isinstance(leaf, CrudError) else _named(leaf, connecting=method == "connect") for leaf in leaves]
    kinds = {type(one) for one in named}
    told = "; ".join(dict.fromkeys(_text(one) for one in named))
    other = named[0] if len(named) == 1 else kinds.pop()(told) if len(kinds) == 1 else CrudError(told)
    other.__cause__ = error
    return other


def _leaves(error: Exception) -> Iterator[Exception]:
    """The exception; of a group, those in it, at whatever depth."""
    if isinstance(error, ExceptionGroup):
        for one in error.exceptions:
            yield from _leaves(one)
    else:
        yield error


def _named(error: Exception, *, connecting: bool) -> CrudError:
    links = list(_links(error))
    state = next(filter(None, map(_sqlstate, links)), None)
    if state:
        innermost = [link for link in links if _sqlstate(link) == state][-1]
        return from_sqlstate(state, _message(innermost))
    name = type(error).__name__
    names = {kind.__name__ for link in links for kind in type(link).__mro__}
    if any(isinstance(link, OSError | EOFError) for link in links):  # OSError: TimeoutError is one
        return Unavailable(f"the connection to the database failed ({name})")
    if not connecting and (names & _REFUSED or any(isinstance(link, ValueError | TypeError) for link in links)):
        return InvalidValue(f"a value was refused before it reached the database ({name})")
    if any(map(_LOST.search, names)):
        return Unavailable(f"the connection to the database failed ({name})")
    return CrudError(f"the database could not be asked ({name})")


def _links(error: BaseException) -> Iterator[BaseException]:
    """The exception and those that it stands for, nearest first.

    ``orig`` is SQLAlchemy's, and peewee and others give the driver's exception as an argument. A ``__context__`` is
    followed only from an exception that names no other one and does not itself say that the connection is gone:
    whatever was being handled when that happened has nothing to do with it.
    """
    todo, seen = deque([error]), set()
    while todo:
        link = todo.popleft()
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        wrapped = [getattr(link, "orig", None), link.__cause__, *link.args]
        inner = [one for one in wrapped if isinstance(one, BaseException)]
        if not inner and link.__context__ is not None and not link.__suppress_context__ and not _is_interface(link):
            inner = [link.__context__]
        todo.extend(inner)


def _is_interface(error: BaseException) -> bool:
    return any(kind.__name__ == "InterfaceError" for kind in type(error).__mro__) or isinstance(error, OSError)


def _sqlstate(error: BaseException) -> str | None:
    """The five characters, where this exception itself has them: asyncpg, psycopg; psycopg2; pg8000."""
    candidates = [getattr(error, name, None) for name in ("sqlstate", "pgcode")]
    candidates += [getattr(getattr(error, "diag", None), "sqlstate", None), _fields(error).get("C")]
    return next((one for one in candidates if isinstance(one, str) and _SQLSTATE.fullmatch(one)), None)


def _fields(error: BaseException) -> dict[str, Any]:
    """pg8000's: the fields of the server's message by their codes.

    https://www.postgresql.org/docs/current/protocol-error-fields.html
    """
    return error.args[0] if error.args and isinstance(error.args[0], dict) else {}


def _message(error: BaseException) -> str:
    """What the server said, without what a driver adds: the statement, say."""
    said = getattr(getattr(error, "diag", None), "message_primary", None) or _fields(error).get("M")
    return str(said) if said else _text(error)


def _text(error: BaseException) -> str:
    try:
        lines = str(error).strip().splitlines()
    except Exception:  # noqa: BLE001 - the exception is a stranger's
        lines = []
    return lines[0] if lines else type(error).__name__
