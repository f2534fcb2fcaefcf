"""Causes that many clauses may share: failures with one of these are one finding, told in these words."""

from __future__ import annotations

LEAK = "leak"
STORED_CHANGED = "stored changed"
ACCEPTED = "accepted"
KEY_GUESSED = "key guessed"
NO_ID = "no id"
KEY_RAISES = "key raises"
MISSING_RAISES = "missing raises"
COLUMN = "column"
RESULT = "result"
HANGS = "hangs"
NEVER_RECOVERS = "never recovers"
CANCELLED = "cancelled"
DELETES_RACE = "deletes race"
MEDDLED = "meddled"
ENDS = "ends"
SILENT = "silent"
SLOW = "slow"
UNWRITTEN = "unwritten"

CAUSES: dict[str, str] = {
    LEAK: "a third-party exception reaches the caller, who then depends on the library underneath",
    STORED_CHANGED: "a value that should be refused is stored as something else",
    ACCEPTED: "a value that should be refused is accepted",
    KEY_GUESSED: "a key that only looks like that of a row is taken for it",
    NO_ID: "what is no key is not refused, and may be taken for that of a row",
    KEY_RAISES: "a key that the driver does not take raises, where the answer is the row, or that there is none",
    MISSING_RAISES: "where there is no such row, the call raises and does not say so by its result",
    COLUMN: "a returned row lacks a column, or has it in another type",
    RESULT: "the result does not tell whether the row was there",
    HANGS: "a call does not come back",
    NEVER_RECOVERS: "a lost connection stays lost: later calls go on failing",
    CANCELLED: "a call that is cancelled goes on, or leaves something behind",
    DELETES_RACE: "of concurrent deletes of one row, not exactly one says that it removed it",
    MEDDLED: "it meddles with what is not its own: the schema, or the connections of others",
    ENDS: "the process that calls it comes to its end",
    SILENT: "a call never gives the process back, and no deadline can end it",
    SLOW: "a check does not come to its end: calls come back, too slowly or again and again",
    UNWRITTEN: "an operation is not written yet",
}
"""What each means to a user. A cause may carry a detail after a colon, such as ``hangs: get``."""

REMEDIES: dict[str, str] = {
    LEAK: "@crudspec.translated above the class makes them crudspec's; crudspec.from_sqlstate, where you catch them",
    STORED_CHANGED: "check each value before it is sent; for tasks: crudspec.check_title, crudspec.check_done",
    ACCEPTED: "check each value before it is sent; for tasks: crudspec.check_title, crudspec.check_done",
    KEY_GUESSED: "check the key's type first; for a bigint, crudspec.can_exist(id) does",
    NO_ID: "check the key's type first; for a bigint, crudspec.can_exist(id) does",
    KEY_RAISES: "check the key's range first; for a bigint, where crudspec.can_exist(id) says no, there is no such row",
    HANGS: "a timeout of the client's own; if it only takes long, crudspec waits longer with --deadline 60",
}
"""What mends it most often, by cause; a detail after a colon counts for nothing."""


def remedy(cause: str) -> str:
    """What mends it most often; empty where that depends."""
    return REMEDIES.get(cause.partition(":")[0], "")


def meaning(cause: str) -> str:
    """What a cause means to a user; empty where it is not one of :data:`CAUSES`."""
    return CAUSES.get(cause.partition(":")[0], "")
