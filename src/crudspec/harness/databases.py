"""Databases with an entity's table in them, and what is known of it: reflected and tried once, and kept."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from crudspec import entity as package
from crudspec.entity.applied import apply
from crudspec.entity.client_side import filled
from crudspec.entity.errors import EntityError
from crudspec.entity.kept import from_json, to_json
from crudspec.entity.prove import prove
from crudspec.entity.reflect import reflect
from crudspec.entity.sample import Sample
from crudspec.entity.sources import as_source
from crudspec.server import create_scratch, drop_scratch, recalled, remember
from crudspec.server.connections import connected

if TYPE_CHECKING:
    from crudspec.entity.entity import Entity
    from crudspec.entity.proven import Proven
    from crudspec.entity.table import Table
    from crudspec.server import Server

_known: dict[int, tuple[Entity, Table, Proven]] = {}
"""By the identity of the entity, which stays alive here."""


async def scratch_with(server: Server, label: str, entity: Entity) -> tuple[str, Sample]:
    """Make a database with the entity's table in it, and the rows that it needs of others.

    Args:
        server: Where.
        label: For people who look at the server.
        entity: The entity.

    Returns:
        The database's DSN, and values for the table; each database has its own.

    Raises:
        EntityError: the schema does not apply, or the table cannot be used; what to write.
        ServerError: the server cannot be reached or refuses.
    """
    source = as_source(entity.schema)
    dsn = await create_scratch(server, label, source)
    try:
        if entity.seed is not None:
            await _seed(dsn, entity)
        table, proven = await _understood(server, dsn, entity)
        await _insert_parents(dsn, proven)
    except BaseException:
        await drop_scratch(server, dsn)
        raise
    return dsn, Sample(table, proven)


async def _understood(server: Server, dsn: str, entity: Entity) -> tuple[Table, Proven]:
    if id(entity) in _known:
        return _known[id(entity)][1:]
    source, key = as_source(entity.schema), _key(entity)
    kept = recalled(server, source, key)
    if kept is None:
        table = await reflect(dsn, entity)
        proven = await prove(dsn, table, entity)
        remember(server, source, key, to_json(table, proven))
    else:
        table, proven = from_json(kept)
    _known[id(entity)] = entity, table, proven
    return table, proven


def _key(entity: Entity) -> str:
    """All but the schema that what is known depends on: what the user says, and the code that finds it out."""
    said = {name: value for name, value in vars(entity).items() if name not in {"schema", "models"}}
    said |= {"seed": _seed_of(entity), "filled": filled(entity)}
    found = hashlib.sha256(repr(sorted(said.items())).encode())
    for path in sorted(Path(package.__file__ or "").parent.glob("*.py")):
        found.update(path.read_bytes())
    return found.hexdigest()


async def _seed(dsn: str, entity: Entity) -> None:
    shown = entity.seed.name if isinstance(entity.seed, Path) else ""
    async with connected(dsn) as connection:
        await apply(connection, _seed_of(entity), shown=shown, what="the seed")


def _seed_of(entity: Entity) -> str:
    if not isinstance(entity.seed, Path):
        return entity.seed or ""
    try:
        return entity.seed.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EntityError(f"seed: {entity.seed} cannot be read: {error}") from error


async def _insert_parents(dsn: str, proven: Proven) -> None:
    if proven.inserts:
        async with connected(dsn) as connection:
            await connection.execute(proven.inserts)
