"""What the commands find out of a table, in a process that may import the user's modules."""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from crudspec.adopt.adapter import adapter
from crudspec.adopt.contract import contract_of
from crudspec.adopt.page import page
from crudspec.backends.registry import BackendError, resolve
from crudspec.entity.entity import Entity
from crudspec.entity.errors import EntityError
from crudspec.entity.reflect import reflect
from crudspec.entity.sources import as_source
from crudspec.harness.databases import scratch_with
from crudspec.report.text import printable
from crudspec.server import create_scratch, drop_scratch, running
from crudspec.server.dsn import redacted
from crudspec.supervisor.apart import Ended, Refused, apart

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from crudspec.backends.registry import Adapter
    from crudspec.entity.sample import Sample
    from crudspec.entity.table import Table
    from crudspec.server import Server, ServerChoice

T = TypeVar("T")

_LIMIT = 300.0
"""Seconds: migrations may take long."""


def tell_page(spec: str, choice: ServerChoice, *, verbose: bool) -> str:
    """What was understood of the table of a backend, as a page.

    Raises:
        BackendError: there is no such backend, or its process ended.
        EntityError: its table cannot be used.
        ServerError: there is no server.
    """
    return _asked(spec, choice, make_page, verbose)


def tell_contract(spec: str, choice: ServerChoice, clauses: Sequence[str]) -> str:
    """The contract with the values of a backend's table, as Markdown. Raises as :func:`tell_page`."""
    return _asked(spec, choice, make_contract, tuple(clauses))


def tell_adapter(named: str, schema: str, choice: ServerChoice, *, class_name: str, path: str) -> str:
    """A class to begin with, for a table and what makes it, as a command line has them. Raises as :func:`tell_page`."""
    with running(choice) as server:
        return in_a_process(make_adapter, server, named, schema, class_name, path)


def _asked(spec: str, choice: ServerChoice, make: Callable[..., str], *args: object) -> str:
    with ThreadPoolExecutor(1) as pool, ExitStack() as stack:
        starting = pool.submit(stack.enter_context, running(choice))
        try:
            in_a_process(find, spec)  # meanwhile; and a wrong name is told before a server that cannot be had
        finally:
            wait([starting])
        return in_a_process(make, starting.result(), spec, *args)


def in_a_process(function: Callable[..., T], *args: object) -> T:
    """Call a function that imports the user's modules; raises as :func:`tell_page`."""
    try:
        return apart(_marked, function, args, limit=_LIMIT, refuses=(BackendError, EntityError))
    except Refused as error:
        raise _meant(str(error)) from None
    except Ended as error:
        raise BackendError(str(error)) from None


_ENTITY = "\0"
"""Before the text of an EntityError: of what comes from the other process, only the text is left."""


def _marked(function: Callable[..., T], args: tuple[object, ...]) -> T:
    try:
        return function(*args)
    except EntityError as error:
        raise EntityError(f"{_ENTITY}{error}") from error


def _meant(text: str) -> Exception:
    return EntityError(text[1:]) if text.startswith(_ENTITY) else BackendError(text)


def find(spec: str) -> str:
    """The short name of a backend."""
    return resolve([spec])[0].name


def make_page(server: Server, spec: str, verbose: bool) -> str:
    """In the process itself: find out, and write the page."""
    found, sample = asyncio.run(_understood(server, spec))
    return printable(redacted(page(found, sample, verbose=verbose), server.dsn))


def make_contract(server: Server, spec: str, clauses: Sequence[str]) -> str:
    """In the process itself: find out, and write the contract."""
    found, sample = asyncio.run(_understood(server, spec))
    return printable(redacted(contract_of(found, sample, clauses), server.dsn))


def make_adapter(server: Server, named: str, schema: str, class_name: str, path: str) -> str:
    """In the process itself: read the table, and write the class."""
    sys.path.insert(0, str(Path.cwd()))  # as `python -m` has it: a MetaData may be in a module of the project
    entity = Entity(table=named, schema=schema)
    table = asyncio.run(_reflected(server, entity))
    return adapter(table, named=named, schema=schema, class_name=class_name, path=path)


async def _reflected(server: Server, entity: Entity) -> Table:
    dsn = await create_scratch(server, "new", as_source(entity.schema))
    try:
        return await reflect(dsn, entity)
    finally:
        await drop_scratch(server, dsn)


async def _understood(server: Server, spec: str) -> tuple[Adapter, Sample]:
    (found,) = resolve([spec])
    dsn, sample = await scratch_with(server, found.name, found.entity)
    await drop_scratch(server, dsn)
    return found, sample
