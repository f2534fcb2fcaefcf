"""``translated``: which error becomes which, seen from the outside, with real drivers and with shapes of others'."""

import asyncio
import inspect
import sys
import types
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, ClassVar

import asyncpg
import psycopg
import psycopg_pool
import pytest
from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import create_async_engine

from crudspec import CrudError, Duplicate, InvalidValue, MissingReference, Unavailable, translated
from crudspec.backends.core import CoreBackend
from crudspec.contract.clauses import BY_ID


class Bare:
    """What each test gives it is raised by create; nothing is translated by itself."""

    error: BaseException | None = None
    round_trips: ClassVar = {"create": 1}
    dsn: ClassVar[str] = ""
    """What connect goes by: what it is given does not matter here."""
    connection: Any
    engine: Any

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        yield cls()

    async def create(self, title):
        if self.error is not None:
            raise self.error
        return title

    async def get(self, task_id):
        return task_id

    async def list_tasks(self):
        return []

    async def update(self, task_id, title, done):
        return True

    async def delete(self, task_id):
        return True


def called(backend):
    """What ``create`` raises."""

    async def call():
        async with translated(backend).connect("dsn") as instance:
            await instance.create("x")

    with pytest.raises(BaseException) as caught:  # noqa: PT011 - which one, the test says
        asyncio.run(call())
    return caught.value


def told(error, *, cause=None):
    """What ``create`` raises where the backend raises this error, whose cause is kept."""
    error.__cause__ = cause
    raised = called(type("Raising", (Bare,), {"__module__": __name__, "error": error}))
    if raised is not error:
        assert raised.__cause__ is error
    return raised


def made(module, name, *bases, **attributes):
    """An exception class of a library that is not installed here."""
    sys.modules.setdefault(module, types.ModuleType(module))
    return type(name, bases or (Exception,), {"__module__": module, **attributes})


@pytest.fixture(autouse=True)
def _no_strangers():
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if not hasattr(sys.modules[name], "__file__"):
            del sys.modules[name]


# Real drivers


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


async def _create(backend, title):
    context = translated(backend).connect("dsn")
    if hasattr(context, "__aenter__"):
        async with context as instance:
            return await instance.create(title)
    with context as instance:
        return instance.create(title)


@pytest.mark.parametrize("backend", [Asyncpg, Psycopg, Sqlalchemy])
@pytest.mark.parametrize("sql", SAID)
def test_what_the_server_says_decides(backend, sql, scratch_dsn, monkeypatch):
    monkeypatch.setattr(backend, "dsn", scratch_dsn, raising=False)
    kind, part = SAID[sql]
    with pytest.raises(CrudError) as caught:
        asyncio.run(_create(backend, [sql]))
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
        asyncio.run(_create(backend, [_cast(sql) if backend is Sqlalchemy else sql, value]))


def _cast(sql):
    """``::`` is a parameter's colon to SQLAlchemy's text()."""
    kind = sql.partition("::")[2]
    return f"SELECT CAST($1 AS {kind})" if kind else sql


@pytest.mark.parametrize("backend", [Asyncpg, Psycopg, Sqlalchemy])
def test_a_server_that_is_not_there_is_unavailable(backend, monkeypatch):
    dsn = "postgresql://somebody:geheim@127.0.0.1:1/nowhere"
    monkeypatch.setattr(backend, "dsn", dsn, raising=False)
    with pytest.raises(ConnectionError) as caught:
        asyncio.run(_create(backend, ["SELECT 1"]))
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("dsn", ["nonsense", "postgresql://a:geheim@h:port/x"])
@pytest.mark.parametrize("backend", [Asyncpg, Psycopg, Sqlalchemy])
def test_a_wrong_dsn_is_no_invalid_value(backend, dsn, monkeypatch):
    """A caller that was told so would look at the title for it."""
    monkeypatch.setattr(backend, "dsn", dsn, raising=False)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - Python's own ValueErrors pass as they are
        asyncio.run(_create(backend, ["SELECT 1"]))
    assert not isinstance(caught.value, InvalidValue)
    assert "geheim" not in str(caught.value) or not isinstance(caught.value, CrudError)


# Shapes of others


def _unique():
    return asyncpg.UniqueViolationError("taken")


