"""The class that ``translated`` makes: its ``connect``, its instances, its name and what it claims."""

import asyncio
import inspect
from contextlib import asynccontextmanager, contextmanager

import asyncpg
import pytest
from tests.translation.translating import Bare, called, created

from crudspec import Unavailable, translated
from crudspec.backends.core import CoreBackend
from crudspec.contract.clauses import BY_ID

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
        asyncio.run(created(doors, "x"))
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
