"""Backends whose errors cannot be read, are told as other ones, or do not come: ERROR-1 to ERROR-3 and CREATE-8."""

from contextlib import asynccontextmanager

from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

from crudspec import CrudError, InvalidValue, Unavailable
from crudspec.backends.asyncpg import AsyncpgBackend
from crudspec.backends.core import CoreBackend
from crudspec.backends.orm import OrmBackend
from crudspec.backends.sqlmodel import SqlmodelBackend


class Unspeakable(InvalidValue):
    def __str__(self):
        return "invalid: " + self.args[0]


class ErrorWithoutText(AsyncpgBackend):
    """ERROR-1: the text of a refused title raises."""

    async def create(self, title):
        try:
            return await super().create(title)
        except InvalidValue as error:
            raise Unspeakable(title) from error.__cause__


class CauseCutOff(CoreBackend):
    """ERROR-1: an error hides what the driver said."""

    async def update(self, task_id, title, done):
        try:
            return await super().update(task_id, title, done)
        except InvalidValue as error:
            raise InvalidValue(str(error)) from None


class TellsTheDsn(OrmBackend):
    """ERROR-1: the text of a refused write quotes the DSN."""

    @asynccontextmanager
    async def _session(self, sessions):
        try:
            async with super()._session(sessions) as session:
                yield session
        except InvalidValue as error:
            where = self._engine.url.render_as_string(hide_password=False)
            raise InvalidValue(f"{where} refused it") from error


class WithPlace(InvalidValue):
    def __init__(self, place):
        super().__init__("refused")
        self.place = place

    def __repr__(self):
        return f"WithPlace({self.place!r})"


@asynccontextmanager
async def _unreachable_is(connecting, other):
    """What ``other`` makes of an Unavailable that comes before the backend is open is raised instead."""
    opened = False
    try:
        async with connecting as backend:
            opened = True
            yield backend
    except Unavailable as error:
        if opened:
            raise
        instead = other(error)
        raise instead from (None if instead is error.__cause__ else error)


class UnreachableIsAPlace(SqlmodelBackend):
    """ERROR-1: a server that does not answer is named with its password."""

    @classmethod
    def connect(cls, dsn):
        return _unreachable_is(super().connect(dsn), lambda _: Unavailable(f"cannot connect to {dsn}"))


class UnreachableIsInvalid(CoreBackend):
    """ERROR-1: a server that does not answer is a ValueError."""

    @classmethod
    def connect(cls, dsn):
        return _unreachable_is(super().connect(dsn), lambda _: ValueError("the DSN is not right"))


class RefusalsOnly(AsyncpgBackend):
    """ERROR-1: where no connection leads to, the operating system's own error is what a caller gets."""

    quiet_only = "a noisy base lets the operating system's errors out"

    @classmethod
    def connect(cls, dsn):
        def systems_own(error):
            return error.__cause__ if isinstance(error.__cause__, OSError) else Unavailable("no connection")

        return _unreachable_is(super().connect(dsn), systems_own)


class NoRoomIsAnError(OrmBackend):
    """ERROR-1: that the server has too many clients already is an error that is not Unavailable."""

    @classmethod
    def connect(cls, dsn):
        def no_room(error):
            return (CrudError if "53300" in str(error) else Unavailable)(str(error))

        return _unreachable_is(super().connect(dsn), no_room)


class DriversOwnError(AsyncpgBackend):
    """ERROR-1: a delete that the server refuses raises the driver's own exception."""

    also = "ERROR-2"
    quiet_only = "the driver's own exception is what a noisy base raises"

    async def delete(self, task_id):
        try:
            return await super().delete(task_id)
        except InvalidValue as error:
            raise (error.__cause__ or error) from None


class InvalidIsARuntimeError(OrmBackend):
    """ERROR-3: a create with a title that is not allowed raises RuntimeError."""

    also = "ERROR-2"

    async def create(self, title):
        try:
            return await super().create(title)
        except InvalidValue as error:
            raise RuntimeError("cannot create this") from error


class InvalidIsUnavailable(CoreBackend):
    """ERROR-3: an update to what is not allowed raises Unavailable: try again later."""

    also = "ERROR-2"

    async def update(self, task_id, title, done):
        try:
            return await super().update(task_id, title, done)
        except InvalidValue as error:
            raise Unavailable("cannot update it now") from error


class NoIdIsAKeyError(AsyncpgBackend):
    """ERROR-3: a get of what is no id raises KeyError."""

    async def get(self, task_id):
        if not isinstance(task_id, int):
            raise KeyError(task_id)
        return await super().get(task_id)


class PydanticsOwn(SqlmodelBackend):
    """ERROR-3: what Pydantic refuses, it says in its own words."""

    quiet_only = "a noisy base has nothing checked by Pydantic"

    async def create(self, title):
        try:
            return await super().create(title)
        except InvalidValue as error:
            if isinstance(error.__cause__, ValidationError):
                raise error.__cause__ from None
            raise


@asynccontextmanager
async def _retold(connecting, state, other):
    """What the server says with a SQLSTATE that begins like this is told as another error."""
    try:
        async with connecting as connection:
            yield connection
    except CrudError as error:
        cause = getattr(error.__cause__, "orig", error.__cause__)
        if (getattr(cause, "sqlstate", None) or "None").startswith(state):
            raise other(str(error)) from error.__cause__
        raise


class AnythingIsUnavailable(AsyncpgBackend):
    """ERROR-2: whatever the server says, the database is not available."""

    def _connection(self):
        return _retold(super()._connection(), ("0", "2", "4", "5"), Unavailable)


class DeadlockIsAnError(CoreBackend):
    """ERROR-2: a deadlock is an error that nobody tries again."""

    def _connection(self):
        return _retold(super()._connection(), "40", CrudError)


class NoRightIsInvalid(OrmBackend):
    """ERROR-2: a statement for which the role has no right is told as a refused value."""

    def _session(self, sessions):
        return _retold(super()._session(sessions), "42", InvalidValue)


class _Transaction(AsyncpgBackend):
    """Every operation in a transaction of its own, so that a statement and its COMMIT can fail apart."""

    @asynccontextmanager
    async def _connection(self):
        async with super()._connection() as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                yield connection
            except BaseException:
                await transaction.rollback()
                raise
            await self._commit(transaction)

    async def _commit(self, transaction):
        await transaction.commit()


class CommitsBlind(OrmBackend):
    """CREATE-8: once the statements are sent, nobody looks at what the COMMIT says."""

    @asynccontextmanager
    async def _session(self, sessions):
        async with super()._session(sessions) as session:
            yield session
            await session.flush()
            try:
                await session.commit()
            except DBAPIError:
                await session.rollback()
