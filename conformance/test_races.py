"""Operations that run at once on one row, in orders that are chosen and not hoped for."""

import pytest

from crudspec.suite import (
    Course,
    Subject,
    Witness,
    clause,
    current_run,
    explore,
)


@clause("RACE-2")
async def test_every_interleaving_is_explained_by_a_serial_order(
    backend: Subject, witness: Witness, request: pytest.FixtureRequest
) -> None:
    """Catches what reads first and writes later without a lock, and a lock that only one process knows."""
    run = current_run(request.config)
    known = run.deviation(backend.name, "RACE-2") is not None
    async with Course.opened(backend, witness) as course:
        await explore(course, schedules=run.effort.schedules, seed=run.seed, shrink=not known)
