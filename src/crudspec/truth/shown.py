"""How a value, a call or an error is shown in a failure: each is a stranger's, and may do anything."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from crudspec.entity.row import Row, thawed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from crudspec.entity.table import Table

_LONGEST = 300
_MUCH = 30
_RUN = re.compile(rf"(.)\1{{{_MUCH},}}", re.DOTALL)
"""One character so often that nobody counts it."""

_TOLD = 6
"""Columns of a row that is told in few words."""


def shown(value: object) -> str:
    """A value for a failure: its repr, shortened; one that raises is said to; one that is an address is no use."""
    try:
        text = _text(value)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - the value is a stranger's
        return f"<{type(value).__name__} whose repr raises {type(error).__name__}>"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 60]} … ({len(text)} characters) … {text[-30:]}"


def _text(value: object) -> str:
    if type(value) is str and _RUN.search(value):
        return " + ".join(f"{text[0]!r} * {len(text)}" if len(text) > _MUCH else repr(text) for text in _parts(value))
    if type(value) is list:
        return f"[{', '.join(map(_text, value))}]"
    if isinstance(value, Row):
        return f"Row({shown_values(value.given())})"
    if type(value).__repr__ is not object.__repr__:
        return repr(value)
    fields = ", ".join(f"{name}={part!r}" for name, part in _attributes(value))
    return f"<{type(value).__name__} {fields}>" if fields else repr(value)


def _attributes(value: object) -> Iterator[tuple[str, Any]]:
    """What an object without a repr of its own holds, for what it tells."""
    for name in getattr(value, "__dict__", None) or getattr(type(value), "__slots__", ()):
        if isinstance(name, str) and not name.startswith("_") and hasattr(value, name):
            yield name, getattr(value, name)


def _parts(text: str) -> Iterator[str]:
    """The text, cut where such a run begins and ends."""
    end = 0
    for run in _RUN.finditer(text):
        if run.start() > end:
            yield text[end : run.start()]
        yield run[0]
        end = run.end()
    if end < len(text):
        yield text[end:]


def shown_call(method: str, key: Sequence[object] = (), values: Mapping[str, object] | None = None) -> str:
    """A call as it would be written: ``update(1, title='a', done=True)``."""
    return f"{method}({', '.join(filter(None, [*map(shown, key), shown_values(values or {})]))})"


def shown_values(values: Mapping[str, object]) -> str:
    """Values as keywords."""
    return ", ".join(f"{name}={shown(value)}" for name, value in values.items())


def brief(table: Table, value: object) -> str:
    """A result for a reader who knows the columns: a row as ``(id, title, done)``."""
    if isinstance(value, Row):
        told = [shown(thawed(value[name])) for name in table.told[:_TOLD]]
        return f"({', '.join(told)}{', …' * (len(table.told) > _TOLD)})"
    return f"[{', '.join(brief(table, one) for one in value)}]" if isinstance(value, list) else shown(value)


def brief_rows(table: Table, rows: Iterable[Row]) -> str:
    """The rows in the order of their keys, or ``no row``."""
    return ", ".join(brief(table, row) for row in table.in_key_order(rows)) or "no row"


def shown_error(error: BaseException) -> str:
    """``type: message`` of an exception, whose ``str`` may itself raise."""
    kind = type(error)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    try:
        text = str(error)
    except KeyboardInterrupt:
        raise
    except BaseException as broken:  # noqa: BLE001 - the exception is a stranger's
        text = f"<its str() raises {type(broken).__name__}>"
    first = text.strip().splitlines()[:1]
    # A lone surrogate, which the suite itself passes in, can be neither printed nor sent to another process.
    return f"{name}: {first[0][:_LONGEST].encode(errors='backslashreplace').decode()}" if first else name
