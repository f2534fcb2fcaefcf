"""delete: one row, once. A result is taken for what it says; RESULT-1, at the end, asks for a real bool."""

from crudspec.checks import clause, expect, read, refuses
from crudspec.subject import Subject
from crudspec.values import LARGE_IDS, MISSING_IDS, NOT_IDS
from crudspec.witness import Witness


@clause("DELETE-1")
async def test_the_row_is_gone_and_no_other(backend: Subject, witness: Witness) -> None:
    for task_id in (1, 2, 10, 11, 12, 21, 101, 111):
        await witness.insert("same", done=task_id % 2 == 0, id=task_id)
    for target in (1, 11, 2):
        before = await witness.versions()
        expect(f"delete({target})", bool(await backend.delete(target)), True)
        del before[target]
        expect("rows and row versions afterwards", await witness.versions(), before)


@clause("DELETE-1")
async def test_rows_with_large_ids_can_be_deleted(backend: Subject, witness: Witness) -> None:
    for name, task_id in LARGE_IDS.items():
        await witness.insert("far", id=task_id)
        expect(f"delete of an id {name}", bool(await backend.delete(task_id)), True)
    expect("the table", await witness.rows(), [])


@clause("DELETE-2")
async def test_a_row_that_does_not_exist_returns_false(backend: Subject, witness: Witness) -> None:
    await witness.insert("another row")
    before = await witness.versions()
    for name, task_id in MISSING_IDS.items():
        expect(f"delete of an id {name}", bool(await backend.delete(task_id)), False)
    expect("rows and row versions afterwards", await witness.versions(), before)


@clause("DELETE-2")
async def test_a_second_delete_returns_false(backend: Subject, witness: Witness) -> None:
    row = await witness.insert("once")
    expect("the first delete", bool(await backend.delete(row.id)), True)
    expect("the second delete", bool(await backend.delete(row.id)), False)
    other = await witness.insert("read, then deleted by another connection")
    read("the row", await backend.get(other.id))
    await witness.delete(other.id)
    expect("delete of a row that another connection deleted", bool(await backend.delete(other.id)), False)


@clause("GET-3")
async def test_an_id_that_is_not_an_int_is_refused(backend: Subject, witness: Witness) -> None:
    await witness.insert("one", id=1)
    before = await witness.versions()
    for name, task_id in NOT_IDS.items():
        await refuses(f"delete of an id that is {name}", backend.delete(task_id), ValueError, TypeError)
    expect("rows and row versions afterwards", await witness.versions(), before)


@clause("RESULT-1")
async def test_update_and_delete_return_a_real_bool(backend: Subject, witness: Witness) -> None:
    """Catches a row count, a status line or None passed through, or returned early: true or false by accident."""
    row = await witness.insert("here")
    expect("update of a row", await backend.update(row.id, "there", True), True)
    expect("delete of a row", await backend.delete(row.id), True)
    for name in ("never created", "0", "negative"):
        expect(f"update of an id {name}", await backend.update(MISSING_IDS[name], "there", True), False)
        expect(f"delete of an id {name}", await backend.delete(MISSING_IDS[name]), False)
