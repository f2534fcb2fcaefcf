"""What operations cost in round trips, counted on the wire."""

from crudspec.suite import (
    SIZES,
    USUAL_SIZE,
    ContractBroken,
    Cost,
    Subject,
    Witness,
    budget,
    clause,
    metered,
    trips,
)


@clause("COST-1")
async def test_round_trips_do_not_grow_with_the_rows(backend: Subject, witness: Witness) -> None:
    """Catches a query per row, pages, and a cursor that fetches row by row or in chunks."""
    async with metered(backend, witness) as meter:
        few, many = SIZES
        first = await meter.measure(few)
        for cost, before in zip(await meter.measure(many), first, strict=True):
            if cost.round_trips > before.round_trips:
                raise _dear(
                    cost,
                    expected=f"{trips(before.round_trips)}, as with {few} rows",
                    seen=f"{cost.round_trips} with {many} rows",
                )


@clause("COST-2")
async def test_round_trips_keep_to_the_budget(backend: Subject, witness: Witness) -> None:
    """In every situation: a row that is not there, or values that are there already, may not cost more."""
    published = budget(backend.table, backend.adapter.cls)
    async with metered(backend, witness) as meter:
        for cost in await meter.measure(USUAL_SIZE):
            if cost.round_trips > published[cost.operation]:
                raise _dear(
                    cost,
                    expected=f"at most {trips(published[cost.operation])}, as published",
                    seen=str(cost.round_trips),
                )


def _dear(cost: Cost, *, expected: str, seen: str) -> ContractBroken:
    return ContractBroken(cost.name, expected=expected, seen=seen, sql=cost.sql())