DjangoError = made("django.db.utils", "IntegrityError")
TortoiseError = made("tortoise.exceptions", "IntegrityError")
PeeweeError = made("peewee", "IntegrityError")
PiccoloError = made("piccolo.errors", "OddError")
Pg8000Error = made("pg8000.exceptions", "DatabaseError")
Psycopg2Error = made("psycopg2.errors", "UniqueViolation", pgcode="23505")


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (DjangoError("taken"), _unique()),
        (TortoiseError(_unique()), None),
        (PeeweeError(_unique(), "taken"), None),
        (PiccoloError("taken"), TortoiseError(_unique())),
        (Pg8000Error({"S": "ERROR", "C": "23505", "M": "taken"}), None),
        (Psycopg2Error("taken"), None),
        (made("other", "Odd", diag=types.SimpleNamespace(sqlstate="23505", message_primary="taken"))("x"), None),
        (made("other", "Odd", orig=_unique())(), None),
    ],
)
def test_a_sqlstate_is_found_wherever_libraries_keep_it(error, cause):
    raised = told(error, cause=cause)
    assert type(raised) is Duplicate
    assert "taken (23505)" in str(raised)


class Handling(Bare):
    """Raises while another exception is being handled, as libraries do that say nothing of a cause."""

    first: Exception
    then: Exception

    async def create(self, title):
        try:
            raise self.first
        except type(self.first):
            raise self.then  # noqa: B904 - the point


def handling(first, then):
    return called(type("Raising", (Handling,), {"__module__": __name__, "first": first, "then": then}))


def test_a_context_says_what_its_exception_does_not():
    assert type(handling(_unique(), PiccoloError("odd"))) is Duplicate


def test_what_was_handled_when_the_connection_went_has_nothing_to_do_with_it():
    """Look for the row where the INSERT says that it is there already, and lose the connection doing so."""
    assert type(handling(_unique(), asyncpg.InterfaceError("connection is closed"))) is Unavailable


def test_a_context_that_was_taken_away_is_not_looked_at():
    error = PiccoloError("odd")
    error.__context__ = _unique()
    error.__suppress_context__ = True
    assert type(told(error)) is CrudError


@pytest.mark.parametrize(
    ("error", "cause", "kind"),
    [
        (DjangoError("odd"), ConnectionResetError("gone"), Unavailable),
        (PiccoloError("odd"), TimeoutError(), Unavailable),
        (PiccoloError("odd"), asyncio.IncompleteReadError(b"", 5), Unavailable),
        (PoolTimeoutError("full"), None, Unavailable),
        (made("django.db.utils", "OperationalError")("closed"), None, Unavailable),
        (made("pg8000.exceptions", "InterfaceError")("closed"), None, Unavailable),
        (psycopg_pool.PoolTimeout("full"), None, Unavailable),
        (made("tortoise.exceptions", "DBConnectionError", ConnectionError)("gone"), None, Unavailable),
        (made("pydantic", "ValidationError", ValueError)("title"), None, InvalidValue),
        (made("tortoise.exceptions", "ValidationError")("title"), None, InvalidValue),
        (made("django.db.utils", "DataError")("title"), None, InvalidValue),
        (PiccoloError("odd"), TypeError("not a str"), InvalidValue),
        (asyncpg.DataError("not a str"), None, InvalidValue),
        (PiccoloError("odd"), None, CrudError),
        (made("other", "Mute", __str__=lambda self: 1 / 0, sqlstate="23505")(), None, Duplicate),
        (made("other", "NotQuite", sqlstate="none", pgcode=5)("x"), None, CrudError),
    ],
)
def test_without_a_sqlstate_the_classes_tell(error, cause, kind):
    assert type(told(error, cause=cause)) is kind


def test_the_text_of_a_driver_is_left_out():
    raised = told(made("pg8000.exceptions", "InterfaceError")("cannot connect to postgresql://me:geheim@here"))
    assert "geheim" not in str(raised)
    assert "InterfaceError" in str(raised)


# What passes


class OfItsOwn(Exception):
    pass


@pytest.mark.parametrize(
    "error",
    [LookupError("x"), InvalidValue("x"), OfItsOwn("x"), KeyboardInterrupt(), asyncio.CancelledError(), SystemExit(3)],
)
def test_what_is_its_own_passes_unchanged(error):
    assert told(error) is error


def test_a_cancellation_stays_one():
    class Slow(Bare):
        async def create(self, title):
            try:
                await asyncio.sleep(60)
            finally:
                with suppress(LookupError):
                    raise LookupError

    async def cancel():
        async with translated(Slow).connect("dsn") as instance:
            task = asyncio.ensure_future(instance.create("x"))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(cancel())


# Groups


@pytest.mark.parametrize(
    ("errors", "kind"),
    [
        ([_unique()], Duplicate),
        ([_unique(), _unique()], Duplicate),
        ([ExceptionGroup("inner", [_unique()])], Duplicate),
        ([_unique(), asyncpg.InterfaceError("closed")], CrudError),
        ([_unique(), LookupError("own")], CrudError),
    ],
)
def test_a_group_with_drivers_errors_becomes_one_error(errors, kind):
    raised = told(ExceptionGroup("several", errors))
    assert type(raised) is kind
    assert "taken" in str(raised)


