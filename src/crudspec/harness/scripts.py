"""A failing program as a script that stands alone: paste it, point it at a database, run it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from crudspec.backends.registry import Adapter
    from crudspec.harness.call import Call


@dataclass(slots=True)
class Step:
    """One operation of a program, and what came of it.

    Attributes:
        who: Index of the backend that ran it.
        operation: Name of the method.
        args: Its arguments.
        outcome: What it returned or raised; its text is asked for only where a script is written.
        created: Id of the row that it created, if it did.
    """

    who: int
    operation: str
    args: tuple[Any, ...]
    outcome: Call | str
    created: int | None = None


def script(adapters: Sequence[Adapter], steps: Sequence[Step], *, synchronous: Collection[int] = ()) -> str:
    """Write the steps as a program. Rows that it creates are named, as their ids differ from run to run.

    Args:
        adapters: The backends.
        steps: What they did; all but the last may raise, and the program goes on.
        synchronous: Indices of the backends whose methods are not coroutines.
    """
    used = {index: adapter for index, adapter in enumerate(adapters) if any(step.who == index for step in steps)}
    referred = {step.args[0] for step in steps if step.operation in {"get", "update", "delete"} and _is_id(step.args)}
    names: dict[int, str] = {}
    body = []
    for step in steps:
        args = [repr(arg) for arg in step.args]
        if step.operation != "create" and _is_id(step.args) and step.args[0] in names:
            args[0] = names[step.args[0]]
        wait = "" if step.who in synchronous else "await "
        call = f"{wait}{_variable(used, step.who)}.{step.operation}({', '.join(args)})"
        if step.created is not None and step.created in referred:
            names[step.created] = f"id_of(row{len(names) + 1})"
            call = f"row{len(names)} = {call}"
        outcome = " ".join((step.outcome if isinstance(step.outcome, str) else step.outcome.outcome).split())
        if outcome.startswith("raised ") and step is not steps[-1]:
            body += ["with suppress(Exception):", f"    {call}  # {outcome}"]
        else:
            body.append(f"{call}  # {outcome}")
    lines = ["import asyncio", "import os", *dict.fromkeys(map(_import, used.values()))]
    if any(line.startswith("with suppress") for line in body):
        lines.append("from contextlib import suppress")
    translated = dict.fromkeys(adapter.cls.__qualname__ for adapter in used.values() if adapter.translated)
    lines += ["from crudspec import translated"] * bool(translated)
    lines += ["", *(f"{name} = translated({name})" for name in translated), ""]
    if names:
        lines += ["def id_of(row):", '    return row["id"] if hasattr(row, "keys") else row.id', ""]
    lines += ["async def main(dsn):"]
    indent = "    "
    for index, adapter in used.items():
        opening = "with" if index in synchronous else "async with"
        lines.append(f"{indent}{opening} {adapter.cls.__qualname__}.connect(dsn) as {_variable(used, index)}:")
        indent += "    "
    lines += [indent + line for line in body]
    lines += ["", 'asyncio.run(main(os.environ["CRUDSPEC_DSN"]))  # a database whose tasks table is empty']
    return "\n".join(lines)


def _is_id(args: tuple[Any, ...]) -> bool:
    return bool(args) and type(args[0]) is int


def _variable(used: dict[int, Adapter], index: int) -> str:
    return "backend" if len(used) == 1 else f"backend{index + 1}"


def _import(adapter: Adapter) -> str:
    place, name = adapter.spec.rpartition(":")[0], adapter.cls.__qualname__.partition(".")[0]
    if place.endswith(".py"):
        # As a module, and not by runpy: what looks itself up in sys.modules (a dataclass, a model) finds itself there.
        path = Path(place).resolve()
        return f"import sys; sys.path.insert(0, {str(path.parent)!r}); from {path.stem} import {name}"
    return f"from {adapter.cls.__module__} import {name}"
