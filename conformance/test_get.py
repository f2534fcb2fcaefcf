"""get: the newest committed row, or None."""

from crudspec.suite import (
    KEY_RAISES,
    Every,
    Sample,
    Subject,
    Witness,
    accepted,
    attempt,
    clause,
    expect,
    finds_no_row,
    finds_no_such_row,
    finds_nothing,
    needs,
    refuses_what_is_no_key,
)


@clause("GET-1")
async def test_returns_a_row_that_another_connection_wrote(backend: Subject, witness: Witness, sample: Sample) -> None:
    """Not a row, not the whole microsecond, may be lost on the way."""
    for variant, microsecond in ((0, 123456), (1, 999999), (3, 0)):
        row = await witness.insert({**sample.at(microsecond), **sample.row(variant)})
        returned = await backend.get(*row.key)
        expect("a row of another connection", backend.read("the row", returned), row)
        backend.read("the row", returned, strictly=True)


@clause("GET-1")
async def test_returns_rows_with_large_keys(backend: Subject, witness: Witness, sample: Sample) -> None:
    needs(sample.large_keys, "no key is larger than others")
    every = Every("GET-1")
    for name, key in sample.large_keys.items():
        row = await witness.insert(key=key)
        with every.one():
            returned = await accepted(backend, "get", key, name=name, cause=KEY_RAISES)
            expect(f"a row with a key {name}", backend.read(f"the row with a key {name}", returned), row)
    every.settle()


@clause("GET-2")
async def test_returns_none_where_there_is_no_row(backend: Subject, witness: Witness) -> None:
    await finds_no_such_row("GET-2", backend, witness, "get")


@clause("GET-2")
async def test_returns_none_between_other_rows(backend: Subject, witness: Witness, sample: Sample) -> None:
    """Rows whose keys come next, or begin alike: a loose predicate finds them where it should find nothing."""
    for there, absent in (sample.between, sample.between[::-1]):
        await witness.empty()
        for key in there:
            await witness.insert(key=key)
        for key in absent:
            await finds_nothing(backend, "get", key, name="its neighbours being there")


@clause("GET-2")
async def test_returns_none_after_a_delete(backend: Subject, witness: Witness) -> None:
    row = await witness.insert()
    backend.read("the row", await backend.get(*row.key))
    await (witness.delete(row.key) if "delete" in backend.abilities.broken else backend.delete(*row.key))
    await finds_nothing(backend, "get", row.key, name="of a row that was deleted")


@clause("GET-3")
async def test_what_is_no_key_is_refused(backend: Subject, witness: Witness) -> None:
    """Catches drivers that truncate 1.5 to 1, and filters that drop None and so return the first row."""
    await refuses_what_is_no_key(backend, witness, "get")


@clause("GET-4")
async def test_sees_a_change_of_another_connection(backend: Subject, witness: Witness, sample: Sample) -> None:
    """Catches an identity map or a cache that answers with what it read first."""
    row = await witness.insert(sample.past)
    for variant in (1, 3, 4) if sample.table.updates else ():
        backend.read("the row", await backend.get(*row.key))
        await witness.update(row.key, sample.change(variant))
        seen = backend.read("the row", await backend.get(*row.key))
        expect("get after another's update", seen, await witness.row(row.key))
    for column in sample.clocks:
        await witness.update(row.key, {column: sample.later(row, column)})
        seen = backend.read("the row", await backend.get(*row.key))
        expect(f"get after another's correction of {column}", seen, await witness.row(row.key))
    await witness.delete(row.key)
    await finds_no_row(backend, "get after another's delete", "get", row.key)


@clause("GET-4")
async def test_sees_a_row_that_it_has_missed_before(backend: Subject, witness: Witness, sample: Sample) -> None:
    """Catches a cache that remembers that there was no row."""
    key = sample.neighbours[-1]
    await attempt(lambda: backend.get(*key))
    row = await witness.insert(key=key)
    expect("get after another's insert", backend.read("the row", await backend.get(*key)), row)


@clause("GET-5")
async def test_changes_nothing(backend: Subject, witness: Witness, sample: Sample) -> None:
    row = await witness.insert()
    before = await witness.versions()
    backend.read("the row", await backend.get(*row.key))
    await attempt(lambda: backend.get(*sample.missing_key))
    await attempt(backend.list_all)
    expect(f"rows and row versions after get and {backend.shown('list_all')}", await witness.versions(), before)


@clause("GET-6")
async def test_true_is_not_the_id_1(backend: Subject, witness: Witness) -> None:
    await witness.insert(key=(1,))
    await finds_no_row(backend, "get(True)", "get", (True,))
