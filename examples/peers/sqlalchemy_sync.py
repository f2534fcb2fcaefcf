"""SQLAlchemy's ORM without asyncio, as its quick start has it: an engine, a ``sessionmaker``, a session per call."""

from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import BigInteger, DateTime, String, create_engine, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker


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
        self.session = sessionmaker(engine)

    @classmethod
    @contextmanager
    def connect(cls, dsn):
        engine = create_engine(dsn.replace("postgresql://", "postgresql+psycopg://"))
        yield cls(engine)
        engine.dispose()

    def create(self, title):
        with self.session() as session:
            task = Task(title=title)
            session.add(task)
            session.commit()
            session.refresh(task)
            return task

    def get(self, task_id):
        with self.session() as session:
            return session.get(Task, task_id)

    def list_tasks(self):
        with self.session() as session:
            return list(session.scalars(select(Task).order_by(Task.id)))

    def update(self, task_id, title, done):
        with self.session() as session:
            task = session.get(Task, task_id)
            if task is None:
                return False
            task.title = title
            task.done = done
            session.commit()
            return True

    def delete(self, task_id):
        with self.session() as session:
            task = session.get(Task, task_id)
            if task is None:
                return False
            session.delete(task)
            session.commit()
            return True
