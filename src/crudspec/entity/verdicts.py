"""What the server makes of a column's values, one by one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from crudspec.entity import choices as choosing
from crudspec.entity.errors import EntityError
from crudspec.entity.proven import ColumnValues
from crudspec.entity.row import matches

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crudspec.entity.choices import Choice
    from crudspec.entity.table import Table
    from crudspec.entity.trial import Outcome

Verdict = Literal["valid", "invalid", "lossy", "open"]

_CHECK_VIOLATION = "23514"
_ENOUGH = 3


@dataclass(frozen=True, slots=True)
class Tried:
    """A row that was tried, and what came of it: as an insert, as an update of the first row, or as both.

    Attributes:
        row: Its values.
        outcomes: Each with the columns that it is about.
    """

    row: Mapping[str, Any]
    outcomes: Sequence[tuple[tuple[str, ...], Outcome]]

    @property
    def is_stored(self) -> bool:
        """Whether it was stored as it was given."""
        return all(one.keeps({name: self.row[name] for name in names}) for names, one in self.outcomes)


@dataclass(frozen=True, slots=True)
class Judged:
    """A value of one column.

    Attributes:
        name: Of the value; empty where it is a plain one.
        value: It.
        verdict: What the server makes of it, as an insert and as an update; open where they differ.
        stored: What a lossy one became.
        refusal: The rule that refused it, a CHECK, where one did.
    """

    name: str
    value: Any
    verdict: Verdict
    stored: Any = None
    refusal: Outcome | None = None

    @classmethod
    def of(cls, column: str, name: str, tried: Tried) -> Judged:
        """Judge a value by a row that has it in a column."""
        value, outcomes = tried.row[column], [one for names, one in tried.outcomes if column in names]
        refusal = next((one for one in outcomes if one.state == _CHECK_VIOLATION), None)
        if all(one.refused for one in outcomes):
            return cls(name, value, "invalid", refusal=refusal)
        if any(one.state for one in outcomes):
            return cls(name, value, "open", refusal=refusal)
        for one in outcomes:
            if not one.has(column, value):
                # What is not equal to itself, NaN, cannot be told from what was changed; and blanks at the end of a
                # char(n) mean nothing, so that they may be cut as well as refused.
                stored, kind = one.value(column), one.columns[column][1].type
                told = matches(value, value) and not (kind.padded and value and kind.read(value) == stored)
                return cls(name, value, "lossy" if told else "open", stored)
        return cls(name, value, "valid")


def candidates_of(choice: Choice) -> list[tuple[str, Any]]:
    """The values of a column to be judged, each with its name; plain ones have none."""
    return [*choice.edges.items(), *choice.others.items(), *(("", value) for value in choice.plain)]


def taken(choice: Choice, judged: Sequence[Judged], base: Mapping[str, Any]) -> Choice:
    """A choice of what the server takes: the first row's value, plain ones, and others where these are few."""
    (name,) = choice.names
    plain = [one.value for one in judged if one.verdict == "valid" and not one.name]
    more = [one.value for one in judged if one.verdict == "valid" and one.name not in choice.others]
    values = choosing.distinct([base[name], *plain, *(more if len(plain) < _ENOUGH else ())])
    return replace(choice, options=[{name: value} for value in values[:6]])


def piles(table: Table, choice: Choice, judged: Sequence[Judged]) -> ColumnValues:
    """Sort a column's values by what the server makes of them.

    Raises:
        EntityError: a CHECK refuses nearly all that is tried: little could be said of the column.
    """
    _complain(table, choice, judged)
    found = {verdict: [one for one in judged if one.name and one.verdict == verdict] for verdict in ("valid", "lossy")}
    if choice.others:
        # The user says what is valid: of the type's values only those are of use that the server refuses.
        found = {verdict: [one for one in pile if one.name in choice.edges] for verdict, pile in found.items()}
    valid = {one.name: one.value for one in found["valid"]}
    if sum(value is not None for value in valid.values()) < _ENOUGH - 1:
        # None of those at the edges will do: the plain ones that will, by what they are.
        plain = [one.value for one in judged if not one.name and one.verdict == "valid"]
        valid |= {choosing.name_of(value): value for value in plain if not any(value is one for one in valid.values())}
    return ColumnValues(
        valid,
        {one.name: one.value for one in judged if one.name and one.verdict == "invalid"} | dict(choice.invalid),
        {one.name: (one.value, one.stored) for one in found["lossy"]},
        tuple(option[choice.names[0]] for option in choice.options) if choice.unique else (),
        tuple(one.name for one in judged if one.name and one.verdict == "invalid" and one.refusal),
    )


def _complain(table: Table, choice: Choice, judged: Sequence[Judged]) -> None:
    (name,) = choice.names
    few = sum(one.verdict == "valid" and one.value is not None for one in judged) < _ENOUGH - 1
    refusal = next((one.refusal for one in judged if one.refusal), None)
    if not few or choice.others or refusal is None or table.by_name[name].type.kind in ("bool", "enum"):
        return
    rule = table.checks.get(refusal.constraint) or " ".join(refusal.said.split())
    raise EntityError(
        f"{table.name}: {refusal.constraint}, {rule}, refuses nearly every value that was tried: "
        f'say values={{"{name}": Values(valid=[…])}}'
    )
