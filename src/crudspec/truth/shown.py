"""How a value, a call or an error is shown in a failure: each is a stranger's, and may do anything."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from crudspec.truth.model import Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LONGEST = 300
_MUCH = 30
_RUN = re.compile(rf"(.)\1{{{_MUCH},}}", re.DOTALL)
"""One character so often that nobody counts it."""


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
    if type(value).__repr__ is not object.__repr__:
        return repr(value)
    fields = ", ".join(f"{name}={getattr(value, name)!r}" for name in Row._fields if hasattr(value, name))
    return f"<{type(value).__name__} {fields}>" if fields else repr(value)


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


def shown_call(operation: str, args: Sequence[object]) -> str:
    return f"{operation}({', '.join(shown(arg) for arg in args)})"


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
