"""What a check asks of one call: that it works, that it finds nothing, that it refuses and leaves all as it was.

Any exception refuses. What it is called, only ERROR-* ask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crudspec.contract.causes import ACCEPTED, KEY_GUESSED, KEY_RAISES, MISSING_RAISES, NO_ID, STORED_CHANGED
from crudspec.contract.clause import Consequence
from crudspec.contract.failures import ContractBroken, Inconclusive
from crudspec.harness.subject import truth
from crudspec.truth.expect import Every
from crudspec.truth.shown import shown, shown_call, shown_error
from crudspec.truth.values import INT32_MAX, MISSING_IDS, NOT_IDS, look_alikes

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from crudspec.harness.subject import Subject
    from crudspec.truth.model import Row
    from crudspec.truth.witness import Witness


async def accepted(backend: Subject, operation: str, *args: Any, name: str = "", cause: str = "") -> object:
    """Call an operation that has no reason to refuse, and return what it returns.

    Args:
        backend: The backend.
        operation: Its name.
        args: Its arguments.
        name: Of the value that is special about it, for a failure.
        cause: Names what the failure would have in common with others.

    Raises:
        ContractBroken: it raised.
    """
    try:
        return await backend.call(operation, *args)
    except ContractBroken:
        raise
    except Exception as error:
        what = shown_call(operation, args) + (f" ({name})" if name else "")
        seen = f"raised {shown_error(error)}"
        consequence = Consequence.ANSWER if cause else None
        raise ContractBroken(what, expected="it works", seen=seen, cause=cause, consequence=consequence) from error


async def finds_nothing(backend: Subject, operation: str, task_id: int, *args: Any, name: str) -> None:
    """Call get, update or delete with the id of no row: None, or False.

    Raises:
        ContractBroken: it raised, or found something.
    """
    what = f"{shown_call(operation, (task_id, *args))} ({name})"
    expected = "None" if operation == "get" else "False"
    try:
        returned = await backend.call(operation, task_id, *args)
    except ContractBroken:
        raise
    except Exception as error:
        cause = MISSING_RAISES if 1 <= task_id <= INT32_MAX else KEY_RAISES
        raise ContractBroken(what, expected=expected, seen=f"raised {shown_error(error)}", cause=cause) from error
    if operation == "get":
        if returned is not None:
            raise ContractBroken(what, expected=expected, seen=shown(returned), cause=KEY_GUESSED)
    elif not backend.abilities.is_mute(operation) and truth(what, returned):
        raise ContractBroken(what, expected=expected, seen=shown(returned))


async def finds_no_such_row(clause_id: str, backend: Subject, witness: Witness, operation: str, *args: Any) -> None:
    """Call get, update or delete with ids of no row, some of which look like that of one that is there.

    Raises:
        ContractBroken: one was found, or raised; the worst is told, the others are listed.
    """
    every = Every(clause_id)
    row = await witness.insert("another row")
    before = await witness.versions()
    for name, task_id in {**MISSING_IDS, **look_alikes(row.id)}.items():
        with every.one():
            trouble = None
            try:
                await finds_nothing(backend, operation, task_id, *args, name=name)
            except ContractBroken as broken:
                trouble = broken
            after = await witness.versions()
            if after != before:
                await witness.empty()
                row = await witness.insert("another row", id=row.id)
                before = await witness.versions()
                raise ContractBroken(
                    f"the table after {shown_call(operation, (task_id, *args))} ({name})",
                    expected="as before",
                    seen=_stored([version.row for version in after.values()]),
                    consequence=Consequence.DATA,
                    cause=KEY_GUESSED,
                ) from trouble
            if trouble is not None:
                raise trouble
    every.settle()


async def finds_no_row(backend: Subject, what: str, operation: str, task_id: int, *args: Any) -> None:
    """The same, where it is enough that no row is found: raising, which another clause tells, will do.

    Raises:
        ContractBroken: it found a row.
    """
    try:
        returned = await backend.call(operation, task_id, *args)
    except ContractBroken:
        raise
    except Exception:  # noqa: BLE001 - it has not found it
        return
    if operation == "get":
        if returned is not None:
            cause = NO_ID if isinstance(task_id, bool) else ""
            raise ContractBroken(what, expected="None", seen=shown(returned), cause=cause)
    else:
        backend.told(operation, what, returned, False)


async def refused_and_unchanged(what: str, call: Awaitable[object], witness: Witness, before: dict[int, Any]) -> None:
    """Await a call with a value that is not allowed: it raises, and the table stays as it was.

    Args:
        what: The call, for a failure.
        call: It.
        witness: Looks at the table.
        before: The rows with their row versions, as they were.

    Raises:
        ContractBroken: something was stored, or it returned.
    """
    try:
        outcome = f"returned {shown(await call)}"
        raised = None
    except ContractBroken:
        raise
    except Exception as error:  # noqa: BLE001 - any of them refuses
        outcome, raised = f"raised {shown_error(error)}", error
    after = await witness.versions()
    if after != before:
        rows = [version.row for key, version in after.items() if before.get(key) != version]
        raise ContractBroken(
            what,
            expected="an exception, and the table as it was",
            seen=f"{outcome}, and {_stored(rows)}",
            consequence=Consequence.DATA,
            cause=STORED_CHANGED,
        ) from raised
    if raised is None:
        raise ContractBroken(
            what, expected="an exception", seen=outcome, consequence=Consequence.ANSWER, cause=ACCEPTED
        )


def _stored(rows: list[Row]) -> str:
    return f"the table then held {', '.join(map(shown, rows[:2]))}" if rows else "rows are gone"


async def refuses_what_is_no_id(backend: Subject, witness: Witness, operation: str, *args: Any) -> None:
    """Call get, update or delete with values that are no ids, and of which some look like those of rows.

    Raises:
        ContractBroken: one of them was not refused; the worst is told, the others are listed.
    """
    every = Every("GET-3")
    for name, no_id in NOT_IDS.items():
        await witness.empty()
        for task_id in (1, 2):
            await witness.insert("kept", id=task_id)
        before = await witness.versions()
        with every.one():
            what = f"{shown_call(operation, (no_id, *args))} (an id that is {name})"
            try:
                await refused_and_unchanged(what, backend.call(operation, no_id, *args), witness, before)
            except Inconclusive:
                raise
            except ContractBroken as broken:
                if broken.cause in {STORED_CHANGED, ACCEPTED}:
                    broken.cause = NO_ID
                raise
    every.settle()
