"""Correct backends on synchronous drivers: no ``async`` anywhere, and ``connect`` is a plain context manager."""

import os
import socket
import threading
from contextlib import contextmanager, suppress

import psycopg
from psycopg.rows import class_row
from psycopg_pool import ConnectionPool
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from crudspec import CrudError, InvalidValue, Task, Unavailable, can_exist, check_done, check_title
from crudspec.backends.core import tasks

SECONDS = 3


@contextmanager
def patience(connection):
    """Hang up on a server that falls silent: libpq knows no timeout for an answer."""

    def hang_up():
        with suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(SECONDS, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def translated(error):
    """The contract's name for an error of psycopg."""
    text = f"{type(error).__name__} {getattr(error, 'sqlstate', None) or ''}".strip()
    if isinstance(error, psycopg.DataError | psycopg.IntegrityError):
        return InvalidValue(f"the database refused the value: {text}")
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError | psycopg.InternalError):
        return Unavailable(f"the database is not available: {text}")
    return CrudError(f"the database could not do it: {text}")


class PsycopgInThreads:
    """psycopg and its own pool."""

    def __init__(self, dsn):
        kwargs = {"autocommit": True, "connect_timeout": SECONDS}
        self._pool = ConnectionPool(dsn, kwargs=kwargs, min_size=1, max_size=10, timeout=SECONDS, open=False)

    @classmethod
    @contextmanager
    def connect(cls, dsn):
        try:
            psycopg.connect(dsn, connect_timeout=SECONDS).close()
        except psycopg.Error as error:
            raise Unavailable(f"cannot connect ({type(error).__name__})") from error
        backend = cls(dsn)
        with backend._pool:
            yield backend

    @contextmanager
    def _cursor(self):
        try:
            with self._pool.connection() as connection, patience(connection):
                yield connection.cursor(row_factory=class_row(Task))
        except psycopg.Error as error:
            raise translated(error) from error

    def create(self, title):
        title = str.__str__(check_title(title))
        with self._cursor() as cursor:
            query = "INSERT INTO tasks (title) VALUES (%s) RETURNING id, title, done, created_at"
            return cursor.execute(query, [title]).fetchone()

    def get(self, task_id):
        if not can_exist(task_id):
            return None
        with self._cursor() as cursor:
            query = "SELECT id, title, done, created_at FROM tasks WHERE id = %s"
            return cursor.execute(query, [int(task_id)]).fetchone()

    def list_tasks(self):
        with self._cursor() as cursor:
            return cursor.execute("SELECT id, title, done, created_at FROM tasks ORDER BY id").fetchall()

    def update(self, task_id, title, done):
        title = str.__str__(check_title(title))
        check_done(done)
        if not can_exist(task_id):
            return False
        with self._cursor() as cursor:
            query = "UPDATE tasks SET title = %s, done = %s WHERE id = %s"
            return cursor.execute(query, [title, done, int(task_id)]).rowcount == 1

    def delete(self, task_id):
        if not can_exist(task_id):
            return False
        with self._cursor() as cursor:
            return cursor.execute("DELETE FROM tasks WHERE id = %s", [int(task_id)]).rowcount == 1


class SqlalchemyInThreads:
    """SQLAlchemy's synchronous engine on psycopg, each operation in a transaction."""

    metadata = tasks.metadata

    def __init__(self, dsn):
        self._engine = create_engine(
            make_url(dsn).set(drivername="postgresql+psycopg"),
            pool_size=10,
            max_overflow=0,
            pool_timeout=SECONDS,
            connect_args={"connect_timeout": SECONDS},
        )

    @classmethod
    @contextmanager
    def connect(cls, dsn):
        backend = cls(dsn)
        try:
            with backend._begin():
                pass
            yield backend
        finally:
            backend._engine.dispose()

    @contextmanager
    def _begin(self):
        try:
            with (
                self._engine.connect() as connection,
                patience(connection.connection.driver_connection),
                connection.begin(),
            ):
                yield connection
        except PoolTimeoutError as error:
            raise Unavailable("no connection came free") from error
        except DBAPIError as error:
            raise translated(error.orig) from error
        except SQLAlchemyError as error:
            raise CrudError(f"SQLAlchemy could not do it ({type(error).__name__})") from error

    def create(self, title):
        title = str.__str__(check_title(title))
        with self._begin() as connection:
            return connection.execute(tasks.insert().values(title=title).returning(tasks)).one()

    def get(self, task_id):
        if not can_exist(task_id):
            return None
        with self._begin() as connection:
            return connection.execute(tasks.select().where(tasks.c.id == int(task_id))).one_or_none()

    def list_tasks(self):
        with self._begin() as connection:
            return connection.execute(tasks.select().order_by(tasks.c.id)).all()

    def update(self, task_id, title, done):
        title = str.__str__(check_title(title))
        check_done(done)
        if not can_exist(task_id):
            return False
        with self._begin() as connection:
            statement = tasks.update().where(tasks.c.id == int(task_id)).values(title=title, done=done)
            return connection.execute(statement).rowcount == 1

    def delete(self, task_id):
        if not can_exist(task_id):
            return False
        with self._begin() as connection:
            return connection.execute(tasks.delete().where(tasks.c.id == int(task_id))).rowcount == 1
