"""Two ways to each of the tables, as people write them: SQLAlchemy ORM sessions, and SQL on an asyncpg pool.

Neither has anything of what the suite knows of a table: both read it by SQLAlchemy's reflection, and check values in
Python. ``crudspec check tests.entity.ways:serial_mapped`` asks one of them; beside ``_mapped`` there are
``_records``, and ``_reference``, which is the suite's own.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import struct
import uuid
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import partial
from typing import Any

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import registry
from sqlalchemy.orm.attributes import flag_modified
from tests.entity.tables import ENTITIES

from crudspec.backends.common import EngineBackend, PoolBackend, settled
from crudspec.backends.reference import beside
from crudspec.entity.entity import Entity
from crudspec.errors import InvalidValue


def checked(table: sa.Table, values: dict) -> dict:
    """Values, each of which its column stores as it is.

    Raises:
        InvalidValue: one is not.
    """
    for name, value in values.items():
        column = table.columns[name]
        if not (column.nullable if value is None else fits(column.type, value)):
            raise InvalidValue(f"{name} cannot be a {type(value).__name__} like this one")
    return values


def fits(kind: sa.types.TypeEngine, value: Any) -> bool:
    """Whether a column of this type stores the value as it is; types are looked at exactly, True being no int."""
    if isinstance(kind, postgresql.DOMAIN):
        return fits(kind.data_type, value)
    if isinstance(kind, sa.ARRAY):
        return type(value) is list and all(item is None or fits(kind.item_type, item) for item in value)
    if isinstance(kind, sa.Enum):
        return type(value) is str and value in kind.enums
    if isinstance(kind, sa.JSON):
        return _is_json(value)
    if isinstance(kind, sa.Integer):
        bits = 15 if isinstance(kind, sa.SmallInteger) else 63 if isinstance(kind, sa.BigInteger) else 31
        return type(value) is int and -(2**bits) <= value < 2**bits
    if isinstance(kind, sa.REAL):
        return type(value) is float and _is_single(value)
    if isinstance(kind, sa.Float):
        return type(value) is float
    if isinstance(kind, sa.Numeric):
        return type(value) is Decimal and value.is_finite() and _has_room(kind, value)
    if isinstance(kind, sa.String):
        return type(value) is str and _is_text(value) and len(value) <= (kind.length or len(value))
    if isinstance(kind, postgresql.INET):
        return isinstance(value, ipaddress._IPAddressBase) and not isinstance(value, ipaddress._BaseNetwork)
    if isinstance(kind, postgresql.CIDR):
        return isinstance(value, ipaddress._BaseNetwork)
    if isinstance(kind, sa.DateTime | sa.Time):
        exact = type(value) is (dt.datetime if isinstance(kind, sa.DateTime) else dt.time)
        return exact and (value.tzinfo is not None) == bool(kind.timezone)
    return type(value) is _EXACT[type(kind)]


_EXACT: dict[type, type] = {
    sa.BOOLEAN: bool,
    sa.DATE: dt.date,
    sa.UUID: uuid.UUID,
    postgresql.BYTEA: bytes,
    postgresql.INTERVAL: dt.timedelta,
}


def _is_text(value: str) -> bool:
    return "\0" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)


def _is_json(value: object) -> bool:
    if isinstance(value, dict):
        return all(type(name) is str and _is_text(name) and _is_json(part) for name, part in value.items())
    if isinstance(value, list):
        return all(map(_is_json, value))
    if type(value) is float:
        return value - value == 0  # neither infinite nor NaN
    return value is None or type(value) in (bool, int) or (type(value) is str and _is_text(value))


def _is_single(value: float) -> bool:
    try:
        return struct.unpack("f", struct.pack("f", value))[0] == value
    except OverflowError:
        return False


def _has_room(kind: sa.Numeric, value: Decimal) -> bool:
    if kind.precision is None:
        return True
    scaled = value.scaleb(kind.scale or 0)
    return scaled == scaled.to_integral_value() and abs(scaled) < 10**kind.precision


def can_exist(table: sa.Table, key: tuple) -> bool:
    """Whether a row can have this key, as far as its ints are concerned.

    Raises:
        InvalidValue: it is no key.
    """
    for column, part in zip(table.primary_key, key, strict=True):
        if isinstance(column.type, sa.Integer):
            if type(part) is not int:
                raise InvalidValue(f"{column.name} is an int")
            if not fits(column.type, part):
                return False
        elif isinstance(column.type, sa.String):
            if type(part) is not str or not _is_text(part):
                raise InvalidValue(f"{column.name} is a text")
        elif not fits(column.type, part):
            raise InvalidValue(f"{column.name} cannot be a {type(part).__name__}")
    return True


_UNREFLECTED = {"shop.customers": {"email": sa.String(60), "nick": sa.Text()}}
"""Types that SQLAlchemy's reflection loses: a domain's length, and an extension's type in a schema of its own."""


