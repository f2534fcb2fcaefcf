"""Values as the text that PostgreSQL's own input functions read, exactly."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from crudspec.entity import exact

if TYPE_CHECKING:
    from crudspec.entity.types import Type


def literal(kind: Type, value: Any) -> bytes | None:
    """A value of a type as text in UTF-8, for ``convert_from($1, 'UTF8')::type``; None stays None.

    As bytes, a text with NUL in it gets as far as the server, which then refuses that one alone.

    Args:
        kind: The type that the value is of.
        value: It.
    """
    return None if value is None else _text(kind, value).encode()


def constant(kind: Type, value: Any) -> str:
    """A value as a statement has it; its column says of which type it is."""
    if value is None:
        return "NULL"
    text = _text(kind, value).replace("'", "''")
    # Said with E, a backslash is one whatever standard_conforming_strings is.
    return "E'" + text.replace("\\", "\\\\") + "'" if "\\" in text else f"'{text}'"


def _text(kind: Type, value: Any) -> str:
    match kind.kind:
        case "bool":
            return "true" if value else "false"
        case "float":
            return repr(value)
        case "date" | "time" | "timestamp":
            return value.isoformat()
        case "timestamptz":
            return exact.in_utc(value).isoformat()
        case "interval":
            return f"{value.days} days {value.seconds} seconds {value.microseconds} microseconds"
        case "bytes":
            return f"\\x{value.hex()}"
        case "json":
            return json.dumps(value)
        case "array":
            assert kind.item is not None
            return "{" + ",".join(_item(kind.item, item) for item in value) + "}"
        case _:
            return str(value)


def _item(kind: Type, item: Any) -> str:
    if item is None:
        return "NULL"
    text = _text(kind, item).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def from_server(kind: Type, value: Any) -> Any:
    """What was read from the server as :attr:`~crudspec.entity.types.Type.shown`: the value that stands for it."""
    if value is None:
        return None
    if kind.kind == "json":
        value = json.loads(value)
    elif kind.item is not None and kind.item.kind == "json":
        value = [None if item is None else json.loads(item) for item in value]
    return kind.read(value)
