"""SQLAlchemy's ORM on asyncio, as most tutorials have it: read the object, set its attributes, commit, refresh."""

from contextlib import asynccontextmanager
from datetime import datetime

from sqlalchemy import BigInteger, DateTime, String, func, select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Task(Base):
    __tablename__ = "tasks"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    title: Mapped[str] = mapped_column(String(255))
    done: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class Backend:
    def __init__(self, engine):
        self.session = async_sessionmaker(engine, expire_on_commit=False)

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        engine = create_async_engine(dsn.replace("postgresql://", "postgresql+asyncpg://"))
        yield cls(engine)
        await engine.dispose()

    async def create(self, title):
        async with self.session() as session:
            task = Task(title=title)
            session.add(task)
            await session.commit()
            await session.refresh(task)
            return task

    async def get(self, task_id):
        async with self.session() as session:
            return await session.get(Task, task_id)

    async def list_tasks(self):
        async with self.session() as session:
            return list(await session.scalars(select(Task).order_by(Task.id)))

    async def update(self, task_id, title, done):
        async with self.session() as session:
            task = await session.get(Task, task_id)
            if task is None:
                return False
            task.title = title
            task.done = done
            await session.commit()
            await session.refresh(task)
            return True

    async def delete(self, task_id):
        async with self.session() as session:
            task = await session.get(Task, task_id)
            if task is None:
                return False
            await session.delete(task)
            await session.commit()
            return True
