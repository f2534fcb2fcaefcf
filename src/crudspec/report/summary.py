"""The end of a run: the matrix, below it the findings, and last what to do first."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from crudspec.contract.causes import UNWRITTEN, remedy
from crudspec.contract.clause import Consequence
from crudspec.contract.clauses import BY_ID
from crudspec.contract.deviations import DeviationError, write_draft
from crudspec.record import Header, Record, Verdict
from crudspec.report.findings import Finding, findings, not_run
from crudspec.report.matrix import UNASKED, as_text, matrix, not_claimed, side_by_side
from crudspec.report.page import Page
from crudspec.report.text import cut
from crudspec.report.unwritten import WAITS, as_one, unwritten

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pytest

    from crudspec.run.run import Run

_SCREEN = 30
"""Lines of one failure: about a screen, with what stands around it."""
_MOST_NAMES = 8
_FEW = 3
"""Clauses of a backend that make no wall."""
_COLOURS = {
    Consequence.DATA: "bold red",
    Consequence.HANG: "bold magenta",
    Consequence.ANSWER: "red",
    Consequence.ERROR: "yellow",
    Consequence.COST: "cyan",
}


def opening(header: Header) -> str:
    """The first line: what the run is against."""
    return (
        f"crudspec: PostgreSQL {header.postgresql}, {header.origin}; "
        f"backends {', '.join(map(str, header.backends))}; seed {header.seed}; effort {header.effort}"
    )


def closing(record: Record, page: Page, *, excerpts: bool) -> str:
    """Everything that is shown at the end.

    Args:
        record: What the run has told.
        page: Where.
        excerpts: Show one failure of each finding; not where each was shown before.
    """
    return "\n".join(_closing(record, page, excerpts))


def _closing(record: Record, page: Page, excerpts: bool) -> Iterator[str]:
    table, found = record.table(), findings(record)
    backends = record.backends()
    if record.results and not record.is_useless() and not _says_little(record, found):
        yield page.styled(" crudspec: the contract ".center(page.width, "="), "bold")
        unclaimed: dict[str, None] = {}
        for some in side_by_side(backends, width=page.width):
            yield as_text(matrix(some, table, width=page.width), width=page.width, colour=page.colour)
            unclaimed |= dict.fromkeys(not_claimed(some, table))
        if unclaimed:
            yield page.fit(f"- not claimed: {', '.join(unclaimed)} on the class itself", 2)
        for reason, clauses in record.inapplicable().items():
            yield page.fit(f"n/a: {_named(clauses)}: {reason}", 5)
        yield f"{len(record.checks) - len(record.missing())} of {len(record.checks)} planned checks were run" + (
            f", seed {record.header.seed}" if record.header else ""
        )
    deviates = dict.fromkeys((result.clause, result.backend, result.detail) for result in record.of(Verdict.DEVIATES))
    for clause_id, backend, reason in deviates:
        yield page.fit(f"deviates: {clause_id}, {backend}: {reason}", 10)
    broken = [finding for finding in found if not finding.is_advice]
    for finding in broken:
        yield ""
        yield from _told(finding, record, page, excerpts)
    advice = [finding for finding in found if finding.is_advice]
    if advice:
        yield ""
    for finding in advice:
        text = cut(f": {_clauses(finding)}, {finding.backend}: {finding.title}", 200)
        word, rest = "advice", page.fit(f"advice{text}", 8).removeprefix("advice")
        yield page.styled(word, "yellow") + rest
    if advice:
        yield page.fit("--strict (of pytest: --crud-strict) tells an advice in full, and fails the run")
    yield from _besides(record, page)
    if record.results and not record.is_useless():
        yield ""
        yield page.styled(page.fit(last_words(record, found)), "bold")


def _says_little(record: Record, found: Sequence[Finding]) -> bool:
    """Tell whether one finding for each backend is all there is: a matrix without a pass is a wall."""
    nothing_holds = not {Verdict.PASS, Verdict.DEVIATES, Verdict.ADVICE} & set(record.table().values())
    asked = [verdict for verdict in record.table().values() if verdict not in UNASKED]
    many = len(asked) > _FEW * len(record.backends())
    return bool(found) and nothing_holds and many and len(found) <= len(record.backends())


def _told(finding: Finding, record: Record, page: Page, excerpts: bool) -> Iterator[str]:
    name = finding.consequence.value
    several = len(record.backends()) > 1
    of = f"{finding.backend}: " if several else ""
    title = page.fit(f"{name.upper():6} {cut(of + finding.title, 200)}", 7)
    yield page.styled(title[:6], _COLOURS[finding.consequence]) + page.styled(title[6:], "bold")
    count = len(finding.results)
    yield page.fit(f"       {_clauses(finding)}; {count} check{'s' * (count != 1)}", 7)
    if excerpts:
        if remedy(finding.worst.cause):
            yield page.fit(f"       try: {remedy(finding.worst.cause)}", 12)
        yield from unwritten(finding, page) if finding.worst.cause == UNWRITTEN else excerpt(finding, page)


def excerpt(finding: Finding, page: Page) -> Iterator[str]:
    """A screen of the worst failure, and where the rest is."""
    lines = list(page.failure(finding.worst.failure))
    if len(lines) <= _SCREEN:
        yield from lines
        return
    yield from lines[: _SCREEN - 2]
    again = lines[-1].partition("again")[2].strip()
    yield f"    … {len(lines) - _SCREEN + 2} more lines: {again}{' -v' * again.startswith('crudspec ')}"


def _clauses(finding: Finding) -> str:
    return _named(finding.clauses)


def _named(clauses: Sequence[str]) -> str:
    more = len(clauses) - _MOST_NAMES
    return ", ".join(clauses[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _besides(record: Record, page: Page) -> Iterator[str]:
    """What was not run and why, notes, and what else fails the run."""
    several = len(record.backends()) > 1
    for backend, reasons in not_run(record).items() if record.has_begun() else ():
        if backend in record.unusable:
            continue  # told below, in red
        for reason, clauses in as_one(record, backend, reasons).items():
            count = f"{len(clauses)} clause{'s' * (len(clauses) != 1)}"
            names = f" ({_named(clauses)})" if len(clauses) <= _MOST_NAMES else ""
            of = f"{backend}: " if several else ""
            told = (
                f"not run because of {reason}: {count}{names}"
                if reason in BY_ID or reason == WAITS
                else f"not run: {count}{names}: {reason}"
            )
            yield page.styled(page.fit(cut(of + told, 600), 2), "magenta")
    printed: dict[str, dict[str, str]] = {}
    for result in record.results.values():
        if result.printed:
            printed.setdefault(result.backend, {}).setdefault(result.clause, result.printed)
    notes = list(record.notes)
    for name, texts in printed.items():
        first = next(iter(texts.values())).splitlines()[0][:80]
        notes.append(f"{name} printed something in {_named(list(texts))}; first {first!r}")
    yield from (page.fit(f"note: {note}", 6) for note in notes)
    yield from (page.styled(page.fit(problem, 2), "red") for problem in record.problems())


def last_words(record: Record, found: Sequence[Finding]) -> str:
    """One paragraph: how it went, and what to do first."""
    broken = [finding for finding in found if not finding.is_advice]
    left = [check for check in record.missing() if check.backend not in record.unusable]
    words = [_with_findings(record, broken) if broken else _without(record, len(found))]
    if left and not broken:
        count = len({(check.backend, check.clause) for check in left})
        words.append(f"Nothing is known of {count} clause{'s' * (count != 1)} that could not be asked.")
    if record.is_partial():
        words.append(f"This was a part: {len(record.checks)} of {record.offered} checks.")
    return " ".join(words)


def _with_findings(record: Record, broken: Sequence[Finding]) -> str:
    counts = Counter(finding.consequence for finding in broken)
    kinds = ", ".join(f"{counts[kind]} {kind.value}" for kind in Consequence if counts[kind])
    first = min(broken, key=lambda finding: finding.rank)
    of = f" of {first.backend}" if len(record.backends()) > 1 else ""
    title = cut(first.title, 120).rstrip(".")
    return f"{len(broken)} finding{'s' * (len(broken) != 1)}: {kinds}. Begin with {first.worst.clause}{of}: {title}."


def _without(record: Record, advice: int) -> str:
    kept: dict[str, int] = Counter()
    asked: dict[str, int] = Counter()
    for (backend, _), verdict in record.table().items():
        asked[backend] += verdict not in UNASKED
        kept[backend] += verdict is Verdict.PASS
    names = [name for name in record.backends() if name not in record.unusable]
    counts = {(kept[name], asked[name]) for name in names}
    who = f"{', '.join(names[:-1])} and {names[-1]} keep" if len(names) > 1 else f"{names[0]} keeps"
    if counts == {(count := max(asked.values()), count)}:
        what = f"all {count} clauses" if count != 1 else "the clause"
    elif all(kept[name] == asked[name] for name in names):
        what = "all their clauses"
    else:
        what = ", ".join(f"{kept[name]} of {asked[name]}" for name in names) + " clauses"
    some = f", and {advice} advice" if advice else ""
    return f"No findings{some}: {who} {what}."


def summarise(run: Run, reporter: pytest.TerminalReporter) -> None:
    """Print it at the end of a pytest run, where pytest itself has shown the failures."""
    shown = run.config.getoption("tbstyle", "auto") != "no"
    page = Page(width=max(reporter._tw.fullwidth, 60), colour=reporter.hasmarkup, wraps=bool(reporter.isatty))
    text = closing(run.record, page, excerpts=not shown)
    for line in text.splitlines():
        reporter.write_line(run.redacted(line))
    if run.config.getoption("crud_write_deviations"):
        reporter.write_line(write_deviations(run.record, run.deviations_path()))


def write_deviations(record: Record, path: Path) -> str:
    """Write a first draft of the list of known deviations, and say so."""
    failed = [key for key, verdict in record.table().items() if verdict is Verdict.FAIL]
    if not failed:
        return "nothing failed: no deviations were written" if record.results else "no deviations were written"
    details: dict[tuple[str, str], str] = {}
    for result in record.of(Verdict.FAIL):
        details.setdefault((result.backend, result.clause), result.detail)
    try:
        count = write_draft(
            path, [(record.spec(name), clause_id, details[name, clause_id]) for name, clause_id in failed]
        )
    except DeviationError as error:
        return str(error)
    return f"wrote {count} deviation{'s' * (count != 1)} to {path}; say in each why it is accepted"
