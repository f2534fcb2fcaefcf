"""Which clauses a table can be asked about: what it lacks is decided by the table alone, never by a backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from crudspec.entity.table import Table

NO_UPDATE = "no column can be updated"


def _updates(table: Table) -> tuple[object, str]:
    return table.updates, NO_UPDATE


def _server_makes_key(table: Table) -> tuple[object, str]:
    return table.server_makes_key, "the client chooses the key"


def _int_key(table: Table) -> tuple[object, str]:
    first, *others = table.key_columns
    refers = any(first.name in one.columns for one in table.references)
    return not others and not refers and first.type.kind == "int", "the key is no int that may be 1"


def _twice(table: Table) -> tuple[object, str]:
    once = next((columns for columns in table.uniques if set(columns) <= {*table.creates}), ())
    return not once, f"{', '.join(once)} must be unique, and create is given {'them' if len(once) > 1 else 'it'}"


def _unique(table: Table) -> tuple[object, str]:
    given = {*table.creates, *table.updates}
    return any(set(columns) & given for columns in table.uniques), "nothing that is given must be unique"


def _references(table: Table) -> tuple[object, str]:
    given = {*table.creates, *table.updates}
    return any(set(one.columns) & given for one in table.references), "nothing that is given refers to another table"


_NEEDS: dict[str, Callable[[Table], tuple[object, str]]] = {
    **{f"UPDATE-{number}": _updates for number in range(1, 7)},
    "CREATE-5": _server_makes_key,
    "CREATE-6": _twice,
    "GET-6": _int_key,
    **dict.fromkeys(("UNIQUE-1", "UNIQUE-2"), _unique),
    **dict.fromkeys(("REFERENCE-1", "REFERENCE-2"), _references),
}


def asks(clause_id: str, table: Table) -> tuple[object, str]:
    """Whether a clause can be asked of a table.

    Returns:
        Something true if it can; and what the table lacks if it cannot.
    """
    need = _NEEDS.get(clause_id)
    return need(table) if need is not None else (True, "")
