"""Smoke: whether each part of a backend works at all, before anything is asked that stands on it.

What fails here is told once, by the clause that is about it; what needs it is not run. What does not need it is asked.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from crudspec.contract.causes import COLUMN, UNWRITTEN
from crudspec.contract.failures import ContractBroken
from crudspec.entity.row import matches
from crudspec.harness.abilities import CONNECT, LEAVE, OWNERS
from crudspec.harness.call import DeadlineMissed
from crudspec.harness.reading import read, read_all
from crudspec.harness.subject import NOTHING, Subject, truth
from crudspec.harness.watchdog import Watchdog
from crudspec.truth.shown import shown, shown_error

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from crudspec.entity.row import Key, Row
    from crudspec.truth.witness import Witness

_LATE_SECONDS = 1.0

_given_up: list[object] = []
"""Calls that never end; kept, as asyncio complains of a task that is destroyed before its end."""


async def smoke(subject: Subject, witness: Witness, *, clause: str = "") -> None:
    """Open the backend if it is not, try each operation once, and note what does not work in its abilities.

    Args:
        subject: The backend.
        witness: Of its database.
        clause: The one that tells what is broken now, where the backend has worked before.
    """
    abilities = subject.abilities
    await witness.empty()
    if subject.instance is None:
        try:
            await subject.open()
        except ContractBroken as broken:
            abilities.found_broken(CONNECT, broken, clause=clause)
            return
    for operation, work in (
        ("create", _create),
        ("get", _get),
        ("list_all", _list),
        ("update", _update),
        ("delete", _delete),
    ):
        if operation in abilities.broken or operation not in subject.table.operations:
            continue
        subject.calls.clear()
        has_worked = False
        try:
            await work(subject, witness)
            has_worked = True
            await witness.empty()  # what it has left open is in the way, and its own doing
        except ContractBroken as broken:
            broken.calls = [str(call) for call in subject.calls]
            broken.sql = [line for call in subject.calls for line in call.sql()]
            abilities.found_broken(operation, broken, clause=clause)
            if has_worked or isinstance(broken, DeadlineMissed) or not await _is_out_of_the_way(witness):
                await _anew(subject, witness)  # the suite has ended, or ends, connections that the next would meet
                await witness.empty()
            if subject.instance is None:
                return


async def _is_out_of_the_way(witness: Witness) -> bool:
    """Empty the table; tell whether that needed no connection to be ended."""
    try:
        await witness.empty()
    except ContractBroken:
        return False
    return True


async def _anew(subject: Subject, witness: Witness) -> None:
    """Leave it, end its connections, and open it again."""
    with suppress(ContractBroken):
        await subject.close()
    await witness.end(await witness.pids())
    subject.instance = None
    try:
        await subject.open()
    except ContractBroken as broken:
        subject.abilities.found_broken(CONNECT, broken)


async def _works(
    operation: str, subject: Subject, key: Key = (), values: Mapping[str, Any] = NOTHING, *, when: str = ""
) -> object:
    # In a task of its own: a call may take no notice of its cancellation, and would never give the word back.
    call = asyncio.ensure_future(subject.call(operation, key, values))
    done, _ = await asyncio.wait({call}, timeout=subject.deadline + _LATE_SECONDS)
    what = " ".join([subject.shown(operation, key, values), *when.split()])
    if not done:
        Watchdog.give_up()
        call.cancel()
        # Whoever closes the loop would wait for it. https://docs.python.org/3/library/asyncio-extending.html
        asyncio.tasks._unregister_task(call)
        _given_up.append(call)
        raise DeadlineMissed(what, expected="an answer", seen="none, and it takes no notice of its cancellation")
    try:
        return call.result()
    except ContractBroken:
        raise
    except (Exception, asyncio.CancelledError) as error:  # nobody has cancelled it
        seen = f"raised {shown_error(error)}"
        if isinstance(error, NotImplementedError):
            method = subject.table.method(operation)
            raise ContractBroken(method, expected="it works", seen=seen, cause=UNWRITTEN) from error
        raise ContractBroken(what, expected="it works", seen=seen) from error


async def _create(subject: Subject, witness: Witness) -> None:
    values = witness.sample.new()
    returned = await _works("create", subject, (), values)
    stored = await witness.rows()
    what = f"the table after {subject.shown('create', (), values)}"
    if not stored:
        raise ContractBroken(what, expected="one row, committed", seen="none")
    _note_columns("create", "the created row", returned, subject)


async def _get(subject: Subject, witness: Witness) -> None:
    row = await witness.insert()
    returned = await _works("get", subject, row.key)
    if returned is None:
        raise ContractBroken(subject.shown("get", row.key), expected=shown(row), seen="None")
    _note_columns("get", "the row from get", returned, subject)


async def _list(subject: Subject, witness: Witness) -> None:
    row = await witness.insert()
    returned: Any = await _works("list_all", subject)
    what = subject.shown("list_all")
    rows = read_all(subject.table, what, returned, hidden=subject.table.by_name)
    if len(rows) != 1:
        raise ContractBroken(what, expected=f"[{shown(row)}]", seen=f"{len(rows)} rows")
    for returned_row in returned:
        _note_columns("list_all", f"the row from {subject.table.method('list_all')}", returned_row, subject)


async def _update(subject: Subject, witness: Witness) -> None:
    row = await witness.insert()
    values = witness.sample.change()
    returned = await _works("update", subject, row.key, values)
    what = subject.shown("update", row.key, values)
    if await witness.row(row.key) == row and not matches(row, row.but(values)):
        raise ContractBroken(f"the row after {what}", expected="changed, and committed", seen="as before")
    _note_result("update", what, returned, subject)


async def _delete(subject: Subject, witness: Witness) -> None:
    row = await witness.insert()
    returned = await _works("delete", subject, row.key)
    what = subject.shown("delete", row.key)
    if await witness.row(row.key) is not None:
        raise ContractBroken(f"the row after {what}", expected="gone, and committed", seen="still there")
    _note_result("delete", what, returned, subject)


def _note_columns(operation: str, what: str, returned: object, subject: Subject) -> None:
    """Note the columns that the row lacks. Without its key, it is of no use to anybody.

    Raises:
        ContractBroken: there is no row, or no key.
    """
    table = subject.table
    for column in table.by_name:
        others = [name for name in table.by_name if name != column]
        try:
            read(table, what, returned, hidden=others)
        except ContractBroken as broken:
            if column in table.key:
                raise
            if broken.cause.startswith(COLUMN):
                subject.abilities.hidden.setdefault(column, OWNERS[operation])


def _note_result(operation: str, what: str, returned: object, subject: Subject) -> None:
    with suppress(ContractBroken):
        if truth(what, returned):
            return
    subject.abilities.mute |= {operation}


async def side_by_side(subject: Subject, witness: Witness, elsewhere: str, anew: Callable[[], Awaitable[None]]) -> None:
    """Find out whether a second instance can be open beside the first, on another database and on the same one.

    Args:
        subject: The first, open.
        witness: Of its database.
        elsewhere: DSN of the other database.
        anew: Opens the first anew, where the second has harmed it.
    """
    abilities = subject.abilities
    await witness.empty()
    row = await witness.insert()
    variants = deque((3, 4, 1, 5, 0))
    for dsn, where in ((elsewhere, "another database"), (None, "the same database")):
        harmed = await _beside(subject, witness, row, dsn, where, variants)
        if harmed is not None:
            abilities.side_by_side = False
            abilities.apart = harmed
            await anew()
            break
    await witness.empty()


async def _beside(
    subject: Subject, witness: Witness, row: Row, dsn: str | None, where: str, variants: deque[int]
) -> ContractBroken | None:
    """Open and leave a second instance; returns how that harmed either of them, if it did."""
    second = subject.sibling(dsn)
    harmed: ContractBroken | None = None
    try:
        await second.open()
        await _works_on(subject, witness, row, f"a second instance was opened on {where}", variants)
        if "create" not in subject.abilities.broken:
            await _works("create", second, (), witness.sample.new())
    except ContractBroken as broken:
        harmed = broken
    try:
        await second.close()
    except ContractBroken as broken:
        subject.abilities.found_broken(LEAVE, broken)
    if harmed is None:
        try:
            await _works_on(subject, witness, row, f"a second instance on {where} was left", variants)
        except ContractBroken as broken:
            harmed = broken
    return harmed


async def _works_on(subject: Subject, witness: Witness, row: Row, after: str, variants: deque[int]) -> None:
    """The first instance still finds its row, and writes it where it is."""
    when = f"of the first instance, after {after}"
    broken = subject.abilities.broken
    if "get" not in broken and await _works("get", subject, row.key, when=when) is None:
        raise ContractBroken(f"{subject.shown('get', row.key)} {when}", expected=shown(row), seen="None")
    if "update" not in broken and "update" in subject.table.operations:
        before = await witness.row(row.key)
        assert before is not None
        # Another value each time: it is told from what the second instance may have written.
        changes = map(witness.sample.change, variants)
        values = next((one for one in changes if not matches(before, before.but(one))), witness.sample.change())
        variants.rotate(-1)
        await _works("update", subject, row.key, values, when=when)
        stored = await witness.row(row.key)
        # Any of it will do: whether all of it is written, UPDATE-1 asks.
        if stored is None or (matches(stored, before) and not matches(stored, stored.but(values))):
            raise ContractBroken(f"the row after an update {when}", expected="changed", seen=shown(stored))
