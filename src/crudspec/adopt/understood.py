"""What the commands find out of a table, in a process that may import the user's modules."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from typing import TYPE_CHECKING, TypeVar

from crudspec.adopt.contract import contract_of
from crudspec.adopt.page import page
from crudspec.backends.registry import BackendError, resolve
from crudspec.entity.errors import EntityError
from crudspec.harness.databases import scratch_with
from crudspec.report.text import printable
from crudspec.server import drop_scratch, running
from crudspec.server.dsn import redacted
from crudspec.supervisor.apart import Ended, Refused, apart

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from crudspec.backends.registry import Adapter
    from crudspec.entity.sample import Sample
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
    adapter, sample = asyncio.run(_understood(server, spec))
    return printable(redacted(page(adapter, sample, verbose=verbose), server.dsn))


def make_contract(server: Server, spec: str, clauses: Sequence[str]) -> str:
    """In the process itself: find out, and write the contract."""
    adapter, sample = asyncio.run(_understood(server, spec))
    return printable(redacted(contract_of(adapter, sample, clauses), server.dsn))


async def _understood(server: Server, spec: str) -> tuple[Adapter, Sample]:
    (adapter,) = resolve([spec])
    dsn, sample = await scratch_with(server, adapter.name, adapter.entity)
    await drop_scratch(server, dsn)
    return adapter, sample
