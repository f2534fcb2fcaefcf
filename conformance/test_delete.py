"""delete: one row, once. A result is taken for what it says; RESULT-1, at the end, asks for a real bool."""

from crudspec.suite import (
    KEY_RAISES,
    ContractBroken,
    Every,
    Sample,
    Subject,
    Witness,
    accepted,
    arguments,
    clause,
    expect,
    finds_no_row,
    finds_no_such_row,
    needs,
    refuses_what_is_no_key,
)


@clause("DELETE-1")
async def test_the_row_is_gone_and_no_other(backend: Subject, witness: Witness, sample: Sample) -> None:
    for number, key in enumerate(sample.neighbours):
        await witness.insert(sample.row(number), key=key)
    for target in sample.targets:
        before = await witness.versions()
        backend.told("delete", backend.shown("delete", target), await backend.delete(*target), True)
        del before[target]
        expect("rows and row versions afterwards", await witness.versions(), before)


@clause("DELETE-1")
async def test_rows_with_large_keys_can_be_deleted(backend: Subject, witness: Witness, sample: Sample) -> None:
    needs(sample.large_keys, "no key is larger than others")
    every = Every("DELETE-1")
    for name, key in sample.large_keys.items():
        await witness.insert(key=key)
        with every.one():
            returned = await accepted(backend, "delete", key, name=name, cause=KEY_RAISES)
            expect(f"the row with a key {name}", await witness.row(key), None)
            backend.told("delete", f"delete of a key {name}", returned, True)
    every.settle()


@clause("DELETE-1")
async def test_the_result_says_that_the_row_was_there(backend: Subject, witness: Witness) -> None:
    row = await witness.insert()
    backend.told("delete", "delete of a row", await backend.delete(*row.key), True, strictly=True)


@clause("DELETE-2")
async def test_a_row_that_does_not_exist_returns_false(backend: Subject, witness: Witness) -> None:
    await finds_no_such_row("DELETE-2", backend, witness, "delete")


@clause("DELETE-2")
async def test_a_second_delete_returns_false(backend: Subject, witness: Witness) -> None:
    row = await witness.insert()
    backend.told("delete", "the first delete", await backend.delete(*row.key), True)
    await finds_no_row(backend, "the second delete", "delete", row.key)
    other = await witness.insert()  # read, then deleted by another connection
    backend.read("the row", await backend.get(*other.key))
    await witness.delete(other.key)
    await finds_no_row(backend, "delete of a row that another connection deleted", "delete", other.key)


@clause("GET-3")
async def test_what_is_no_key_is_refused(backend: Subject, witness: Witness) -> None:
    await refuses_what_is_no_key(backend, witness, "delete")


@clause("RESULT-1")
async def test_update_and_delete_return_a_real_bool(backend: Subject, witness: Witness, sample: Sample) -> None:
    """Catches a row count, a status line or None passed through, or returned early: true or false by accident."""
    row = await witness.insert()
    operations = [name for name in ("update", "delete") if name in sample.table.operations]
    for operation in operations:
        expect(f"{operation} of a row", await backend.call(operation, *arguments(sample, operation, row.key)), True)
    for name, key in list(sample.missing_keys.items())[:3]:
        for operation in operations:
            try:
                returned = await backend.call(operation, *arguments(sample, operation, key))
            except ContractBroken:
                raise
            except Exception:  # noqa: BLE001 - UPDATE-3 and DELETE-2 say that it must not raise
                continue
            expect(f"{operation} of a key {name}", returned, False)
