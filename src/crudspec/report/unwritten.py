"""A data layer that is only begun: what is still to be written, in a few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crudspec.contract.causes import UNWRITTEN
from crudspec.record import Verdict
from crudspec.report.findings import place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from crudspec.record import Record
    from crudspec.report.findings import Finding
    from crudspec.report.page import Page

WAITS = "what is not written yet"


def unwritten(finding: Finding, page: Page) -> Iterator[str]:
    """What is still to be written: what each operation says of itself."""
    results = sorted(finding.results, key=lambda result: place(result.clause))
    for method, failure in {result.detail.partition(":")[0]: result.failure for result in results}.items():
        # In full: the line for the matrix is cut.
        said = next((line for line in failure.splitlines() if line.startswith("  seen ")), "")
        yield page.fit(f"    {method}: {said.rpartition('raised NotImplementedError')[2].lstrip(': ')}", 8)


def as_one(record: Record, backend: str, reasons: Mapping[str, list[str]]) -> Mapping[str, list[str]]:
    """The reasons, all operations that are not written being one."""
    told = {
        result.clause for result in record.of(Verdict.FAIL) if (result.backend, result.cause) == (backend, UNWRITTEN)
    }
    if not told:
        return reasons
    merged = {WAITS: [clause for reason, clauses in reasons.items() if reason in told for clause in clauses]}
    others = {reason: clauses for reason, clauses in reasons.items() if reason not in told}
    return {reason: clauses for reason, clauses in (merged | others).items() if clauses}
