"""What may stand in a row, column by column, and how that is put together to rows that differ."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice, product
from typing import TYPE_CHECKING, Any

from crudspec.entity.candidates import candidates
from crudspec.entity.errors import EntityError
from crudspec.entity.fresh import fresh, matching
from crudspec.entity.literals import literal
from crudspec.entity.row import matches
from crudspec.entity.types import WrongType

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from crudspec.entity.entity import Values
    from crudspec.entity.table import Column, Table

_NAMED_LENGTH = 40


@dataclass(frozen=True)
class Choice:
    """What may stand in one column, or in the columns of one reference.

    Attributes:
        names: Of the columns.
        options: Values by column, the plainest first; distinct for each row where they must be unique.
        more: Others, for where none of these will do.
        plain: Those values of the one column that are tried for programs; none for a reference.
        edges: Values of the one column to be judged, by name.
        invalid: Values that nobody has to ask about, by name.
        others: Where the user has said what is valid: values of the type that the server may refuse all the same.
        refers: The columns are those of a reference.
        unique: They belong to what must be unique.
    """

    names: tuple[str, ...]
    options: Sequence[Mapping[str, Any]]
    more: Sequence[Mapping[str, Any]] = ()
    plain: Sequence[Any] = ()
    edges: Mapping[str, Any] = field(default_factory=dict)
    invalid: Mapping[str, Any] = field(default_factory=dict)
    others: Mapping[str, Any] = field(default_factory=dict)
    refers: bool = False
    unique: bool = False


def unique_columns(table: Table) -> frozenset[str]:
    """The columns that belong to something unique, the key included."""
    return frozenset(name for names in table.uniques for name in names)


def choice_of(table: Table, column: Column, said: Values | None, *, first: int = 1) -> Choice:
    """What may stand in a column that refers to nothing.

    Args:
        table: The column's.
        column: It.
        said: What the user says of its values.
        first: The number that the first of its fresh values is made of.

    Raises:
        EntityError: what the user says is not of the column's type.
    """
    known = candidates(column.type, nullable=column.nullable)
    plain, edges, others = distinct((*known.plain, *_mined(table, column))), known.edges, {}
    unique = column.name in unique_columns(table)
    fitting: Sequence[Any] = fresh(column.type, first=first) if unique else ()
    if said is not None and (said.valid or said.matching):
        fitting = _said_valid(column, said)
        plain = [*fitting[:2], None, *fitting[2:5]] if column.nullable else list(fitting[:6])
        edges, others = {name_of(value): value for value in fitting[:20]}, known.edges
    if said is not None and said.invalid:
        plain, fitting = ([value for value in some if value not in said.invalid] for some in (plain, fitting))
        edges = {name: value for name, value in edges.items() if value not in said.invalid}
    options = fitting if unique and fitting else plain or [None]
    return Choice(
        (column.name,),
        [{column.name: value} for value in options],
        [{column.name: value} for value in (*plain, *edges.values())],
        plain,
        edges,
        {**known.wrong, **{name_of(value): value for value in (said.invalid if said else ())}},
        others,
        unique=unique,
    )


def rows(choices: Sequence[Choice], count: int) -> list[dict[str, Any]]:
    """Rows that differ in as many columns as may be: the first has each column's first option, and so on."""
    return list(islice(_rows(choices), count))


def row(choices: Iterable[Choice], place: int) -> dict[str, Any]:
    """The row that has the option at a place of each column, beginning again where there are fewer."""
    return {name: value for one in choices for name, value in one.options[place % len(one.options)].items()}


def _rows(choices: Sequence[Choice]) -> Iterator[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def is_new(made: dict[str, Any]) -> bool:
        new = not any(matches(made, other) for other in found)
        if new:
            found.append(made)
        return new

    # All columns go on at once; then each a step further than the one before, for what must not be equal, or not in
    # this order; then all that there is.
    for shift in range(4):
        for place in range(6):
            made = {
                name: value
                for at, one in enumerate(choices)
                for name, value in one.options[(place + shift * at) % len(one.options)].items()
            }
            if is_new(made):
                yield made
    for options in islice(product(*(one.options[:6] for one in choices)), 200):
        made = {name: value for option in options for name, value in option.items()}
        if is_new(made):
            yield made


def _said_valid(column: Column, said: Values) -> tuple[Any, ...]:
    if said.matching is not None and column.type.kind != "text":
        raise EntityError(f"values: column {column.name!r} is {column.type.sql}, matching= is for text: say valid=[…]")
    found = []
    for value in said.valid:
        try:
            found.append(None if value is None else value if column.type.kind == "unknown" else column.type.read(value))
            literal(column.type, value)
        except (WrongType, UnicodeEncodeError) as wrong:
            expected = wrong.expected if isinstance(wrong, WrongType) else "text that can be sent"
            raise EntityError(
                f"values: valid={value!r} of column {column.name!r} is not {expected}, for {column.type.sql}"
            ) from None
    if said.matching is not None:
        try:
            found += matching(said.matching)
        except re.error as error:
            raise EntityError(f"values: matching={said.matching!r} of column {column.name!r}: {error}") from None
    return tuple(distinct(found))


def distinct(values: Iterable[Any]) -> list[Any]:
    """Values without those that come twice."""
    found: list[Any] = []
    plain: set[Any] = set()  # among thousands of texts, one by one would be slow
    for value in values:
        if type(value) is str:
            if value in plain:
                continue
            plain.add(value)
        elif any(matches(value, other) for other in found):
            continue
        found.append(value)
    return found


def name_of(value: Any) -> str:
    """The name of a value that has none."""
    text = repr(value)
    return text if len(text) <= _NAMED_LENGTH else f"{text[:_NAMED_LENGTH]}…"


def _mined(table: Table, column: Column) -> list[Any]:
    """Values that stand in a CHECK of the column: ``state IN ('new', 'paid')``, ``stars BETWEEN 1 AND 5``."""
    found: list[Any] = []
    for text in table.checks.values():
        if not names_column(text, column.name):
            continue
        if column.type.kind == "text":
            found += [said.replace("''", "'") for said in re.findall(r"'((?:[^']|'')*)'::(?:\w| )+", text)]
        elif column.type.kind in ("int", "numeric"):
            numbers = [int(said) for said in re.findall(r"(?<![\w.])-?\d{1,9}(?![\w.])", text)]
            near = [number + step for step in (0, 1, -1) for number in numbers]
            found += near if column.type.kind == "int" else map(Decimal, near)
    return found


def names_column(text: str, name: str) -> bool:
    """Tell whether the text of a CHECK names a column."""
    return re.search(rf"(?<![\w'])(?:\"{re.escape(name)}\"|{re.escape(name)})(?![\w'])", text) is not None
