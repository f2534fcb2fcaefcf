"""Known deviations: clauses that a backend breaks, with the reason, so that a run can be green and honest.

A file of tables ``[[deviation]]`` with ``backend``, ``clause``, ``reason`` and, if wanted, ``link`` and ``expires``
(a date). A listed failure is shown as ``deviates`` and does not fail the run. What does fail it: an entry that is
wrong, one that has expired, and one whose clause holds, because the list must not outlive the defect.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import tomli_w

from crudspec.contract.clauses import BY_ID

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

DEFAULT_NAME = "crudspec-deviations.toml"
_DRAFT = "DRAFT, say why this is accepted"
_KEYS = {"backend", "clause", "reason", "link", "expires"}


class DeviationError(Exception):
    """The file cannot be used; the message is one line that says where and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """One entry.

    Attributes:
        backend: The backend's name, or what selects it.
        clause: Id of the clause that it breaks.
        reason: Why that is accepted.
        link: Where more is said about it, if anywhere.
        expires: Last day on which the entry counts, in UTC; None for no end.
    """

    backend: str
    clause: str
    reason: str
    link: str | None = None
    expires: date | None = None

    def has_expired(self, today: date) -> bool:
        return self.expires is not None and today > self.expires

    def __str__(self) -> str:
        parts = [self.reason, self.link, f"until {self.expires}" if self.expires else None]
        return ", ".join(part for part in parts if part)


def load(path: Path) -> list[Deviation]:
    """Read a file of deviations.

    Raises:
        DeviationError: no such file, no TOML, an unknown clause or key, a reason that is missing or still the
            draft's, a wrong type, or one clause twice for one backend.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DeviationError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DeviationError(f"{path}: is no TOML: {error}") from None
    listed = document.pop("deviation", [])
    if document or not isinstance(listed, list):
        raise DeviationError(f"{path}: holds tables [[deviation]] and nothing else, not {', '.join(document)}")
    return entries(str(path), listed)


def entries(where: str, listed: Iterable[object]) -> list[Deviation]:
    """Take tables of a file of TOML for entries.

    Args:
        where: They stand, for a message.
        listed: The tables.

    Raises:
        DeviationError: as :func:`load`.
    """
    found = [_entry(f"{where}: deviation {number}", entry) for number, entry in enumerate(listed, 1)]
    seen: set[tuple[str, str]] = set()
    for deviation in found:
        key = (deviation.backend, deviation.clause)
        if key in seen:
            raise DeviationError(f"{where}: {deviation.clause} is listed twice for {deviation.backend}")
        seen.add(key)
    return found


def _entry(where: str, entry: Any) -> Deviation:
    if not isinstance(entry, dict):
        raise DeviationError(f"{where}: is no table")
    unknown = set(entry) - _KEYS
    if unknown:
        raise DeviationError(f"{where}: has no key {', '.join(sorted(unknown))}; keys: {', '.join(sorted(_KEYS))}")
    for key in ("backend", "clause", "reason"):
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            raise DeviationError(f"{where}: lacks a {key}")
    if entry["reason"].startswith(_DRAFT):
        raise DeviationError(f"{where}: {entry['clause']} of {entry['backend']} is a draft; say why it is accepted")
    if entry["clause"] not in BY_ID:
        raise DeviationError(f"{where}: no clause is named {entry['clause']!r}; `crudspec spec` prints them all")
    expires = entry.get("expires")
    if expires is not None and (not isinstance(expires, date) or isinstance(expires, datetime)):
        raise DeviationError(f"{where}: expires is a date such as 2030-01-31, without quotes")
    if not isinstance(entry.get("link", ""), str):
        raise DeviationError(f"{where}: link is a text")
    return Deviation(**entry)


def write_draft(path: Path, failures: Iterable[tuple[str, str, str]]) -> int:
    """Write an entry for each failure, as backend, clause and what was seen; returns how many.

    Raises:
        DeviationError: the file is there already, or cannot be written.
    """
    drafts = [
        {"backend": backend, "clause": clause, "reason": f"{_DRAFT}; seen: {seen}"}
        for backend, clause, seen in failures
    ]
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(tomli_w.dumps({"deviation": drafts}))
    except FileExistsError:
        raise DeviationError(f"{path} is there already; it was left alone") from None
    except OSError as error:
        raise DeviationError(f"{path}: cannot be written: {error.strerror}") from None
    return len(drafts)


def today() -> date:
    """The day that expiry dates are compared with, in UTC."""
    return datetime.now(UTC).date()
