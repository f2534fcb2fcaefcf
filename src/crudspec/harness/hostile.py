"""Operations that go wrong on purpose, and what must hold after each of them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from crudspec.contract.failures import ContractBroken, Inconclusive
from crudspec.truth.expect import expect
from crudspec.truth.gates import until
from crudspec.truth.shown import shown_error
from crudspec.truth.values import INVALID_DONES, INVALID_TITLES, MISSING_IDS, NOT_IDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from crudspec.harness.subject import Subject
    from crudspec.truth.witness import Witness

    Calls = Iterator[tuple[str, Callable[[], Awaitable[object]]]]
    """Calls by name, none of them made yet."""


def hostile_calls(backend: Subject, task_id: int) -> Calls:
    """Every hostile value through every operation that takes it."""
    yield from forbidden_calls(backend, task_id)
    yield from _calls_with_ids(backend, MISSING_IDS)


def forbidden_calls(backend: Subject, task_id: int) -> Calls:
    """Every value that the domain does not allow through every operation that takes it."""
    for name, title in INVALID_TITLES.items():
        yield f"create with the title {name!r}", lambda title=title: backend.create(title)
        yield f"update with the title {name!r}", lambda title=title: backend.update(task_id, title, True)
    for name, done in INVALID_DONES.items():
        yield f"update with a done that is {name}", lambda done=done: backend.update(task_id, "x", done)
    yield from _calls_with_ids(backend, NOT_IDS)


def _calls_with_ids(backend: Subject, ids: Mapping[str, object]) -> Calls:
    for name, bad in ids.items():
        yield f"get of an id that is {name}", lambda bad=bad: backend.get(bad)
        yield f"update of an id that is {name}", lambda bad=bad: backend.update(bad, "x", True)
        yield f"delete of an id that is {name}", lambda bad=bad: backend.delete(bad)


def failing_calls(backend: Subject, task_id: int) -> Calls:
    """The three writes, for where the server makes them fail."""
    yield "a create that the server refuses", lambda: backend.create("refused")
    yield "an update that the server refuses", lambda: backend.update(task_id, "refused", True)
    yield "a delete that the server refuses", lambda: backend.delete(task_id)


async def attempt(call: Callable[[], Awaitable[object]]) -> None:
    """Let it raise what it will: the clause is about what comes after. A missed deadline still counts."""
    try:
        await call()
    except ContractBroken:
        raise
    except Exception:  # noqa: BLE001, S110 - which exception is right, other clauses say
        pass


async def works(backend: Subject, witness: Witness, after: str) -> None:
    """One create and one get, both right."""
    try:
        row = backend.read(f"the row created after {after}", await backend.create("works"))
        expect(f"the row, stored after {after}", await witness.row(row.id), row)
        if "get" not in backend.abilities.broken:
            expect(f"get after {after}", backend.read("the row", await backend.get(row.id)), row)
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
    await witness.unblocked("BEGIN; LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE; COMMIT")
