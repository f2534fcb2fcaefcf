"""``translated`` with real drivers on a real server, and in a run."""

import asyncio
from contextlib import asynccontextmanager, contextmanager

import asyncpg
import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from tests.translation.translating import Bare, created

from crudspec import CrudError, Duplicate, InvalidValue, MissingReference, Unavailable


class Asyncpg(Bare):
    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        self = cls()
        self.connection = await asyncpg.connect(cls.dsn)
        try:
            yield self
        finally:
            await self.connection.close()

    async def create(self, title):
        return await self.connection.fetch(*title)


class Psycopg(Bare):
    @classmethod
    @contextmanager
    def connect(cls, dsn):
        with psycopg.connect(cls.dsn) as connection:
            self = cls()
            self.connection = connection
            yield self

    def create(self, title):
        sql, *values = title
        return self.connection.execute(sql.replace("$1", "%s"), values)


class Sqlalchemy(Bare):
    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        self = cls()
        self.engine = create_async_engine(cls.dsn.replace("postgresql", "postgresql+asyncpg", 1))
        try:
            yield self
        finally:
            await self.engine.dispose()

    async def create(self, title):
        sql, *values = title
        async with self.engine.connect() as connection:
            return await connection.execute(
                text(sql.replace("$1", ":value")), dict(zip(["value"], values, strict=False))
            )


SAID = {
    "SELECT 1 / 0": (InvalidValue, "division by zero (22012)"),
    "INSERT INTO tasks (id, title) VALUES (1, 'a'), (1, 'b')": (Duplicate, "(23505)"),
    "INSERT INTO tasks (title) VALUES (NULL)": (InvalidValue, "(23502)"),
    "SELECT nothing_of_this_name": (CrudError, "(42703)"),
    "SELECT pg_terminate_backend(pg_backend_pid())": (Unavailable, ""),
    "DO 'BEGIN RAISE deadlock_detected; END'": (Unavailable, "(40P01)"),
    "DO 'BEGIN RAISE foreign_key_violation; END'": (MissingReference, "(23503)"),
}


@pytest.mark.parametrize("backend", [Asyncpg, Psycopg, Sqlalchemy])
@pytest.mark.parametrize("sql", SAID)
def test_what_the_server_says_decides(backend, sql, scratch_dsn, monkeypatch):
    monkeypatch.setattr(backend, "dsn", scratch_dsn, raising=False)
    kind, part = SAID[sql]
    with pytest.raises(CrudError) as caught:
        asyncio.run(created(backend, [sql]))
    assert type(caught.value) is kind
    assert part in str(caught.value)
    assert "<class" not in str(caught.value)
    assert type(caught.value.__cause__).__module__.partition(".")[0] == backend.__name__.lower()


@pytest.mark.parametrize(
    ("backend", "sql", "value"),
    [
        (Asyncpg, "SELECT $1::text", 5),
        (Asyncpg, "SELECT $1::text", "\ud800"),
        (Asyncpg, "SELECT $1::bigint", 2**64),
        (Sqlalchemy, "SELECT $1::text", 5),
        (Sqlalchemy, "SELECT $1::text", "\ud800"),
        (Sqlalchemy, "SELECT $1::bigint", 2**64),
        (Psycopg, "SELECT $1", object()),
        (Psycopg, "SELECT $1", "a\0b"),
    ],
)
def test_a_value_that_the_driver_refuses_is_invalid(backend, sql, value, scratch_dsn, monkeypatch):
    monkeypatch.setattr(backend, "dsn", scratch_dsn, raising=False)
    with pytest.raises(InvalidValue):
        asyncio.run(created(backend, [_cast(sql) if backend is Sqlalchemy else sql, value]))


def _cast(sql):
    """``::`` is a parameter's colon to SQLAlchemy's text()."""
    kind = sql.partition("::")[2]
    return f"SELECT CAST($1 AS {kind})" if kind else sql


@pytest.mark.parametrize("backend", [Asyncpg, Psycopg, Sqlalchemy])
def test_a_server_that_is_not_there_is_unavailable(backend, monkeypatch):
    dsn = "postgresql://somebody:geheim@127.0.0.1:1/nowhere"
    monkeypatch.setattr(backend, "dsn", dsn, raising=False)
    with pytest.raises(ConnectionError) as caught:
        asyncio.run(created(backend, ["SELECT 1"]))
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("dsn", ["nonsense", "postgresql://a:geheim@h:port/x"])
@pytest.mark.parametrize("backend", [Asyncpg, Psycopg, Sqlalchemy])
def test_a_wrong_dsn_is_no_invalid_task(backend, dsn, monkeypatch):
    """A caller that was told so would look at the title for it."""
    monkeypatch.setattr(backend, "dsn", dsn, raising=False)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - Python's own ValueErrors pass as they are
        asyncio.run(created(backend, ["SELECT 1"]))
    assert not isinstance(caught.value, InvalidValue)
    assert "geheim" not in str(caught.value) or not isinstance(caught.value, CrudError)


# In a run

BARE = """
from contextlib import asynccontextmanager

import asyncpg

class Bare:
    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        self = cls()
        async with asyncpg.create_pool(dsn, min_size=0) as self.pool:
            yield self

    async def create(self, title):
        return await self.pool.fetchrow("INSERT INTO tasks (title) VALUES ($1) RETURNING *", title)

    async def get(self, task_id):
        return await self.pool.fetchrow("SELECT * FROM tasks WHERE id = $1", task_id)

    async def list_tasks(self):
        return await self.pool.fetch("SELECT * FROM tasks ORDER BY done, id")

    async def update(self, task_id, title, done):
        sql = "UPDATE tasks SET title = $2, done = $3 WHERE id = $1"
        return await self.pool.execute(sql, task_id, title, done) == "UPDATE 1"

    async def delete(self, task_id):
        return await self.pool.execute("DELETE FROM tasks WHERE id = $1", task_id) == "DELETE 1"
"""


def test_a_translated_run_says_what_is_left(consumer):
    consumer.write("mine.py", BARE)
    plain = consumer.check("mine.py:Bare", "-k", "ERROR-2", "--strict")
    assert plain.ret == 1
    assert "(translated)" not in plain.stdout.str()
    translated_run = consumer.check("mine.py:Bare", "-k", "ERROR-2", "--strict", "--translated")
    assert translated_run.ret == 0
    translated_run.stdout.fnmatch_lines(["crudspec: PostgreSQL 17*Bare (asyncpg*) (translated)*"])


def test_what_repeats_a_failure_of_a_translated_run_translates_too(consumer):
    consumer.write("mine.py", BARE)
    told = consumer.check("mine.py:Bare", "-k", "LIST-1 or PROGRAM-1", "--translated", "-v").stdout.str()
    assert "-k LIST-1 --server=external --translated" in told
    assert "from crudspec import translated" in told
    assert "Bare = translated(Bare)" in told
