"""SQLAlchemy Core on asyncio, as most tutorials have it: ``engine.begin()`` for each call, and ``pool_pre_ping``."""

from contextlib import asynccontextmanager

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    MetaData,
    String,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import create_async_engine

tasks = Table(
    "tasks",
    MetaData(),
    Column("id", BigInteger, primary_key=True),
    Column("title", String(255), nullable=False),
    Column("done", Boolean, nullable=False, default=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)


class Backend:
    def __init__(self, engine):
        self.engine = engine

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        engine = create_async_engine(dsn.replace("postgresql://", "postgresql+asyncpg://"), pool_pre_ping=True)
        yield cls(engine)
        await engine.dispose()

    async def create(self, title):
        async with self.engine.begin() as connection:
            result = await connection.execute(insert(tasks).values(title=title).returning(tasks))
            return result.mappings().one()

    async def get(self, task_id):
        async with self.engine.connect() as connection:
            result = await connection.execute(select(tasks).where(tasks.c.id == task_id))
            return result.mappings().first()

    async def list_tasks(self):
        async with self.engine.connect() as connection:
            result = await connection.execute(select(tasks).order_by(tasks.c.id))
            return result.mappings().all()

    async def update(self, task_id, title, done):
        async with self.engine.begin() as connection:
            query = update(tasks).where(tasks.c.id == task_id).values(title=title, done=done)
            return (await connection.execute(query)).rowcount > 0

    async def delete(self, task_id):
        async with self.engine.begin() as connection:
            return (await connection.execute(delete(tasks).where(tasks.c.id == task_id))).rowcount > 0
