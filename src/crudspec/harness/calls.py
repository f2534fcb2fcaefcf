"""What a check asks of one call: that it works, that it finds nothing, that it refuses and leaves all as it was.

Any exception refuses. What it is called, only ERROR-* ask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crudspec.contract.causes import ACCEPTED, KEY_GUESSED, KEY_RAISES, MISSING_RAISES, NO_ID, STORED_CHANGED
from crudspec.contract.clause import Consequence
from crudspec.contract.failures import ContractBroken, Inconclusive
from crudspec.harness.subject import NOTHING, truth
from crudspec.truth.expect import Every
from crudspec.truth.shown import shown, shown_error

_INT32_MAX = 2**31 - 1

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from crudspec.entity.row import Key, Row
    from crudspec.harness.subject import Subject
    from crudspec.truth.witness import Witness


async def accepted(
    backend: Subject,
    operation: str,
    key: Key = (),
    values: Mapping[str, Any] = NOTHING,
    *,
    name: str = "",
    cause: str = "",
) -> object:
    """Call an operation that has no reason to refuse, and return what it returns.

    Args:
        backend: The backend.
        operation: Its name.
        key: Of the row.
        values: What it is given.
        name: What is special about the call, for a failure.
        cause: Names what the failure would have in common with others.

    Raises:
        ContractBroken: it raised.
    """
    try:
        return await backend.call(operation, key, values)
    except ContractBroken:
        raise
    except Exception as error:
        what = backend.shown(operation, key, values) + (f" ({name})" if name else "")
        seen = f"raised {shown_error(error)}"
        consequence = Consequence.ANSWER if cause else None
        raise ContractBroken(what, expected="it works", seen=seen, cause=cause, consequence=consequence) from error


async def finds_nothing(
    backend: Subject, operation: str, key: Key, values: Mapping[str, Any] = NOTHING, *, name: str
) -> None:
    """Call get, update or delete with the key of no row: None, or False.

    Raises:
        ContractBroken: it raised, or found something.
    """
    what = f"{backend.shown(operation, key, values)} ({name})"
    expected = "None" if operation == "get" else "False"
    try:
        returned = await backend.call(operation, key, values)
    except ContractBroken:
        raise
    except Exception as error:
        cause = MISSING_RAISES if is_ordinary(key) else KEY_RAISES
        raise ContractBroken(what, expected=expected, seen=f"raised {shown_error(error)}", cause=cause) from error
    if operation == "get":
        if returned is not None:
            raise ContractBroken(what, expected=expected, seen=shown(returned), cause=KEY_GUESSED)
    elif not backend.abilities.is_mute(operation) and truth(what, returned):
        raise ContractBroken(what, expected=expected, seen=shown(returned))


def is_ordinary(key: Key) -> bool:
    """Tell whether a driver takes it for any column of its type: ints have sizes."""
    return all(type(part) is not int or 1 <= part <= _INT32_MAX for part in key)


async def finds_no_such_row(
    clause_id: str, backend: Subject, witness: Witness, operation: str, values: Mapping[str, Any] = NOTHING
) -> None:
    """Call get, update or delete with keys of no row, some of which look like that of one that is there.

    Raises:
        ContractBroken: one was found, or raised; the worst is told, the others are listed.
    """
    every = Every(clause_id)
    sample = witness.sample
    row = await witness.insert()
    before = await witness.versions()
    for name, key in {**sample.missing_keys, **sample.look_alikes(row.key)}.items():
        with every.one():
            trouble = None
            try:
                await finds_nothing(backend, operation, key, values, name=name)
            except ContractBroken as broken:
                trouble = broken
            after = await witness.versions()
            if after != before:
                await witness.empty()
                row = await witness.insert(key=row.key)
                before = await witness.versions()
                raise ContractBroken(
                    f"the table after {backend.shown(operation, key, values)} ({name})",
                    expected="as before",
                    seen=_stored([version.row for version in after.values()]),
                    consequence=Consequence.DATA,
                    cause=KEY_GUESSED,
                ) from trouble
            if trouble is not None:
                raise trouble
    every.settle()


async def finds_no_row(
    backend: Subject, what: str, operation: str, key: Key, values: Mapping[str, Any] = NOTHING
) -> None:
    """The same, where it is enough that no row is found: raising, which another clause tells, will do.

    Raises:
        ContractBroken: it found a row.
    """
    try:
        returned = await backend.call(operation, key, values)
    except ContractBroken:
        raise
    except Exception:  # noqa: BLE001 - it has not found it
        return
    if operation == "get":
        if returned is not None:
            cause = NO_ID if any(isinstance(part, bool) for part in key) else ""
            raise ContractBroken(what, expected="None", seen=shown(returned), cause=cause)
    else:
        backend.told(operation, what, returned, False)


async def refused_and_unchanged(
    what: str, call: Awaitable[object], witness: Witness, before: Mapping[Key, Any]
) -> None:
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


async def refuses_what_is_no_key(
    backend: Subject, witness: Witness, operation: str, values: Mapping[str, Any] = NOTHING
) -> None:
    """Call get, update or delete with values that are no keys, and of which some look like those of rows.

    Raises:
        ContractBroken: one of them was not refused; the worst is told, the others are listed.
    """
    every = Every("GET-3")
    sample = witness.sample
    for name, part in sample.no_keys.items():
        await witness.empty()
        for there in sample.neighbours[:2]:
            await witness.insert(key=there)
        before = await witness.versions()
        key = (part, *sample.neighbours[0][1:])
        with every.one():
            what = f"{backend.shown(operation, key, values)} ({_key(witness)} that is {name})"
            try:
                await refused_and_unchanged(what, backend.call(operation, key, values), witness, before)
            except Inconclusive:
                raise
            except ContractBroken as broken:
                if broken.cause in {STORED_CHANGED, ACCEPTED}:
                    broken.cause = NO_ID
                raise
    every.settle()


def _key(witness: Witness) -> str:
    name = witness.table.key[0]
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"
