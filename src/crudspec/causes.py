"""Causes that many clauses may share: failures with one of these are one finding, told in these words."""

from __future__ import annotations

LEAK = "leak"
STORED_CHANGED = "stored changed"
ACCEPTED = "accepted"
KEY_GUESSED = "key guessed"
KEY_RAISES = "key raises"
COLUMN = "column"
RESULT = "result"
HANGS = "hangs"
ENDS = "ends"
SILENT = "silent"

CAUSES: dict[str, str] = {
    LEAK: "a third-party exception reaches the caller, who then depends on the library underneath",
    STORED_CHANGED: "a value that should be refused is stored as something else",
    ACCEPTED: "a value that should be refused is accepted",
    KEY_GUESSED: "an id that is no row's, or no id, is taken for that of a row that is there",
    KEY_RAISES: "an id that no row can have raises, where the answer is that there is no such row",
    COLUMN: "a returned row lacks a column, or has it in another type",
    RESULT: "the result does not tell whether the row was there",
    HANGS: "a call does not come back",
    ENDS: "the process that calls it comes to its end",
    SILENT: "a call never gives the process back, and no deadline can end it",
}
"""What each means to a user. A cause may carry a detail after a colon, such as ``hangs: get``."""


def meaning(cause: str) -> str:
    """What a cause means to a user; empty where it is not one of :data:`CAUSES`."""
    return CAUSES.get(cause.partition(":")[0], "")
