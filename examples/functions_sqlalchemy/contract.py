"""Functions that take a session, each called as a request calls it."""

from contextlib import asynccontextmanager
from functools import partialmethod

from catalogue import crud, database, models
from sqlalchemy.ext.asyncio import AsyncSession

from crudspec import Entity, translated


@translated  # an application turns the driver's exceptions into responses in one place; this stands for it
class Products:
    entity = Entity(table="products", schema=models.Base.metadata, order=("sku",))

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        self = cls()
        self.engine = database.make_engine(dsn.replace("postgresql", "postgresql+asyncpg", 1))
        yield self
        await self.engine.dispose()

    async def call(self, function, *args):
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            return await function(session, *args)

    async def create(self, **values):
        return await self.call(crud.create_product, values)

    async def update(self, product_id, **values):
        return await self.call(crud.update_product, product_id, values) is not None

    get = partialmethod(call, crud.get_product)
    list_all = partialmethod(call, crud.list_products)
    delete = partialmethod(call, crud.delete_product)
