"""Whole programs, drawn by Hypothesis, judged step by step."""

from contextlib import AsyncExitStack

import pytest

from crudspec.suite import (
    Subject,
    Witness,
    clause,
    company,
    current_run,
    run_programs,
)

_SHOWN = 4
"""Of the steps that were left out."""


@clause("PROGRAM-1")
async def test_programs_agree_with_the_model(
    backend: Subject, witness: Witness, request: pytest.FixtureRequest
) -> None:
    run = current_run(request.config)
    known = run.deviation(backend.name, "PROGRAM-1") is not None
    try:
        await run_programs([backend], witness, run.effort, seed=run.seed, shrink=not known)
    finally:
        left_out = list(backend.abilities.left_out)
        if left_out:
            some = ", ".join(left_out[:_SHOWN]) + (f" and {len(left_out) - _SHOWN} more" if left_out[_SHOWN:] else "")
            run.note(f"{backend.name}: programs were drawn without what other clauses report: {some}")


@clause("MIX-1")
async def test_programs_spread_over_several_backends_agree(
    backend: Subject, witness: Witness, request: pytest.FixtureRequest
) -> None:
    """The company is built in and known to be right, so what goes wrong is this backend's doing."""
    run = current_run(request.config)
    async with AsyncExitStack() as stack:
        peers = [
            await stack.enter_async_context(
                Subject(peer, backend.dsn, backend.table, deadline=backend.deadline, beside=backend)
            )
            for peer in company(backend.adapter, backend.table)
        ]
        known = run.deviation(backend.name, "MIX-1") is not None
        await run_programs([backend, *peers], witness, run.effort, seed=run.seed, shrink=not known)
