"""The same five operations through each backend, printed side by side."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from crudspec.backends.registry import BackendError, resolve
from crudspec.contract.failures import ContractBroken
from crudspec.entity.errors import EntityError
from crudspec.entity.row import Row
from crudspec.harness.databases import scratch_with
from crudspec.harness.subject import Subject
from crudspec.report.text import printable, told_once
from crudspec.server import drop_scratch, running
from crudspec.server.dsn import redacted
from crudspec.supervisor.apart import Ended, Refused, apart
from crudspec.truth.shown import shown as _shown
from crudspec.truth.shown import shown_error, shown_values

if TYPE_CHECKING:
    from crudspec.backends.registry import Adapter
    from crudspec.entity.table import Table
    from crudspec.server import Server, ServerChoice


@dataclass(frozen=True, slots=True)
class Step:
    """One operation of the demonstration: its text, and as text what all backends must agree on."""

    operation: str
    shown: str
    value: str


_ENDED = "then"
"""Stands where an operation should: the backend did not get any further."""

_UNUSABLE = "nothing was asked"

_LIMIT = 60.0
"""Seconds for one backend."""


def run_demo(backends: tuple[str, ...], choice: ServerChoice) -> int:
    """Print what each operation returned, a column per backend; returns the exit status.

    Raises:
        BackendError: there is no such backend.
        EntityError: the table of none of them can be used.
        ServerError: there is no server.
    """
    try:
        names = apart(names_of, backends, limit=_LIMIT, refuses=(BackendError,))
    except (Refused, Ended) as error:
        raise BackendError(str(error)) from None
    click.echo("starting PostgreSQL ...", err=True)
    with running(choice) as up:
        click.echo(f"PostgreSQL {up.version}, {up.origin}")
        columns = [_played(up, backends, number) for number in range(len(names))]
    unusable = {name: step.shown for name, (step, *_) in zip(names, columns, strict=True) if step.value == _UNUSABLE}
    if len(unusable) == len(names):
        raise EntityError(told_once(unusable))
    Console(width=None if Console().is_terminal else 30 * (len(names) + 1)).print(_side_by_side(names, columns))
    if any(step.operation == _ENDED for column in columns for step in column):
        told, status = "NOT all of it was done: `crudspec check` says what is wrong", 1
    elif any(_values(column) != _values(columns[0]) for column in columns):
        told, status = "NOT all the same: `crudspec check` says which is right", 1
    else:
        told, status = "all the same, but for what the server fills in anew each time", 0
    click.echo(told)
    return status


def names_of(backends: tuple[str, ...]) -> list[str]:
    """The short names of backends; for a process that may import them.

    Raises:
        BackendError: there is no such backend.
    """
    return [adapter.name for adapter in resolve(backends)]


def _played(server: Server, backends: tuple[str, ...], number: int) -> list[Step]:
    try:
        return apart(play, server, backends, number, limit=_LIMIT, refuses=(EntityError,))
    except Refused as error:
        return [Step(_ENDED, printable(redacted(str(error), server.dsn)), _UNUSABLE)]
    except Ended as error:
        told = f"nothing was returned: {error}"
        return [Step(_ENDED, told, told)]


def play(server: Server, backends: tuple[str, ...], number: int) -> list[Step]:
    """Put the operations through one of the backends.

    Raises:
        EntityError: its table cannot be used.
    """
    return [
        Step(step.operation, *(printable(redacted(text, server.dsn)) for text in (step.shown, step.value)))
        for step in asyncio.run(_play(server, resolve(backends)[number]))
    ]


def _values(column: list[Step]) -> list[tuple[str, str]]:
    return [(step.operation, step.value) for step in column]


def _side_by_side(names: list[str], columns: list[list[Step]]) -> Grid:
    table = Grid(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 1, 0))
    table.add_column("operation")
    for name in names:
        table.add_column(Text(name), overflow="fold")
    longest = max(columns, key=len)
    for index, step in enumerate(longest):
        cells = [Text(column[index].shown) if index < len(column) else Text("") for column in columns]
        table.add_row(Text(step.operation), *cells)
    return table


async def _play(server: Server, adapter: Adapter) -> list[Step]:
    dsn, sample = await scratch_with(server, adapter.name, adapter.entity)
    steps: list[Step] = []
    try:
        async with Subject(adapter, dsn, sample.table) as backend:
            table = sample.table
            new, change, what = sample.new(), sample.change(), backend.shown("list_all")
            row = backend.read("the created row", await backend.create(**new))
            steps.append(_step(table, backend.shown("create", (), new), row))
            steps.append(_step(table, _of_the_row(table, "get"), backend.read("the row", await backend.get(*row.key))))
            if sample.table.updates:
                changed = await backend.update(*row.key, **change)
                steps.append(_step(table, _of_the_row(table, "update", shown_values(change)), changed))
            steps.append(_step(table, what, *backend.read_all(what, await backend.list_all())))
            steps.append(_step(table, _of_the_row(table, "delete"), await backend.delete(*row.key)))
            steps.append(_step(table, _of_the_row(table, "get"), await backend.get(*row.key)))
    except BaseException as error:  # noqa: BLE001 - shown in the backend's column; the others go on
        told = str(error) if isinstance(error, ContractBroken) else f"raised {shown_error(error)}"
        steps.append(Step(_ENDED, told, told))
    finally:
        await drop_scratch(server, dsn)
    return steps


def _step(table: Table, operation: str, *results: object) -> Step:
    """What to show of an operation, and what of it must be the same everywhere: all but a clock's time, a made key."""
    anew = {one.name for one in table.columns if one.default in ("generated", "clock")} - {*table.creates}
    same = [name for name in table.by_name if name not in anew | table.unpredictable]
    shown, value = [], []
    for result in results:
        if isinstance(result, Row):
            shown.append("\n".join(f"{name}={part}" for name, part in result.given().items()))
            value.append([result[name] for name in same])
        else:
            shown.append(_shown(result))
            value.append(_shown(result))
    return Step(operation, "\n".join(shown), repr(value))


def _of_the_row(table: Table, operation: str, more: str = "") -> str:
    return f"{table.method(operation)}({', '.join(filter(None, ['key', more]))})"
