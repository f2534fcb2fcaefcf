"""Why a clause fails, in words that can be compared: is it the mutant's lie, or what its base does anyway?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from crudspec.failures import ContractBroken
from crudspec.report.failure import headline

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_MESSAGE = re.compile(r"(raised [\w.]+): .*?(?=: expected |, seen |; |$)")
"""The text of an exception: a driver quotes the statement in it, which may be another one without being a lie."""

_CHANGING = re.compile(r"0x[0-9a-f]+|crudspec_[0-9a-f]+|\d+(\.\d+)?")
"""What is another one in each run: addresses, databases, ids, ports, seconds."""


def reasons_of(error: BaseException, backend: str) -> dict[str, str]:
    """Everything that a failed check has found wrong: as can be compared, and as it was told.

    Args:
        error: What the check raised.
        backend: Name of the class, which the text may mention.
    """
    told = [headline(error), *(error.others if isinstance(error, ContractBroken) else ())]
    return {plain(line, backend): line for line in told}


def plain(line: str, backend: str) -> str:
    """A line without what differs between two backends, or between two runs, that do the same."""
    return _CHANGING.sub("#", _MESSAGE.sub(r"\1", line.replace(backend, "Backend")))


def fresh(found: Mapping[str, str], known: Collection[str]) -> list[str]:
    """Those that are not known already, as they were told."""
    return [line for key, line in found.items() if key not in known]
