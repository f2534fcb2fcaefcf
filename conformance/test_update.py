"""update: both values of one row, or nothing.

A result is taken for what it says, ``1`` for True: that it is a real bool is RESULT-1's to ask, and a row count
that is passed through is one mistake, not nine.
"""

from datetime import UTC, datetime

from crudspec.checks import clause, expect, read, read_all, refuses
from crudspec.subject import Subject
from crudspec.values import INVALID_DONES, INVALID_TITLES, LARGE_IDS, MISSING_IDS, NOT_IDS, VALID_TITLES
from crudspec.witness import Witness


@clause("UPDATE-1")
async def test_the_row_holds_what_was_given(backend: Subject, witness: Witness) -> None:
    """False and the empty title are values, too; created_at, set to a day long past, stays there."""
    row = await witness.insert("before", True, created_at=datetime(2001, 2, 3, 4, 5, 6, 789, tzinfo=UTC))
    for title, done in (("after", False), ("after", True), ("", True), ("", False)):
        expect(f"update(row, {title!r}, {done})", bool(await backend.update(row.id, title, done)), True)
        expect("the row as stored", await witness.row(row.id), row._replace(title=title, done=done))


@clause("UPDATE-1")
async def test_any_valid_title_is_written_exactly(backend: Subject, witness: Witness) -> None:
    row = await witness.insert("before")
    for name, title in VALID_TITLES.items():
        expect(f"update to the title {name!r}", bool(await backend.update(row.id, title, False)), True)
        expect(f"the row with the title {name!r}", await witness.row(row.id), row._replace(title=title))


@clause("UPDATE-1")
async def test_rows_with_large_ids_can_be_written(backend: Subject, witness: Witness) -> None:
    for name, task_id in LARGE_IDS.items():
        row = await witness.insert("far", id=task_id)
        expect(f"update of an id {name}", bool(await backend.update(task_id, "near", True)), True)
        expect("the row as stored", await witness.row(task_id), row._replace(title="near", done=True))


@clause("UPDATE-2")
async def test_no_other_row_is_touched(backend: Subject, witness: Witness) -> None:
    """Ids that begin, end or contain one another, and rows with the same title: a loose predicate finds them."""
    for task_id in (1, 2, 10, 11, 12, 21, 101, 111):
        await witness.insert("same", id=task_id)
    for target in (1, 11, 2):
        before = await witness.versions()
        expect(f"update({target})", bool(await backend.update(target, f"new {target}", True)), True)
        after = await witness.versions()
        del before[target], after[target]
        expect("rows and row versions of all other rows", after, before)


@clause("UPDATE-3")
async def test_a_row_that_does_not_exist_is_not_made(backend: Subject, witness: Witness) -> None:
    await witness.insert("another row")
    before = await witness.versions()
    for name, task_id in MISSING_IDS.items():
        expect(f"update of an id {name}", bool(await backend.update(task_id, "new", True)), False)
        expect(f"the table after it ({name})", await witness.versions(), before)


@clause("UPDATE-3")
async def test_a_deleted_row_does_not_come_back(backend: Subject, witness: Witness) -> None:
    """Also where the backend has read the row, and somebody else has deleted it since."""
    row = await witness.insert("gone")
    read("the row", await backend.get(row.id))
    await witness.delete(row.id)
    expect("update of a deleted row", bool(await backend.update(row.id, "back", True)), False)
    expect("the table", await witness.rows(), [])


@clause("GET-3")
async def test_an_id_that_is_not_an_int_is_refused(backend: Subject, witness: Witness) -> None:
    await witness.insert("one", id=1)
    before = await witness.versions()
    for name, task_id in NOT_IDS.items():
        await refuses(f"update of an id that is {name}", backend.update(task_id, "x", True), ValueError, TypeError)
    expect("the table", await witness.versions(), before)


@clause("UPDATE-4")
async def test_writing_the_same_values_returns_true(backend: Subject, witness: Witness) -> None:
    """Catches a layer that writes nothing because nothing changed, and takes that for "no such row"."""
    for done in (True, False):
        row = await witness.insert("same", done)
        await backend.list_tasks()  # now a layer that remembers rows can know that nothing will change
        for _ in range(2):
            expect("update with the values already there", bool(await backend.update(row.id, "same", done)), True)
        expect("the row as stored", await witness.row(row.id), row)


@clause("UPDATE-5")
async def test_invalid_values_are_refused(backend: Subject, witness: Witness) -> None:
    """Whether or not the row exists: a caller's mistake is one in both cases."""
    row = await witness.insert("kept")
    before = await witness.versions()
    for task_id, which in ((row.id, "a row"), (MISSING_IDS["never created"], "no row")):
        for name, title in INVALID_TITLES.items():
            call = backend.update(task_id, title, True)
            await refuses(f"update of {which} with the title {name!r}", call, ValueError, TypeError)
        for name, done in INVALID_DONES.items():
            call = backend.update(task_id, "fine", done)
            await refuses(f"update of {which} with a done that is {name}", call, ValueError, TypeError)
        expect("rows and row versions afterwards", await witness.versions(), before)


@clause("UPDATE-6")
async def test_overwrites_what_another_connection_wrote(backend: Subject, witness: Witness) -> None:
    """A unit of work writes the columns that it saw change: what it last read must not decide what is stored."""
    row = await witness.insert("a", False)
    for title, done in (("a", False), ("b", True), ("a", True)):
        read("the row", await backend.get(row.id))
        read_all("list_tasks()", await backend.list_tasks())
        await witness.update(row.id, "theirs", not done)
        expect(f"update(row, {title!r}, {done})", bool(await backend.update(row.id, title, done)), True)
        expect("the row as stored", await witness.row(row.id), row._replace(title=title, done=done))
