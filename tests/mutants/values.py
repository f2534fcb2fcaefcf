"""Lies about titles: what may be stored, and what was."""

import unicodedata

import asyncpg
from sqlalchemy import text

from crudspec.backends.asyncpg import AsyncpgBackend
from crudspec.backends.core import CoreBackend, tasks
from crudspec.backends.orm import OrmBackend
from crudspec.backends.sqlmodel import SqlmodelBackend
from crudspec.backends.sqlmodel import TaskRow as SqlmodelRow
from crudspec.errors import CrudError, InvalidValue
from crudspec.task import Task, check_title

_COLUMNS = "id, title, done, created_at"


class Trimmed(OrmBackend):
    """CREATE-3: blanks around a title are lost."""

    async def create(self, title):
        return await super().create(check_title(title).strip())


class Normalised(SqlmodelBackend):
    """CREATE-3: a decomposed accent comes back composed."""

    async def create(self, title):
        return await super().create(unicodedata.normalize("NFC", check_title(title)))


class EmptyRefused(SqlmodelBackend):
    """CREATE-3: an empty title is refused."""

    also = "SATURATE-1 RACE-1"

    async def create(self, title):
        if title == "":
            raise InvalidValue("a title is needed")
        return await super().create(title)


class LengthInUtf16(OrmBackend):
    """CREATE-3: a title is measured in UTF-16 units, as a browser does."""

    async def create(self, title):
        if len(check_title(title).encode("utf-16-le")) > 510:
            raise InvalidValue("a title has at most 255 characters")
        return await super().create(title)


class PastedIntoSql(CoreBackend):
    """CREATE-3: a title is pasted into the statement, quotes doubled, and ``:id`` in it is a parameter."""

    async def create(self, title):
        quoted = check_title(title).replace("'", "''")
        async with self._connection() as connection:
            result = await connection.execute(
                text(f"INSERT INTO tasks (title) VALUES ('{quoted}') RETURNING {_COLUMNS}")
            )
            return Task(**result.mappings().one())


class CutByCast(AsyncpgBackend):
    """CREATE-4: a cast cuts a title that is too long."""

    also = "EXACT-1"

    async def create(self, title):
        if not isinstance(title, str):
            raise InvalidValue("a title is a str")
        check_title(title.translate({0: None})[:255] if "\0" not in title else title)
        async with self._connection() as connection:
            row = await connection.fetchrow(
                f"INSERT INTO tasks (title) VALUES ($1::text::varchar(255)) RETURNING {_COLUMNS}", title
            )
        return Task(**row)


class LengthLeftToTheServer(CoreBackend):
    """EXACT-1: the server decides what is too long, and cuts blanks."""

    quiet_only = "a noisy base leaves every value to the server"

    async def create(self, title):
        if not isinstance(title, str) or len(title) <= 255:
            return await super().create(title)
        async with self._connection() as connection:
            result = await connection.execute(tasks.insert().values(title=title).returning(tasks))
            return Task(**result.mappings().one())


class NulStripped(OrmBackend):
    """CREATE-4: NUL is taken out of a title."""

    async def create(self, title):
        return await super().create(title.replace("\0", "") if isinstance(title, str) else title)


class SurrogateReplaced(SqlmodelBackend):
    """CREATE-4: a lone surrogate is stored as a question mark."""

    async def create(self, title):
        return await super().create(title.encode(errors="replace").decode() if isinstance(title, str) else title)


class TextMadeOfInt(CoreBackend):
    """CREATE-4: an int is stored as its digits."""

    async def create(self, title):
        return await super().create(str(title) if isinstance(title, int) else title)


class BytesDecoded(AsyncpgBackend):
    """CREATE-4: bytes are stored as the text that they spell."""

    async def create(self, title):
        return await super().create(title.decode() if isinstance(title, bytes) else title)


class DriverErrorLeaked(AsyncpgBackend):
    """ERROR-3: what the driver refuses, it says in its own words."""

    also = "ERROR-2"
    quiet_only = "the driver's own words are what a noisy base has for every value"

    async def create(self, title):
        try:
            async with self._connection() as connection:
                if isinstance(title, str) and len(title) > 255:
                    check_title(title)
                row = await connection.fetchrow(f"INSERT INTO tasks (title) VALUES ($1) RETURNING {_COLUMNS}", title)
            return Task(**row)
        except CrudError as error:
            cause = error.__cause__
            if isinstance(cause, asyncpg.DataError):
                raise cause from None
            raise


class StoredBeforeChecked(AsyncpgBackend):
    """CREATE-4: a title that is too long is refused when a part of it is stored already."""

    also = "EXACT-1"

    async def create(self, title):
        if isinstance(title, str) and len(title) > 255 and "\0" not in title:
            await super().create(title[:255])
        return await super().create(title)


class TableModelTrusted(SqlmodelBackend):
    """EXACT-1: a ``table=True`` model is trusted to validate, which it does not."""

    also = "USABLE-1 HYGIENE-1 HYGIENE-3 ERROR-3"
    quiet_only = "a noisy base validates nothing"

    async def create(self, title):
        task = SqlmodelRow(title=title)
        async with self._session(self._single) as session:
            session.add(task)
        return task
