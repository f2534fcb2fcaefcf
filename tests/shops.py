"""A shop's tables and its data layer, as a user has them: for tests of what a user does first."""

SCHEMA = """
CREATE TYPE order_status AS ENUM ('open', 'paid');
CREATE TABLE customers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL UNIQUE);
CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES customers,
    reference varchar(20) NOT NULL UNIQUE,
    amount numeric(12, 2) NOT NULL CHECK (amount >= 0),
    status order_status NOT NULL DEFAULT 'open',
    placed_at timestamptz NOT NULL DEFAULT now()
);
CREATE VIEW open_orders AS SELECT * FROM orders WHERE status = 'open';
CREATE TABLE log (line text);
"""

CODE = """
from contextlib import asynccontextmanager

import asyncpg

from crudspec import Alembic, Entity, Metadata, Sql, Values


class Base:
    entity = Entity(table="orders", schema="schema.sql")

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        async with asyncpg.create_pool(dsn, min_size=0) as pool:
            self = cls()
            self.pool = pool
            yield self

    async def create(self, **values):
        names, places = ", ".join(values), ", ".join(f"${n}" for n in range(1, len(values) + 1))
        return await self.pool.fetchrow(
            f"INSERT INTO orders ({names}) VALUES ({places}) RETURNING *", *values.values()
        )

    async def get(self, key):
        return await self.pool.fetchrow("SELECT * FROM orders WHERE id = $1", key)

    async def list_all(self):
        return await self.pool.fetch("SELECT * FROM orders ORDER BY id")

    async def update(self, key, **values):
        sets = ", ".join(f"{name} = ${n}" for n, name in enumerate(values, 2))
        return await self.pool.execute(f"UPDATE orders SET {sets} WHERE id = $1", key, *values.values()) == "UPDATE 1"

    async def delete(self, key):
        return await self.pool.execute("DELETE FROM orders WHERE id = $1", key) == "DELETE 1"


class Orders(Base):
    pass
"""
