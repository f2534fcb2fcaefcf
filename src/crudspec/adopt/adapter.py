"""A class to begin with, for a table of one's own: its real columns, and what is to be written in each method."""

from __future__ import annotations

import builtins
import re
from keyword import iskeyword
from typing import TYPE_CHECKING

from crudspec.adopt.page import order
from crudspec.entity.table import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from crudspec.entity.table import Column, Table
    from crudspec.entity.types import Type

_LINE = 88
"""Characters of a line, as ruff and black have it where nobody says otherwise."""

_TYPES = {
    "bool": "bool",
    "int": "int",
    "numeric": "Decimal",
    "float": "float",
    "text": "str",
    "uuid": "UUID",
    "date": "date",
    "time": "time",
    "timestamp": "datetime",
    "timestamptz": "datetime",
    "interval": "timedelta",
    "bytes": "bytes",
    "json": "Any",
    "enum": "str",
}
_MODULES = {
    "date": "datetime",
    "datetime": "datetime",
    "time": "datetime",
    "timedelta": "datetime",
    "Decimal": "decimal",
    "Any": "typing",
    "UUID": "uuid",
    "AsyncIterator": "collections.abc",
    "asynccontextmanager": "contextlib",
}


def class_name_of(table: str) -> str:
    """A name for the class: ``order_lines`` is ``OrderLines``."""
    words = re.findall(r"[^\W_]+", table.rpartition(".")[2])
    name = "".join(word[0].upper() + word[1:] for word in words)
    return name if name.isidentifier() and not iskeyword(name) else "MyBackend"


def adapter(table: Table, *, named: str, schema: str, class_name: str, path: str) -> str:
    """Write it.

    Args:
        table: As the server has it.
        named: What the user calls the table.
        schema: What the user says makes it: the path of an ini or of a file of SQL, or ``module:attribute``.
        class_name: Name of the class.
        path: Where it will be.
    """
    source, imported, of_crudspec = _schema(schema)
    body = "\n\n".join("\n".join(method) for method in _methods(table, class_name))
    needed = {"AsyncIterator", "asynccontextmanager", *re.findall(r"\w+", " ".join(_signatures(table)))}
    lines = [
        f'"""A data layer on the table {_in_docstring(named)}: write connect and the operations.',
        "",
        f"    crudspec entity {path}:{class_name}",
        "",
        "prints what is understood of the table, and what will be asked;",
        "",
        f"    crudspec check -x {path}:{class_name}",
        "",
        "asks it, up to the first promise that is not kept. Each method may call the code that",
        "you have: a repository, a service, functions that take a session.",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        *_imports(needed),
        "",
        *_foreign([f"from crudspec import {', '.join(sorted({'Entity', *of_crudspec}))}", *imported]),
        "",
        "",
        f"class {class_name}:",
        *_entity(f"table={_text(named)}", f"schema={source}"),
        "",
        body,
    ]
    return "\n".join(lines) + "\n"


def _schema(schema: str) -> tuple[str, list[str], list[str]]:
    """The argument; what has to be imported for it; and what of crudspec's."""
    if schema.endswith(".ini"):
        return f"Alembic({_text(schema)})", [], ["Alembic"]
    module, colon, attribute = schema.partition(":")
    if not colon or schema.endswith(".sql"):
        return _text(schema), [], []
    return attribute, [f"from {module} import {attribute.partition('.')[0]}"], []


def _entity(table: str, schema: str) -> list[str]:
    one = f"    entity = Entity({table}, {schema})"
    if len(one) <= _LINE:
        return [one]
    return ["    entity = Entity(", f"        {table},", f"        {schema},", "    )"]


def _text(text: str) -> str:
    """A literal as ruff and black write it, with double quotes where that needs no more backslashes."""
    written = repr(text)
    return f'"{written[1:-1]}"' if written[0] == "'" and '"' not in text and "'" not in text else written


