"""get: the newest committed row, or None."""

from datetime import UTC, datetime

from crudspec.suite import (
    KEY_RAISES,
    LARGE_IDS,
    MISSING_IDS,
    Every,
    Subject,
    Witness,
    accepted,
    attempt,
    clause,
    expect,
    finds_no_row,
    finds_no_such_row,
    finds_nothing,
    refuses_what_is_no_id,
)


@clause("GET-1")
async def test_returns_a_row_that_another_connection_wrote(backend: Subject, witness: Witness) -> None:
    """Not a row, not the whole microsecond, may be lost on the way."""
    for done, microsecond in ((False, 123456), (True, 999999), (True, 0)):
        created_at = datetime(2001, 2, 3, 4, 5, 6, microsecond, tzinfo=UTC)
        row = await witness.insert("theirs", done, created_at=created_at)
        returned = await backend.get(row.id)
        expect("a row of another connection", backend.read("the row", returned), row)
        backend.read("the row", returned, strictly=True)


@clause("GET-1")
async def test_returns_rows_with_large_ids(backend: Subject, witness: Witness) -> None:
    every = Every("GET-1")
    for name, task_id in LARGE_IDS.items():
        row = await witness.insert("far", id=task_id)
        with every.one():
            returned = await accepted(backend, "get", task_id, name=name, cause=KEY_RAISES)
            expect(f"a row with an id {name}", backend.read(f"the row with an id {name}", returned), row)
    every.settle()


@clause("GET-2")
async def test_returns_none_where_there_is_no_row(backend: Subject, witness: Witness) -> None:
    await finds_no_such_row("GET-2", backend, witness, "get")


@clause("GET-2")
async def test_returns_none_between_other_rows(backend: Subject, witness: Witness) -> None:
    """Rows whose ids come next, or begin alike: a loose predicate finds them where it should find nothing."""
    for task_id in (3_000_002, 3_000_010, 3_000_012, 30_000_010):
        await witness.insert("neighbour", id=task_id)
    for task_id in (3_000_001, 3_000_003, 3_000_011, 3_000_013):
        await finds_nothing(backend, "get", task_id, name=f"{task_id}, its neighbours being there")


@clause("GET-2")
async def test_returns_none_after_a_delete(backend: Subject, witness: Witness) -> None:
    row = await witness.insert("gone")
    backend.read("the row", await backend.get(row.id))
    await (witness if "delete" in backend.abilities.broken else backend).delete(row.id)
    await finds_nothing(backend, "get", row.id, name="of a row that was deleted")


@clause("GET-3")
async def test_an_id_that_is_not_an_int_is_refused(backend: Subject, witness: Witness) -> None:
    """Catches drivers that truncate 1.5 to 1, and filters that drop None and so return the first row."""
    await refuses_what_is_no_id(backend, witness, "get")


@clause("GET-4")
async def test_sees_a_change_of_another_connection(backend: Subject, witness: Witness) -> None:
    """Catches an identity map or a cache that answers with what it read first."""
    row = await witness.insert("first")
    for round_ in range(3):
        backend.read("the row", await backend.get(row.id))
        await witness.update(row.id, f"changed {round_}", round_ % 2 == 0)
        expect(
            "get after another's update", backend.read("the row", await backend.get(row.id)), await witness.row(row.id)
        )
    await witness.execute(f"UPDATE tasks SET created_at = created_at - interval '1 day' WHERE id = {row.id}")
    seen = backend.read("the row", await backend.get(row.id))
    expect("get after another's correction of created_at", seen, await witness.row(row.id))
    await witness.delete(row.id)
    await finds_no_row(backend, "get after another's delete", "get", row.id)


@clause("GET-4")
async def test_sees_a_row_that_it_has_missed_before(backend: Subject, witness: Witness) -> None:
    """Catches a cache that remembers that there was no row."""
    await attempt(lambda: backend.get(4_000_000))
    row = await witness.insert("late", id=4_000_000)
    expect("get after another's insert", backend.read("the row", await backend.get(row.id)), row)


@clause("GET-5")
async def test_changes_nothing(backend: Subject, witness: Witness) -> None:
    row = await witness.insert("still")
    before = await witness.versions()
    backend.read("the row", await backend.get(row.id))
    await attempt(lambda: backend.get(MISSING_IDS["never created"]))
    await attempt(backend.list_tasks)
    expect("rows and row versions after get and list_tasks", await witness.versions(), before)


@clause("GET-6")
async def test_true_is_not_the_id_1(backend: Subject, witness: Witness) -> None:
    await witness.insert("one", id=1)
    await finds_no_row(backend, "get(True)", "get", True)
