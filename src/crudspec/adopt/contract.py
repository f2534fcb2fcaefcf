"""The contract, with the values that a table has for each clause beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crudspec.adopt.clauses import lacks, unclaimed, values_of
from crudspec.contract.clauses import BY_ID, CLAUSES
from crudspec.report.text import cut

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from crudspec.backends.registry import Adapter
    from crudspec.contract.clause import Clause
    from crudspec.entity.sample import Sample

_LONGEST = 60


def contract_of(adapter: Adapter, sample: Sample, clause_ids: Sequence[str] = ()) -> str:
    """The contract as Markdown, each clause with the values of a table.

    Args:
        adapter: Whose table.
        sample: Its values.
        clause_ids: Only these clauses.
    """
    clauses = [BY_ID[one.upper()] for one in clause_ids] or CLAUSES
    lines = [f"# The contract, on the table {sample.table.name}", ""]
    for clause in clauses:
        lines += [f"## {clause.id} ({clause.level})", "", clause.promise, ""]
        lines += [*_beside(adapter, sample, clause), ""]
    return "\n".join(_without_double_blanks(lines))


def _beside(adapter: Adapter, sample: Sample, clause: Clause) -> Iterator[str]:
    if reason := unclaimed(clause, adapter.cls):
        yield f"Not asked: {reason}."
    elif reason := lacks(clause.id, sample):
        yield f"Does not apply: {reason}."
    elif values := values_of(clause.id, sample):
        yield "| column | values |"
        yield "|---|---|"
        for column, named in values.items():
            yield f"| {_cell(column)} | {', '.join(_cell(cut(name, _LONGEST)) for name in named)} |"


def _cell(text: str) -> str:
    """A name as code in a cell of a table: a backtick in it needs two around it, a bar a backslash."""
    plain = " ".join(text.split()).replace("|", "\\|")
    return f"`` {plain} ``" if "`" in plain else f"`{plain}`"


def _without_double_blanks(lines: Iterable[str]) -> Iterator[str]:
    before = ""
    for line in lines:
        if line or before:
            yield line
        before = line
