"""create: what comes back is what is stored, and nothing else is."""

import asyncio
from datetime import UTC, datetime, timedelta

from crudspec.suite import (
    INVALID_TITLES,
    KEY_RAISES,
    VALID_TITLES,
    ContractBroken,
    Every,
    Subject,
    Witness,
    accepted,
    clause,
    commits_fail,
    commits_slow,
    expect,
    recorded_clock,
    refused_and_unchanged,
    refuses,
)


@clause("CREATE-1")
async def test_the_returned_row_is_the_stored_row(backend: Subject, witness: Witness) -> None:
    """Catches a forgotten commit, a commit after the return, and a row made up from the arguments."""
    for title in ("buy milk", "and bread"):
        returned = await backend.create(title)
        row = backend.read("the created row", returned)
        expect(f"row {row.id} seen by an independent connection", await witness.row(row.id), row)
        stored = await witness.rows()
        expect("the title", stored[-1].title, title)
        backend.read("the created row", returned, strictly=True)


@clause("CREATE-1")
async def test_one_create_stores_one_row(backend: Subject, witness: Witness) -> None:
    row = backend.read("the created row", await backend.create("buy milk"))
    expect("the table after one create", await witness.rows(), [row])


@clause("CREATE-1")
async def test_no_row_of_others_is_taken_for_the_new_one(backend: Subject, witness: Witness) -> None:
    """Catches a row that is looked up after the INSERT: by title, by time or by id, somebody else's comes first."""
    old = await witness.insert("buy milk", True, created_at=datetime(2001, 2, 3, tzinfo=UTC))
    late = await witness.insert("buy milk", True, id=2**40, created_at=datetime(2100, 1, 1, tzinfo=UTC))
    row = backend.read("the created row", await backend.create("buy milk"))
    expect("the table", await witness.rows(), [old, row, late])


@clause("CREATE-2")
async def test_created_at_is_the_servers_clock(backend: Subject, witness: Witness) -> None:
    """A trigger keeps the server's ``now()``: no tolerance, so no clock skew is too small to be caught."""
    async with recorded_clock(witness) as server_time:
        for _ in range(3):
            row = backend.read("the created row", await backend.create("buy milk"))
            expect("done of a new row", row.done, False)
            stored = await witness.row(row.id)
            if stored is None:
                raise ContractBroken("the table after create", expected=str(row), seen="no such row")
            now = await server_time(row.id)
            expect("created_at as stored, against the server's now()", stored.created_at, now)
            expect("created_at as returned, against the server's now()", row.created_at, now)


@clause("CREATE-2")
async def test_created_at_is_stored_anew_for_each_row(backend: Subject) -> None:
    backend.abilities.require_column("created_at")
    first = backend.read("the first row", await backend.create("a"))
    second = backend.read("the second row", await backend.create("b"))
    if not first.created_at < second.created_at < first.created_at + timedelta(hours=1):
        raise ContractBroken(
            "created_at of a later row", expected=f"a little after {first.created_at}", seen=str(second.created_at)
        )


@clause("CREATE-3")
async def test_any_valid_title_is_stored_exactly(backend: Subject, witness: Witness) -> None:
    backend.abilities.require_column("title")
    every = Every("CREATE-3")
    for name, title in VALID_TITLES.items():
        with every.one():
            row = backend.read(
                f"the row created with the title {name!r}", await accepted(backend, "create", title, name=name)
            )
            stored = await witness.row(row.id)
            expect(f"title {name!r} as stored", stored and stored.title, title)
            expect(f"title {name!r} as returned", row.title, title)
    every.settle()
    expect("the number of rows", len(await witness.rows()), len(VALID_TITLES))


@clause("CREATE-4")
async def test_an_invalid_title_is_refused(backend: Subject, witness: Witness) -> None:
    """Stored nothing, also where PostgreSQL would have cut blanks, or a driver would have made text of it."""
    every = Every("CREATE-4")
    for name, title in INVALID_TITLES.items():
        with every.one():
            call = backend.create(title)
            await refused_and_unchanged(f"create with the title {name!r}", call, witness, {})
        await witness.empty()
    every.settle()


@clause("CREATE-5")
async def test_ids_are_distinct_and_not_reused(backend: Subject, witness: Witness) -> None:
    """Catches ids from ``max(id) + 1``: they come back after a delete, and collide with the sequence."""
    used: set[int] = set()
    for round_ in range(4):
        row = backend.read("the created row", await backend.create("a"))
        if row.id < 1 or row.id in used:
            raise ContractBroken(f"the id of row {round_}", expected="a new positive int", seen=repr(row.id))
        used.add(row.id)
        if round_ % 2:
            await witness.delete(row.id)
        else:
            backend.told("delete", "delete of the newest row", await backend.delete(row.id), True)
    last = backend.read("the created row", await backend.create("b"))
    other = await witness.insert("by another client, with the default id")
    again = backend.read("a row created after another client's", await backend.create("c"))
    ids = [*used, last.id, other.id, again.id]
    if len(set(ids)) < len(ids):
        raise ContractBroken("the ids of all rows, another client's included", expected="distinct", seen=str(ids))


