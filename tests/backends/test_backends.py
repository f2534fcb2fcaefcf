"""The four ways and the example, where the suite does not look: what they import, map and do when it goes wrong."""

import ast
import asyncio
import inspect
import subprocess
import sys
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from crudspec import CrudError, Unavailable
from crudspec.backends import common
from crudspec.backends.registry import resolve
from crudspec.entity.tasks import methods_of

ROOT = Path(__file__).parents[2]

BUILT_IN = {
    "asyncpg": {"asyncpg"},
    "core": {"sqlalchemy"},
    "orm": {"sqlalchemy"},
    "sqlmodel": {"sqlmodel", "sqlalchemy", "pydantic"},
}
"""The four ways, and the libraries that each is written with."""


def load(name):
    """The backend's class, found as a user's run finds it."""
    spec = f"{ROOT / 'examples' / 'psycopg_backend.py'}:PsycopgBackend" if name == "psycopg" else name
    return resolve((spec,))[0].cls


@pytest.fixture(params=[*BUILT_IN, "psycopg"])
def backend(request):
    if request.param == "psycopg":
        pytest.importorskip("psycopg_pool")
    return load(request.param)


@asynccontextmanager
async def witnessed(dsn):
    connection = await asyncpg.connect(dsn, server_settings={"lock_timeout": "5s", "statement_timeout": "10s"})
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def table_locked(dsn):
    """Nobody else reads or writes the table meanwhile."""
    async with witnessed(dsn) as holder, holder.transaction():
        await holder.execute("LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE")
        yield


async def blocked(witness):
    """How many statements wait for a lock in this database; the server has other tests' databases, too."""
    return await witness.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )


async def until_blocked(witness, count):
    async with asyncio.timeout(10):
        while await blocked(witness) != count:
            pass


async def assert_quiet(witness):
    """No statement of a backend is running or half done, and nothing holds a lock on the table."""
    busy = await witness.fetch(
        "SELECT state, query FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND state <> 'idle'"
    )
    assert busy == []
    async with witness.transaction():
        await witness.execute("LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE NOWAIT")


