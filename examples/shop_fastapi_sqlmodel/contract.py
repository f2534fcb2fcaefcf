"""The shop's repository, as a request uses it: a session for each call."""

from contextlib import asynccontextmanager
from functools import partialmethod

from shop import database, models
from shop.repository import OrderRepository

from crudspec import Alembic, Entity


class Orders:
    entity = Entity(table="orders", schema=Alembic("alembic.ini"))
    metadata = models.Order.metadata

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        self = cls()
        self.engine = database.make_engine(dsn.replace("postgresql", "postgresql+asyncpg", 1))
        yield self
        await self.engine.dispose()

    async def call(self, method, *args):
        async with database.new_session(self.engine) as session:
            return await method(OrderRepository(session), *args)

    async def create(self, **values):
        return await self.call(OrderRepository.add, models.OrderCreate(**values))

    async def update(self, order_id, **values):
        return await self.call(OrderRepository.change, order_id, models.OrderUpdate(**values)) is not None

    get = partialmethod(call, OrderRepository.find)
    list_all = partialmethod(call, OrderRepository.all)
    delete = partialmethod(call, OrderRepository.remove)
