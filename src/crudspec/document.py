"""The contract as a document, generated from the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crudspec.clauses import BY_ID, CLAUSES, PROFILES

if TYPE_CHECKING:
    from collections.abc import Sequence

_INTRODUCTION = """\
# The contract

What every backend promises. MUST fails the run; SHOULD is reported as advice and fails only under `--crud-strict`.
Ids never change their meaning.

This page is generated: `crudspec spec > docs/contract.md`.

## The domain

`tasks(id bigint identity primary key, title varchar(255) not null, done boolean not null default false,
created_at timestamptz not null default now())`.

A row is anything with `id`, `title`, `done` and `created_at` as attributes or as mapping keys. The suite reads the
four values after the call has returned, and again after the backend was closed, and compares exact types: `int`
(never `bool`, `str` or `Decimal`), `str`, `bool`, aware `datetime`.

An id is an `int` from 1 to 2**63-1. A title is any `str` of at most 255 code points with no NUL and no lone
surrogate; the empty string is a title. Titles are stored as given: not trimmed, folded or normalised.

## The errors

| error | builtin that does as well | when |
|---|---|---|
| `InvalidTask` | `ValueError`, `TypeError` | a value that the domain does not allow |
| `Duplicate` | `ValueError` | a unique name is taken |
| `MissingReference` | `LookupError` | a row that is referred to does not exist |
| `StaleTask` | `RuntimeError` | the expected version is not the stored one |
| `Unavailable` | `ConnectionError`, `TimeoutError` | the database cannot be reached, or the call may succeed later |

An exception class of the driver that reaches the caller breaks the clause that saw it, also where the class derives
from one of these builtins.
"""


def contract(clause_ids: Sequence[str] = ()) -> str:
    """The whole contract, or only the clauses named, as Markdown.

    Raises:
        KeyError: there is no such clause.
    """
    if clause_ids:
        chosen = [BY_ID[clause_id.upper()] for clause_id in clause_ids]
        return "\n".join(f"{clause.id} ({clause.level}, {clause.profile}): {clause.promise}" for clause in chosen)
    parts = [_INTRODUCTION]
    for profile in PROFILES:
        claim = ", ".join(f"`{name}`" for name in profile.claimed_by)
        applies = f"Claimed by having {claim}." if claim else "Applies to every backend."
        rows = [f"| {c.id} | {c.level} | {c.promise} |" for c in CLAUSES if c.profile == profile.name]
        table = "\n".join(["| id | level | promise |", "|---|---|---|", *rows])
        parts.append(f"## Profile `{profile.name}`\n\n{profile.summary} {applies}\n\n{table}\n")
    return "\n".join(parts).rstrip("\n")
