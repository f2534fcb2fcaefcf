"""What PostgreSQL's catalogue says of one table.

Read by statements of our own and not by SQLAlchemy's Inspector: that one knows neither what a domain is made of, what
an index makes of NULLs, nor which triggers there are, warns of each type that it does not know, and asks ten times
where three will do.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from crudspec.entity.errors import EntityError
from crudspec.entity.table import quoted
from crudspec.entity.types import type_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from asyncpg import Connection

    from crudspec.entity.types import Type

_FOUND = """
SELECT n.nspname AS schema, c.relname AS name, c.relkind::text AS kind, c.oid
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^(pg_|information_schema$)'
ORDER BY n.nspname <> 'public', c.relispartition, 1, 2
"""

# Domains, also of domains, are looked through: what they refuse, the server says of each value.
_COLUMNS = """
WITH RECURSIVE looked AS (
    SELECT a.attnum, a.atttypid AS type, a.atttypmod AS modifier, a.attnotnull AS required,
           pg_get_expr(d.adbin, d.adrelid) AS fallback
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT l.attnum, t.typbasetype, t.typtypmod, l.required OR t.typnotnull,
           coalesce(l.fallback, pg_get_expr(t.typdefaultbin, 0))
    FROM looked l JOIN pg_type t ON t.oid = l.type WHERE t.typtype = 'd'
)
SELECT a.attname AS name, a.attidentity::text AS identity, a.attgenerated::text AS computed, l.required, l.fallback,
       format_type(l.type, l.modifier) AS sql, t.typname AS type, l.modifier, i.typname AS item,
       ARRAY(SELECT e.enumlabel::text FROM pg_enum e
             WHERE e.enumtypid = coalesce(i.oid, t.oid) ORDER BY e.enumsortorder) AS labels
FROM looked l
JOIN pg_attribute a ON a.attrelid = $1 AND a.attnum = l.attnum
JOIN pg_type t ON t.oid = l.type AND t.typtype <> 'd'
LEFT JOIN pg_type i ON i.oid = t.typelem AND t.typcategory = 'A'
ORDER BY l.attnum
"""

_RULES = """
SELECT k.conname::text AS name, k.contype::text AS kind, pg_get_constraintdef(k.oid) AS said,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u (number, place)
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number ORDER BY u.place) AS columns,
       n.nspname AS schema, p.relname AS parent,
       ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u (number, place)
             JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number ORDER BY u.place) AS to,
       true AS nulls_distinct, NULL AS terms, NULL AS predicate
