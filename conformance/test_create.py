"""create: what comes back is what is stored, and nothing else is."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from crudspec.suite import (
    KEY_RAISES,
    WRITES,
    ContractBroken,
    Every,
    Key,
    Sample,
    Subject,
    Tried,
    Witness,
    accepted,
    arguments,
    clause,
    commits_fail,
    commits_slow,
    expect,
    needs,
    recorded_clock,
    refused_and_unchanged,
    refuses,
    shown,
)


@clause("CREATE-1")
async def test_the_returned_row_is_the_stored_row(backend: Subject, witness: Witness, sample: Sample) -> None:
    """Catches a forgotten commit, a commit after the return, and a row made up from the arguments."""
    for variant in (0, 1):
        values = sample.new(variant)
        returned = await backend.create(**values)
        row = backend.read("the created row", returned)
        stored = await witness.row(row.key)
        expect(f"row {shown(row.key)} seen by an independent connection", stored, row)
        expect("what was given, as stored", stored, sample.table.holding(values))
        backend.read("the created row", returned, strictly=True)


@clause("CREATE-1")
async def test_one_create_stores_one_row(backend: Subject, witness: Witness, sample: Sample) -> None:
    row = backend.read("the created row", await backend.create(**sample.new()))
    expect("the table after one create", await witness.rows(), [row])


@clause("CREATE-1")
async def test_no_row_of_others_is_taken_for_the_new_one(backend: Subject, witness: Witness, sample: Sample) -> None:
    """Catches a row that is looked up after the INSERT: by values, time or key, somebody else's comes first."""
    values = sample.new()
    old = await witness.insert({**sample.past, **sample.shared(values)})
    late = await witness.insert({**sample.future, **sample.shared(values)}, key=sample.late_key)
    row = backend.read("the created row", await backend.create(**values))
    expect("the table", await witness.rows(), sample.table.in_key_order([old, row, late]))


@clause("CREATE-2")
async def test_what_the_server_fills_in_is_the_servers(backend: Subject, witness: Witness, sample: Sample) -> None:
    """A trigger keeps the server's ``now()``: no tolerance, so no clock skew is too small to be caught."""
    needs(sample.constants or sample.clocks, "no column has a default")
    async with recorded_clock(witness) as server_time:
        for _ in range(3):
            values = sample.new()
            row = backend.read("the created row", await backend.create(**values))
            wanted = sample.table.created(values)
            for column in sample.constants:
                expect(f"{column} of a new row", row[column], wanted[column])
            stored = await witness.row(row.key)
            if stored is None:
                raise ContractBroken("the table after create", expected=shown(row), seen="no such row")
            for column, now in (await server_time(row.key)).items():
                expect(f"{column} as stored, against the server's now()", stored[column], now)
                expect(f"{column} as returned, against the server's now()", row[column], now)


@clause("CREATE-2")
async def test_the_servers_time_is_stored_anew_for_each_row(backend: Subject, sample: Sample) -> None:
    needs(sample.instants, "no column has the server's time")
    column = sample.instants[0]
    backend.abilities.require_column(column)
    first = backend.read("the first row", await backend.create(**sample.new()))
    second = backend.read("the second row", await backend.create(**sample.new()))
    if not first[column] < second[column] < first[column] + timedelta(hours=1):
        expected = f"a little after {first[column]}"
        raise ContractBroken(f"{column} of a later row", expected=expected, seen=str(second[column]))


@clause("CREATE-3")
async def test_any_valid_value_is_stored_exactly(backend: Subject, witness: Witness, sample: Sample) -> None:
    needs(sample.table.creates, "create is given nothing")
    every, count = Every("CREATE-3"), 0
    for tried in sample.valid("create"):
        if tried.column in backend.abilities.hidden:
            continue
        with every.one():
            count += 1
            returned = await accepted(backend, "create", (), tried.values, name=tried.name)
            row = backend.read(f"the row created with {tried.name}", returned)
            stored = await witness.row(row.key)
            expect(f"{tried.name} as stored", stored and stored[tried.column], sample.stored(tried))
            expect(f"{tried.name} as returned", row[tried.column], sample.stored(tried))
    every.settle()
    if not count:
        backend.abilities.require_column(sample.table.creates[0])
    expect("the number of rows", len(await witness.rows()), count)


