"""What a check needs: a backend, values for its table, and a witness of what it did.

They stand here and not in the plugin because the nearest conftest wins: nobody else's fixture of the same name
can take their place.
"""

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from crudspec.suite import (
    Run,
    Sample,
    Subject,
    Witness,
    current_run,
    split_id,
)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def _run(request: pytest.FixtureRequest) -> AsyncGenerator[Run]:
    run = current_run(request.config)
    yield run
    await run.stages.close()


@pytest_asyncio.fixture(loop_scope="session")
async def backend(request: pytest.FixtureRequest, _run: Run) -> AsyncGenerator[Subject]:
    """The backend under test, open, on an empty table."""
    _, clause_id = split_id(request.node.nodeid) or ("", "")
    stage = await _run.stages.stage(request.param, clause_id)
    yield stage.subject
    await _run.stages.restore(request.param)


@pytest_asyncio.fixture(loop_scope="session")
async def sample(backend: Subject, _run: Run) -> Sample:
    """Values for the backend's table."""
    return _run.stages.witness(backend.name).sample


@pytest_asyncio.fixture(loop_scope="session")
async def witness(backend: Subject, _run: Run) -> Witness:
    """An independent connection to the backend's database."""
    return _run.stages.witness(backend.name)
