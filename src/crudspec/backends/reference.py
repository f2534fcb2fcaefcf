"""The reference: a backend for any table, its SQL made from what the server says of the table.

It is not one of the ways, but what judges the suite: where it does not keep a clause on somebody's table, nobody else
is judged by that clause there. It is the company of MIX-1, too.
"""

from __future__ import annotations

import random
import uuid
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

import asyncpg

from crudspec.backends.common import InvalidValue, PoolBackend, named
from crudspec.entity.candidates import candidates
from crudspec.entity.codecs import plain_values
from crudspec.entity.reflect import reflect
from crudspec.entity.row import frozen, matches
from crudspec.entity.table import quoted
from crudspec.entity.types import WrongType

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence

    from crudspec.entity.entity import Entity
    from crudspec.entity.row import Key
    from crudspec.entity.table import Column, Table
    from crudspec.entity.types import Type


def reference(entity: Entity, table: Table) -> Any:
    """Make the class for a table.

    Args:
        entity: What the user says of the table, the names of the operations included.
        table: As it was reflected.
    """
    body: dict[str, Any] = {"entity": entity, "_table": table}
    if (name := table.method("list_all")) != "list_all":
        body[name] = _Reference.list_all
    for operation in ("create", "get", "update", "delete"):
        body[table.method(operation)] = getattr(_Reference, operation)
    return type("Reference", (_Reference,), body)


def beside(cls: Any) -> Any:
    """Make a reference for the table of somebody's class, which looks at the table when it connects.

    Args:
        cls: A backend with an ``entity``.
    """
    entity = cls.entity

    class Reference:
        @classmethod
        @asynccontextmanager
        async def connect(cls, dsn: str) -> AsyncGenerator[Any]:
            """Open a reference for the table as it is there."""
            try:
                table = await reflect(dsn, entity)
            except (asyncpg.PostgresError, OSError) as error:
                raise named(error, {}) from error
            async with reference(entity, table).connect(dsn) as backend:
                yield backend

    return Reference


