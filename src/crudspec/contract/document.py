"""The contract as a document, generated from the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crudspec.contract.clauses import BY_ID, CLAUSES, PROFILES

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
| `InvalidValue` | `ValueError`, `TypeError` | a value that the domain does not allow |
| `Duplicate` | `ValueError` | a unique name is taken |
| `MissingReference` | `LookupError` | a row that is referred to does not exist |
| `StaleRow` | `RuntimeError` | the expected version is not the stored one |
| `Unavailable` | `ConnectionError`, `TimeoutError` | the database cannot be reached, or the call may succeed later |

What an error is called is asked by `ERROR-*` alone; for every other clause, any exception is a refusal, or leaves open
whether the call happened. An exception class is the data layer's own if it is one of Python's, crudspec's, or defined
in the backend's own top-level package (of a single file: in its folder). Any other class is a third party's and breaks
`ERROR-*`, also where it derives from one of these builtins.

## What the suite does to a backend

* It calls `connect` many times in one process: several instances are open at once, on one database and on two, in two
  event loops one after the other, and through proxies on other ports. A backend of which only one instance can be open
  at a time breaks `CONNECT-2`, a SHOULD, and is asked everything else with one.
* Entering, calling and leaving happen in one event loop, with the context variables that `connect` has set. Entering
  and leaving happen in one task; a synchronous backend is entered and left in one thread, and called in others.
* Calls run at once, in as many asyncio tasks or threads as the suite likes; one may be cancelled at any moment, and
  cancelled again while it ends. Each has a deadline.
* It writes to the table behind the backend's back, locks rows and the table, lets statements and commits fail in the
  server, ends connections, cuts them in the middle of a message, and makes the server fall silent.
* It adds a column while the backend runs, and takes it away again.
* What a backend returned is read after the call, after the table has changed, in another thread, and after it was left.

## What a broken promise does

Each clause says what its failure does to whoever relies on it: **data** (stored data are lost or wrong), **hang** (it
hangs, leaks or never recovers), **answer** (a call returns what is not so, or refuses what is right), **error** (a
failure is told by the wrong exception), **cost** (it costs more than it must). One failure may be worse than its clause
says, or less bad.
"""


def contract(clause_ids: Sequence[str] = ()) -> str:
    """The whole contract, or only the clauses named, as Markdown.

    Raises:
        KeyError: there is no such clause.
    """
    if clause_ids:
        chosen = [BY_ID[clause_id.upper()] for clause_id in clause_ids]
        return "\n".join(
            f"{clause.id} ({clause.level}, {clause.profile}; if not: {clause.consequence.value}): {clause.promise}"
            for clause in chosen
        )
    parts = [_INTRODUCTION]
    for profile in PROFILES:
        claim = ", ".join(f"`{name}`" for name in profile.claimed_by)
        applies = f"Claimed by having {claim}." if claim else "Applies to every backend."
        clauses = [clause for clause in CLAUSES if clause.profile == profile.name]
        rows = [f"| {c.id} | {c.level} | {c.consequence.value} | {c.promise} |" for c in clauses]
        table = "\n".join(["| id | level | if not | promise |", "|---|---|---|---|", *rows])
        parts.append(f"## Profile `{profile.name}`\n\n{profile.summary} {applies}\n\n{table}\n")
    return "\n".join(parts).rstrip("\n")
