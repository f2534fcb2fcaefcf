"""list_all: every row, complete, in order, and new each time."""

from contextlib import suppress
from typing import Any

from crudspec.suite import (
    ContractBroken,
    Sample,
    Subject,
    Witness,
    clause,
    expect,
    expect_listed,
)


@clause("LIST-1")
async def test_returns_every_row_in_order(backend: Subject, witness: Witness, sample: Sample) -> None:
    """The rows are stored in the opposite order, so that an accident of the heap cannot look right."""
    what = backend.shown("list_all")
    for count in (0, 1, 2, 101, 10_000):
        await witness.empty()
        await witness.insert_many(min(count, sample.most_rows))
        returned = await backend.list_all()
        seen = backend.read_all(what, returned)
        expect_listed(backend.table, what, seen, await witness.rows())
        if count == 1:
            backend.read_all(what, returned, strictly=True)


@clause("LIST-1")
async def test_order_holds_after_updates(backend: Subject, witness: Witness, sample: Sample) -> None:
    """An update moves a row to the end of the heap: without ORDER BY, the list moves with it."""
    rows = [await witness.insert(sample.row(number)) for number in range(min(12, sample.most_rows))]
    if sample.table.updates:
        await witness.update(rows[1].key, sample.change())
    await witness.delete(rows[3].key)
    what = backend.shown("list_all")
    expect_listed(backend.table, what, backend.read_all(what, await backend.list_all()), await witness.rows())


@clause("LIST-2")
async def test_each_call_returns_a_new_sequence(backend: Subject, witness: Witness) -> None:
    await witness.insert()
    await witness.insert()
    stored, what = await witness.rows(), backend.shown("list_all")
    first = await backend.list_all()
    _wreck(first)
    again = backend.read_all(what, await backend.list_all())
    expect_listed(backend.table, f"{what} after the caller changed the last one", again, stored)
    empty = await backend.list_all()
    if empty is first:
        raise ContractBroken(f"two calls of {what}", expected="two sequences", seen="one and the same")
    expect("the table", await witness.rows(), stored)


@clause("LIST-3")
async def test_sees_what_others_committed(backend: Subject, witness: Witness, sample: Sample) -> None:
    one, what = await witness.insert(), backend.shown("list_all")
    for change in ("insert", "update", "delete"):
        await backend.list_all()
        if change == "insert":
            await witness.insert()
        elif change == "delete":
            await witness.delete(one.key)
        elif sample.table.updates:
            await witness.update(one.key, sample.change())
        listed = backend.read_all(what, await backend.list_all())
        expect_listed(backend.table, f"{what} after another's {change}", listed, await witness.rows())


def _wreck(returned: Any) -> None:
    """Change the sequence if it can be changed; a tuple keeps this promise by itself."""
    if hasattr(returned, "clear"):
        with suppress(Exception):  # it refuses: so does this
            returned.clear()
