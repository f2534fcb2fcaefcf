"""Causes that many clauses may share: failures with one of these are one finding, told in these words."""

from __future__ import annotations

LEAK = "leak"
STORED_CHANGED = "stored changed"
ACCEPTED = "accepted"
KEY_GUESSED = "key guessed"
KEY_RAISES = "key raises"
MISSING_RAISES = "missing raises"
COLUMN = "column"
RESULT = "result"
HANGS = "hangs"
MEDDLED = "meddled"

CAUSES: dict[str, str] = {
    LEAK: "a third-party exception reaches the caller, who then depends on the library underneath",
    STORED_CHANGED: "a value that should be refused is stored as something else",
    ACCEPTED: "a value that should be refused is accepted",
    KEY_GUESSED: "an id that is no row's, or no id, is taken for that of a row that is there",
    KEY_RAISES: "an id that the driver does not take raises, where the answer is the row, or that there is none",
    MISSING_RAISES: "where there is no such row, the call raises and does not say so by its result",
    COLUMN: "a returned row lacks a column, or has it in another type",
    RESULT: "the result does not tell whether the row was there",
    HANGS: "a call does not come back",
    MEDDLED: "it changes the schema, which is not its own",
}
"""What each means to a user. A cause may carry a detail after a colon, such as ``hangs: get``."""


def meaning(cause: str) -> str:
    """What a cause means to a user; empty where it is not one of :data:`CAUSES`."""
    return CAUSES.get(cause.partition(":")[0], "")