@clause("CREATE-4")
async def test_an_invalid_value_is_refused(backend: Subject, witness: Witness, sample: Sample) -> None:
    """Stored nothing, also where a driver would have made another value of it."""
    needs(any(True for _ in sample.invalid("create")), "create is given nothing that can be wrong")
    await _all_refused("CREATE-4", backend, witness, sample.invalid("create"))


@clause("EXACT-1")
async def test_a_value_that_would_be_stored_changed_is_refused(
    backend: Subject, witness: Witness, sample: Sample
) -> None:
    """PostgreSQL cuts blanks beyond the limit of a ``varchar``, and rounds what a ``numeric`` has no digits for."""
    needs(any(True for _ in sample.lossy("create")), "create is given nothing that the server would change")
    await _all_refused("EXACT-1", backend, witness, sample.lossy("create"))


async def _all_refused(clause_id: str, backend: Subject, witness: Witness, values: Iterable[Tried]) -> None:
    every = Every(clause_id)
    for tried in values:
        with every.one():
            call = backend.create(**tried.values)
            await refused_and_unchanged(f"create with the {tried.name}", call, witness, {})
        await witness.empty()
    every.settle()


@clause("CREATE-5")
async def test_keys_are_distinct_and_not_reused(backend: Subject, witness: Witness, sample: Sample) -> None:
    """Catches ids from ``max(id) + 1``: they come back after a delete, and collide with the sequence."""
    used: set[Key] = set()
    for round_ in range(4):
        row = backend.read("the created row", await backend.create(**sample.new()))
        if row.key in used or any(type(part) is int and part < 1 for part in row.key):
            raise ContractBroken(f"the key of row {round_}", expected="a new positive int", seen=shown(row.key))
        used.add(row.key)
        if round_ % 2:
            await witness.delete(row.key)
        else:
            backend.told("delete", "delete of the newest row", await backend.delete(*row.key), True)
    last = backend.read("the created row", await backend.create(**sample.new()))
    other = await witness.insert()  # by another client, with the default key
    again = backend.read("a row created after another client's", await backend.create(**sample.new()))
    keys = [*used, last.key, other.key, again.key]
    if len(set(keys)) < len(keys):
        raise ContractBroken("the keys of all rows, another client's included", expected="distinct", seen=str(keys))


@clause("CREATE-5")
async def test_an_id_over_int32_comes_back(backend: Subject, witness: Witness, sample: Sample) -> None:
    needs(sample.sequence, "no sequence that goes beyond int32 makes the key")
    before = await witness.fetchval(f"SELECT nextval({sample.sequence})")
    try:
        await witness.fetchval(f"SELECT setval({sample.sequence}, $1)", 2**53)
        name = f"its {sample.table.key[0]} is over 2**53"
        returned = await accepted(backend, "create", (), sample.new(), name=name, cause=KEY_RAISES)
        row = backend.read(f"a row with an {sample.table.key[0]} over 2**53", returned)
        expect(f"its {sample.table.key[0]}", row.key, (2**53 + 1,))
    finally:
        await witness.fetchval(f"SELECT setval({sample.sequence}, $1)", before)


@clause("CREATE-6")
async def test_the_same_values_twice_make_two_rows(backend: Subject, witness: Witness, sample: Sample) -> None:
    values = sample.new()
    first = backend.read("the first row", await backend.create(**values))
    second = backend.read("the second row", await backend.create(**values))
    expect("the table", await witness.rows(), sample.table.in_key_order([first, second]))


