"""A race as a table: a column for each client, the first line at the top, and why no serial order explains it."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from crudspec.races.literals import answer, statement
from crudspec.truth.linearizable import objections
from crudspec.truth.shown import brief_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from crudspec.entity.table import Table
    from crudspec.races.turns import Turn
    from crudspec.truth.linearizable import Operation
    from crudspec.truth.model import Rows

_WIDTH = {1: 100, 2: 52, 3: 38}


def account(
    table: Table,
    log: Sequence[Turn],
    operations: Sequence[Operation],
    calls: Mapping[str, str],
    results: Mapping[str, str],
    before: Rows,
    after: Rows,
    *,
    schedule: str,
    explained: bool = False,
) -> str:
    """Tell a race, statement by statement.

    Args:
        table: That it was about.
        log: What went over the wire, turn by turn.
        operations: What each client called.
        calls: The same as it would be written, by the client's name.
        results: What each client's call came to, by its name.
        before: The rows before.
        after: The rows afterwards.
        schedule: Whose turn it was at each step.
        explained: There is no question of an order: what is wrong is something else.
    """
    names = [operation.client for operation in operations]
    width = _WIDTH[len(names)]
    heads = {name: f"{name}: {call}" for name, call in calls.items()}
    lines = [f"the row before: {brief_rows(table, before.values())}", ""]
    lines += _across({name: [heads[name]] for name in names}, names, width)
    lines.append(" ".join("─" * (width - 1) for _ in names))
    for turn in log:
        lines += _across({turn.client.name: list(_cell(table, turn))}, names, width)
    lines.append(" ".join("─" * (width - 1) for _ in names))
    lines += _across(
        {
            name: [f"returned {result}" if not result.startswith("raised") else result]
            for name, result in results.items()
        },
        names,
        width,
    )
    lines += ["", f"the row after: {brief_rows(table, after.values())}", f"the schedule: {schedule}"]
    if not explained:
        lines += ["", "no serial order explains it:"]
        lines += [
            f"  {_told(order, operations)}: {reason}" for order, reason in objections(table, before, operations, after)
        ]
    return "\n".join(lines)


def _told(order: Sequence[Operation], operations: Sequence[Operation]) -> str:
    """An order in words, with those that it is without."""
    absent = [operation.client for operation in operations if operation not in order]
    happened = ", then ".join(operation.client for operation in order) or "none of them"
    return f"{happened} (not {' and '.join(absent)})" if absent and order else happened


def _cell(table: Table, turn: Turn) -> Iterator[str]:
    """The lines of one turn."""
    for sql, frame in turn.sent:
        if frame.code != b"P":
            yield statement(table, sql, frame)
    if turn.blockers:
        yield f"  … waits for {' and '.join(client.name for client in turn.blockers)}"
    if turn.again:
        yield "  … goes on"
    for text in filter(None, map(answer, turn.answers)):
        yield f"  → {text}"


def _across(cells: Mapping[str, Sequence[str]], names: Sequence[str], width: int) -> list[str]:
    """Lay cells side by side."""
    columns = [_wrapped(cells.get(name, ()), width - 2) for name in names]
    height = max(map(len, columns))
    padded = [column + [""] * (height - len(column)) for column in columns]
    return ["".join(text.ljust(width) for text in line).rstrip() for line in zip(*padded, strict=True)]


def _wrapped(lines: Sequence[str], width: int) -> list[str]:
    found: list[str] = []
    for line in lines:
        indent = " " * (len(line) - len(line.lstrip()))
        found += textwrap.wrap(line.strip(), width, initial_indent=indent, subsequent_indent=indent + "    ")
    return found
