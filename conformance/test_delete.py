"""delete: one row, once. A result is taken for what it says; RESULT-1, at the end, asks for a real bool."""

from crudspec.suite import (
    KEY_RAISES,
    LARGE_IDS,
    MISSING_IDS,
    ContractBroken,
    Every,
    Subject,
    Witness,
    accepted,
    clause,
    expect,
    finds_no_row,
    finds_no_such_row,
    refuses_what_is_no_id,
)


@clause("DELETE-1")
async def test_the_row_is_gone_and_no_other(backend: Subject, witness: Witness) -> None:
    for task_id in (1, 2, 10, 11, 12, 21, 101, 111):
        await witness.insert("same", done=task_id % 2 == 0, id=task_id)
    for target in (1, 11, 2):
        before = await witness.versions()
        backend.told("delete", f"delete({target})", await backend.delete(target), True)
        del before[target]
        expect("rows and row versions afterwards", await witness.versions(), before)


@clause("DELETE-1")
async def test_rows_with_large_ids_can_be_deleted(backend: Subject, witness: Witness) -> None:
    every = Every("DELETE-1")
    for name, task_id in LARGE_IDS.items():
        await witness.insert("far", id=task_id)
        with every.one():
            returned = await accepted(backend, "delete", task_id, name=name, cause=KEY_RAISES)
            expect(f"the row with an id {name}", await witness.row(task_id), None)
            backend.told("delete", f"delete of an id {name}", returned, True)
    every.settle()


@clause("DELETE-1")
async def test_the_result_says_that_the_row_was_there(backend: Subject, witness: Witness) -> None:
    row = await witness.insert("here")
    backend.told("delete", "delete of a row", await backend.delete(row.id), True, strictly=True)


@clause("DELETE-2")
async def test_a_row_that_does_not_exist_returns_false(backend: Subject, witness: Witness) -> None:
    await finds_no_such_row("DELETE-2", backend, witness, "delete")


@clause("DELETE-2")
async def test_a_second_delete_returns_false(backend: Subject, witness: Witness) -> None:
    row = await witness.insert("once")
    backend.told("delete", "the first delete", await backend.delete(row.id), True)
    await finds_no_row(backend, "the second delete", "delete", row.id)
    other = await witness.insert("read, then deleted by another connection")
    backend.read("the row", await backend.get(other.id))
    await witness.delete(other.id)
    await finds_no_row(backend, "delete of a row that another connection deleted", "delete", other.id)


@clause("GET-3")
async def test_an_id_that_is_not_an_int_is_refused(backend: Subject, witness: Witness) -> None:
    await refuses_what_is_no_id(backend, witness, "delete")


@clause("RESULT-1")
async def test_update_and_delete_return_a_real_bool(backend: Subject, witness: Witness) -> None:
    """Catches a row count, a status line or None passed through, or returned early: true or false by accident."""
    row = await witness.insert("here")
    expect("update of a row", await backend.update(row.id, "there", True), True)
    expect("delete of a row", await backend.delete(row.id), True)
    for name in ("never created", "0", "negative"):
        for operation, args in (("update", ("there", True)), ("delete", ())):
            try:
                returned = await backend.call(operation, MISSING_IDS[name], *args)
            except ContractBroken:
                raise
            except Exception:  # noqa: BLE001 - UPDATE-3 and DELETE-2 say that it must not raise
                continue
            expect(f"{operation} of an id {name}", returned, False)
