"""The context of ``connect`` is not left as it should be."""

import asyncio
import itertools
import os
from contextlib import asynccontextmanager

from tests.hostile.ends import _Good


class ExitsInLeaving(_Good):
    """When everything has been asked already, at the latest."""

    verdicts = {"CONNECT-1": "fail"}

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        async with _Good.connect(dsn) as backend:
            yield backend
        os._exit(0)


class BlocksInLeaving(_Good):
    verdicts = {"CONNECT-1": "fail"}

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        async with _Good.connect(dsn) as backend:
            yield backend
        sum(itertools.repeat(0))


class RaisesInLeaving(_Good):
    verdicts = {"CONNECT-1": "fail", "CREATE-6": "pass"}

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        async with _Good.connect(dsn) as backend:
            yield backend
        raise GeneratorExit


class HangsInLeaving(_Good):
    verdicts = {"CONNECT-1": "fail"}

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        async with _Good.connect(dsn) as backend:
            yield backend
        await asyncio.Event().wait()