def imported(source):
    """The modules that a source names, wherever it does."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or ".")
    return found


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_backend_imports_what_all_share_and_its_own_library_only(name):
    found = imported(inspect.getsource(sys.modules[load(name).__module__]))
    ours = {module for module in found if module.split(".")[0] == "crudspec"}
    assert ours == {"crudspec.backends.common"}
    roots = {module.split(".")[0] for module in found - ours}
    assert roots - sys.stdlib_module_names == BUILT_IN[name]


def test_what_all_share_needs_the_domain_only_and_no_library_that_a_copy_does_without():
    assert {module for module in imported(inspect.getsource(common)) if module.split(".")[0] == "crudspec"} == {
        "crudspec.errors",
        "crudspec.task",
    }
    code = (
        "import sys, crudspec.backends.common\n"
        "print(*{name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"asyncpg", "sqlalchemy", "pydantic", "pytest"} & set(run.stdout.split())


@pytest.mark.parametrize("name", BUILT_IN)
def test_most_of_a_way_is_its_five_operations(name):
    """Who compares the ways wants to see the ways; what they share stands elsewhere."""
    source = (ROOT / "src" / "crudspec" / "backends" / f"{name}.py").read_text("utf-8")
    backend = next(node for node in reversed(ast.parse(source).body) if isinstance(node, ast.ClassDef))
    (found,) = resolve([name])
    methods = list(methods_of(found.cls).values())
    lines = {
        node.name: 1 + (node.end_lineno or 0) - min(part.lineno for part in (node, *node.decorator_list))
        for node in backend.body
        if isinstance(node, ast.AsyncFunctionDef) and node.name in methods
    }
    assert list(lines) == methods
    assert sum(lines.values()) > len(source.splitlines()) / 2


@pytest.mark.parametrize("name", ["core", "orm", "sqlmodel"])
def test_the_metadata_is_what_the_first_migration_makes(name, blank_dsn):
    from alembic.command import upgrade
    from alembic.config import Config

    def compare(connection):
        config = Config()
        config.set_main_option("script_location", str(ROOT / "alembic").replace("%", "%%"))
        config.attributes["connection"] = connection
        upgrade(config, "0001")
        options = {
            "compare_type": True,
            "compare_server_default": True,
            "include_name": lambda found, _kind, _parents: found != "alembic_version",
        }
        return compare_metadata(MigrationContext.configure(connection, opts=options), load(name).metadata)

    async def run():
        url = make_url(blank_dsn).set(drivername="postgresql+asyncpg")
        async with create_async_engine(url, poolclass=NullPool).connect() as connection:
            return await connection.run_sync(compare)

    assert asyncio.run(run()) == []


def test_the_process_wide_metadata_stays_empty_with_sqlmodel():
    from sqlmodel import SQLModel

    load("sqlmodel")
    assert "tasks" not in SQLModel.metadata.tables


def test_a_missing_table_is_an_error_of_ours(backend, blank_dsn):
    async def run():
        async with backend.connect(blank_dsn) as tasks:
            for call in (tasks.create("x"), tasks.get(1), tasks.list_tasks(), tasks.delete(1)):
                with pytest.raises(CrudError):
                    await call

    asyncio.run(run())


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://u:secret@127.0.0.1:1/x",
        "postgresql://u:secret@[/x",
        "postgresql://u:1#secret@127.0.0.1:1/x",
        "postgresql://u@127.0.0.1:secret/x",
        "nonsense:secret",
    ],
    ids=["nobody-listens", "bad-host", "bad-password", "bad-port", "no-url"],
)
def test_connecting_to_nothing_is_unavailable_and_keeps_the_password(backend, dsn):
    async def run():
        with pytest.raises(Unavailable) as caught:
            async with backend.connect(dsn):
                pass
        assert "secret" not in f"{caught.value} {caught.value!r}"

    asyncio.run(run())


@pytest.mark.parametrize(
    "elsewhere",
    [lambda url: url.set(database="crudspec_nowhere"), lambda url: url.set(username="crudspec_nobody")],
    ids=["database", "login"],
)
def test_a_database_or_a_login_that_is_not_there_is_unavailable(backend, scratch_dsn, elsewhere):
    dsn = elsewhere(make_url(scratch_dsn)).render_as_string(hide_password=False)

    async def run():
        with pytest.raises(Unavailable):
            async with backend.connect(dsn):
                pass

    asyncio.run(run())


@pytest.mark.parametrize("name", BUILT_IN)
def test_connecting_to_a_server_that_never_answers_ends(name):
    async def run():
        closed = asyncio.Event()

        async def deaf(_reader, writer):
            await closed.wait()
            writer.close()

        listener = await asyncio.start_server(deaf, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        quick = type("Quick", (load(name),), {"timeout": 0.2})
        async with asyncio.timeout(30):
            with pytest.raises(Unavailable):
                async with quick.connect(f"postgresql://u:p@127.0.0.1:{port}/x"):
                    pass
        closed.set()
        listener.close()
        await listener.wait_closed()

    asyncio.run(run())


def test_a_statement_that_takes_too_long_is_unavailable_and_stopped(backend, scratch_dsn):
    async def run():
        async with witnessed(scratch_dsn) as witness, backend.connect(scratch_dsn) as tasks:
            task_id = (await tasks.create("before")).id
            tasks.timeout = 0.3
            async with table_locked(scratch_dsn):
                for call in (tasks.create("after"), tasks.update(task_id, "after", True), tasks.get(task_id)):
                    with pytest.raises(Unavailable):
                        await call
                    await until_blocked(witness, 0)
            tasks.timeout = 10.0
            assert [row.title for row in await tasks.list_tasks()] == ["before"]

    asyncio.run(run())


@pytest.mark.parametrize("times", [1, 2, 5])
def test_a_cancelled_write_has_ended_when_its_caller_goes_on(backend, scratch_dsn, times):
    """However often it is cancelled: anyio's scopes cancel again until the task is gone."""

    async def run():
        async with witnessed(scratch_dsn) as witness, backend.connect(scratch_dsn) as tasks:
            task_id = (await tasks.create("before")).id
            for call in (
                lambda: tasks.create("after"),
                lambda: tasks.update(task_id, "after", True),
                lambda: tasks.delete(task_id),
            ):
                async with table_locked(scratch_dsn):
                    work = asyncio.create_task(call())
                    await until_blocked(witness, 1)
                    for _ in range(times):
                        work.cancel()
                        await asyncio.sleep(0)
                        await asyncio.sleep(0)
                    with pytest.raises(asyncio.CancelledError):
                        await work
                    assert await blocked(witness) == 0
            assert await witness.fetchval("SELECT title FROM tasks") == "before"
            assert (await tasks.get(task_id)).title == "before"
            await assert_quiet(witness)

    asyncio.run(run())


def test_a_call_cancelled_as_an_answer_arrives_leaves_nothing_behind(backend, scratch_dsn):
    """Each on a connection that has not prepared the statement yet.

    A call cancelled after the answer to Parse came in, and before it has seen it, has nothing under way that a
    driver would cancel. If its connection gets no Sync either, it stays active, with a lock on the table.
    """

    async def cancelled_at_answer(work, number):
        seen = []
        while not work.done():
            # Private, but nothing else tells that a task has been answered and does not know it yet.
            waiter = work._fut_waiter
            if waiter is not None and waiter.done() and waiter not in seen:
                seen.append(waiter)
                if len(seen) == number:
                    work.cancel()
            await asyncio.sleep(0)

    async def run():
        async with witnessed(scratch_dsn) as witness:
            for number in range(1, 6):
                async with backend.connect(scratch_dsn) as tasks:
                    work = asyncio.create_task(tasks.create("x"))
                    await cancelled_at_answer(work, number)
                    with suppress(asyncio.CancelledError):
                        assert (await work).title == "x"
                    await assert_quiet(witness)
                    assert await tasks.get(2**40) is None

    asyncio.run(run())
