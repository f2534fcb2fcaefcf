"""SQLModel, as its tutorial has it: one ``table=True`` model for everything, and ``add``, ``commit``, ``refresh``."""

from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import Field, SQLModel, select
from sqlmodel.ext.asyncio.session import AsyncSession


class TaskBase(SQLModel):
    title: str
    done: bool = False


class Task(TaskBase, table=True):
    __tablename__ = "tasks"

    id: int | None = Field(default=None, primary_key=True)


class TaskUpdate(SQLModel):
    title: str | None = None
    done: bool | None = None


class Backend:
    def __init__(self, engine):
        self.engine = engine

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        engine = create_async_engine(dsn.replace("postgresql://", "postgresql+asyncpg://"))
        yield cls(engine)
        await engine.dispose()

    async def create(self, title):
        async with AsyncSession(self.engine) as session:
            task = Task(title=title)
            session.add(task)
            await session.commit()
            await session.refresh(task)
            return task

    async def get(self, task_id):
        async with AsyncSession(self.engine) as session:
            return await session.get(Task, task_id)

    async def list_tasks(self):
        async with AsyncSession(self.engine) as session:
            return list(await session.exec(select(Task).order_by(Task.id)))

    async def update(self, task_id, title, done):
        async with AsyncSession(self.engine) as session:
            task = await session.get(Task, task_id)
            if not task:
                return False
            task.sqlmodel_update(TaskUpdate(title=title, done=done).model_dump(exclude_unset=True))
            session.add(task)
            await session.commit()
            await session.refresh(task)
            return True

    async def delete(self, task_id):
        async with AsyncSession(self.engine) as session:
            task = await session.get(Task, task_id)
            if not task:
                return False
            await session.delete(task)
            await session.commit()
            return True
