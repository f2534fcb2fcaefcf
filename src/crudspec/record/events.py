"""What a run tells while it goes, one event after the other; as a line of JSON each, it is also its record.

The process that runs the checks tells, and the one that shows them and settles the exit status listens: it knows
nothing else. An event holds plain values only, and no text in it contains the server's password.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from enum import Enum
from typing import Any, get_type_hints

from crudspec.contract.clause import Consequence
from crudspec.record.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """A backend of the run.

    Attributes:
        name: Short, and unique in the run.
        spec: What selects exactly it again.
        libraries: With versions.
        translated: Whether its errors are.
        table: That it is about; empty for the built-in one.
    """

    name: str
    spec: str
    libraries: tuple[str, ...] = ()
    translated: bool = False
    table: str = ""

    def __str__(self) -> str:
        libraries = f" ({', '.join(self.libraries)})" if self.libraries else ""
        on = f" on {self.table}" if self.table else ""
        return f"{self.name}{on}{libraries}{' (translated)' * self.translated}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check of one backend; a clause may have several."""

    nodeid: str
    backend: str
    clause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """An entry of the list of known deviations that is about a clause of this run.

    Attributes:
        backend: The backend's name in this run.
        clause: Id of the clause that it is known to break.
        reason: Why that is accepted.
        expires: The entry's last day, ``2030-01-31``; empty for no end.
        expired: Whether that day is over.
        whole: Whether the run asks all checks of the clause: a part of them that holds says nothing yet.
    """

    backend: str
    clause: str
    reason: str
    expires: str
    expired: bool
    whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the run is against; the first event of a record.

    Attributes:
        crudspec: Its version.
        postgresql: The server's version.
        origin: Where the server comes from, for people.
        backends: In the order of the matrix.
        python: Version of the interpreter that ran the checks.
        seed: What the programs and races were drawn from.
        effort: Name of the effort.
        strict: Whether a SHOULD that does not hold fails the run.
        command: What was typed, without a DSN.
    """

    crudspec: str
    postgresql: str
    origin: str
    backends: tuple[Backend, ...]
    python: str
    seed: int
    effort: str
    strict: bool
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that the run set out to ask.

    Attributes:
        checks: In the order of the contract.
        offered: How many checks there were before the user's selection.
        unclaimed: Backend and clause where the backend does not claim the clause.
        deviations: The entries of the list of known deviations that count here.
    """

    checks: tuple[Check, ...]
    offered: int
    unclaimed: tuple[tuple[str, str], ...] = ()
    deviations: tuple[Listed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """A check is under way."""

    nodeid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """A sign of life: what is under way now is heard of again within that many seconds, well or not."""

    limit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one check.

    Attributes:
        nodeid: The check.
        backend: Name of the backend.
        clause: Id of the clause.
        level: ``MUST`` or ``SHOULD``.
        verdict: Never ``UNCLAIMED`` or ``NOT_SELECTED``.
        consequence: How bad it is; of the failure itself where it says so, else of its clause.
        cause: What this failure may have in common with others, see :mod:`crudspec.contract.causes`; empty: nothing
            known.
        because: Of ``NOT_RUN``, the id of the clause whose failure is the reason, or the reason as text.
        seconds: How long the check took.
        detail: What was seen, on one line.
        failure: What was seen, in full.
        printed: The beginning of what the backend wrote to stdout and stderr meanwhile.
    """

    nodeid: str
    backend: str
    clause: str
    level: str
    verdict: Verdict
    consequence: Consequence
    cause: str = ""
    because: str = ""
    seconds: float = 0.0
    detail: str = ""
    failure: str = ""
    printed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something worth saying that belongs to no clause."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusable:
    """Nothing can be asked of a backend: its entity, or the schema that this names, cannot be used; what to write."""

    backend: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoilt:
    """The process can run no further checks after this one, whose result comes next: what that left in it, as text."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """Why nothing more can be asked: wrong usage, no server, or what ended the checks from within."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Footer:
    """The end of it.

    Attributes:
        status: The exit status, as pytest's: 0, 1, 2 or 4.
        seconds: How long it all took.
    """

    status: int
    seconds: float


Event = Header | Plan | Begin | Beat | Result | Note | Unusable | Spoilt | Error | Footer

_dumps, _loads = json.dumps, json.loads  # bound here: a backend may replace them

_KINDS: dict[str, type[Any]] = {
    kind.__name__.lower(): kind for kind in (Header, Plan, Begin, Beat, Result, Note, Unusable, Spoilt, Error, Footer)
}
_ITEMS: dict[str, type[Any]] = {"backends": Backend, "checks": Check, "deviations": Listed}

_HINTS = {kind: get_type_hints(kind) for kind in _KINDS.values()}


def to_json(event: Event) -> str:
    """The event as one line of JSON, in ASCII, its kind under ``event``."""
    values = {name: _plain(value) for name, value in asdict(event).items()}
    return _dumps({"event": type(event).__name__.lower(), **values})


def _plain(value: object) -> object:
    return value.value if isinstance(value, Enum) else value


def from_json(line: str | bytes) -> Event:
    """The event of one line; what a later version may have added to it is left out.

    Raises:
        ValueError: it is no event.
    """
    try:
        values = _loads(line)
        kind = _KINDS[values.pop("event")]
        return kind(**{field.name: _value(kind, field.name, values) for field in fields(kind) if field.name in values})
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"no event: {error!r}") from None


def _value(kind: type[Any], name: str, values: dict[str, Any]) -> Any:
    value, hint = values[name], _HINTS[kind][name]
    if name in _ITEMS:
        return tuple(_ITEMS[name](**_tuples(item)) for item in value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    return tuple(tuple(item) for item in value) if isinstance(value, list) else value


def _tuples(item: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in item.items()}
