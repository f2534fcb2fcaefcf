"""What is said of a check in which a process came to its end, and of those that are not asked because of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crudspec.contract import causes
from crudspec.contract.clause import Consequence
from crudspec.contract.clauses import BY_ID
from crudspec.record import Result, Verdict
from crudspec.report.text import printable

if TYPE_CHECKING:
    from crudspec.record import Check

_LINES = 4

NOT_DONE = "was not done after"
"""How the end of a check reads that was alive all the time."""


def broken(check: Check, seen: str, *, silent: bool, again: str, printed: str, seconds: float) -> Result:
    """The result of a check in which the process ended, or had to be ended.

    It fails, whatever its level, and whatever is known of its clause: nobody has accepted this.

    Args:
        check: The check.
        seen: What became of the process, as text.
        silent: It had to be ended.
        again: The command that repeats the check.
        printed: The last that it wrote.
        seconds: How long the check had run.
    """
    clause = BY_ID[check.clause]
    promise = "the check comes to its end"
    lines = [
        f"{clause.id} ({clause.level}) is broken by {check.backend}",
        f"  promise   {clause.promise}",
        "  look at   the process in which the check ran",
        f"  expected  {promise}",
        f"  seen      {seen}",
    ]
    words = [line for line in printable(printed).splitlines() if line.strip()]
    last = [line for line in words if line.startswith("Fatal Python error")] or words[-_LINES:]
    lines += [f"  {'' if number else 'printed':10}{line[:200]}" for number, line in enumerate(last)]
    if NOT_DONE in seen:
        following = "if it is only slow, or its server far away, give it longer: --deadline 60"
    elif silent:
        following = "look for a loop without an end, or a call that blocks the event loop without giving it back"
    else:
        following = "look for os._exit, sys.exit, a signal, a loop that is stopped, or a driver that crashes"
    lines += [f"  next      {following}", f"  again     {again}"]
    return Result(
        nodeid=check.nodeid,
        backend=check.backend,
        clause=check.clause,
        level=clause.level,
        verdict=Verdict.FAIL,
        consequence=Consequence.HANG,
        cause=(causes.SLOW if NOT_DONE in seen else causes.SILENT) if silent else causes.ENDS,
        seconds=round(seconds, 4),
        detail=f"{seen}: expected {promise}",
        failure="\n".join(lines),
    )


def not_run(check: Check, *, because: str, detail: str) -> Result:
    """The result of a check that is not asked."""
    clause = BY_ID[check.clause]
    return Result(
        nodeid=check.nodeid,
        backend=check.backend,
        clause=check.clause,
        level=clause.level,
        verdict=Verdict.NOT_RUN,
        consequence=clause.consequence,
        because=because,
        detail=detail,
    )
