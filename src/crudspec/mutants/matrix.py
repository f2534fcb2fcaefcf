"""The kill matrix: what became of each mutant, and what that says about the clauses."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crudspec.contract.clauses import CLAUSES, PROFILES
from crudspec.mutants.gallery import GENERAL
from crudspec.mutants.reasons import fresh

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crudspec.mutants.gallery import Mutant
    from crudspec.mutants.hunt import Caught


@dataclass(frozen=True, slots=True)
class Outcome:
    """A mutant and what became of it on one base.

    Attributes:
        mutant: Which.
        caught: What was asked of it, and how it went.
        itself: How its noisy base itself did in the same; None where the base is the quiet one.
    """

    mutant: Mutant
    caught: Caught
    itself: Caught | None = None

    @property
    def is_noisy(self) -> bool:
        return self.caught.base == "noisy"

    def told(self) -> list[str]:
        """What was seen that is this mutant's lie, and not what its base does anyway."""
        clause_id = self.mutant.clause
        if not self.is_noisy:
            return [self.caught.failed[clause_id]] if clause_id in self.caught.failed else []
        known = self.itself.reasons.get(clause_id, {}) if self.itself is not None else {}
        return fresh(self.caught.reasons.get(clause_id, {}), known)

    def problems(self) -> Iterator[str]:
        """What is wrong: it survived its clause, or a clause that has nothing to do with it failed."""
        return self._problems_where_noisy() if self.is_noisy else self._problems()

    def _problems(self) -> Iterator[str]:
        mutant, caught = self.mutant, self.caught
        if mutant.clause not in caught.failed:
            yield f"{mutant.name} survives {mutant.clause}: {mutant.lie}"
        for clause_id, seen in caught.failed.items():
            if clause_id not in mutant.related:
                yield f"{mutant.name} ({mutant.clause}) also breaks {clause_id}: {seen}"
        silent = _silent(caught)
        for clause_id in silent:
            because = caught.because.get(clause_id)
            if because and because not in mutant.related:
                yield f"{mutant.name} ({mutant.clause}) could not be asked {clause_id}, because of {because}"
        silent = [clause_id for clause_id in silent if not caught.because.get(clause_id)]
        if silent:
            some = "anything" if len(silent) == len(caught.asked) else ", ".join(silent)
            yield f"{mutant.name} ({mutant.clause}): the hunt ended before it had asked {some}"

    def _problems_where_noisy(self) -> Iterator[str]:
        mutant, caught, itself = self.mutant, self.caught, self.itself
        if itself is None or mutant.clause not in {*itself.failed, *itself.passed}:
            why = itself.failed.get("", "") if itself is not None else ""
            yield f"{mutant.name}: its noisy base {mutant.way} itself was not asked {mutant.clause} {why}".rstrip()
        elif "" in caught.failed:
            yield f"{mutant.name} ({mutant.clause}) on a noisy base: {caught.failed['']}"
        elif mutant.quiet_only and self.told():
            yield f"{mutant.name} is caught by {mutant.clause} on a noisy base, too: no quiet_only; {self.told()[0]}"
        elif not mutant.quiet_only and not self.told():
            same = "; all that is seen, its base does anyway" if mutant.clause in caught.failed else ""
            yield f"{mutant.name} survives {mutant.clause} on a noisy base: {mutant.lie}{same}"


def _silent(caught: Caught) -> list[str]:
    return [clause_id for clause_id in caught.asked if clause_id not in {*caught.failed, *caught.passed}]


def line(outcome: Outcome) -> str:
    """What to tell of a mutant that is done."""
    problems = list(outcome.problems())
    if problems:
        return "\n".join(f"PROBLEM  {problem}" for problem in problems)
    mutant, seconds = outcome.mutant, outcome.caught.seconds
    if outcome.is_noisy:
        verdict = "quiet   " if mutant.quiet_only else "caught  "
        return f"{verdict} {mutant.clause:14}   noisy  {mutant.name}: {mutant.quiet_only or outcome.told()[0]:.160}"
    took = f"{seconds:5.2f} s" if seconds is not None else ""
    return f"caught   {mutant.clause:14} {took}  {mutant.name}: {mutant.lie}"


def problems(outcomes: Sequence[Outcome], *, whole: bool) -> list[str]:
    """Everything that is wrong with the gallery; with ``whole``, clauses without a mutant of their own included."""
    found = [problem for outcome in outcomes for problem in outcome.problems()]
    if whole:
        named = {outcome.mutant.clause for outcome in outcomes}
        found += [f"{clause.id} has no mutant of its own" for clause in CLAUSES if clause.id not in named]
    return found


def summary(outcomes: Sequence[Outcome]) -> str:
    """Counts for each base, and how long it took to catch one on the quiet one."""
    of, caught = Counter(outcome.caught.base for outcome in outcomes), Counter()
    for outcome in outcomes:
        caught[outcome.caught.base] += bool(outcome.told())
    counts = ", ".join(f"{caught[base]} of {of[base]} on the {base} base" for base in of)
    seconds = [outcome.caught.seconds for outcome in outcomes if outcome.caught.seconds and not outcome.is_noisy]
    median = f"; test time to catch one: median {statistics.median(seconds):.2f} s" if seconds else ""
    only = sum(bool(outcome.mutant.quiet_only) for outcome in outcomes if outcome.is_noisy)
    quiet = f" ({only} are quiet_only)" if only else ""
    return f"mutants caught by the clause that names them: {counts}{quiet}{median}"


def document(mutants: Sequence[Mutant]) -> str:
    """The kill matrix as Markdown: for each clause its mutants, what else they break, and whether noise hides them."""
    by_clause: dict[str, list[Mutant]] = defaultdict(list)
    for mutant in mutants:
        by_clause[mutant.clause].append(mutant)
    general = ", ".join(sorted(GENERAL, key=_order))
    lines = [
        "# The kill matrix",
        "",
        "Each mutant is a backend that tells one lie. The clause in whose section it stands catches it by name; the",
        "clauses under *also breaks* are broken by the same lie and may fail with it; every other clause holds. Those",
        f"about whole programs, races, faults and repeated cancellation ({general}) may catch any of them.",
        "",
        "*Noisy base*: the same lie on a backend that lets its driver's exceptions out, leaves values to the server",
        "and has no timeouts. The clause that names it catches it there, too, for a reason that such a backend does",
        "not give anyway; or the column says why it cannot be told from one.",
        "",
        "This page is generated: `nox -s mutants`, or `crudspec mutants --write docs/kill-matrix.md`.",
        "",
        f"{len(mutants)} mutants, {sum(not mutant.quiet_only for mutant in mutants)} of them on both bases; "
        f"{len(CLAUSES)} clauses.",
        "",
    ]
    for profile in PROFILES:
        lines += [
            f"## Profile `{profile.name}`",
            "",
            "| clause | mutant | the lie | also breaks | noisy base |",
            "|---|---|---|---|---|",
        ]
        for clause in CLAUSES:
            if clause.profile == profile.name:
                for mutant in by_clause[clause.id] or []:
                    others = ", ".join(sorted(mutant.also, key=_order)) or "nothing else"
                    noisy = mutant.quiet_only or "caught"
                    cells = [clause.id, f"`{mutant.name}`", _cell(mutant.lie), others, _cell(noisy)]
                    lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _order(clause_id: str) -> int:
    return next(place for place, clause in enumerate(CLAUSES) if clause.id == clause_id)
