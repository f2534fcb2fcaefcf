"""What must be unique, and what refers to other tables."""

from collections.abc import Awaitable, Callable

from crudspec.suite import (
    DUPLICATE,
    MISSING,
    ContractBroken,
    Every,
    Sample,
    Subject,
    Witness,
    accepted,
    check_refused,
    clause,
    expect,
    needs,
    refused_and_unchanged,
)


@clause("UNIQUE-1")
async def test_a_value_that_is_taken_is_refused(backend: Subject, witness: Witness, sample: Sample) -> None:
    """Catches an INSERT that does nothing on a conflict, and one that takes the other's row for its own."""
    every = Every("UNIQUE-1")
    for what, call in await _taken(backend, witness, sample):
        before = await witness.versions()
        with every.one():
            await refused_and_unchanged(what, call(), witness, before)
    every.settle()


@clause("UNIQUE-1")
async def test_nulls_do_not_collide(backend: Subject, witness: Witness, sample: Sample) -> None:
    needs(sample.unique_nullable, "nothing that must be unique may be NULL")
    for values in sample.unique_nullable:
        await witness.empty()
        nulls = " and ".join(name for name, value in values.items() if value is None)
        for _ in range(2):
            returned = await accepted(backend, "create", (), sample.new() | values, name=f"{nulls} is NULL")
            row = backend.read("the created row", returned)
            expect("the created row, as stored", await witness.row(row.key), row)


@clause("UNIQUE-2")
async def test_that_it_is_taken_is_told(backend: Subject, witness: Witness, sample: Sample) -> None:
    """That it is refused at all, UNIQUE-1 asks: here a call that returns is passed over."""
    await _told("UNIQUE-2", backend, await _taken(backend, witness, sample), DUPLICATE)


@clause("REFERENCE-1")
async def test_a_reference_to_no_row_is_refused(backend: Subject, witness: Witness, sample: Sample) -> None:
    """Catches a layer that stores NULL, or 0, where it finds nothing."""
    every = Every("REFERENCE-1")
    for what, call in await _dangling(backend, witness, sample):
        before = await witness.versions()
        with every.one():
            await refused_and_unchanged(what, call(), witness, before)
    every.settle()


@clause("REFERENCE-1")
async def test_null_stays_null(backend: Subject, witness: Witness, sample: Sample) -> None:
    needs(sample.nullable_references, "no reference may be NULL")
    for columns in sample.nullable_references:
        nothing = dict.fromkeys(columns)
        if set(columns) <= {*sample.table.creates}:
            row = backend.read("the created row", await backend.create(**sample.new() | nothing))
            wanted = {name: row[name] for name in columns}
            expect("the reference as returned", wanted, nothing)
            expect("the created row, as stored", await witness.row(row.key), row)
        if set(columns) <= {*sample.table.updates}:
            row, values = await witness.insert(), sample.change() | nothing
            await accepted(backend, "update", row.key, values, name=f"{' and '.join(columns)} is NULL")
            expect("the row as stored", await witness.row(row.key), sample.table.updated(row, values))


@clause("REFERENCE-2")
async def test_that_it_refers_to_no_row_is_told(backend: Subject, witness: Witness, sample: Sample) -> None:
    """That it is refused at all, REFERENCE-1 asks: here a call that returns is passed over."""
    await _told("REFERENCE-2", backend, await _dangling(backend, witness, sample), MISSING)


_Calls = list[tuple[str, Callable[[], Awaitable[object]]]]


async def _taken(backend: Subject, witness: Witness, sample: Sample) -> _Calls:
    """Calls with a value that another row has, in each of the column sets that must be unique."""
    calls: _Calls = []
    for columns in sample.table.uniques:
        there, row = await witness.insert(), await witness.insert()
        name = " and ".join(columns)
        theirs = {column: there.given()[column] for column in columns}
        for operation, key in (("create", ()), ("update", row.key)):
            taken = sample.table.creates if operation == "create" else sample.table.updates
            if set(columns) <= {*taken}:
                values = (sample.new() if operation == "create" else sample.same(row)) | theirs
                what = f"{operation} with the {name} of another row"
                calls.append(
                    (what, lambda operation=operation, key=key, values=values: backend.call(operation, key, values))
                )
    needs(calls, "no set of columns that must be unique is given as a whole")
    return calls


async def _dangling(backend: Subject, witness: Witness, sample: Sample) -> _Calls:
    """Calls with a reference to no row, for each reference."""
    calls: _Calls = []
    row = await witness.insert()
    for missing in sample.proven.missing.values():
        for operation, key in (("create", ()), ("update", row.key)):
            taken = sample.table.creates if operation == "create" else sample.table.updates
            if set(missing) <= {*taken}:
                values = (sample.new() if operation == "create" else sample.change()) | dict(missing)
                what = f"{operation} with the {' and '.join(missing)} that refers to no row"
                calls.append(
                    (what, lambda operation=operation, key=key, values=values: backend.call(operation, key, values))
                )
    needs(calls, "no value is known that refers to no row")
    return calls


async def _told(clause_id: str, backend: Subject, calls: _Calls, expected: str) -> None:
    every = Every(clause_id)
    for what, call in calls:
        try:
            await call()
        except ContractBroken:
            raise
        except Exception as error:  # noqa: BLE001 - which it is, is looked at
            with every.one():
                check_refused(what, error, backend.adapter.cls, expected)
    every.settle()
