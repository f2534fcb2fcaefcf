"""Errors that a caller can read, trace and log."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from urllib.parse import urlsplit, urlunsplit

from crudspec.suite import (
    EXCUSES,
    INVALID,
    NEITHER,
    PATIENCE,
    SKIPPED_SECONDS,
    UNAVAILABLE,
    ContractBroken,
    Every,
    Sample,
    Subject,
    Witness,
    check_named,
    check_own,
    check_readable,
    check_told,
    check_traced,
    clause,
    commits_fail,
    failing_calls,
    forbidden_calls,
    hostile_calls,
    lets_nobody_in,
    lost_calls,
    pass_time,
    password_of,
    statements_fail,
    threaded,
    together,
    word,
)

SECRET = "crudspec-s3cret"

NOWHERE = "255.255.255.255:5432"
"""The broadcast address: the operating system refuses a TCP connection to it, and asks nobody."""


async def raised(call: Callable[[], Awaitable[object]]) -> Exception | None:
    """What a call raises, if it does."""
    try:
        await call()
    except ContractBroken:
        raise
    except Exception as error:  # noqa: BLE001 - all of them are looked at
        return error
    return None


@clause("ERROR-1")
async def test_errors_can_be_read_and_traced(backend: Subject, witness: Witness) -> None:
    """An error whose own text raises, or whose cause was cut off, is found out in production, at night."""
    row = await witness.insert()
    password = password_of(backend.dsn)
    every = Every("ERROR-1")
    for name, call in hostile_calls(backend, witness, row.key):
        error = await raised(call)
        if error is not None:
            with every.one():
                check_readable(name, error, password)
    for gate in (statements_fail, commits_fail):
        for name, call in failing_calls(backend, witness, row.key):
            async with gate(witness):
                error = await raised(call)
            if error is None:
                continue  # CREATE-8 says that there must be one
            with every.one():
                check_readable(name, error, password)
                check_own(name, error, backend.adapter.cls)
                check_traced(name, error)
    every.settle()


@clause("ERROR-3")
async def test_what_the_domain_does_not_allow_is_refused_by_name(backend: Subject, witness: Witness) -> None:
    """That it is refused at all, other clauses ask: here a call that returns is passed over. Catches a refusal that
    looks like a bug of the data layer's, or like a server that is down.
    """
    row = await witness.insert()
    every = Every("ERROR-3")
    for name, call in forbidden_calls(backend, witness, row.key):
        error = await raised(call)
        if error is not None:
            with every.one():
                check_named(name, error, backend.adapter.cls, INVALID)
    every.settle()


@clause("ERROR-1")
async def test_an_unreachable_server_is_unavailable_and_tells_no_password(backend: Subject, sample: Sample) -> None:
    """A refused connection is a ConnectionError of Python's own, one to an address that nothing leads to is none. The
    DSN is in many drivers' messages, with all that is in it.
    """
    with socket.socket() as nobody:
        # Bound, and never told to listen: connections are refused, and nobody else can be given the port meanwhile.
        nobody.bind(("127.0.0.1", 0))
        for what, place in (
            ("a server that is not there", f"127.0.0.1:{nobody.getsockname()[1]}"),
            ("a server that no connection leads to", NOWHERE),
        ):
            await _unavailable(backend, sample, place, what)


@clause("ERROR-1")
async def test_a_server_that_lets_nobody_in_is_unavailable(backend: Subject, sample: Sample) -> None:
    """It is reached, and of no use: the driver speaks of an error of the server's, as of any refused statement."""
    for sqlstate, excuse in EXCUSES.items():
        with lets_nobody_in(sqlstate) as place:
            await _unavailable(backend, sample, place, f"a server that says {excuse!r}")


SAYS = {
    "string_data_right_truncation": ("22001", INVALID),
    "check_violation": ("23514", INVALID),
    "connection_failure": ("08006", UNAVAILABLE),
    "read_only_sql_transaction": ("25006", UNAVAILABLE),
    "serialization_failure": ("40001", UNAVAILABLE),
    "deadlock_detected": ("40P01", UNAVAILABLE),
    "disk_full": ("53100", UNAVAILABLE),
    "lock_not_available": ("55P03", UNAVAILABLE),
    "query_canceled": ("57014", UNAVAILABLE),
    "admin_shutdown": ("57P01", UNAVAILABLE),
    "io_error": ("58030", UNAVAILABLE),
    "feature_not_supported": ("0A000", NEITHER),
    "insufficient_privilege": ("42501", NEITHER),
}
"""What a server may say, and what a caller has to be told. Only where SQLSTATE and the DB-API's classes of errors
(PEP 249) agree, or where many have waited for a primary that had become read only.
"""


@clause("ERROR-2")
async def test_what_the_server_says_decides_which_error_it_is(backend: Subject, witness: Witness) -> None:
    """A deadlock that is told as a wrong value is never tried again; a missing right told as bad luck is, for ever."""
    row = await witness.insert()
    every = Every("ERROR-2")
    for condition, (sqlstate, expected) in SAYS.items():
        async with statements_fail(witness, sqlstate):
            for name, call in failing_calls(backend, witness, row.key):
                if expected == INVALID and "delete" in name:
                    continue  # it brings no value that could be refused
                what = f"{name}, with {condition} ({sqlstate})"
                error = await raised(call)
                with every.one():
                    if error is None:
                        raise ContractBroken(what, expected="an exception", seen="none")
                    check_named(what, error, backend.adapter.cls, expected)
    every.settle()


@clause("ERROR-4")
async def test_a_lost_connection_is_unavailable(backend: Subject, witness: Witness) -> None:
    """Idle connections that have ended, one that is cut in the middle of a write, a server that is gone, and one that
    is silent. What it does to the data, and whether it works again, LOST-* ask.
    """
    every = Every("ERROR-4")
    with threaded(backend.wire_dsn) as proxy:
        async for what, error in lost_calls(backend, witness, proxy):
            with every.one():
                check_named(what, error, backend.adapter.cls, UNAVAILABLE)
                check_told(what, error, backend.dsn)
    every.settle()


async def _asked_patiently(other: Subject, sample: Sample) -> None:
    """Create a row, with as long a wait for a connection as a pool may have: it passes for the event loop alone."""
    async with together() as start:
        call = start(other.call("create", (), sample.new(), deadline=SKIPPED_SECONDS + PATIENCE))
        await pass_time([call], SKIPPED_SECONDS, lambda: None)
        await call


async def _unavailable(backend: Subject, sample: Sample, place: str, what: str) -> None:
    parts = urlsplit(backend.dsn)
    await backend.make_room()
    other = backend.sibling(urlunsplit(parts._replace(netloc=f"{parts.username}:{SECRET}@{place}")))
    try:
        await other.open()
        await _asked_patiently(other, sample)
    except ContractBroken as broken:
        error = broken.__cause__
        if not isinstance(error, Exception):
            raise
    except Exception as caught:  # noqa: BLE001 - which it is, is looked at below
        error = caught
    else:
        raise ContractBroken(f"connect and create on {what}", expected="Unavailable", seen="both returned")
    finally:
        with suppress(ContractBroken):  # that it cannot be left after that, nobody is promised
            await asyncio.shield(other.close())
    every = Every("ERROR-1")
    with every.one():
        check_readable(f"connect on {what}", error, word(SECRET))
    with every.one():
        check_named(f"connect and create on {what}", error, backend.adapter.cls, UNAVAILABLE)
    every.settle()
