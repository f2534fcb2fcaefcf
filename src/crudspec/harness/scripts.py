"""A failing program as a script that stands alone: paste it, point it at a database, run it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crudspec.entity.row import thawed
from crudspec.harness.company import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from crudspec.backends.registry import Adapter
    from crudspec.entity.row import Key, Row
    from crudspec.entity.table import Table
    from crudspec.harness.call import Call
    from crudspec.truth.model import Request


@dataclass(slots=True)
class Step:
    """One operation of a program, and what came of it.

    Attributes:
        who: Index of the backend that ran it.
        method: What the class calls the operation.
        request: What was asked for.
        outcome: What it returned or raised; its text is asked for only where a script is written.
        created: The row that it created, if it did.
    """

    who: int
    method: str
    request: Request
    outcome: Call | str
    created: Row | None = None


def script(
    table: Table, adapters: Sequence[Adapter], steps: Sequence[Step], *, synchronous: Collection[int] = ()
) -> str:
    """Write the steps as a program. Rows that it creates are named, as their keys differ from run to run.

    Args:
        table: That it is about.
        adapters: The backends.
        steps: What they did; all but the last may raise, and the program goes on.
        synchronous: Indices of the backends whose methods are not coroutines.
    """
    used = {index: adapter for index, adapter in enumerate(adapters) if any(step.who == index for step in steps)}
    referred = {_exact(step.request.key) for step in steps}
    names: dict[object, str] = {}
    body = []
    for step in steps:
        key = step.request.key
        args = [names[_exact(key)]] if _exact(key) in names else [*map(repr, key)]
        args += [f"{name}={thawed(value)!r}" for name, value in step.request.values.items()]
        wait = "" if step.who in synchronous else "await "
        call = f"{wait}{_variable(used, step.who)}.{step.method}({', '.join(args)})"
        if step.created is not None and table.server_makes_key and _exact(step.created.key) in referred:
            row = f"row{len(names) + 1}"
            names[_exact(step.created.key)] = f"{'*' * (len(table.key) > 1)}{_key_of(table)}({row})"
            call = f"{row} = {call}"
        outcome = " ".join((step.outcome if isinstance(step.outcome, str) else step.outcome.outcome).split())
        if outcome.startswith("raised ") and step is not steps[-1]:
            body += ["with suppress(Exception):", f"    {call}  # {outcome}"]
        else:
            body.append(f"{call}  # {outcome}")
    written = "\n".join(line.partition("  # ")[0] for line in body)  # what a call came to needs no import
    lines = [
        "import asyncio",
        *(line for word, line in _MODULES.items() if word in written),
        "import os",
        *dict.fromkeys(map(_import, used.values())),
    ]
    if any(line.startswith("with suppress") for line in body):
        lines.append("from contextlib import suppress")
    made = [f"Reference = beside({adapter.cls.__qualname__})" for adapter in used.values() if adapter.name != REFERENCE]
    made = made[:1] * any(adapter.name == REFERENCE for adapter in used.values())
    translated = dict.fromkeys(adapter.cls.__qualname__ for adapter in used.values() if adapter.translated)
    lines += ["from crudspec import translated"] * bool(translated)
    lines += ["", *(f"{name} = translated({name})" for name in translated), *made, ""]
    if names:
        keyed = ", ".join(f"row[{name!r}]".replace("'", '"') for name in table.key)
        plain = ", ".join(f"row.{name}" for name in table.key)
        several = len(table.key) > 1
        keyed, plain = (f"({some})" * several or some for some in (keyed, plain))
        lines += [f"def {_key_of(table)}(row):", f'    return {keyed} if hasattr(row, "keys") else {plain}', ""]
    lines += ["async def main(dsn):"]
    indent = "    "
    for index, adapter in used.items():
        opening = "with" if index in synchronous else "async with"
        lines.append(f"{indent}{opening} {adapter.cls.__qualname__}.connect(dsn) as {_variable(used, index)}:")
        indent += "    "
    lines += [indent + line for line in body]
    spec = next(iter(used.values())).spec
    run = f"crudspec database {shlex.quote(spec)} -- python program.py"
    lines += ["", f'asyncio.run(main(os.environ["CRUDSPEC_DSN"]))  # {run}']
    return "\n".join(lines)


_MODULES = {
    "Decimal(": "from decimal import Decimal",
    "UUID(": "from uuid import UUID",
    "datetime.": "import datetime",
    "IPv": "from ipaddress import *",
}
"""What a repr may need, by what is in it."""


def _exact(key: Key) -> object:
    """A key for a dict in which ``True`` is not 1; what cannot stand in one is none."""
    try:
        hash(key)
    except TypeError:
        return None
    return tuple((type(part), part) for part in key) or None


def _key_of(table: Table) -> str:
    return f"{table.key[0]}_of" if len(table.key) == 1 and table.key[0].isidentifier() else "key_of"


def _variable(used: dict[int, Adapter], index: int) -> str:
    return "backend" if len(used) == 1 else f"backend{index + 1}"


def _import(adapter: Adapter) -> str:
    place, name = adapter.spec.rpartition(":")[0], adapter.cls.__qualname__.partition(".")[0]
    if adapter.name == REFERENCE:
        return "from crudspec.backends.reference import beside"
    if place.endswith(".py"):
        # As a module, and not by runpy: what looks itself up in sys.modules (a dataclass, a model) finds itself there.
        path = Path(place).resolve()
        return f"import sys; sys.path.insert(0, {str(path.parent)!r}); from {path.stem} import {name}"
    return f"from {adapter.cls.__module__} import {name}"