class _Reference(PoolBackend):
    entity: ClassVar[Entity]
    _table: ClassVar[Table]

    def __init__(self, dsn: str) -> None:
        pool = asyncpg.create_pool(
            dsn,
            min_size=0,
            max_size=self.pool_size,
            max_inactive_connection_lifetime=0,
            timeout=self.timeout,
            command_timeout=self.timeout,
            init=self._prepare,
            reset=self._reset,
        )
        super().__init__(pool)
        table = self._table
        self._columns = ", ".join(map(quoted, table.by_name))
        self._filled = [column for column in table.columns if column.name in {*table.inserts} - {*table.creates}]
        self._is_it = " AND ".join(f"{quoted(name)} = ${place}" for place, name in enumerate(table.key, 1))

    async def create(self, /, **values: Any) -> Mapping[str, Any]:
        """Store a row; returns it as stored."""
        given = self._checked(values)
        given |= {one.name: _made(one.type) for one in self._filled if one.name not in given}
        names, places = ", ".join(map(quoted, given)), _places(len(given))
        what = f"({names}) VALUES ({places})" if given else "DEFAULT VALUES"
        sql = f"INSERT INTO {self._table.quoted} {what} RETURNING {self._columns}"
        async with self._connection() as connection:
            await self._check_exact(connection, given)
            async with connection.transaction():
                (row,) = await connection.fetch(sql, *given.values())
                self._check_stored(given, row)
        return self._table.stored(row).given()

    async def get(self, /, *key: Any) -> Mapping[str, Any] | None:
        """Return the row, or None."""
        if not self._can_exist(key):
            return None
        sql = f"SELECT {self._columns} FROM {self._table.quoted} WHERE {self._is_it}"
        async with self._connection() as connection:
            row = await connection.fetchrow(sql, *key)
        return None if row is None else self._table.stored(row).given()

    async def list_all(self) -> Sequence[Mapping[str, Any]]:
        """Return every row in the order that the entity promises."""
        by = self._table.order or self._table.key
        order = ", ".join(f"{quoted(name.lstrip('-'))}{' DESC' * (name[0] == '-')}" for name in by)
        async with self._connection() as connection:
            rows = await connection.fetch(f"SELECT {self._columns} FROM {self._table.quoted} ORDER BY {order}")
        return [self._table.stored(row).given() for row in rows]

    async def update(self, /, *key: Any, **values: Any) -> bool:
        """Set values; False if there is no such row."""
        given, first = self._checked(values), len(self._table.key) + 1
        changes = ", ".join(f"{quoted(name)} = ${place}" for place, name in enumerate(given, first))
        sql = f"UPDATE {self._table.quoted} SET {changes} WHERE {self._is_it} RETURNING {self._columns}"
        there = self._can_exist(key)
        async with self._connection() as connection:
            await self._check_exact(connection, given)
            if not there:
                return False
            async with connection.transaction():
                rows = await connection.fetch(sql, *key, *given.values())
                for row in rows:
                    self._check_stored(given, row)
        return bool(rows)

    async def delete(self, /, *key: Any) -> bool:
        """Remove the row; False if this call did not."""
        if not self._can_exist(key):
            return False
        async with self._connection() as connection:
            status = await connection.execute(f"DELETE FROM {self._table.quoted} WHERE {self._is_it}", *key)
        return status == "DELETE 1"

    @classmethod
    async def _prepare(cls, connection: asyncpg.Connection) -> None:
        await plain_values(connection, cls._table)

    def _checked(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values, if each is of its column's type.

        Raises:
            InvalidValue: one is not.
        """
        for name, value in values.items():
            _check(self._table.by_name[name], value)
            said = self.entity.values.get(name)
            if said is not None and any(matches(frozen(value), frozen(one)) for one in said.invalid):
                raise InvalidValue(f"{name} is not valid, as the entity says")
        return dict(values)

    def _can_exist(self, key: Key) -> bool:
        """Tell whether a row can have this key.

        Raises:
            InvalidValue: it is none.
        """
        columns = self._table.key_columns
        for column, part in zip(columns, key, strict=True):
            if part is None:
                raise InvalidValue(f"{column.name} is a part of the key, and cannot be None")
            _check(column, part)
        ints = [
            (column.type.bits, part) for column, part in zip(columns, key, strict=True) if column.type.kind == "int"
        ]
        return all(-(2 ** (bits - 1)) <= part < 2 ** (bits - 1) for bits, part in ints)

    async def _check_exact(self, connection: Any, given: Mapping[str, Any]) -> None:
        """Ask the server what it would make of the values, before anything is written.

        Raises:
            InvalidValue: something else.
        """
        if not given:
            return
        columns = [self._table.by_name[name] for name in given]
        casts = ", ".join(
            f"${place}::{column.type.untyped}::{column.type.sql}" for place, column in enumerate(columns, 1)
        )
        (row,) = await connection.fetch(f"SELECT {casts}", *given.values())
        self._compare(given, row)

    def _check_stored(self, given: Mapping[str, Any], row: Any) -> None:
        self._compare(given, [row[name] for name in given])

    def _compare(self, given: Mapping[str, Any], stored: Iterable[Any]) -> None:
        for (name, value), there in zip(given.items(), stored, strict=True):
            kind = self._table.by_name[name].type
            if (value is None) != (there is None) or (
                value is not None and not matches(frozen(kind.read(value)), frozen(kind.read(there)))
            ):
                raise InvalidValue(f"{name} would be stored changed")


def _made(kind: Type) -> Any:
    """What a data layer may fill in for a column by itself; another one each time, where there are enough."""
    now = datetime.now(UTC)
    made: dict[str, Any] = {
        "uuid": uuid.uuid4(),
        "text": uuid.uuid4().hex[: kind.length],
        "int": random.getrandbits((kind.bits or 16) - 2),
        "timestamptz": now,
        "timestamp": now.replace(tzinfo=None),
        "date": now.date(),
    }
    return made[kind.kind] if kind.kind in made else candidates(kind).plain[0]


def _check(column: Column, value: Any) -> None:
    if value is None:
        if not column.nullable:
            raise InvalidValue(f"{column.name} cannot be None")
        return
    try:
        column.type.read(value)
        _check_text(value)
    except WrongType as wrong:
        raise InvalidValue(f"{column.name} is {wrong.expected}, not {type(value).__name__}") from None
    except UnicodeEncodeError:
        raise InvalidValue(f"{column.name} has a lone surrogate") from None


def _check_text(value: Any) -> None:
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, list | tuple):
        for part in value:
            _check_text(part)


def _places(count: int) -> str:
    return ", ".join(f"${place}" for place in range(1, count + 1))
