"""The matrix: backends × clauses, with counts per profile."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from crudspec.contract.clauses import CLAUSES, PROFILES
from crudspec.record import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from crudspec.contract.clause import Clause, Profile

_SHORTEST_PROMISE = 30
_BEFORE_BACKENDS = 25
"""Characters of the clause and its level."""

MARKS = {
    Verdict.PASS: ("pass", "green"),
    Verdict.FAIL: ("FAIL", "bold red"),
    Verdict.ADVICE: ("advice", "yellow"),
    Verdict.DEVIATES: ("deviates", "cyan"),
    Verdict.NOT_RUN: ("not run", "bold magenta"),
    Verdict.UNCLAIMED: ("-", "dim"),
    Verdict.NOT_SELECTED: ("·", "dim"),
    Verdict.NOT_APPLICABLE: ("n/a", "dim"),
}
"""How each verdict is shown."""

UNASKED = {Verdict.UNCLAIMED, Verdict.NOT_SELECTED, Verdict.NOT_APPLICABLE}
"""What says nothing of a backend."""


def side_by_side(backends: Sequence[str], *, width: int) -> Iterator[list[str]]:
    """The backends whose columns stand next to each other in that many characters, table by table."""
    some: list[str] = []
    for backend in backends:
        if some and _BEFORE_BACKENDS + sum(_cells(name) + 2 for name in [*some, backend]) > width:
            yield some
            some = []
        some.append(backend)
    if some:
        yield some


def _cells(backend: str) -> int:
    return max(9, len(backend))


def matrix(backends: Sequence[str], table: Mapping[tuple[str, str], Verdict], *, width: int) -> Table:
    """Lay the verdicts out: a row per clause under its profile, a column per backend.

    The promises are shown as far as there is room for them, in characters of ``width``.
    """
    view = Table(box=None, pad_edge=False, header_style="bold")
    view.add_column("clause", min_width=15, no_wrap=True)
    view.add_column("level", min_width=6, no_wrap=True)
    room = width - _BEFORE_BACKENDS
    for backend in backends:
        room -= _cells(backend) + 2
        view.add_column(Text(backend), justify="center", min_width=_cells(backend), no_wrap=True)
    told = room >= _SHORTEST_PROMISE
    if told:
        view.add_column("promise", style="dim", no_wrap=True, overflow="ellipsis", width=room)
    for profile, rows in _shown(backends, table):
        counts = [_count([verdicts[column] for _, verdicts in rows]) for column in range(len(backends))]
        view.add_row(Text(profile.name, style="bold"), "", *counts, *([Text(profile.summary)] if told else []))
        for clause, verdicts in rows:
            cells = [Text(*MARKS[verdict]) for verdict in verdicts]
            view.add_row(f"  {clause.id}", clause.level, *cells, *([Text(clause.promise)] if told else []))
    return view


def not_claimed(backends: Sequence[str], table: Mapping[tuple[str, str], Verdict]) -> Iterator[str]:
    """What :func:`matrix` shows as not claimed, and the attribute of the class that would claim it, as text."""
    for profile, rows in _shown(backends, table):
        for clause, verdicts in rows:
            if Verdict.UNCLAIMED in verdicts:
                names = " or ".join(f"`{name}`" for name in clause.claimed_by or profile.claimed_by)
                yield f"{clause.id if clause.claimed_by else profile.name} needs {names}"


def _shown(
    backends: Sequence[str], table: Mapping[tuple[str, str], Verdict]
) -> Iterator[tuple[Profile, list[tuple[Clause, list[Verdict]]]]]:
    """The profiles of which anything was to be asked, each with the rows of its clauses."""
    for profile in PROFILES:
        rows = [
            (clause, [table.get((backend, clause.id), Verdict.NOT_SELECTED) for backend in backends])
            for clause in CLAUSES
            if clause.profile == profile.name
        ]
        rows = [(clause, verdicts) for clause, verdicts in rows if set(verdicts) - {Verdict.NOT_SELECTED}]
        if any(set(verdicts) - {Verdict.NOT_SELECTED, Verdict.UNCLAIMED} for _, verdicts in rows):
            yield profile, rows


def _count(verdicts: Sequence[Verdict]) -> Text:
    asked = [verdict for verdict in verdicts if verdict not in UNASKED]
    if not asked:
        return Text("unclaimed" if Verdict.UNCLAIMED in verdicts else "", style="dim")
    passed = asked.count(Verdict.PASS)
    return Text(f"{passed}/{len(asked)}", style="bold green" if passed == len(asked) else "bold red")


def as_text(content: Table | Text, *, width: int | None, colour: bool) -> str:
    """Render for a terminal, or as plain text for a file; without a width, a line is as long as it is."""
    out = io.StringIO()
    console = Console(
        file=out, width=width or 100, force_terminal=colour, no_color=not colour, legacy_windows=False, highlight=False
    )
    console.print(content, soft_wrap=width is None)
    return out.getvalue().rstrip("\n")
