"""Why a clause fails, in words that can be compared: is it the mutant's lie, or what its base does anyway?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from crudspec.contract.failures import ContractBroken
from crudspec.report.failure import headline

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_TOLD = re.compile(r"(.*?): expected .*?, seen (.*)", re.DOTALL)
"""How a :class:`~crudspec.contract.failures.ContractBroken` reads."""

_MESSAGE = re.compile(r"(raised [\w.]+): .*?(?=: expected |, seen |, and the table |; |$)")
"""The text of an exception: a driver quotes the statement in it, which may be another one without being a lie."""

_MUCH = 80
"""Characters of what was seen: a row that is shown further is cut in the middle of a time, now here and now there."""

_LONG = re.compile(r"(.)\1{7,}")
_FOLDED = r"\1\1"
_CUT = " … "
"""A long title is shown in part, and which part depends on how many digits the row's id has."""

_ROW = re.compile(r"<?\w+[ (](?=id=)")
"""Before the first value of a row: of which class it is, and how that shows itself."""

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
    line = _CHANGING.sub("#", _ROW.sub("", _MESSAGE.sub(r"\1", line.replace(backend, "Backend"))))
    told = _TOLD.fullmatch(line)
    if told is None:
        return line
    return f"{told[1]}: seen {_LONG.sub(_FOLDED, told[2][:_MUCH].partition(_CUT)[0])}"


def fresh(found: Mapping[str, str], known: Collection[str]) -> list[str]:
    """Those that are not known already, as they were told."""
    return [line for key, line in found.items() if key not in known]
