"""The shop's repository, as a request uses it: a session for each call."""

from contextlib import asynccontextmanager

from shop.database import make_engine
from shop.models import Order, OrderCreate, OrderUpdate
from shop.repository import OrderRepository
from sqlmodel.ext.asyncio.session import AsyncSession

from crudspec import Alembic, Entity


class Orders:
    entity = Entity(table="orders", schema=Alembic("alembic.ini"))
    metadata = Order.metadata

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        self = cls()
        self.engine = make_engine(dsn.replace("postgresql", "postgresql+asyncpg", 1))
        yield self
        await self.engine.dispose()

    async def call(self, method, *args):
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            return await method(OrderRepository(session), *args)

    async def create(self, **values):
        return await self.call(OrderRepository.add, OrderCreate(**values))

    async def get(self, order_id):
        return await self.call(OrderRepository.find, order_id)

    async def list_all(self):
        return await self.call(OrderRepository.all)

    async def update(self, order_id, **values):
        return await self.call(OrderRepository.change, order_id, OrderUpdate(**values)) is not None

    async def delete(self, order_id):
        return await self.call(OrderRepository.remove, order_id)