async def reflected(dsn: str, entity: Entity) -> sa.Table:
    """The table as it is there."""
    engine = create_async_engine(sa.make_url(dsn).set(drivername="postgresql+asyncpg"), poolclass=sa.NullPool)
    schema, _, name = entity.table.rpartition(".")
    async with engine.connect() as connection:
        load = partial(sa.Table, name, sa.MetaData(), schema=schema or None)
        table = await connection.run_sync(lambda sync: load(autoload_with=sync))
    for column, kind in _UNREFLECTED.get(entity.table, {}).items():
        table.columns[column].type = kind
    return table


class Records(PoolBackend):
    """Rows of any table through an asyncpg pool: they are dicts."""

    entity: Entity
    table: Any = None  # reflected when it first connects

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn: str):
        cls.table = cls.table if cls.table is not None else await reflected(dsn, cls.entity)
        async with super().connect(dsn) as backend:
            yield backend

    def __init__(self, dsn: str) -> None:
        pool = asyncpg.create_pool(
            dsn,
            min_size=0,
            max_size=self.pool_size,
            max_inactive_connection_lifetime=0,
            timeout=self.timeout,
            command_timeout=self.timeout,
            init=self._init,
            reset=self._reset,
        )
        super().__init__(pool)
        self._name = ".".join(map(_quoted, filter(None, (self.table.schema, self.table.name))))
        self._columns = ", ".join(_quoted(column.name) for column in self.table.columns)
        self._key = " AND ".join(
            f"{_quoted(column.name)} = ${place}" for place, column in enumerate(self.table.primary_key, 1)
        )

    async def _init(self, connection: asyncpg.Connection) -> None:
        await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)

    async def create(self, /, **values):
        return await self._insert(checked(self.table, values))

    async def _insert(self, values: dict) -> Any:
        names = ", ".join(map(_quoted, values))
        places = ", ".join(f"${place}" for place in range(1, len(values) + 1))
        what = f"({names}) VALUES ({places})" if values else "DEFAULT VALUES"
        return await self._one(f"INSERT INTO {self._name} {what} RETURNING {self._columns}", *values.values())

    async def _one(self, sql: str, *args) -> dict | None:
        async with self._connection() as connection:
            row = await connection.fetchrow(sql, *args)
        return None if row is None else dict(row)

    async def get(self, /, *key):
        if not can_exist(self.table, key):
            return None
        return await self._one(f"SELECT {self._columns} FROM {self._name} WHERE {self._key}", *key)

    async def list_all(self):
        order = ", ".join(_quoted(name.lstrip("-")) + " DESC" * name.startswith("-") for name in self._order())
        async with self._connection() as connection:
            rows = await connection.fetch(f"SELECT {self._columns} FROM {self._name} ORDER BY {order}")
        return [dict(row) for row in rows]

    def _order(self):
        return self.entity.order or self.table.primary_key.columns.keys()

    async def update(self, /, *key, **values):
        checked(self.table, values)
        return can_exist(self.table, key) and await self._update(key, values)

    async def _update(self, key: tuple, values: dict) -> bool:
        changes = ", ".join(f"{_quoted(name)} = ${place}" for place, name in enumerate(values, len(key) + 1))
        async with self._connection() as connection:
            status = await connection.execute(
                f"UPDATE {self._name} SET {changes} WHERE {self._key}", *key, *values.values()
            )
        return status == "UPDATE 1"

    async def delete(self, /, *key):
        if not can_exist(self.table, key):
            return False
        async with self._connection() as connection:
            status = await connection.execute(f"DELETE FROM {self._name} WHERE {self._key}", *key)
        return status == "DELETE 1"


