"""Which clauses are asked of a class and its table, which are not and why, and the values that each is asked with."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from crudspec.contract.clauses import CLAUSES, PROFILES
from crudspec.truth.applies import asks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crudspec.contract.clause import Clause
    from crudspec.entity.sample import Sample

_PROFILES = {profile.name: profile for profile in PROFILES}

Values = dict[str, dict[str, Any]]
"""By column, its values by name."""


def lacks(clause_id: str, sample: Sample) -> str:
    """What a table lacks that a clause is about; empty where it can be asked."""
    there, reason = asks(clause_id, sample.table)
    if there and clause_id == "EXACT-1":
        there = values_of(clause_id, sample)
        reason = "the server stores every value that is tried as it was given, or refuses it"
    return "" if there else reason


def unclaimed(clause: Clause, cls: type) -> str:
    """What a class would have to have for a clause to be asked; empty where it is."""
    profile = _PROFILES[clause.profile]
    if profile.is_claimed_by(cls) and clause.is_claimed_by(cls):
        return ""
    names = " or ".join(f"`{name}`" for name in clause.claimed_by or profile.claimed_by)
    return f"not claimed; {names} on the class would"


def sorted_out(cls: type, sample: Sample) -> tuple[list[str], dict[str, list[str]], dict[str, list[str]]]:
    """All clauses: those that are asked; by reason, those that do not apply; by what it takes, those not claimed."""
    asked: list[str] = []
    inapplicable: dict[str, list[str]] = {}
    not_claimed: dict[str, list[str]] = {}
    for clause in CLAUSES:
        if reason := unclaimed(clause, cls):
            not_claimed.setdefault(reason, []).append(clause.id)
        elif reason := lacks(clause.id, sample):
            inapplicable.setdefault(reason, []).append(clause.id)
        else:
            asked.append(clause.id)
    return asked, inapplicable, not_claimed


def shortened(clause_ids: Iterable[str]) -> str:
    """Ids in few words: ``CREATE-1 to 8, GET-1, GET-3``."""
    numbered = [(name, int(number)) for name, _, number in (one.rpartition("-") for one in clause_ids)]
    told = []
    for (name, _), run in groupby(enumerate(numbered), lambda one: (one[1][0], one[1][1] - one[0])):
        numbers = [number for _, (_, number) in run]
        if len(numbers) > 2:
            told.append(f"{name}-{numbers[0]} to {numbers[-1]}")
        else:
            told += [f"{name}-{number}" for number in numbers]
    return ", ".join(told)


def values_of(clause_id: str, sample: Sample) -> Values:
    """The values of a table that a clause is asked with, where it is about values; those of a row are CREATE-3's."""
    table, columns = sample.table, sample.proven.columns
    given = dict.fromkeys((*table.creates, *table.updates))
    key = ", ".join(table.key)
    found: Mapping[str, Mapping[str, Any]] = {}
    match clause_id:
        case "CREATE-2":
            found = {name: {"the default": table.by_name[name].constant} for name in sample.constants}
        case "CREATE-3":
            found = {name: columns[name].valid for name in table.creates}
        case "UPDATE-1":
            found = {name: columns[name].valid for name in table.updates}
        case "CREATE-4":
            found = {name: columns[name].invalid for name in table.creates}
        case "UPDATE-5":
            found = {name: columns[name].invalid for name in table.updates}
        case "EXACT-1":
            found = {name: {said: one for said, (one, _) in columns[name].lossy.items()} for name in given}
        case "GET-1":
            found = {key: sample.large_keys}
        case "GET-2":
            found = {key: sample.missing_keys}
        case "GET-3":
            found = {table.key[0]: sample.no_keys}
        case "REFERENCE-1":
            found = {
                name: {"no such row": value} for one in sample.proven.missing.values() for name, value in one.items()
            }
    return {name: dict(values) for name, values in found.items() if values}