@clause("CREATE-5")
async def test_an_id_over_int32_comes_back(backend: Subject, witness: Witness) -> None:
    sequence = await witness.fetchval("SELECT pg_get_serial_sequence('tasks', 'id')")
    before = await witness.fetchval("SELECT nextval($1::text::regclass)", sequence)
    try:
        await witness.fetchval("SELECT setval($1::text::regclass, $2)", sequence, 2**53)
        returned = await accepted(backend, "create", "far", name="its id is over 2**53", cause=KEY_RAISES)
        row = backend.read("a row with an id over 2**53", returned)
        expect("its id", row.id, 2**53 + 1)
    finally:
        await witness.fetchval("SELECT setval($1::text::regclass, $2)", sequence, before)


@clause("CREATE-6")
async def test_one_title_twice_makes_two_rows(backend: Subject, witness: Witness) -> None:
    first = backend.read("the first row", await backend.create("same"))
    second = backend.read("the second row", await backend.create("same"))
    expect("the table", await witness.rows(), [first, second])


@clause("CREATE-7")
async def test_rows_do_not_change_with_the_table(backend: Subject) -> None:
    """Catches rows that load lazily, expire, or are shared: an identity map, a cache, a live cursor."""
    created = await backend.create("before")
    before = backend.read("the created row", created)
    gotten = await backend.get(before.id)
    listed = await backend.list_tasks()
    await backend.update(before.id, "after", True)
    await backend.get(before.id)
    elsewhere = await asyncio.to_thread(backend.read, "the row from get, in another thread", gotten)
    expect("a row from get, read in another thread after an update", elsewhere, before)
    expect("a row from create, read after an update", backend.read("the created row", created), before)
    expect("a row from get, read after an update", backend.read("the row from get", gotten), before)
    expect("rows from list_tasks, read after an update", backend.read_all("list_tasks()", listed), [before])
    await backend.delete(before.id)
    expect("a row from get, read after a delete", backend.read("the row from get", gotten), before)


@clause("CREATE-7")
async def test_rows_are_not_connected_to_each_other_or_to_the_table(backend: Subject, witness: Witness) -> None:
    """Change a returned row, as a caller may: nothing else may notice, now or at the next operation."""
    created = await backend.create("original")
    before = backend.read("the created row", created)
    one = await backend.get(before.id)
    two = await backend.get(before.id)
    listed = await backend.list_tasks()
    _deface(created)
    _deface(one)
    expect("a second row from get, after the first was changed", backend.read("the second row", two), before)
    expect("a row from list_tasks, after one from get was changed", backend.read_all("list_tasks()", listed), [before])
    other = backend.read("another row", await backend.create("other"))
    expect("the row, read again", backend.read("the row from get", await backend.get(before.id)), before)
    expect("the table", await witness.rows(), [before, other])


@clause("CREATE-7")
async def test_rows_are_readable_after_close(backend: Subject) -> None:
    async with backend.another() as other:
        created = await other.create("kept")
        before = backend.read("the created row", created)
        gotten = await other.get(before.id)
        listed = await other.list_tasks()
    expect("a row from create, read after close", backend.read("the created row", created), before)
    expect("a row from get, read after close", backend.read("the row from get", gotten), before)
    expect("rows from list_tasks, read after close", backend.read_all("list_tasks()", listed), [before])


def _deface(row: object) -> None:
    """Change a row if it can be changed; one that cannot keeps this promise by itself."""
    try:
        if isinstance(row, dict):
            row["title"] = "defaced"
        else:
            setattr(row, "title", "defaced")  # noqa: B010 - the type is the backend's own
    except Exception:  # noqa: BLE001 - frozen, a named tuple, a Record: all refuse in their own way
        pass


WRITES = ("create", "update", "delete")


@clause("CREATE-8")
async def test_a_failing_commit_raises(backend: Subject, witness: Witness) -> None:
    """A deferred constraint fails only at COMMIT: an ``except`` around it would report a success."""
    row = await witness.insert("before")
    for operation in WRITES:
        async with commits_fail(witness):
            await refuses(f"{operation}, its COMMIT failing", _write(backend, operation, row.id))
            expect(f"the table after a {operation} whose COMMIT failed", await witness.rows(), [row])
    backend.told("update", "the next update", await backend.update(row.id, "after", True), True)


@clause("CREATE-8")
async def test_a_slow_commit_is_waited_for(backend: Subject, witness: Witness) -> None:
    """Catches a commit that is left to a task: the call would return before anybody can see the row."""
    for operation in WRITES:
        row = await witness.insert("before")
        before = await witness.rows()
        async with commits_slow(witness):
            await _write(backend, operation, row.id)
            if await witness.rows() == before:
                raise ContractBroken(f"the table when {operation} returned", expected="changed", seen="as before")


async def _write(backend: Subject, operation: str, task_id: int) -> object:
    if operation == "create":
        return await backend.create("after")
    if operation == "update":
        return await backend.update(task_id, "after", True)
    return await backend.delete(task_id)