def test_a_group_of_ones_own_passes_unchanged():
    group = ExceptionGroup("several", [LookupError("own")])
    assert told(group) is group


# connect


class Doors(Bare):
    """Raises where it is told to."""

    at = ""

    @classmethod
    def connect(cls, dsn):
        if cls.at == "connect":
            raise asyncpg.InterfaceError("closed")
        return cls._opened()

    @classmethod
    @asynccontextmanager
    async def _opened(cls):
        if cls.at == "entering":
            raise asyncpg.InterfaceError("closed")
        try:
            yield cls()
        finally:
            if cls.at == "leaving":
                raise asyncpg.InterfaceError("closed")


class SynchronousDoors(Doors):
    @classmethod
    @contextmanager
    def _opened(cls):
        if cls.at == "entering":
            raise asyncpg.InterfaceError("closed")
        try:
            yield cls()
        finally:
            if cls.at == "leaving":
                raise asyncpg.InterfaceError("closed")

    def create(self, title):
        return title


@pytest.mark.parametrize("doors", [Doors, SynchronousDoors])
@pytest.mark.parametrize("at", ["connect", "entering", "leaving"])
def test_connect_is_translated_too(doors, at, monkeypatch):
    monkeypatch.setattr(doors, "at", at)
    with pytest.raises(Unavailable) as caught:
        asyncio.run(_create(doors, "x"))
    assert isinstance(caught.value.__cause__, asyncpg.InterfaceError)


class PassesOn(Bare):
    """Leaving raises what came from the block, by hand."""

    @classmethod
    def connect(cls, dsn):
        return cls()

    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, error, traceback):
        if error is not None:
            raise error


@pytest.mark.parametrize("backend", [Bare, PassesOn])
def test_an_error_of_the_block_under_connect_is_none_of_its_business(backend):
    async def block():
        async with translated(backend).connect("dsn"):
            raise asyncpg.InterfaceError("of the caller's own connection")

    with pytest.raises(asyncpg.InterfaceError):
        asyncio.run(block())


def test_what_connect_does_not_understand_goes_on_as_it_is():
    backend = type("Odd", (Bare,), {"__module__": __name__, "connect": classmethod(lambda cls, dsn: dsn)})
    assert translated(backend).connect("dsn") == "dsn"


class ByName(Bare):
    """connect makes an instance of the class by its name, and so not of one that derives from it."""

    other = 5

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        yield ByName()

    async def create(self, title):
        raise asyncpg.InterfaceError("closed")


def test_an_instance_of_another_class_is_translated_too():
    assert type(called(ByName)) is Unavailable

    async def other():
        async with translated(ByName).connect("dsn") as instance:
            assert await instance.get(3) == 3
            return instance.other

    assert asyncio.run(other()) == 5


# The class


def test_the_class_keeps_its_name_its_claims_and_its_family():
    derived = translated(CoreBackend)
    assert (derived.__name__, derived.__qualname__) == (CoreBackend.__name__, CoreBackend.__qualname__)
    assert derived.__module__ == CoreBackend.__module__
    assert derived.__doc__ == CoreBackend.__doc__
    assert issubclass(derived, CoreBackend)
    assert derived.metadata is CoreBackend.metadata
    assert BY_ID["COST-2"].is_claimed_by(derived)
    assert inspect.iscoroutinefunction(derived.create) == inspect.iscoroutinefunction(CoreBackend.create)


def test_what_a_base_class_claims_is_not_claimed_for_it():
    assert not BY_ID["COST-2"].is_claimed_by(translated(type("Heir", (Bare,), {"__module__": __name__})))


def test_the_class_that_it_derives_from_is_left_as_it_is():
    before = dict(vars(Bare))
    translated(Bare)
    assert dict(vars(Bare)) == before


@translated
class Decorated(Bare):
    def create(self, title):  # no coroutine function: what it returns is awaited all the same
        async def later():
            raise asyncpg.InterfaceError("closed")

        return later()

    @staticmethod
    async def get(task_id):
        return task_id


class Heir(Decorated):
    async def create(self, title):
        return await super().create(title)


def test_above_a_class_it_is_the_class():
    assert type(called(Decorated)) is Unavailable

    async def use(kind):
        async with kind.connect("dsn") as instance:
            assert type(instance) is kind
            assert await instance.get(3) == 3
            with pytest.raises(Unavailable):
                await instance.create("x")

    asyncio.run(use(Decorated))
    asyncio.run(use(Heir))


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
