"""update: both values of one row, or nothing."""

from datetime import UTC, datetime

from crudspec.suite import (
    INVALID_DONES,
    INVALID_TITLES,
    KEY_RAISES,
    LARGE_IDS,
    MISSING_IDS,
    VALID_TITLES,
    Every,
    Subject,
    Witness,
    accepted,
    clause,
    expect,
    finds_no_row,
    finds_no_such_row,
    refused_and_unchanged,
    refuses_what_is_no_id,
)


@clause("UPDATE-1")
async def test_the_row_holds_what_was_given(backend: Subject, witness: Witness) -> None:
    """False and the empty title are values, too; created_at, set to a day long past, stays there."""
    row = await witness.insert("before", True, created_at=datetime(2001, 2, 3, 4, 5, 6, 789, tzinfo=UTC))
    for title, done in (("after", False), ("after", True), ("", True), ("", False)):
        returned = await backend.update(row.id, title, done)
        expect("the row as stored", await witness.row(row.id), row._replace(title=title, done=done))
        backend.told("update", f"update(row, {title!r}, {done})", returned, True)


@clause("UPDATE-1")
async def test_the_result_says_that_the_row_was_there(backend: Subject, witness: Witness) -> None:
    row = await witness.insert("before")
    backend.told("update", "update of a row", await backend.update(row.id, "after", True), True, strictly=True)


@clause("UPDATE-1")
async def test_any_valid_title_is_written_exactly(backend: Subject, witness: Witness) -> None:
    row = await witness.insert("before")
    every = Every("UPDATE-1")
    for name, title in VALID_TITLES.items():
        with every.one():
            returned = await accepted(backend, "update", row.id, title, False, name=name)
            expect(f"the row with the title {name!r}", await witness.row(row.id), row._replace(title=title))
            backend.told("update", f"update to the title {name!r}", returned, True)
    every.settle()


@clause("UPDATE-1")
async def test_rows_with_large_ids_can_be_written(backend: Subject, witness: Witness) -> None:
    every = Every("UPDATE-1")
    for name, task_id in LARGE_IDS.items():
        row = await witness.insert("far", id=task_id)
        with every.one():
            returned = await accepted(backend, "update", task_id, "near", True, name=name, cause=KEY_RAISES)
            expect(f"the row with an id {name}", await witness.row(task_id), row._replace(title="near", done=True))
            backend.told("update", f"update of an id {name}", returned, True)
    every.settle()


@clause("UPDATE-2")
async def test_no_other_row_is_touched(backend: Subject, witness: Witness) -> None:
    """Ids that begin, end or contain one another, and rows with the same title: a loose predicate finds them."""
    for task_id in (1, 2, 10, 11, 12, 21, 101, 111):
        await witness.insert("same", id=task_id)
    for target in (1, 11, 2):
        before = await witness.versions()
        backend.told("update", f"update({target})", await backend.update(target, f"new {target}", True), True)
        after = await witness.versions()
        del before[target], after[target]
        expect("rows and row versions of all other rows", after, before)


@clause("UPDATE-3")
async def test_a_row_that_does_not_exist_is_not_made(backend: Subject, witness: Witness) -> None:
    await finds_no_such_row("UPDATE-3", backend, witness, "update", "new", True)


@clause("UPDATE-3")
async def test_a_deleted_row_does_not_come_back(backend: Subject, witness: Witness) -> None:
    """Also where the backend has read the row, and somebody else has deleted it since."""
    row = await witness.insert("gone")
    backend.read("the row", await backend.get(row.id))
    await witness.delete(row.id)
    await finds_no_row(backend, "update of a deleted row", "update", row.id, "back", True)
    expect("the table", await witness.rows(), [])


@clause("GET-3")
async def test_an_id_that_is_not_an_int_is_refused(backend: Subject, witness: Witness) -> None:
    await refuses_what_is_no_id(backend, witness, "update", "x", True)


@clause("UPDATE-4")
async def test_writing_the_same_values_returns_true(backend: Subject, witness: Witness) -> None:
    """Catches a layer that writes nothing because nothing changed, and takes that for "no such row"."""
    for done in (True, False):
        row = await witness.insert("same", done)
        await backend.list_tasks()  # now a layer that remembers rows can know that nothing will change
        for _ in range(2):
            returned = await backend.update(row.id, "same", done)
            backend.told("update", "update with the values already there", returned, True)
        expect("the row as stored", await witness.row(row.id), row)


@clause("UPDATE-5")
async def test_invalid_values_are_refused(backend: Subject, witness: Witness) -> None:
    """Whether or not the row exists: a caller's mistake is one in both cases."""
    every = Every("UPDATE-5")
    values = [(f"the title {name!r}", title, True) for name, title in INVALID_TITLES.items()]
    values += [(f"a done that is {name}", "fine", done) for name, done in INVALID_DONES.items()]
    for which in ("a row", "no row"):
        for name, title, done in values:
            await witness.empty()
            row = await witness.insert("kept")
            before = await witness.versions()
            task_id = row.id if which == "a row" else MISSING_IDS["never created"]
            what = f"update of {which} with {name}"
            with every.one():
                await refused_and_unchanged(what, backend.update(task_id, title, done), witness, before)
    every.settle()


@clause("UPDATE-6")
async def test_overwrites_what_another_connection_wrote(backend: Subject, witness: Witness) -> None:
    """A unit of work writes the columns that it saw change: what it last read must not decide what is stored."""
    row = await witness.insert("a", False)
    for title, done in (("a", False), ("b", True), ("a", True)):
        backend.read("the row", await backend.get(row.id))
        backend.read_all("list_tasks()", await backend.list_tasks())
        await witness.update(row.id, "theirs", not done)
        returned = await backend.update(row.id, title, done)
        expect("the row as stored", await witness.row(row.id), row._replace(title=title, done=done))
        backend.told("update", f"update(row, {title!r}, {done})", returned, True)
