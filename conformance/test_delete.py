"""delete: one row, once."""

from crudspec.checks import clause, expect, read, refuses
from crudspec.subject import Subject
from crudspec.values import LARGE_IDS, MISSING_IDS, NOT_IDS
from crudspec.witness import Witness


@clause("DELETE-1")
async def test_the_row_is_gone_and_no_other(backend: Subject, witness: Witness) -> None:
    for task_id in (1, 2, 10, 11, 12, 21, 101, 111):
        await witness.insert("same", id=task_id)
    for target in (1, 11, 2):
        before = await witness.versions()
        expect(f"delete({target})", await backend.delete(target), True)
        del before[target]
        expect("rows and row versions afterwards", await witness.versions(), before)


@clause("DELETE-1")
async def test_rows_with_large_ids_can_be_deleted(backend: Subject, witness: Witness) -> None:
    for name, task_id in LARGE_IDS.items():
        await witness.insert("far", id=task_id)
        expect(f"delete of an id {name}", await backend.delete(task_id), True)
    expect("the table", await witness.rows(), [])


@clause("DELETE-2")
async def test_a_row_that_does_not_exist_returns_false(backend: Subject, witness: Witness) -> None:
    await witness.insert("another row")
    before = await witness.versions()
    for name, task_id in MISSING_IDS.items():
        expect(f"delete of an id {name}", await backend.delete(task_id), False)
    expect("rows and row versions afterwards", await witness.versions(), before)


@clause("DELETE-2")
async def test_a_second_delete_returns_false(backend: Subject, witness: Witness) -> None:
    row = await witness.insert("once")
    expect("the first delete", await backend.delete(row.id), True)
    expect("the second delete", await backend.delete(row.id), False)
    other = await witness.insert("read, then deleted by another connection")
    read("the row", await backend.get(other.id))
    await witness.delete(other.id)
    expect("delete of a row that another connection deleted", await backend.delete(other.id), False)


@clause("DELETE-2")
async def test_an_id_that_is_not_an_int_is_refused(backend: Subject, witness: Witness) -> None:
    await witness.insert("one", id=1)
    before = await witness.versions()
    for name, task_id in NOT_IDS.items():
        await refuses(f"delete of an id that is {name}", backend.delete(task_id), ValueError, TypeError)
    expect("rows and row versions afterwards", await witness.versions(), before)


@clause("RESULT-1")
async def test_update_and_delete_return_a_real_bool(backend: Subject, witness: Witness) -> None:
    """Catches a row count, a status line or None passed through: each is true or false by accident."""
    row = await witness.insert("here")
    missing = MISSING_IDS["never created"]
    expect("update of a row", await backend.update(row.id, "there", True), True)
    expect("update of no row", await backend.update(missing, "there", True), False)
    expect("delete of a row", await backend.delete(row.id), True)
    expect("delete of no row", await backend.delete(missing), False)
