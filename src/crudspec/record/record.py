"""What the events of a run add up to: verdicts that cannot be vacuous, and the exit status."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from crudspec.record.events import (
    Beat,
    Begin,
    Check,
    Error,
    Event,
    Footer,
    Header,
    Listed,
    Note,
    Plan,
    Result,
    Spoilt,
    Unusable,
)
from crudspec.record.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(slots=True)
class Record:
    """Planned checks against executed ones, and what else was told.

    A clause may have several checks; the worst of them is its verdict, and a check that was planned but did
    not run is worse than one that passed.

    Attributes:
        header: What the run is against; None as long as there is no server.
        checks: The planned checks, by node id.
        results: What came of them so far; of a check that fails twice, the worse.
        offered: How many checks there were before the user's selection.
        notes: Each once, in the order in which they came.
        unusable: By backend, why nothing can be asked of it.
        errors: Why nothing more could be asked.
        footer: The last event, if there was one.
    """

    header: Header | None = None
    checks: dict[str, Check] = field(default_factory=dict)
    results: dict[str, Result] = field(default_factory=dict)
    offered: int = 0
    unclaimed: set[tuple[str, str]] = field(default_factory=set)
    deviations: dict[tuple[str, str], Listed] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    unusable: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    footer: Footer | None = None

    def add(self, event: Event) -> None:
        """Take one event in."""
        match event:
            case Header():
                self.header = self.header or event
            case Plan():
                self._plan(event)
            case Result():
                self._result(event)
            case Note(text=text):
                if text not in self.notes:
                    self.notes.append(text)
            case Unusable(backend=backend, text=text):
                self.unusable.setdefault(backend, text)
            case Error(text=text):
                self.errors.append(text)
            case Footer():
                self.footer = event
            case Begin() | Beat() | Spoilt():
                pass

    def _plan(self, plan: Plan) -> None:
        self.checks.update((check.nodeid, check) for check in plan.checks)
        self.offered = max(self.offered, plan.offered)
        self.unclaimed.update(plan.unclaimed)
        self.deviations.update(((entry.backend, entry.clause), entry) for entry in plan.deviations)

    def _result(self, result: Result) -> None:
        known = Check(nodeid=result.nodeid, backend=result.backend, clause=result.clause)
        self.checks.setdefault(result.nodeid, known)
        before = self.results.get(result.nodeid)
        if before is not None:
            # Set-up, call and tear-down are told one by one: the worst of them counts, and all of their time.
            worse = result if result.verdict.weight > before.verdict.weight else before
            result = replace(worse, seconds=before.seconds + result.seconds, printed=(before.printed or result.printed))
        self.results[result.nodeid] = result

    # What it adds up to

    def backends(self) -> list[str]:
        """The backends that are asked anything, in the order of the header, or else of the plan."""
        asked = dict.fromkeys(check.backend for check in self.checks.values())
        named = [backend.name for backend in self.header.backends] if self.header else []
        return [name for name in named if name in asked] or list(asked)

    def spec(self, backend: str) -> str:
        """What selects a backend again."""
        known = self.header.backends if self.header else ()
        return next((found.spec for found in known if found.name == backend), backend)

    def table(self) -> dict[tuple[str, str], Verdict]:
        """The verdict by backend and clause: of everything that was planned, and what is unclaimed."""
        table: dict[tuple[str, str], Verdict] = {}
        for check in self.checks.values():
            result = self.results.get(check.nodeid)
            verdict = result.verdict if result else Verdict.NOT_RUN
            key = check.backend, check.clause
            if key not in table or verdict.weight > table[key].weight:
                table[key] = verdict
        return {**dict.fromkeys(self.unclaimed, Verdict.UNCLAIMED), **table}

    def missing(self) -> list[Check]:
        """Every check that was planned and has no result, or none that says anything."""
        return [
            check
            for check in self.checks.values()
            if check.nodeid not in self.results or self.results[check.nodeid].verdict is Verdict.NOT_RUN
        ]

    def of(self, *verdicts: Verdict) -> Iterator[Result]:
        """The results with any of these verdicts, in the order of the plan."""
        for nodeid in self.checks:
            if nodeid in self.results and self.results[nodeid].verdict in verdicts:
                yield self.results[nodeid]

    def inapplicable(self) -> dict[str, list[str]]:
        """What tables lack, each with the clauses that are about it; those only of which no check applies."""
        table, found = self.table(), dict[str, list[str]]()
        for result in self.of(Verdict.NOT_APPLICABLE):
            if table[result.backend, result.clause] is Verdict.NOT_APPLICABLE:
                clauses = found.setdefault(result.detail, [])
                if result.clause not in clauses:
                    clauses.append(result.clause)
        return found

    def is_partial(self) -> bool:
        """Tell whether the user's selection left checks out."""
        return len(self.checks) < self.offered

    def has_begun(self) -> bool:
        """Tell whether checks were run, or about to be: a list of them is no run."""
        return self.header is not None or bool(self.results)

    def wrong_entries(self) -> Iterator[str]:
        """An entry of the list of deviations must be needed: expired ones, and those whose clause holds, are wrong."""
        table = self.table()
        for (backend, clause), entry in self.deviations.items():
            verdict = table.get((backend, clause), Verdict.NOT_SELECTED)
            if verdict in {Verdict.NOT_RUN, Verdict.NOT_APPLICABLE, Verdict.UNCLAIMED, Verdict.NOT_SELECTED}:
                continue
            if entry.expired:
                yield f"{backend}: the deviation from {clause} expired on {entry.expires}: {entry.reason}"
            elif verdict is Verdict.PASS and entry.whole:
                yield f"{backend}: is listed as deviating from {clause}, which holds; remove the entry"

    def problems(self) -> list[str]:
        """What fails the run besides broken promises, a line each."""
        found = [f"nothing was asked of {backend}: {text}" for backend, text in self.unusable.items()]
        found += self.wrong_entries()
        missing = [check for check in self.missing() if not self._is_explained(check)]
        if missing and self.has_begun():
            found.append(
                f"INCOMPLETE: {len(missing)} planned checks were not run, {missing[0].clause} of "
                f"{missing[0].backend} for one; a run that did not ask everything cannot pass"
            )
        return found

    def _is_explained(self, check: Check) -> bool:
        """Tell whether the reason why a check was not run is told anyway, or a failure that is known and accepted."""
        if check.backend in self.unusable:
            return True
        result = self.results.get(check.nodeid)
        told = (Verdict.FAIL, Verdict.DEVIATES, Verdict.ADVICE)
        return result is not None and self.table().get((check.backend, result.because)) in told

    def status(self) -> int:
        """The exit status of a run that was not interrupted: 4 where nothing could be asked, 1 or 0.

        It is 0 only where every planned check was asked, or needs what is known not to hold, and none failed.
        """
        if (self.errors and not self.results) or self.is_useless():
            return 4
        broken = any(True for _ in self.of(Verdict.FAIL))
        left = any(not self._is_explained(check) for check in self.missing())
        wrong = self.errors or self.unusable or any(self.wrong_entries())
        return 1 if broken or left or wrong or not self.results else 0

    def is_useless(self) -> bool:
        """Tell whether there is no backend of which anything can be asked."""
        return bool(self.unusable) and set(self.backends()) <= set(self.unusable)


def replayed(events: Iterable[Event]) -> Record:
    """The record that these events make."""
    record = Record()
    for event in events:
        record.add(event)
    return record