FROM pg_constraint k LEFT JOIN pg_class p ON p.oid = k.confrelid LEFT JOIN pg_namespace n ON n.oid = p.relnamespace
WHERE k.conrelid = $1 AND k.contype IN ('p', 'f', 'c', 'x') AND k.conparentid = 0
UNION ALL
SELECT c.relname::text, CASE WHEN i.indpred IS NULL AND i.indexprs IS NULL THEN 'u' ELSE 'partial' END,
       pg_get_indexdef(i.indexrelid),
       ARRAY(SELECT a.attname::text FROM unnest(i.indkey) WITH ORDINALITY AS u (number, place)
             JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.number
             WHERE u.place <= i.indnkeyatts ORDER BY u.place),
       NULL, NULL, '{}', NOT i.indnullsnotdistinct,
       pg_get_expr(i.indexprs, i.indrelid), pg_get_expr(i.indpred, i.indrelid)
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = $1 AND i.indisunique AND NOT i.indisprimary
UNION ALL
SELECT t.tgname::text, 'trigger', '', '{}', NULL, NULL, '{}', true, NULL, NULL FROM pg_trigger t
WHERE t.tgrelid = $1 AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND t.tgtype & 20 <> 0
ORDER BY 2, 1
"""
"""Constraints, unique indexes (a constraint's own have its name), and the triggers that see an insert or an update."""


@dataclass(frozen=True, slots=True)
class Found:
    """One column, as the catalogue has it.

    Attributes:
        name: Of it.
        type: Without its domain.
        required: NOT NULL, by itself or by its domain.
        default: The expression; empty where there is none.
        identity: ``GENERATED … AS IDENTITY``.
        computed: ``GENERATED ALWAYS AS (…) STORED``.
    """

    name: str
    type: Type
    required: bool
    default: str
    identity: bool
    computed: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one table: records with ``name``, ``said``, ``columns``, and for a reference ``to`` and its parent.

    Attributes:
        key: Names of the key's columns; empty where there is none.
        references: Foreign keys.
        checks: CHECK constraints.
        unique: What must be unique, by columns alone.
        partial: Unique indexes with a predicate or an expression.
        exclusions: EXCLUDE constraints.
        has_triggers: Something runs when a row is inserted or updated.
    """

    key: tuple[str, ...]
    references: tuple[Mapping[str, Any], ...]
    checks: tuple[Mapping[str, Any], ...]
    unique: tuple[Mapping[str, Any], ...]
    partial: tuple[Mapping[str, Any], ...]
    exclusions: tuple[Mapping[str, Any], ...]
    has_triggers: bool


async def find(connection: Connection, name: str) -> tuple[str, str, int]:
    """Find a table, ordinary or partitioned.

    Args:
        connection: To its database.
        name: With its schema or without: ``shop.orders``. Without one, it is looked for in ``public``.

    Returns:
        Its schema, its name and its oid.

    Raises:
        EntityError: there is none, or it is something else.
    """
    there = await connection.fetch(_FOUND)
    wanted = name.replace('"', "")
    for one in there:
        if wanted in (f"{one['schema']}.{one['name']}", one["name"] if one["schema"] == "public" else None):
            if one["kind"] not in ("r", "p"):
                kind = {"v": "a view", "m": "a materialized view", "f": "a foreign table"}[one["kind"]]
                raise EntityError(f"table={name!r} is {kind}: name the table that the data layer writes to")
            return one["schema"], one["name"], one["oid"]
    names = [one["name"] if one["schema"] == "public" else f"{one['schema']}.{one['name']}" for one in there]
    raise EntityError(f"table={name!r} is not there{meant(wanted, names)}")


def meant(name: str, names: Iterable[str]) -> str:
    """The end of a sentence that says that there is no such name: which one was meant, or which there are."""
    names = list(names)
    folded = {one.lower(): one for one in names}
    if close := get_close_matches(name.lower(), folded, 1, 0.6):
        return f": did you mean {folded[close[0]]!r}?"
    if near := [one for one in names if one.endswith(f".{name}")]:
        return f": did you mean {near[0]!r}?"
    return (
        f"; there are {', '.join(names[:30])}{' and others' if len(names) > 30 else ''}" if names else "; there is none"
    )


async def columns(connection: Connection, oid: int) -> list[Found]:
    """The columns of a table, in its order."""
    return [
        Found(
            one["name"],
            type_of({**one, "name": one["type"]}),
            required=one["required"],
            default="" if one["computed"] else one["fallback"] or "",
            identity=bool(one["identity"]),
            computed=bool(one["computed"]),
        )
        for one in await connection.fetch(_COLUMNS, oid)
    ]


async def rules(connection: Connection, oid: int) -> Rules:
    """The rules of a table."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for one in await connection.fetch(_RULES, oid):
        found.setdefault(one["kind"], []).append(one)
    keys = found.get("p") or [{"columns": ()}]
    return Rules(
        tuple(keys[0]["columns"]),
        *(tuple(found.get(kind, ())) for kind in ("f", "c", "u", "partial", "x")),
        has_triggers="trigger" in found,
    )


def parent_of(rule: Mapping[str, Any]) -> str:
    """The table that a foreign key refers to, quoted."""
    return f"{quoted(rule['schema'])}.{quoted(rule['parent'])}"
