"""``translated``: which error becomes which, of the shapes that libraries give them."""

import asyncio
import types
from contextlib import suppress

import asyncpg
import psycopg_pool
import pytest
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from tests.translation.translating import Bare, called, made, told, unique

from crudspec import CrudError, Duplicate, InvalidValue, Unavailable, translated

DjangoError = made("django.db.utils", "IntegrityError")
TortoiseError = made("tortoise.exceptions", "IntegrityError")
PeeweeError = made("peewee", "IntegrityError")
PiccoloError = made("piccolo.errors", "OddError")
Pg8000Error = made("pg8000.exceptions", "DatabaseError")
Psycopg2Error = made("psycopg2.errors", "UniqueViolation", pgcode="23505")


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (DjangoError("taken"), unique()),
        (TortoiseError(unique()), None),
        (PeeweeError(unique(), "taken"), None),
        (PiccoloError("taken"), TortoiseError(unique())),
        (Pg8000Error({"S": "ERROR", "C": "23505", "M": "taken"}), None),
        (Psycopg2Error("taken"), None),
        (made("other", "Odd", diag=types.SimpleNamespace(sqlstate="23505", message_primary="taken"))("x"), None),
        (made("other", "Odd", orig=unique())(), None),
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
    assert type(handling(unique(), PiccoloError("odd"))) is Duplicate


def test_what_was_handled_when_the_connection_went_has_nothing_to_do_with_it():
    """Look for the row where the INSERT says that it is there already, and lose the connection doing so."""
    assert type(handling(unique(), asyncpg.InterfaceError("connection is closed"))) is Unavailable


def test_a_context_that_was_taken_away_is_not_looked_at():
    error = PiccoloError("odd")
    error.__context__ = unique()
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
        ([unique()], Duplicate),
        ([unique(), unique()], Duplicate),
        ([ExceptionGroup("inner", [unique()])], Duplicate),
        ([unique(), asyncpg.InterfaceError("closed")], CrudError),
        ([unique(), LookupError("own")], CrudError),
    ],
)
def test_a_group_with_drivers_errors_becomes_one_error(errors, kind):
    raised = told(ExceptionGroup("several", errors))
    assert type(raised) is kind
    assert "taken" in str(raised)


def test_a_group_of_ones_own_passes_unchanged():
    group = ExceptionGroup("several", [LookupError("own")])
    assert told(group) is group
