"""update: all values of one row, or nothing."""

from crudspec.suite import (
    KEY_RAISES,
    Every,
    Sample,
    Subject,
    Tried,
    Witness,
    accepted,
    clause,
    expect,
    finds_no_row,
    finds_no_such_row,
    needs,
    refused_and_unchanged,
    refuses_what_is_no_key,
)


@clause("UPDATE-1")
async def test_the_row_holds_what_was_given(backend: Subject, witness: Witness, sample: Sample) -> None:
    """False, 0, the empty text and NULL are values, too; what the server filled in long ago stays there."""
    row = await witness.insert(sample.past)
    for values in sample.updates:
        returned = await backend.update(*row.key, **values)
        expect("the row as stored", await witness.row(row.key), sample.table.updated(row, values))
        backend.told("update", backend.shown("update", row.key, values), returned, True)


@clause("UPDATE-1")
async def test_the_result_says_that_the_row_was_there(backend: Subject, witness: Witness, sample: Sample) -> None:
    row = await witness.insert()
    returned = await backend.update(*row.key, **sample.change())
    backend.told("update", "update of a row", returned, True, strictly=True)


@clause("UPDATE-1")
async def test_any_valid_value_is_written_exactly(backend: Subject, witness: Witness, sample: Sample) -> None:
    row = await witness.insert()
    every = Every("UPDATE-1")
    for tried in sample.valid("update"):
        with every.one():
            returned = await accepted(backend, "update", row.key, tried.values, name=tried.name)
            wanted = sample.table.updated(row, tried.values | {tried.column: sample.stored(tried)})
            expect(f"the row with the {tried.name}", await witness.row(row.key), wanted)
            backend.told("update", f"update to the {tried.name}", returned, True)
    every.settle()


@clause("UPDATE-1")
async def test_rows_with_large_keys_can_be_written(backend: Subject, witness: Witness, sample: Sample) -> None:
    needs(sample.large_keys, "no key is larger than others")
    every = Every("UPDATE-1")
    for name, key in sample.large_keys.items():
        row, values = await witness.insert(key=key), sample.change(3)
        with every.one():
            returned = await accepted(backend, "update", key, values, name=name, cause=KEY_RAISES)
            expect(f"the row with a key {name}", await witness.row(key), sample.table.updated(row, values))
            backend.told("update", f"update of a key {name}", returned, True)
    every.settle()


@clause("UPDATE-2")
async def test_no_other_row_is_touched(backend: Subject, witness: Witness, sample: Sample) -> None:
    """Keys that begin, end or contain one another, and rows with the same values: a loose predicate finds them."""
    for key in sample.neighbours:
        await witness.insert(key=key)
    for number, target in enumerate(sample.targets):
        before = await witness.versions()
        returned = await backend.update(*target, **sample.change(1 + number))
        backend.told("update", backend.shown("update", target), returned, True)
        after = await witness.versions()
        del before[target], after[target]
        expect("rows and row versions of all other rows", after, before)


@clause("UPDATE-3")
async def test_a_row_that_does_not_exist_is_not_made(backend: Subject, witness: Witness, sample: Sample) -> None:
    await finds_no_such_row("UPDATE-3", backend, witness, "update", sample.change())


@clause("UPDATE-3")
async def test_a_deleted_row_does_not_come_back(backend: Subject, witness: Witness, sample: Sample) -> None:
    """Also where the backend has read the row, and somebody else has deleted it since."""
    row = await witness.insert()
    backend.read("the row", await backend.get(*row.key))
    await witness.delete(row.key)
    await finds_no_row(backend, "update of a deleted row", "update", row.key, sample.change())
    expect("the table", await witness.rows(), [])


@clause("GET-3")
async def test_what_is_no_key_is_refused(backend: Subject, witness: Witness, sample: Sample) -> None:
    needs(sample.table.updates, "no column can be updated")
    await refuses_what_is_no_key(backend, witness, "update", sample.change())


@clause("UPDATE-4")
async def test_writing_the_same_values_returns_true(backend: Subject, witness: Witness, sample: Sample) -> None:
    """Catches a layer that writes nothing because nothing changed, and takes that for "no such row"."""
    for variant in (1, 0):
        row = await witness.insert(sample.row(variant))
        await backend.list_all()  # now a layer that remembers rows can know that nothing will change
        for _ in range(2):
            returned = await backend.update(*row.key, **sample.same(row))
            backend.told("update", "update with the values already there", returned, True)
        expect("the row as stored", await witness.row(row.key), sample.table.updated(row, {}))


@clause("UPDATE-5")
async def test_invalid_values_are_refused(backend: Subject, witness: Witness, sample: Sample) -> None:
    """Whether or not the row exists: a caller's mistake is one in both cases. Only a CHECK needs a row to look at."""
    needs(any(True for _ in sample.invalid("update")), "update is given nothing that can be wrong")
    await _all_refused("UPDATE-5", backend, witness, list(sample.invalid("update")))


@clause("EXACT-1")
async def test_a_value_that_would_be_stored_changed_is_refused(
    backend: Subject, witness: Witness, sample: Sample
) -> None:
    needs(any(True for _ in sample.lossy("update")), "update is given nothing that the server would change")
    await _all_refused("EXACT-1", backend, witness, list(sample.lossy("update")))


async def _all_refused(clause_id: str, backend: Subject, witness: Witness, values: list[Tried]) -> None:
    every = Every(clause_id)
    for which, some in (("a row", values), ("no row", [one for one in values if not one.by_rule])):
        for tried in some:
            await witness.empty()
            row = await witness.insert()
            before = await witness.versions()
            key = row.key if which == "a row" else witness.sample.missing_key
            with every.one():
                call = backend.update(*key, **tried.values)
                await refused_and_unchanged(f"update of {which} with the {tried.name}", call, witness, before)
    every.settle()


@clause("UPDATE-6")
async def test_overwrites_what_another_connection_wrote(backend: Subject, witness: Witness, sample: Sample) -> None:
    """A unit of work writes the columns that it saw change: what it last read must not decide what is stored."""
    row = await witness.insert()
    for variant in (0, 1, 3):
        backend.read("the row", await backend.get(*row.key))
        backend.read_all(backend.shown("list_all"), await backend.list_all())
        await witness.update(row.key, sample.change(variant + 1))
        values = sample.change(variant)
        returned = await backend.update(*row.key, **values)
        expect("the row as stored", await witness.row(row.key), sample.table.updated(row, values))
        backend.told("update", backend.shown("update", row.key, values), returned, True)
