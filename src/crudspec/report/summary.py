"""The end of a run: the matrix, and what there is to say about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crudspec.deviations import DeviationError, write_draft
from crudspec.report.matrix import as_text, matrix, side_by_side
from crudspec.report.verdicts import Verdict

if TYPE_CHECKING:
    from crudspec.run import Run


def summarise(run: Run, reporter: pytest.TerminalReporter) -> None:
    """Print the matrix, and what there is to say about it."""
    if run.verdicts.outcomes:
        _show_matrix(run, reporter)
    for name, printed in run.printed.items():
        first = next(iter(printed.values())).splitlines()[0][:80]
        run.notes.append(f"{name} wrote to stdout in {', '.join(printed)}; first {first!r}")
    for note in dict.fromkeys(run.notes):
        reporter.write_line(run.redacted(f"note: {note}"))
    for failure in run.failures:
        reporter.write_line(failure, red=True)
    if run.config.getoption("crud_write_deviations"):
        reporter.write_line(_write_deviations(run))


def _show_matrix(run: Run, reporter: pytest.TerminalReporter) -> None:
    asked = {name for name, _ in run.verdicts.planned.values()}
    names = [adapter.name for adapter in run.adapters if adapter.name in asked]
    width = max(reporter._tw.fullwidth, 60)
    table = run.table()
    reporter.section("crudspec: the contract", sep="=")
    for some in side_by_side(names, width=width):
        reporter.write_line(as_text(matrix(some, table, width=width), width=width, colour=reporter.hasmarkup))
    done = len(run.verdicts.planned) - len(run.verdicts.missing())
    reporter.write_line(f"{done} of {len(run.verdicts.planned)} planned checks were run, seed {run.seed}")
    for (name, clause_id), verdict in table.items():
        if verdict in {Verdict.DEVIATES, Verdict.ADVICE}:
            reporter.write_line(f"{verdict.value}: {clause_id}, {name}: {run.verdicts.details[name, clause_id]}")
    if Verdict.ADVICE in table.values():
        reporter.write_line("--strict (of pytest: --crud-strict) tells an advice in full, and fails the run")


def _write_deviations(run: Run) -> str:
    failed = [key for key, verdict in run.verdicts.table().items() if verdict is Verdict.FAIL]
    path = run.deviations_path()
    if not failed:
        return "nothing failed: no deviations were written" if run.verdicts.outcomes else "no deviations were written"
    try:
        count = write_draft(
            path,
            [
                (run.adapter(name).spec, clause_id, run.verdicts.details.get((name, clause_id), ""))
                for name, clause_id in failed
            ],
        )
    except DeviationError as error:
        return str(error)
    return f"wrote {count} deviation{'s' * (count != 1)} to {path}; say in each why it is accepted"
