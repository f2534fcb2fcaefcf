"""``crudspec check``: a run in processes of its own, shown from its events alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crudspec.entity.errors import EntityError
from crudspec.report.live import Live, Screen
from crudspec.report.summary import closing, write_deviations
from crudspec.report.text import told_once
from crudspec.supervisor import Order, Supervisor

if TYPE_CHECKING:
    from pathlib import Path

    from crudspec.record import Record


class Refused(Exception):
    """Nothing could be asked; the message says why and what to do."""


def run(order: Order, *, verbose: bool, draft: Path | None) -> int:
    """Run the suite and show what comes of it.

    Args:
        order: What to run.
        verbose: Show every check as it goes, and every failure in full.
        draft: Where to write a first draft of the known deviations, if anywhere.

    Returns:
        The exit status.

    Raises:
        EntityError: the table of no backend can be used.
        Refused: wrong usage, or there is no server.
    """
    screen = Screen()
    live = Live(screen, verbose=verbose)
    supervisor = Supervisor(order, live)
    try:
        status = supervisor.run()
    finally:
        live.close()
    record = supervisor.record
    if status == 4 and record.unusable:
        raise EntityError(told_once(record.unusable))
    if status == 4:
        raise Refused(" ".join(record.errors))
    if order.choice is None:
        _list(record, screen)
        return status
    text = closing(record, screen.page, excerpts=not verbose)
    if text:
        screen.line(text)
    if status == 2:
        screen.line("interrupted")
    if draft is not None:
        screen.line(write_deviations(record, draft))
    return status


def _list(record: Record, screen: Screen) -> None:
    for check in record.checks.values():
        name = check.nodeid.rpartition("::")[2].partition("[")[0]
        screen.line(f"{check.clause:14} {check.backend:12} {name}")
    screen.line(f"{len(record.checks)} of {record.offered} checks")
