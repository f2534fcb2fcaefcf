"""list_tasks: every row, complete, in id order, and new each time."""

from contextlib import suppress
from typing import Any

from crudspec.suite import (
    ContractBroken,
    Subject,
    Witness,
    clause,
    expect,
)


@clause("LIST-1")
async def test_returns_every_row_in_id_order(backend: Subject, witness: Witness) -> None:
    """The rows are stored in descending id order, so that an accident of the heap cannot look right."""
    for count in (0, 1, 2, 101, 10_000):
        await witness.empty()
        await witness.insert_many(count)
        stored = await witness.rows()
        returned = await backend.list_tasks()
        seen = backend.read_all("list_tasks()", returned)
        expect("the number of rows", len(seen), count)
        for number, (row, expected) in enumerate(zip(seen, stored, strict=True)):
            expect(f"row {number} of {count}", row, expected)
        if count == 1:
            backend.read_all("list_tasks()", returned, strictly=True)


@clause("LIST-1")
async def test_order_holds_after_updates(backend: Subject, witness: Witness) -> None:
    """An update moves a row to the end of the heap: without ORDER BY, the list moves with it."""
    rows = [await witness.insert(f"row {number}") for number in range(12)]
    await witness.update(rows[1].id, "moved", True)
    await witness.delete(rows[3].id)
    seen, stored = backend.read_all("list_tasks()", await backend.list_tasks()), await witness.rows()
    expect("the ids in list_tasks()", [row.id for row in seen], [row.id for row in stored])
    expect("list_tasks()", seen, stored)


@clause("LIST-2")
async def test_each_call_returns_a_new_sequence(backend: Subject, witness: Witness) -> None:
    await witness.insert("a")
    await witness.insert("b")
    stored = await witness.rows()
    first = await backend.list_tasks()
    _wreck(first)
    again = backend.read_all("list_tasks()", await backend.list_tasks())
    expect("list_tasks() after the caller changed the last one", again, stored)
    empty = await backend.list_tasks()
    if empty is first:
        raise ContractBroken("two calls of list_tasks()", expected="two sequences", seen="one and the same")
    expect("the table", await witness.rows(), stored)


@clause("LIST-3")
async def test_sees_what_others_committed(backend: Subject, witness: Witness) -> None:
    one = await witness.insert("one")
    for change in ("insert", "update", "delete"):
        await backend.list_tasks()
        if change == "insert":
            await witness.insert("two")
        elif change == "update":
            await witness.update(one.id, "changed", True)
        else:
            await witness.delete(one.id)
        listed = backend.read_all("list_tasks()", await backend.list_tasks())
        expect(f"list_tasks() after another's {change}", listed, await witness.rows())


def _wreck(returned: Any) -> None:
    """Change the sequence if it can be changed; a tuple keeps this promise by itself."""
    if hasattr(returned, "clear"):
        with suppress(Exception):  # it refuses: so does this
            returned.clear()