def _in_docstring(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _imports(needed: set[str]) -> list[str]:
    modules: dict[str, list[str]] = {}
    for name in sorted(needed & _MODULES.keys()):
        modules.setdefault(_MODULES[name], []).append(name)
    # As isort has them: in a list of names, classes come before functions.
    return [
        f"from {module} import {', '.join(sorted(names, key=lambda name: (name.islower(), name)))}"
        for module, names in sorted(modules.items())
    ]


def _foreign(imports: Sequence[str]) -> list[str]:
    """Other packages than Python's: crudspec, and the user's own in a paragraph of their own."""
    first, *others = imports
    return [first, *([""] if others else []), *others]


def _methods(table: Table, class_name: str) -> Iterator[list[str]]:
    connect, *operations = _signatures(table, class_name)
    yield [
        "    def __init__(self, dsn: str) -> None:",
        "        self.dsn = dsn  # postgresql://user:password@host:port/database",
    ]
    yield [
        "    @classmethod",
        "    @asynccontextmanager",
        connect,
        '        """Open your pool or engine on this database; close it after the yield."""',
        "        yield cls(dsn)",
    ]
    for signature, (promise, todo) in zip(operations, _texts(table), strict=True):
        yield [signature, f'        """{promise}"""', *_raise(todo)]


def _signatures(table: Table, class_name: str = "") -> list[str]:
    key = [f"{_positional(column)}: {_type(column)}" for column in table.key_columns]
    creates, updates = (_keywords(table, names) for names in (table.creates, table.updates))
    method = table.method
    return [
        _def("connect", ["cls", "dsn: str"], f"AsyncIterator[{class_name}]"),
        _def(method("create"), ["self", *creates], "object"),
        _def(method("get"), ["self", *key], "object | None"),
        _def(method("list_all"), ["self"], "list[object]"),
        _def(method("update"), ["self", *key, *updates], "bool"),
        _def(method("delete"), ["self", *key], "bool"),
    ]


def _positional(column: Column) -> str:
    """A name for a part of the key, which is given by its place."""
    name = re.sub(r"\W", "_", column.name).lower()
    if not name.isidentifier():
        return f"key_{name}"
    return f"{name}_" if iskeyword(name) or name in vars(builtins) or name in {"self", "cls"} else name


def _keywords(table: Table, names: Sequence[str]) -> list[str]:
    """Parameters by the columns' names; where one of them is no name in Python, all in one."""
    taken = {"self", *map(_positional, table.key_columns)}
    if not names:
        return []
    if not all(name.isidentifier() and not iskeyword(name) and name not in taken for name in names):
        return ["**values: object"]
    return ["*", *(f"{name}: {_type(table.by_name[name])}" for name in names)]


def _type(column: Column) -> str:
    written = _type_of(column.type)
    return f"{written} | None" if column.nullable and written not in {"Any", "object"} else written


def _type_of(kind: Type) -> str:
    return f"list[{_type_of(kind.item)}]" if kind.item is not None else _TYPES.get(kind.kind, "object")


def _def(name: str, parameters: Sequence[str], returns: str) -> str:
    one = f"    async def {name}({', '.join(parameters)}) -> {returns}:"
    if len(one) <= _LINE:
        return one
    inner = ", ".join(parameters)
    if len(inner) + 8 <= _LINE and "*" not in parameters:
        return f"    async def {name}(\n        {inner}\n    ) -> {returns}:"
    return "\n".join([f"    async def {name}(", *(f"        {one}," for one in parameters), f"    ) -> {returns}:"])


def _texts(table: Table) -> Iterator[tuple[str, str]]:
    """What each operation promises, and what is to be written there."""
    name = _sql(table.name) if table.schema == "public" else f"{_sql(table.schema)}.{_sql(table.name)}"
    where = " AND ".join(f"{_sql(one)} = ..." for one in table.key)
    yield (
        "Store a row; return it as stored, its columns as attributes or keys.",
        f"TODO: INSERT INTO {name} ({_few(map(_sql, table.creates))}) VALUES (...) RETURNING *"
        if table.creates
        else f"TODO: INSERT INTO {name} DEFAULT VALUES RETURNING *",
    )
    yield "Return the row, or None if there is none.", f"TODO: SELECT * FROM {name} WHERE {where}"
    by = "" if table.order is None else f" ORDER BY {', '.join(_ordered(table))}"
    yield f"Return every row, {order(table)}.", f"TODO: SELECT * FROM {name}{by}"
    if table.updates:
        sets = _few(f"{_sql(one)} = ..." for one in table.updates)
        yield (
            "Set all these values. True if the row is there, False if not.",
            f"TODO: UPDATE {name} SET {sets} WHERE {where}",
        )
    else:
        yield "No column of this table can be updated: nobody calls it.", "there is nothing to update"
    yield (
        "Remove the row. True if it was there, False if not.",
        f"TODO: DELETE FROM {name} WHERE {where}",
    )


def _ordered(table: Table) -> list[str]:
    return [f"{_sql(one[1:])} DESC" if one.startswith("-") else _sql(one) for one in table.order or table.key]


def _sql(name: str) -> str:
    """A name as somebody writes it in a statement: in quotes only where it needs them."""
    from sqlalchemy.dialects.postgresql.base import RESERVED_WORDS

    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) and name not in RESERVED_WORDS else quoted(name)


def _few(names: Iterable[str]) -> str:
    """Names, as many as fit."""
    names = list(names)
    return ", ".join(names) if len(names) <= 4 else ", ".join([*names[:3], "..."])


def _raise(text: str) -> list[str]:
    """Raise it, in as many lines as it takes."""
    one = f"        raise NotImplementedError({_text(text)})"
    if len(one) <= _LINE:
        return [one]
    room, lines = _LINE - 12 - 2, [""]
    for word in text.split(" "):
        longer = f"{lines[-1]}{word} "
        if len(repr(longer.rstrip())) - 1 <= room or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(f"{word} ")
    lines[-1] = lines[-1][:-1]
    return [
        "        raise NotImplementedError(",
        *(f"            {_text(line)}" for line in lines),
        "        )",
    ]