def mapped(table: sa.Table) -> type:
    """A class whose instances are rows of the table."""
    for column in table.columns:
        if isinstance(column.type, sa.JSON):
            column.type.none_as_null = True  # else None is JSON's null, and not the column's
    model = type("Row", (), {})
    registry().map_imperatively(model, table)
    return model


class Mapped(EngineBackend):
    """Rows of any table through sessions: they are instances of a mapped class."""

    entity: Entity
    table: Any = None  # reflected when it first connects
    model: Any

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn: str):
        if cls.table is None:
            cls.table = await reflected(dsn, cls.entity)
            cls.model = mapped(cls.table)
        async with super().connect(dsn) as backend:
            yield backend

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn)
        self._transaction = self._sessions(AsyncSession)

    @settled
    async def create(self, /, **values):
        checked(self.table, values)
        async with self._session(self._transaction) as session:
            row = self.model()
            for name, value in values.items():
                setattr(row, name, value)
            session.add(row)
            await session.flush()
            await session.refresh(row)  # a trigger may have written what was given
        return row

    @settled
    async def get(self, /, *key):
        if not can_exist(self.table, key):
            return None
        async with self._session(self._transaction) as session:
            return await session.get(self.model, key)

    @settled
    async def list_all(self):
        by = [
            self.table.columns[name.lstrip("-")].desc() if name.startswith("-") else self.table.columns[name]
            for name in self.entity.order or self.table.primary_key.columns.keys()
        ]
        async with self._session(self._transaction) as session:
            return (await session.scalars(sa.select(self.model).order_by(*by))).all()

    @settled
    async def update(self, /, *key, **values):
        checked(self.table, values)
        if not can_exist(self.table, key):
            return False
        async with self._session(self._transaction) as session:
            row = await session.get(self.model, key, with_for_update=True)
            if row is None:
                return False
            for name, value in values.items():
                setattr(row, name, value)
                flag_modified(row, name)  # in JSON, True is not 1
            return True

    @settled
    async def delete(self, /, *key):
        if not can_exist(self.table, key):
            return False
        async with self._session(self._transaction) as session:
            row = await session.get(self.model, key, with_for_update=True)
            if row is None:
                return False
            await session.delete(row)
            return True


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class Referred:
    """The suite's own way, which is made when it connects."""

    entity: Entity

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn: str):
        async with beside(cls).connect(dsn) as backend:
            yield backend

    async def create(self, /, **values): ...
    async def get(self, /, *key): ...
    async def list_all(self): ...
    async def update(self, /, *key, **values): ...
    async def delete(self, /, *key): ...


WAYS = {"reference": Referred, "records": Records, "mapped": Mapped}


def way(name: str, entity: str | Entity) -> Any:
    """The class of a way to a table, one of those here or another."""
    if isinstance(entity, str):
        return globals()[f"{entity}_{name}"]
    return type(f"{entity.table}_{name}", (WAYS[name],), {"entity": entity, "__module__": __name__})


for _name, _entity in ENTITIES.items():
    for _way, _base in WAYS.items():
        _class = f"{_name}_{_way}"
        globals()[_class] = type(_class, (_base,), {"entity": _entity, "__module__": __name__})
