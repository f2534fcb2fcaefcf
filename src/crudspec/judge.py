"""From what pytest saw of a check to a verdict and, where it failed, a failure that stands alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crudspec.checks import completed
from crudspec.clauses import BY_ID, Clause
from crudspec.deviations import today
from crudspec.failures import ContractBroken, Inconclusive
from crudspec.plugin import split_id
from crudspec.report.failure import describe, headline, own_connection_lost
from crudspec.report.verdicts import Verdict

if TYPE_CHECKING:
    from crudspec.run import Run


def judge(run: Run, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """Turn what pytest saw of a check into a verdict and, where it failed, a failure that stands alone."""
    found = split_id(item.nodeid)
    if found is None:
        return
    name, clause_id = found
    verdict, detail = Verdict.PASS, ""
    error = call.excinfo.value if call.excinfo else None
    if report.when == "call":
        asked = list(completed)
        completed.clear()
        if error is None and not (asked and asked[-1] is run.stages.subject(name)):
            report.outcome = "failed"
            error = ContractBroken(
                "the check that pytest says has passed",
                expected=f"it was asked of the backend {name}, to its end",
                seen="something else: a hook or a fixture of this project took its place",
            )
    if isinstance(error, Inconclusive):
        verdict, detail = Verdict.NOT_RUN, run.redacted(str(error))
        report.outcome, report.longrepr = "failed", f"{clause_id} could not be asked of {name}: {detail}"
        subject = run.stages.subject(name)
        if subject and report.when == "call":
            subject.failed = True
    elif isinstance(error, pytest.skip.Exception):
        report.outcome = "skipped"
        verdict, detail = Verdict.NOT_RUN, f"skipped: {error}"
    elif error is not None:
        verdict, detail = _failed(run, BY_ID[clause_id], name, error, report)
    elif report.skipped:
        verdict, detail = Verdict.NOT_RUN, "skipped"
    if report.when == "call" or verdict is not Verdict.PASS:
        report.user_properties.append(("crudspec", [name, clause_id, verdict.name, detail]))


def _failed(
    run: Run, clause: Clause, name: str, error: BaseException, report: pytest.TestReport
) -> tuple[Verdict, str]:
    adapter, detail = run.adapter(name), run.redacted(headline(error))
    subject = run.stages.subject(name)
    if own_connection_lost(error):
        if subject:
            run.stages.without_witness.add(name)
        detail = f"crudspec's own connection to the server was lost: {detail}"
        report.outcome, report.longrepr = "failed", f"{clause.id} could not be asked of {name}: {detail}"
        return Verdict.NOT_RUN, detail
    if subject:
        subject.failed = True
    deviation = run.deviation(name, clause.id)
    if deviation is not None and not deviation.has_expired(today()):
        verdict, detail = Verdict.DEVIATES, str(deviation)
    elif clause.level == "SHOULD" and not run.strict:
        verdict = Verdict.ADVICE
    else:
        verdict = Verdict.FAIL
    # Whatever a mark or a hook of the project made of it: an xfail, say.
    report.__dict__.pop("wasxfail", None)
    report.outcome = "failed"
    if verdict is not Verdict.FAIL:
        report.outcome = "skipped"
        report.wasxfail = f"{verdict.value}: {detail}"
    # What is no failure is not printed, and so cannot be referred to.
    first = run.told.setdefault((name, detail), clause.id) if verdict is Verdict.FAIL else clause.id
    if first == clause.id:
        calls = subject.calls if subject and report.when != "setup" else ()
        report.longrepr = run.redacted(describe(clause, adapter, error, calls, options=run.options_that_matter()))
    else:
        report.longrepr = f"{clause.id} ({clause.level}) is broken by {name} as {first} is: {detail}"
    return verdict, detail
