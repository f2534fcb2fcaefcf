"""What was understood of a table, on a page of 80 columns."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from crudspec.adopt.clauses import shortened, sorted_out
from crudspec.entity.sources import as_source
from crudspec.report.text import cut, wrapped
from crudspec.truth.shown import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from crudspec.backends.registry import Adapter
    from crudspec.entity.proven import ColumnValues
    from crudspec.entity.sample import Sample
    from crudspec.entity.table import Column, Table

WIDTH = 80
_INDENT = 11
_LONGEST_NAME, _LONGEST_TYPE = 24, 22

_SHORTER = {
    "character varying": "varchar",
    "timestamp with time zone": "timestamptz",
    "timestamp without time zone": "timestamp",
    "time without time zone": "time",
    "double precision": "float8",
    "character": "char",
}
_SHORTENED = re.compile(r"|".join(map(re.escape, _SHORTER)))


def page(adapter: Adapter, sample: Sample, *, verbose: bool) -> str:
    """What was understood, before anything is judged.

    Args:
        adapter: The class.
        sample: Its table, and the values that the server has tried.
        verbose: Name the values, and the clauses, where else their number does.
    """
    lines: list[str] = []
    for title, told in _sections(adapter, sample, verbose):
        for number, line in enumerate(told):
            lines.append(wrapped(f"{'' if number else title:{_INDENT}}{line}".rstrip(), WIDTH, _INDENT))
        if told:
            lines.append("")
    return "\n".join(lines[:-1])


def _sections(adapter: Adapter, sample: Sample, verbose: bool) -> Iterator[tuple[str, list[str]]]:
    table = sample.table
    name = table.name if table.schema == "public" else f"{table.schema}.{table.name}"
    yield "table", [f"{name}, from {as_source(adapter.entity.schema).shown}"]
    yield "key", [_key(table)]
    yield "columns", _columns(table)
    yield "unique", [" and ".join(columns) for columns in table.uniques]
    yield (
        "parents",
        [f"{', '.join(one.columns)} refers to {_plain(one.parent)} ({', '.join(one.to)})" for one in table.references],
    )
    yield "checks", [f"{name}: {said}" for name, said in table.checks.items()]
    yield "methods", list(_methods(table))
    yield "values", list(_values(sample, verbose))
    yield (
        "changed",
        [
            f"{column} {name!r}: {cut(shown(given), 24)} -> {cut(shown(stored), 24)}"
            for column, values in sample.proven.columns.items()
            for name, (given, stored) in values.lossy.items()
        ],
    )
    yield "notes", list(sample.proven.notes)
    asked, inapplicable, not_claimed = sorted_out(adapter.cls, sample)
    yield "asked", [f"{len(asked)} clauses: {shortened(asked)}"]
    yield (
        "not asked",
        [f"{shortened(ids)}: {reason}" for reasons in (inapplicable, not_claimed) for reason, ids in reasons.items()],
    )


def _key(table: Table) -> str:
    made = [name for name in table.key if name not in table.creates]
    given = [name for name in table.key if name in table.creates]
    if not given:
        return f"{', '.join(made)}: the server makes {'it' if len(made) == 1 else 'them'}"
    if not made:
        return f"{', '.join(given)}: create is given {'it' if len(given) == 1 else 'all of it'}"
    return f"{', '.join(table.key)}: create is given {', '.join(given)}, the server makes {', '.join(made)}"


def _columns(table: Table) -> list[str]:
    rows: list[Sequence[str]] = [("name", "type", "NULL", "create", "update", "else")]
    rows += [
        (
            cut(one.name, _LONGEST_NAME),
            cut(short_type(one), _LONGEST_TYPE),
            "yes" if one.nullable else "no",
            "given" if one.name in table.creates else "",
            "given" if one.name in table.updates else "",
            _else(one),
        )
        for one in table.columns
    ]
    return _aligned(rows)


def short_type(column: Column) -> str:
    """A column's type as people write it: ``varchar(20)``."""
    return _SHORTENED.sub(lambda found: _SHORTER[found[0]], column.type.sql)


def _else(column: Column) -> str:
    """What happens to it that nobody asks for."""
    if column.computed:
        return "computed"
    what = {
        "": "",
        "constant": shown(column.constant),
        "clock": "the clock",
        "generated": "a sequence" if column.makes.startswith("nextval") else _plain(column.makes) or "a trigger",
    }[column.default]
    return ", ".join(filter(None, [cut(what, 30), "moves by itself" if column.moves else ""]))


def _plain(quoted: str) -> str:
    """A quoted name as people write it."""
    return quoted.replace('"', "").removeprefix("public.")


def _methods(table: Table) -> Iterator[str]:
    key = ", ".join(table.key)
    yield "connect(dsn)"
    for operation in table.operations:
        name = table.method(operation)
        if operation == "create":
            yield f"{name}({_keywords(table.creates)}) -> the row"
        elif operation == "get":
            yield f"{name}({key}) -> the row, or None"
        elif operation == "list_all":
            yield f"{name}() -> every row, {order(table)}"
        elif operation == "update":
            yield f"{name}({key}, {_keywords(table.updates)}) -> is it there?"
        else:
            yield f"{name}({key}) -> was it there?"
    if table.returns:
        yield f"a row has {', '.join(table.returns)}"


def _keywords(names: Iterable[str]) -> str:
    return ", ".join(f"{name}=…" for name in names)


def order(table: Table) -> str:
    """What ``list_all`` promises, in words."""
    if table.order is None:
        return "in any order"
    names = table.order or table.key
    return "by " + ", ".join(f"{name[1:]} descending" if name.startswith("-") else name for name in names)


def _values(sample: Sample, verbose: bool) -> Iterator[str]:
    """How many there are of each kind, or their names."""
    columns = sample.proven.columns
    if not verbose:
        rows: list[Sequence[str]] = [("", "stored as given", "refused", "stored changed")]
        rows += [(name, *map(str, map(len, _piles(values)))) for name, values in columns.items()]
        yield from _aligned([(cut(row[0], 34), *row[1:]) for row in rows])
        return
    for name, values in columns.items():
        for title, pile in zip(("stored as given", "refused", "stored changed"), _piles(values), strict=True):
            if pile:
                yield f"{name}, {title}: {', '.join(pile)}"


def _piles(values: ColumnValues) -> tuple[Any, ...]:
    return values.valid, values.invalid, values.lossy


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines, their cells below one another."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
