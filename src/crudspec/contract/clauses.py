"""The catalogue: every promise of the contract, in reading order.

An id never changes its meaning, and the id of a retired clause is not used again. ``docs/contract.md`` is
generated from this module, and each check of the suite names the clause that it belongs to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crudspec.contract.clause import Clause, Consequence, Profile

if TYPE_CHECKING:
    from crudspec.contract.clause import Level

PROFILES = (
    Profile("crud", "What the five operations do, for every backend."),
    Profile(
        "resilience",
        "What happens when operations fail, meet, are cancelled, or lose their connection, for every backend.",
    ),
    Profile("cost", "What an operation costs, counted on the wire between backend and server, for every backend."),
    Profile(
        "schema",
        "That the backend's own idea of the table is the migrated one.",
        claimed_by=("metadata",),
    ),
)


def _profile(name: str, *entries: tuple[str, Level, Consequence, str]) -> tuple[Clause, ...]:
    return tuple(Clause(clause_id, name, level, worst, promise) for clause_id, level, worst, promise in entries)


CLAUSES: tuple[Clause, ...] = (
    *_profile(
        "crud",
        (
            "CREATE-1",
            "MUST",
            Consequence.DATA,
            "Returns the row as stored, and it is committed when the call returns: an independent connection "
            "sees the same values.",
        ),
        (
            "CREATE-2",
            "MUST",
            Consequence.DATA,
            "What nobody gives is what the server fills in: a constant default (`done` is False), and the server's "
            "clock, not the client's, to the microsecond (`created_at`).",
        ),
        (
            "CREATE-3",
            "MUST",
            Consequence.DATA,
            "Any valid value is stored exactly, each column's: a text that is empty, with blanks, quotes, `%`, `_`, "
            "backslash, newline, SQL, emoji outside the BMP, combining marks, as long as the column; numbers to their "
            "last digit, times to the microsecond, JSON and arrays item by item, NULL.",
        ),
        (
            "CREATE-4",
            "MUST",
            Consequence.DATA,
            "An invalid value is refused, by whatever exception, and stores nothing: what the server refuses (a text "
            "that is too long, one with NUL), and what is of another type (for a text: lone surrogate, None, int, "
            "bytes).",
        ),
        (
            "CREATE-5",
            "MUST",
            Consequence.DATA,
            "Keys that the server makes are distinct, and not reused after a delete; ints are positive.",
        ),
        (
            "CREATE-6",
            "MUST",
            Consequence.DATA,
            "Two creates with the same values make two rows, where nothing must be unique.",
        ),
        (
            "CREATE-7",
            "MUST",
            Consequence.ANSWER,
            "A returned row is a plain value: readable later, elsewhere and after close, and unchanged when the "
            "table changes or when the caller changes another returned row, or what is inside its values.",
        ),
        (
            "CREATE-8",
            "MUST",
            Consequence.DATA,
            "A write whose COMMIT fails raises, and nothing is stored; a slow COMMIT is waited for. Holds for "
            "update and delete too.",
        ),
        (
            "GET-1",
            "MUST",
            Consequence.ANSWER,
            "Returns all values of a row that another connection wrote, also with an id over int32 and over 2**53.",
        ),
        (
            "GET-2",
            "MUST",
            Consequence.ANSWER,
            "Returns None when no such row exists: never created, deleted, beyond what the key's type holds (0, "
            "negative, over int32, over int64), or only similar to the key of one that is there (negated, off by 2**32 "
            "or 2**64; of a text another case, a blank, `%`; of a composite key one part).",
        ),
        (
            "GET-3",
            "MUST",
            Consequence.ANSWER,
            "What is no key is refused, by whatever exception, and never finds a row: where the key is an int, "
            '`"1"`, `1.5`, None. The same holds for update and delete.',
        ),
        (
            "GET-4",
            "MUST",
            Consequence.ANSWER,
            "Sees the newest committed state, also after the same backend has read that row before.",
        ),
        ("GET-5", "MUST", Consequence.DATA, "Changes nothing: row version (xmin, ctid) and table are as before."),
        ("GET-6", "SHOULD", Consequence.ANSWER, "`True` is not the id 1."),
        (
            "LIST-1",
            "MUST",
            Consequence.ANSWER,
            "Returns every row, complete, in the order that the entity promises (else ascending by key), for 0, 1, 2 "
            "and 10,000 rows, or as many as the table can have.",
        ),
        ("LIST-2", "MUST", Consequence.ANSWER, "Returns a new sequence each time; changing it changes nothing."),
        (
            "LIST-3",
            "MUST",
            Consequence.ANSWER,
            "Sees rows that another connection committed or deleted since the last call.",
        ),
        (
            "UPDATE-1",
            "MUST",
            Consequence.DATA,
            "Returns True, and the row then holds exactly what was given, committed, False, 0, the empty text and NULL "
            "included; its key and what the server filled in are unchanged.",
        ),
        ("UPDATE-2", "MUST", Consequence.DATA, "Touches no other row (their row versions are unchanged)."),
        (
            "UPDATE-3",
            "MUST",
            Consequence.ANSWER,
            "Returns False for a row that does not exist and changes nothing; which those are, GET-2 says.",
        ),
        ("UPDATE-4", "MUST", Consequence.ANSWER, "Writing the values already there returns True."),
        (
            "UPDATE-5",
            "MUST",
            Consequence.DATA,
            "An invalid value (a `done` that is not a bool, and what CREATE-4 says) is refused, by whatever exception, "
            "and changes nothing, whether or not the row exists.",
        ),
        (
            "UPDATE-6",
            "MUST",
            Consequence.DATA,
            "Works on a row that another connection changed since this backend last read it.",
        ),
        (
            "DELETE-1",
            "MUST",
            Consequence.DATA,
            "Returns True and the row is gone, committed; no other row is touched.",
        ),
        (
            "DELETE-2",
            "MUST",
            Consequence.ANSWER,
            "Returns False for a row that does not exist and removes nothing; which those are, GET-2 says; so a "
            "second delete returns False.",
        ),
        (
            "EXACT-1",
            "SHOULD",
            Consequence.DATA,
            "A value that the server would store changed is refused by create and update: a text whose blanks beyond "
            "the column's length PostgreSQL would cut silently, a number with more digits than the column keeps.",
        ),
        (
            "UNIQUE-1",
            "MUST",
            Consequence.DATA,
            "A value that must be unique and is taken is refused by create and update, by whatever exception, and "
            "changes nothing; NULLs do not collide, where the table lets them be.",
        ),
        (
            "UNIQUE-2",
            "MUST",
            Consequence.ERROR,
            "That is told as `Duplicate`, or another `ValueError` of the data layer's own.",
        ),
        (
            "REFERENCE-1",
            "MUST",
            Consequence.DATA,
            "A reference to a row that does not exist is refused by create and update, by whatever exception, and "
            "changes nothing; NULL, where it may stand there, is stored as NULL.",
        ),
        (
            "REFERENCE-2",
            "MUST",
            Consequence.ERROR,
            "That is told as `MissingReference`, or another `LookupError` of the data layer's own.",
        ),
        ("RESULT-1", "MUST", Consequence.ANSWER, "`update` and `delete` return a real bool."),
        (
            "PROGRAM-1",
            "MUST",
            Consequence.DATA,
            "Any program of the five operations, generated and shrunk by Hypothesis, agrees step by step with the "
            "reference model and with an independent connection.",
        ),
        (
            "MIX-1",
            "MUST",
            Consequence.DATA,
            "Any such program whose steps are spread over several backends on one database agrees with the model too.",
        ),
    ),
    *_profile(
        "resilience",
        (
            "CONNECT-1",
            "MUST",
            Consequence.HANG,
            "Entering `connect` opens the backend and leaving it closes it; neither raises or hangs.",
        ),
        (
            "CONNECT-2",
            "SHOULD",
            Consequence.DATA,
            "Two instances, on one database or on two, live side by side: what opens, works on or leaves the one does "
            "nothing to the other.",
        ),
        ("USABLE-1", "MUST", Consequence.HANG, "After any operation that raised, the next operation works."),
        (
            "HYGIENE-1",
            "MUST",
            Consequence.HANG,
            "Between operations, failed ones included, no connection is `idle in transaction` or stuck `active`, and "
            "none holds a lock on the table: another connection can `LOCK TABLE` at once.",
        ),
        ("HYGIENE-2", "MUST", Consequence.HANG, "After close, no connection of the backend is left on the server."),
        (
            "HYGIENE-3",
            "MUST",
            Consequence.HANG,
            "A few hundred failing or cancelled operations do not exhaust the pool.",
        ),
        (
            "SATURATE-1",
            "MUST",
            Consequence.HANG,
            "Many more concurrent operations than pool slots all finish, with correct results.",
        ),
        (
            "CANCEL-1",
            "MUST",
            Consequence.HANG,
            "A cancelled operation raises `CancelledError`, happened wholly or not at all, leaves no query running and "
            "does nothing later; the backend stays usable.",
        ),
        (
            "CANCEL-2",
            "SHOULD",
            Consequence.HANG,
            "An operation that is cancelled again and again while it ends, as anyio's scopes do, ends like one that is "
            "cancelled once.",
        ),
        (
            "INDEPENDENT-1",
            "MUST",
            Consequence.HANG,
            "An operation blocked on one row holds up no operation on another row.",
        ),
        (
            "RACE-1",
            "MUST",
            Consequence.DATA,
            "Concurrent creates make distinct rows; of n concurrent deletes of one row exactly one returns True.",
        ),
        (
            "RACE-2",
            "MUST",
            Consequence.DATA,
            "Every interleaving of concurrent operations on one row is explained, results and final row, by some "
            "serial order of them that respects real time.",
        ),
        (
            "LOST-1",
            "MUST",
            Consequence.HANG,
            "When the server ends the backend's connections between two operations, at most the connections' worth of "
            "calls raise, and then operations work again without a restart.",
        ),
        (
            "LOST-2",
            "MUST",
            Consequence.DATA,
            "When a connection is cut during a write, the call raises or the write is there once: never a success with "
            "no row, never two rows; and then operations work again.",
        ),
        (
            "LOST-3",
            "MUST",
            Consequence.HANG,
            "A server that accepts and never answers makes the call raise within the backend's own timeout; neither "
            "the call nor leaving `connect` hangs.",
        ),
        (
            "ERROR-1",
            "MUST",
            Consequence.ERROR,
            "`str()` and `repr()` of every error raised work, the driver's error is its `__cause__`, or a "
            "`__context__` that is not suppressed, where there was one, and neither shows the DSN's password; a server "
            "that cannot be reached, or that lets nobody in, is `Unavailable`.",
        ),
        (
            "ERROR-2",
            "SHOULD",
            Consequence.ERROR,
            "What the server says decides which error it is: a refused value (SQLSTATE 22, 23502, 23514) is "
            "`InvalidValue`, what may succeed later as it is (08, 25006, 40, 53, 55P03, 57, 58) is `Unavailable`, what "
            "is not allowed or not supported (42501, 0A000) is neither.",
        ),
        (
            "ERROR-3",
            "MUST",
            Consequence.ERROR,
            "What the table does not allow, a value or a key, is refused as `InvalidValue`, or another "
            "`ValueError` or `TypeError` of the data layer's own.",
        ),
        (
            "ERROR-4",
            "MUST",
            Consequence.ERROR,
            "A connection that is ended, cut or silent is told as `Unavailable`, or another `ConnectionError` or "
            "`TimeoutError` of the data layer's own.",
        ),
        (
            "DDL-1",
            "SHOULD",
            Consequence.ANSWER,
            "An additive migration (a new nullable column) under a running backend fails no operation.",
        ),
        ("LOOP-1", "SHOULD", Consequence.HANG, "A second `connect` in another event loop of the same process works."),
    ),
    *_profile(
        "cost",
        (
            "COST-1",
            "MUST",
            Consequence.COST,
            "The number of round trips of each operation does not grow with the number of rows.",
        ),
    ),
    Clause(
        "COST-2",
        "cost",
        "SHOULD",
        Consequence.COST,
        "The number of round trips of each operation is at most the budget that the backend publishes as its class's "
        "`round_trips`; unclaimed where it publishes none.",
        claimed_by=("round_trips",),
    ),
    *_profile(
        "schema",
        (
            "SCHEMA-1",
            "MUST",
            Consequence.ANSWER,
            "Alembic's comparison of the backend's metadata with the migrated database is empty, types and server "
            "defaults included.",
        ),
        (
            "SCHEMA-2",
            "MUST",
            Consequence.DATA,
            "Connecting and using the backend changes nothing in the database's catalogue: the migrations own the "
            "schema.",
        ),
    ),
)
"""Every clause, in reading order."""

BY_ID = {clause.id: clause for clause in CLAUSES}
PROFILE_NAMES = tuple(profile.name for profile in PROFILES)
