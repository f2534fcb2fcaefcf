"""Errors that a caller can read, trace and log."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from urllib.parse import unquote, urlsplit, urlunsplit

from crudspec.checks import ContractBroken, clause, is_drivers_own, shown_error
from crudspec.gates import commits_fail, statements_fail
from crudspec.hostile import failing_calls, hostile_calls
from crudspec.subject import Subject
from crudspec.witness import Witness

SECRET = "crudspec-s3cret"


async def raised(call: Callable[[], Awaitable[object]]) -> Exception | None:
    """What a call raises, if it does."""
    try:
        await call()
    except ContractBroken:
        raise
    except Exception as error:  # noqa: BLE001 - all of them are looked at
        return error
    return None


def check_readable(what: str, error: BaseException, password: str) -> None:
    """``str`` and ``repr`` of the error and of what caused it work and keep the password to themselves."""
    for link in _chain(error):
        for view in (str, repr):
            name = f"{view.__name__}() of {type(link).__name__}, raised by {what}"
            try:
                text = view(link)
            except Exception as broken:
                raise ContractBroken(name, expected="text", seen=f"raised {shown_error(broken)}") from broken
            if password in text:
                hidden = text.replace(password, "***")
                raise ContractBroken(
                    name, expected="no password", seen=f"the password, where *** stands: {hidden[:300]}"
                )


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    todo = [error]
    while todo:
        link = todo.pop()
        if id(link) not in seen:
            seen.add(id(link))
            yield link
            todo += [cause for cause in (link.__cause__, link.__context__) if cause is not None]


@clause("ERROR-1")
async def test_errors_can_be_read_and_traced(backend: Subject, witness: Witness) -> None:
    """An error whose own text raises, or whose cause was cut off, is found out in production, at night."""
    row = await witness.insert("kept")
    password = unquote(urlsplit(backend.dsn).password or "") or SECRET
    for name, call in hostile_calls(backend, row.id):
        error = await raised(call)
        if error is not None:
            check_readable(name, error, password)
    for gate in (statements_fail, commits_fail):
        for name, call in failing_calls(backend, row.id):
            async with gate(witness):
                error = await raised(call)
            if error is None and gate is commits_fail:
                continue  # CREATE-8 says that there must be one
            if error is None:
                raise ContractBroken(name, expected="an exception", seen="none")
            check_readable(name, error, password)
            _check_traced(name, error)


def _check_traced(what: str, error: Exception) -> None:
    if is_drivers_own(error):
        raise ContractBroken(
            what, expected="an exception that is not the driver's", seen=f"raised {shown_error(error)}"
        ) from error
    link: BaseException | None = error
    while link is not None and not is_drivers_own(link):
        link = link.__cause__
    if link is None:
        raise ContractBroken(
            f"__cause__ of {shown_error(error)}, raised by {what}",
            expected="the driver's error",
            seen=repr(error.__cause__),
        ) from error


@clause("ERROR-1")
async def test_an_unreachable_server_is_unavailable_and_tells_no_password(backend: Subject) -> None:
    """A port that nobody listens at: the DSN is in many drivers' messages, with all that is in it."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    # Closed again: connections to it are refused.
    parts = urlsplit(backend.dsn)
    dsn = urlunsplit(parts._replace(netloc=f"{parts.username}:{SECRET}@127.0.0.1:{port}"))
    await _unavailable(backend, dsn, "a server that is not there")


async def _unavailable(backend: Subject, dsn: str, what: str) -> None:
    other = Subject(backend.adapter, dsn, deadline=backend.deadline)
    try:
        await other.open()
        await other.create("nowhere")
    except ContractBroken as broken:
        error = broken.__cause__
        if not isinstance(error, Exception):
            raise
    except Exception as caught:  # noqa: BLE001 - which it is, is looked at below
        error = caught
    else:
        raise ContractBroken(f"connect and create on {what}", expected="Unavailable", seen="both returned")
    finally:
        await asyncio.shield(other.close())
    check_readable(f"connect on {what}", error, SECRET)
    if not isinstance(error, ConnectionError | TimeoutError) or is_drivers_own(error):
        raise ContractBroken(
            f"connect and create on {what}", expected="Unavailable", seen=f"raised {shown_error(error)}"
        ) from error
