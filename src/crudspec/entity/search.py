"""Finding a row that the server takes, where the plainest one is refused."""

from __future__ import annotations

from itertools import islice, product
from typing import TYPE_CHECKING, Any

from crudspec.entity import choices as choosing
from crudspec.entity.errors import EntityError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from crudspec.entity.choices import Choice
    from crudspec.entity.trial import Outcome, Trial

_MOST_TRIES = 2_000
_MOST_STEPS = 30


async def first_row(trial: Trial, choices: Sequence[Choice], *, exact: bool = True) -> dict[str, Any]:
    """Find a row that can be inserted, and written over itself.

    Args:
        trial: Of the table.
        choices: For each column that the trial is about.
        exact: It has to be stored as it was given; else it is enough that it is stored.

    Raises:
        EntityError: none was found; which rule is in the way, and what to write.
    """
    search = _Search(trial, exact=exact)
    if (found := await search.first(choosing.rows(choices, 12))) is not None:
        return found
    row = choosing.row(choices, 0)
    outcome = (await search.outcomes([row]))[0]
    trouble = search.trouble(row, outcome)
    seen = [trouble]
    for _ in range(_MOST_STEPS):
        suspects = search.suspects(row, outcome, choices)
        tries = list(islice(_varied(row, suspects), _MOST_TRIES))
        outcomes = await search.outcomes(tries)
        troubles = [search.trouble(one, other) for one, other in zip(tries, outcomes, strict=True)]
        # One that is fine; or else one that gets further: another rule is in its way, which none was before. A value
        # that is none (SQLSTATE 22) gets nowhere.
        better = [place for place, one in enumerate(troubles) if not one] or [
            place for place, one in enumerate(troubles) if one not in seen and not one[0].startswith("22")
        ]
        if not better:
            break
        row, outcome, trouble = tries[better[0]], outcomes[better[0]], troubles[better[0]]
        if not trouble:
            return row
        seen.append(trouble)
    raise EntityError(_refusal(trial, outcome, search.suspects(row, outcome, choices)))


class _Search:
    def __init__(self, trial: Trial, *, exact: bool) -> None:
        self._trial, self._exact = trial, exact

    async def outcomes(self, rows: Sequence[Mapping[str, Any]]) -> list[Outcome]:
        return await self._trial.run([(row, row if self._trial.updates else None) for row in rows])

    async def first(self, rows: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
        outcomes = await self.outcomes(rows)
        return next((row for row, one in zip(rows, outcomes, strict=True) if not self.trouble(row, one)), None)

    def trouble(self, row: Mapping[str, Any], outcome: Outcome) -> tuple[str, ...]:
        """What is in a row's way: nothing where it is fine."""
        if outcome.state:
            return (outcome.state, outcome.constraint, outcome.said)
        return tuple(self._changed(row, outcome)) if self._exact else ()

    def _changed(self, row: Mapping[str, Any], outcome: Outcome) -> list[str]:
        tried = dict.fromkeys((*self._trial.inserts, *self._trial.updates))
        return [name for name in tried if not outcome.has(name, row[name])]

    def suspects(self, row: Mapping[str, Any], outcome: Outcome, choices: Iterable[Choice]) -> list[Choice]:
        """The columns that may be to blame: those that the rule names, those that were changed, or any."""
        named = self._trial.table.checks.get(outcome.constraint)
        if not outcome.state:
            changed = self._changed(row, outcome)
            return [one for one in choices if set(one.names) & set(changed)]
        if named is None:
            return list(choices)
        return [one for one in choices if any(choosing.names_column(named, name) for name in one.names)]


def _varied(row: Mapping[str, Any], suspects: Sequence[Choice]) -> Iterator[dict[str, Any]]:
    """The row with one of the suspects changed, then with two of them."""
    pools = [[*one.options[:6], *one.more] for one in suspects]
    for pool in pools:
        for option in pool:
            yield {**row, **option}
    for at, pool in enumerate(pools):
        for other in pools[at + 1 :]:
            for one, two in product(pool, other):
                yield {**row, **one, **two}


def _refusal(trial: Trial, outcome: Outcome, suspects: Sequence[Choice]) -> str:
    name = trial.table.name
    columns = [one.names[0] for one in suspects if not one.refers]
    said = ", ".join(f'"{column}": Values(valid=[…])' for column in columns[:3]) or '"column": Values(valid=[…])'
    if not outcome.state:
        return f"{name}: the server changes every value that was tried for {', '.join(columns)}: say values={{{said}}}"
    if rule := trial.table.checks.get(outcome.constraint):
        return f"{name}: {outcome.constraint}, {rule}, refuses every value that was tried: say values={{{said}}}"
    if len(columns) != 1:
        said = '"column": Values(valid=[…])'
    message = " ".join(outcome.said.split())
    return f"{name}: no row that was tried can be stored, {message} ({outcome.state}): say values={{{said}}}"
