"""Operations that go wrong on purpose, and what must hold after each of them."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from crudspec.backend import ONE_ROW
from crudspec.contract.failures import ContractBroken, Inconclusive
from crudspec.truth.expect import expect
from crudspec.truth.gates import until
from crudspec.truth.shown import shown_error

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from crudspec.entity.row import Key
    from crudspec.harness.subject import Subject
    from crudspec.truth.witness import Witness

    Calls = Iterator[tuple[str, Callable[[], Awaitable[object]]]]
    """Calls by name, none of them made yet."""


def hostile_calls(backend: Subject, witness: Witness, key: Key) -> Calls:
    """Every hostile value through every operation that takes it."""
    yield from forbidden_calls(backend, witness, key)
    for name, missing in witness.sample.missing_keys.items():
        yield from _calls_with(backend, witness, missing, name)


def forbidden_calls(backend: Subject, witness: Witness, key: Key) -> Calls:
    """Every value that the table does not allow through every operation that takes it."""
    sample = witness.sample
    for tried in sample.invalid("create"):
        yield f"create with the {tried.name}", partial(backend.call, "create", (), tried.values)
    for tried in sample.invalid("update"):
        yield f"update with the {tried.name}", partial(backend.call, "update", key, tried.values)
    for name, part in sample.no_keys.items():
        yield from _calls_with(backend, witness, (part, *key[1:]), name)


def _calls_with(backend: Subject, witness: Witness, key: Key, name: str) -> Calls:
    for operation in ONE_ROW:
        if operation in witness.table.operations:
            values = witness.sample.change() if operation == "update" else {}
            what = f"{operation} of {' and '.join(witness.table.key)} {name}"
            yield what, partial(backend.call, operation, key, values)


def failing_calls(backend: Subject, witness: Witness, key: Key) -> Calls:
    """The three writes, for where the server makes them fail."""
    sample = witness.sample
    yield "a create that the server refuses", lambda: backend.call("create", (), sample.new())
    if "update" in witness.table.operations:
        yield "an update that the server refuses", lambda: backend.call("update", key, sample.change())
    yield "a delete that the server refuses", lambda: backend.call("delete", key)


async def attempt(call: Callable[[], Awaitable[object]]) -> None:
    """Let it raise what it will: the clause is about what comes after. A missed deadline still counts."""
    try:
        await call()
    except ContractBroken:
        raise
    except Exception:  # noqa: BLE001, S110 - which exception is right, other clauses say
        pass


async def works(backend: Subject, witness: Witness, after: str) -> None:
    """One create and one get, both right. The row goes again: of what must be unique there may be few values."""
    try:
        row = backend.read(f"the row created after {after}", await backend.create(**witness.sample.new()))
        expect(f"the row, stored after {after}", await witness.row(row.key), row)
        if "get" not in backend.abilities.broken:
            expect(f"get after {after}", backend.read("the row", await backend.get(*row.key)), row)
        await witness.delete(row.key)
    except ContractBroken:
        raise
    except Exception as error:
        raise ContractBroken(
            f"the next operation after {after}", expected="it works", seen=f"raised {shown_error(error)}"
        ) from error


async def is_clean(backend: Subject, witness: Witness, after: str) -> None:
    """No connection is in a transaction or busy, and the table can be locked."""

    async def settled() -> bool:
        return not await witness.blockers()

    if not await until(settled):
        blockers = await witness.blockers()
        with suppress(Inconclusive):  # what is wrong is known already
            await witness.end(blocker.pid for blocker in blockers)
        backend.failed = True
        raise ContractBroken(
            f"the backend's connections after {after}",
            expected="all idle, outside any transaction, without a lock",
            seen="; ".join(map(str, blockers)),
        )
    await witness.unblocked(f"BEGIN; LOCK TABLE {witness.table.quoted} IN ACCESS EXCLUSIVE MODE; COMMIT")
