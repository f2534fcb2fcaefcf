"""A failure that stands alone: clause, promise, expected against seen, the calls that led there, what to do next."""

from __future__ import annotations

import traceback
from itertools import groupby, takewhile
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

from crudspec.contract.failures import ContractBroken
from crudspec.report.text import cut
from crudspec.truth.shown import shown_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from crudspec.backends.registry import Adapter
    from crudspec.contract.clause import Clause
    from crudspec.harness.call import Call

_CALLS_WITH_SQL = 4
_LONGEST_SQL = 400
_LONGEST_LINE = 1200
_FEW = 3
_LONGEST_VALUE = 100
"""In the one line that stands for a failure."""

_HERE = Path(__file__).resolve().parents[1]

_OWN_CONNECTIONS = (_HERE / "truth" / "witness.py", _HERE / "server" / "scratch.py")
_LOST = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
)


def describe(clause: Clause, adapter: Adapter, error: BaseException, calls: Iterable[Call], *, again: str) -> str:
    """Tell one broken promise.

    Args:
        clause: The promise.
        adapter: The backend that broke it.
        error: What the check raised.
        calls: The last calls of the check, oldest first.
        again: The command that repeats the check.
    """
    lines = [f"{clause.id} ({clause.level}) is broken by {adapter.name}", f"  promise   {clause.promise}"]
    remembered = list(calls)
    told = list(_folded(str(call) for call in remembered))
    sql = [line for call in remembered[-_CALLS_WITH_SQL:] for line in call.sql()]
    script = ""
    if isinstance(error, ContractBroken):
        lines += [f"  look at   {error.what}", f"  expected  {error.expected}", f"  seen      {error.seen}"]
        script = error.script
        sql = list(error.sql) or sql
        told = list(error.calls) or told
    else:
        looked = told[-1] if told else "the check itself"
        lines += [f"  look at   {looked}", "  expected  no exception", f"  seen      raised {shown_error(error)}"]
    if isinstance(error, ContractBroken):
        lines += [f"  {'' if number else 'also':10}{other}" for number, other in enumerate(_alike(error.others))]
    lines += [f"  where     {place}" for place in _places(error)]
    if isinstance(error, ContractBroken) and error.account:
        lines += ["", *(f"    {line}".rstrip() for line in error.account.splitlines()), ""]
    elif script:
        lines += ["  program   save it as program.py; its last line says how to run it:", "", script, ""]
    elif told:
        lines += ["  calls     " + told[0], *("            " + call for call in told[1:])]
    lines += [f"  {'' if number else 'sql':10}{_short(line)}" for number, line in enumerate(sql)]
    lines.append(f"  again     {again}")
    return "\n".join(cut(line, _LONGEST_LINE) for text in lines for line in text.split("\n"))


def own_connection_lost(error: BaseException) -> bool:
    """Tell whether it was crudspec's own connection that failed: that says nothing about the backend."""
    frames = traceback.extract_tb(error.__traceback__)
    return isinstance(error, _LOST) and any(Path(frame.filename).resolve() in _OWN_CONNECTIONS for frame in frames)


def headline(error: BaseException) -> str:
    """One line for the matrix."""
    if isinstance(error, ContractBroken):
        return f"{error.what}: expected {cut(error.expected, _LONGEST_VALUE)}, seen {cut(error.seen, _LONGEST_VALUE)}"
    return f"raised {shown_error(error)}"


def _places(error: BaseException) -> list[str]:
    """Lines of the backend's own file that the exception, or its cause, came through; innermost last."""
    found: list[str] = []
    seen: list[BaseException] = []  # a cause may lead back to itself
    link: BaseException | None = error
    while link is not None and not any(link is known for known in seen):
        seen.append(link)
        for frame in traceback.extract_tb(link.__traceback__):
            path = Path(frame.filename)
            own = path.resolve().is_relative_to(_HERE) and path.parent.name != "backends"
            if own or "site-packages" in path.parts or "conformance" in path.parts or _is_stdlib(path):
                continue
            found.append(f"{frame.filename}:{frame.lineno} in {frame.name}: {frame.line}")
        link = link.__cause__
    return list(dict.fromkeys(found))[-3:]


def _folded(lines: Iterable[str]) -> Iterator[str]:
    """The lines; of some in a row that are the same, the first, and how many more there are."""
    for line, same in groupby(lines):
        more = len(list(same)) - 1
        yield line
        if more:
            yield f"the same {more} more time{'s' * (more != 1)}"


def _alike(others: Iterable[str]) -> Iterator[str]:
    """What else breaks the promise; of what differs in the call alone, a line: many values fail for one reason."""
    calls: dict[str, list[str]] = {}
    for other in others:
        call, told, rest = other.partition(": expected ")
        calls.setdefault(f"{told}{rest}", []).append(call)
    for rest, some in calls.items():
        if len(some) <= _FEW:
            yield from (f"{call}{rest}" for call in some)
            continue
        shared = takewhile(lambda letters: len({*letters}) == 1, zip(*some, strict=False))
        same = "".join(letters[0] for letters in shared).rpartition(" ")[0]
        yield f"{same} {', '.join(call[len(same) :].strip() for call in some)}".strip() + rest


def _short(line: str) -> str:
    return line if len(line) <= _LONGEST_SQL else f"{line[: _LONGEST_SQL - 80]} … {line[-70:]}"


def _is_stdlib(path: Path) -> bool:
    return path.is_relative_to(_STDLIB) or not path.is_absolute()


_STDLIB = Path(traceback.__file__).parent
