"""From what pytest saw of a check to a result and, where it failed, a failure that stands alone."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from crudspec.contract import causes
from crudspec.contract.clause import Clause, Consequence
from crudspec.contract.clauses import BY_ID
from crudspec.contract.deviations import today
from crudspec.contract.failures import ContractBroken, Depends, Inconclusive, NotApplicable, Unfit
from crudspec.harness.call import DeadlineMissed
from crudspec.record import Result, Unusable, Verdict, to_json
from crudspec.report.failure import describe, headline, own_connection_lost
from crudspec.report.text import printable
from crudspec.run.marks import completed
from crudspec.run.nodes import split_id
from crudspec.server import ServerError
from crudspec.truth.shown import shown_error

if TYPE_CHECKING:
    from crudspec.run.run import Run

_Skipped = pytest.skip.Exception  # bound here: a backend may replace it

_PRINTED = 200
"""Characters of what a backend prints that are worth showing."""


def report_of(item: pytest.Item, call: pytest.CallInfo[None]) -> pytest.TestReport:
    """Report a check as pytest does, without a traceback.

    Nobody would see it, and to draw one is not safe: on Python 3.11, the parser that finds the lines to show refuses
    after an exception has crossed from one greenlet to another; and the frames hold a stranger's values.
    """
    if call.excinfo is None or isinstance(call.excinfo.value, _Skipped):
        return pytest.TestReport.from_item_and_call(item, call)
    without = copy.copy(call)
    without.excinfo = None
    report = pytest.TestReport.from_item_and_call(item, without)
    report.outcome = "failed"
    report.longrepr = f"raised {type(call.excinfo.value).__name__}"
    return report


def as_failure(error: BaseException) -> ContractBroken:
    """A failure in place of what is no Exception, and came out of the set-up of a check."""
    return ContractBroken(
        "the backend, tried out", expected="it works, or raises an Exception", seen=f"raised {shown_error(error)}"
    )


def judge(run: Run, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """Turn what pytest saw of a check into a result, and what pytest shows into a failure that stands alone."""
    found = split_id(item.nodeid)
    if found is None:
        return
    name, clause_id = found
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
    judgement = _Judgement(run, BY_ID[clause_id], name, report)
    if isinstance(error, NotApplicable):
        report.outcome = "skipped"
        report.longrepr = (report.nodeid, 0, f"n/a: {error}")
        result = judgement.result(Verdict.NOT_APPLICABLE, detail=str(error))
    elif isinstance(error, _Skipped):
        report.outcome = "skipped"
        result = judgement.not_run(f"skipped: {error}")
    elif error is not None:
        result = judgement.of(error)
    elif report.skipped:
        result = judgement.not_run("skipped")
    elif report.when == "call":
        result = judgement.result(Verdict.PASS)
    else:
        return
    # The first is for whoever reads reports; an event has more in it.
    report.user_properties.append(("crudspec", [name, clause_id, result.verdict.name, result.detail]))
    report.user_properties.append(("crudspec_event", to_json(result)))


class _Judgement:
    """Of one phase of one check."""

    def __init__(self, run: Run, clause: Clause, name: str, report: pytest.TestReport) -> None:
        self._run = run
        self._clause = clause
        self._name = name
        self._report = report

    def result(self, verdict: Verdict, **more: Any) -> Result:
        more.setdefault("consequence", self._clause.consequence)
        return Result(
            nodeid=self._report.nodeid,
            backend=self._name,
            clause=self._clause.id,
            level=self._clause.level,
            verdict=verdict,
            seconds=round(self._report.duration, 4),
            printed=printable(self._run.redacted(self._report.capstdout.strip()[:_PRINTED])),
            **more,
        )

    def not_run(self, detail: str, *, because: str = "") -> Result:
        return self.result(Verdict.NOT_RUN, detail=detail, because=because or detail)

    def of(self, error: BaseException) -> Result:
        """The result of a check, or of its set-up or tear-down, that raised."""
        run, report, clause = self._run, self._report, self._clause
        # Whatever a mark or a hook of the project made of it: an xfail, say.
        report.__dict__.pop("wasxfail", None)
        report.outcome = "failed"
        subject = run.stages.subject(self._name)
        calls = subject.calls if subject and report.when != "setup" else ()
        adapter = run.adapter(self._name)
        try:
            detail = printable(run.redacted(headline(error)))
            again = run.again(adapter, clause.id)
            failure = printable(run.redacted(describe(clause, adapter, error, calls, again=again)))
        except KeyboardInterrupt:
            raise
        except BaseException as broken:  # noqa: BLE001 - str() and repr() of what a backend raises are a stranger's
            detail = failure = f"raised {type(error).__name__}, whose text raises {type(broken).__name__}"
        if self._name in run.stages.unusable:
            return self._of_no_table(printable(run.redacted(run.stages.unusable[self._name])))
        ours = own_connection_lost(error)
        if isinstance(error, Inconclusive):
            detail = str(error) if isinstance(error, Depends | Unfit) else detail
            report.outcome = "skipped"
            report.longrepr = (report.nodeid, 0, f"not run: {detail}")
            return self.not_run(detail, because=error.because or str(error.what))
        if ours or isinstance(error, ServerError):
            if subject and ours:
                run.stages.without_witness.add(self._name)
            detail = f"crudspec's own connection to the server was lost: {detail}" if ours else detail
            report.longrepr = f"{clause.id} could not be asked of {self._name}: {detail}"
            return self.not_run(detail)
        if subject:
            subject.failed = True
        return self._broken(error, detail, failure)

    def _of_no_table(self, told: str) -> Result:
        """Of a backend whose table cannot be used, which pytest shows once."""
        first = self._name not in self._run.record.unusable
        self._run.tell(Unusable(backend=self._name, text=told))
        if first:
            self._report.longrepr = f"nothing can be asked of {self._name}: {told}"
        else:
            self._report.outcome = "skipped"
            self._report.longrepr = (self._report.nodeid, 0, f"not run: {told}")
        return self.not_run(told)

    def _broken(self, error: BaseException, detail: str, failure: str) -> Result:
        run, report, clause = self._run, self._report, self._clause
        deviation = run.deviation(self._name, clause.id)
        if deviation is not None and not deviation.has_expired(today()):
            verdict, detail = Verdict.DEVIATES, str(deviation)
        elif clause.level == "SHOULD" and not run.strict:
            verdict = Verdict.ADVICE
        else:
            verdict = Verdict.FAIL
        if verdict is not Verdict.FAIL:
            report.outcome = "skipped"
            report.wasxfail = f"{verdict.value}: {detail}"
        # What is no failure is not printed, and so cannot be referred to.
        first = run.told.setdefault((self._name, detail), clause.id) if verdict is Verdict.FAIL else clause.id
        report.longrepr = (
            failure
            if first == clause.id
            else f"{clause.id} ({clause.level}) is broken by {self._name} as {first} is: {detail}"
        )
        more: dict[str, Any] = {"detail": detail, "failure": failure}
        if report.when == "setup" and isinstance(error, ContractBroken):
            more["consequence"] = Consequence.HANG  # it cannot be opened, and no clause that says so is asked
        if isinstance(error, DeadlineMissed):
            more |= {"cause": f"{causes.HANGS}: {error.what.partition('(')[0]}", "consequence": Consequence.HANG}
        if isinstance(error, ContractBroken):
            more |= {"cause": error.cause} if error.cause else {}
            more |= {"consequence": error.consequence} if error.consequence else {}
        return self.result(verdict, **more)
