"""What a run tells, event by event, and what that adds up to."""

from crudspec.record.events import (
    Backend,
    Beat,
    Begin,
    Check,
    Error,
    Event,
    Footer,
    Header,
    Listed,
    Note,
    Plan,
    Result,
    Spoilt,
    Unusable,
    from_json,
    to_json,
)
from crudspec.record.record import Record, replayed
from crudspec.record.verdict import Verdict

__all__ = [
    "Backend",
    "Beat",
    "Begin",
    "Check",
    "Error",
    "Event",
    "Footer",
    "Header",
    "Listed",
    "Note",
    "Plan",
    "Record",
    "Result",
    "Spoilt",
    "Unusable",
    "Verdict",
    "from_json",
    "replayed",
    "to_json",
]