@clause("CREATE-7")
async def test_rows_do_not_change_with_the_table(backend: Subject, sample: Sample) -> None:
    """Catches rows that load lazily, expire, or are shared: an identity map, a cache, a live cursor."""
    created = await backend.create(**sample.new())
    before = backend.read("the created row", created)
    gotten = await backend.get(*before.key)
    listed = await backend.list_all()
    if sample.table.updates:
        await backend.update(*before.key, **sample.change())
    await backend.get(*before.key)
    elsewhere = await asyncio.to_thread(backend.read, "the row from get, in another thread", gotten)
    expect("a row from get, read in another thread after an update", elsewhere, before)
    expect("a row from create, read after an update", backend.read("the created row", created), before)
    expect("a row from get, read after an update", backend.read("the row from get", gotten), before)
    what = backend.shown("list_all")
    expect(f"rows from {what}, read after an update", backend.read_all(what, listed), [before])
    await backend.delete(*before.key)
    expect("a row from get, read after a delete", backend.read("the row from get", gotten), before)


@clause("CREATE-7")
async def test_rows_are_not_connected_to_each_other_or_to_the_table(
    backend: Subject, witness: Witness, sample: Sample
) -> None:
    """Change a returned row, as a caller may, and what is inside its values: nothing else may notice, now or later."""
    created = await backend.create(**sample.new())
    before = backend.read("the created row", created)
    one = await backend.get(*before.key)
    two = await backend.get(*before.key)
    listed = await backend.list_all()
    _deface(created, sample)
    _deface(one, sample)
    what = backend.shown("list_all")
    expect("a second row from get, after the first was changed", backend.read("the second row", two), before)
    expect(f"a row from {what}, after one from get was changed", backend.read_all(what, listed), [before])
    other = backend.read("another row", await backend.create(**sample.new()))
    expect("the row, read again", backend.read("the row from get", await backend.get(*before.key)), before)
    expect("the table", await witness.rows(), sample.table.in_key_order([before, other]))


@clause("CREATE-7")
async def test_rows_are_readable_after_close(backend: Subject, sample: Sample) -> None:
    async with backend.another() as other:
        created = await other.create(**sample.new())
        before = backend.read("the created row", created)
        gotten = await other.get(*before.key)
        listed = await other.list_all()
    what = backend.shown("list_all")
    expect("a row from create, read after close", backend.read("the created row", created), before)
    expect("a row from get, read after close", backend.read("the row from get", gotten), before)
    expect(f"rows from {what}, read after close", backend.read_all(what, listed), [before])


def _deface(row: Any, sample: Sample) -> None:
    """Change a row if it can be changed, values inside first; one that cannot keeps this promise by itself."""
    for column in (*sample.table.updates, *sample.table.creates):
        with suppress(Exception):  # frozen, a named tuple, a Record: all refuse in their own way
            inside = row[column] if isinstance(row, dict) else getattr(row, column)
            if isinstance(inside, list | dict):
                inside.clear()
        with suppress(Exception):
            if isinstance(row, dict):
                row[column] = sample.row(1)[column]
            else:
                setattr(row, column, sample.row(1)[column])


@clause("CREATE-8")
async def test_a_failing_commit_raises(backend: Subject, witness: Witness, sample: Sample) -> None:
    """A deferred constraint fails only at COMMIT: an ``except`` around it would report a success."""
    row = await witness.insert()
    for operation in WRITES:
        if operation not in sample.table.operations:
            continue
        async with commits_fail(witness):
            call = backend.call(operation, *arguments(sample, operation, row.key))
            await refuses(f"{operation}, its COMMIT failing", call)
            expect(f"the table after a {operation} whose COMMIT failed", await witness.rows(), [row])
    if sample.table.updates:
        backend.told("update", "the next update", await backend.update(*row.key, **sample.change()), True)


@clause("CREATE-8")
async def test_a_slow_commit_is_waited_for(backend: Subject, witness: Witness, sample: Sample) -> None:
    """Catches a commit that is left to a task: the call would return before anybody can see the row."""
    for operation in WRITES:
        if operation not in sample.table.operations:
            continue
        row = await witness.insert()
        before = await witness.rows()
        async with commits_slow(witness):
            await backend.call(operation, *arguments(sample, operation, row.key))
            if await witness.rows() == before:
                raise ContractBroken(f"the table when {operation} returned", expected="changed", seen="as before")
