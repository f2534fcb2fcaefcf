"""The shop's repository, as a request uses it: a session for each call."""

from contextlib import asynccontextmanager

from shop.models import Order, OrderCreate, OrderUpdate
from shop.repository import OrderRepository
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from crudspec.entity.entity import Entity
from crudspec.entity.sources import Alembic


class Orders:
    entity = Entity(table="orders", schema=Alembic("alembic.ini"))
    metadata = Order.metadata

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        self = cls()
        self.engine = create_async_engine(dsn.replace("postgresql://", "postgresql+asyncpg://", 1), pool_pre_ping=True)
        yield self
        await self.engine.dispose()

    async def repository(self, method, *args):
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            return await getattr(OrderRepository(session), method)(*args)

    async def create(self, **values):
        return await self.repository("add", OrderCreate(**values))

    async def get(self, order_id):
        return await self.repository("find", order_id)

    async def list_all(self):
        return await self.repository("all")

    async def update(self, order_id, **values):
        return await self.repository("change", order_id, OrderUpdate(**values)) is not None

    async def delete(self, order_id):
        return await self.repository("remove", order_id)
