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

## The table

A backend is about one table. Its class says which: `entity = Entity(table="orders", schema="alembic.ini")`; one that
says nothing is about `tasks(id bigint identity primary key, title varchar(255) not null, done boolean not null
default false, created_at timestamptz not null default now())`. What is promised is the same for every table; examples
in this page are of `tasks`.

| operation | is given | returns |
|---|---|---|
| `create` | the columns without a default, by keyword | the row, as stored |
| `get` | the key | the row, or None |
| `list_all` (of `tasks`: `list_tasks`) | nothing | a sequence of all rows, in the entity's order, or by key |
| `update` | the key, and by keyword all others that the server does not fill in | True, or False if there is no row |
| `delete` | the key | True if this call removed the row, else False |

The key is positional; of several columns, its parts in their order. What `create` and `update` are given can be said
otherwise on the entity. A column that nobody gives holds what the server fills in.

A row is anything with the table's columns as attributes or as mapping keys. The suite reads the values after the call
has returned, and again after the backend was closed, and compares exact types: `int` (never `bool`, `str` or
`Decimal`), `str`, `bool`, `Decimal` for `numeric`, `float`, `uuid.UUID`, aware `datetime` for `timestamptz` and naive
for `timestamp`, `date`, `time`, `timedelta`, `bytes`, what `json.loads` gives for `json` and `jsonb`, lists for
arrays, the label (or an `Enum` member with it) for an enum, an `ipaddress` object or its text for `inet`.

Which values are valid, the server says: each is tried once, in a transaction that is rolled back, before any backend
is asked. What it stores unchanged is valid, what it refuses is invalid, what it would store changed is asked by
`EXACT-1` alone, and of what it cannot say nothing is asked. Of another type is what no layer should take for the
column's: an `int` for a text, a text for a number, None where the column is NOT NULL. Values are stored as given: not
trimmed, folded, rounded or normalised.

What a table lacks is not asked: the verdict is `n/a`, and says what is lacking. On a table other than `tasks`, a
clause that is broken is asked of a reference backend first, whose SQL is made from the table: where that does not
keep it either, the verdict is `not run`.

## The errors

| error | builtin that does as well | when |
|---|---|---|
| `InvalidValue` | `ValueError`, `TypeError` | a value or a key that the table does not allow |
| `Duplicate` | `ValueError` | a value that must be unique is taken |
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
