"""What is broken is told once, by the clause that is about it; what depends on it is not run, the rest is asked."""

import re

import pytest

from crudspec.backend import OPERATIONS
from crudspec.entity.tasks import TASKS
from crudspec.harness.abilities import OWNERS

MINE = '''
import asyncio
from contextlib import asynccontextmanager
from contextvars import ContextVar

import asyncpg

from crudspec import translated  # noqa
from crudspec.backends.asyncpg import AsyncpgBackend as Good


class NoCreate(Good):
    async def create(self, title):
        raise RuntimeError("out of order")


class NoUpdate(Good):
    async def update(self, task_id, title, done):
        return True


class Lacking(Good):
    async def create(self, title):
        return vars_of(await super().create(title))

    async def get(self, task_id):
        row = await super().get(task_id)
        return row and vars_of(row)

    async def list_tasks(self):
        return [vars_of(row) for row in await super().list_tasks()]


def vars_of(row):
    return {"id": row.id, "title": row.title, "done": row.done}


class Silent(Good):
    async def update(self, task_id, title, done):
        await super().update(task_id, title, done)


class Shared(Good):
    """One pool for all: whoever connects last moves it."""

    @property
    def _pool(self):
        return Shared.pool

    @_pool.setter
    def _pool(self, pool):
        Shared.pool = pool


BACKEND = ContextVar("backend")


class InContext:
    """Its operations find the pool by a context variable, as Tortoise's do."""

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        async with Good.connect(dsn) as backend:
            token = BACKEND.set(backend)
            yield cls()
            BACKEND.reset(token)

    async def create(self, title):
        return await BACKEND.get().create(title)

    async def get(self, task_id):
        return await BACKEND.get().get(task_id)

    async def list_tasks(self):
        return await BACKEND.get().list_tasks()

    async def update(self, task_id, title, done):
        return await BACKEND.get().update(task_id, title, done)

    async def delete(self, task_id):
        return await BACKEND.get().delete(task_id)


class Closing(Good):
    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        async with Good.connect(dsn) as backend:
            yield backend
        raise RuntimeError("nobody closes me")


class Dropping(Good):
    async def list_tasks(self):
        async with self._connection() as connection:
            await connection.execute("ALTER TABLE tasks ADD COLUMN mine text")
        return await super().list_tasks()


class Swallowing(Good):
    async def get(self, task_id):
        import time
        while True:
            try:
                time.sleep(60)
            except Exception:
                pass
'''


@pytest.fixture
def verdicts(consumer):
    """Run some clauses of one backend; gives the verdict of each, and all that was printed."""
    consumer.write("mine.py", MINE.replace("from crudspec import translated  # noqa\n", ""))

    def run(name, clauses, *more):
        result = consumer.suite(f"--crud-backend=mine.py:{name}", "-k", " or ".join(clauses), *more)
        text = result.stdout.str()
        found = dict(re.findall(r"^  ([A-Z]+-\d+) +\w+ +(pass|FAIL|advice|not run)\b", text, re.MULTILINE))
        return found, text

    return run


def test_what_needs_a_broken_operation_is_not_run_because_of_it(verdicts):
    found, text = verdicts("NoCreate", ["CREATE-1", "CREATE-6", "GET-1", "PROGRAM-1", "DELETE-1"])
    assert found == {
        "CREATE-1": "FAIL",
        "CREATE-6": "not run",
        "GET-1": "pass",
        "DELETE-1": "pass",
        "PROGRAM-1": "not run",
    }
    assert "not run because of CREATE-1" in text


def test_an_operation_that_does_nothing_is_broken(verdicts):
    found, _ = verdicts("NoUpdate", ["UPDATE-1", "UPDATE-2", "CANCEL-1", "GET-2", "LOST-2"])
    assert found["UPDATE-1"] == "FAIL"
    assert found["UPDATE-2"] == "not run"
    assert found["GET-2"] == found["LOST-2"] == "pass"


def test_a_column_that_is_not_there_is_told_once_and_the_others_are_compared(verdicts):
    clauses = ["CREATE-1", "CREATE-2", "CREATE-3", "GET-1", "LIST-1", "UPDATE-1", "PROGRAM-1", "RACE-2", "SATURATE-1"]
    found, text = verdicts("Lacking", clauses, "--crud-effort=quick")
    assert {clause for clause, verdict in found.items() if verdict == "FAIL"} == {"CREATE-1", "GET-1", "LIST-1"}
    assert found["CREATE-2"] == "not run"
    assert [found[clause] for clause in ("CREATE-3", "UPDATE-1", "PROGRAM-1", "RACE-2", "SATURATE-1")] == ["pass"] * 5
    assert "no 'created_at'" in text


def test_a_result_that_says_nothing_is_told_once(verdicts):
    clauses = ["UPDATE-1", "UPDATE-4", "UPDATE-6", "RESULT-1", "PROGRAM-1", "SATURATE-1", "GET-1"]
    found, _ = verdicts("Silent", clauses, "--crud-effort=quick")
    assert {clause for clause, verdict in found.items() if verdict == "FAIL"} == {"UPDATE-1", "RESULT-1"}
    assert set(found.values()) == {"FAIL", "pass"}


def test_a_second_instance_that_harms_the_first_is_told_once(verdicts):
    clauses = ["CONNECT-2", "HYGIENE-2", "LOST-1", "LOST-2", "LOST-3", "COST-1", "RACE-2", "CREATE-7", "LOOP-1"]
    found, text = verdicts("Shared", clauses, "--crud-effort=quick")
    assert found.pop("CONNECT-2") == "advice"
    assert set(found.values()) == {"pass"}, text


def test_calls_see_the_context_variables_that_connect_has_set(verdicts):
    clauses = ["CREATE-1", "CONNECT", "PROGRAM-1", "CREATE-7", "LOOP-1", "LOST-1"]
    found, text = verdicts("InContext", clauses, "--crud-effort=quick")
    assert set(found.values()) == {"pass"}, text


def test_a_connect_that_cannot_be_left_is_one_failure(verdicts):
    found, text = verdicts("Closing", ["CONNECT-1", "HYGIENE-2", "CREATE-7", "LOST-2", "COST-1", "GET-1"])
    assert found.pop("CONNECT-1") == "FAIL"
    assert set(found.values()) == {"pass"}, text
    assert "nobody closes me" in text


def test_a_backend_that_changes_the_schema_is_told_so_and_the_next_check_has_another_database(verdicts):
    found, text = verdicts("Dropping", ["GET-1", "LIST-2", "GET-4"])
    assert found == {"GET-1": "pass", "GET-4": "pass", "LIST-2": "FAIL"}
    assert "+ column tasks.mine text" in text


def test_an_alarm_is_not_swallowed_with_all_exceptions(verdicts):
    found, text = verdicts("Swallowing", ["GET-1", "LIST-2"], "--crud-deadline=0.3")
    assert found == {"GET-1": "FAIL", "LIST-2": "pass"}
    assert "the event loop blocked" in text


WITHOUT = """
from crudspec.backends.asyncpg import AsyncpgBackend as Good


class Without(Good):
    async def {name}(self, *args, **kwargs):
        raise RuntimeError("out of order")
"""


@pytest.mark.slow
@pytest.mark.parametrize(("name", "clause"), [pair for pair in OWNERS.items() if pair[0] in OPERATIONS])
def test_whatever_operation_does_not_work_it_is_one_finding_and_the_rest_is_asked_or_says_why(consumer, name, clause):
    consumer.write("mine.py", WITHOUT.format(name=TASKS.names.get(name, name)))
    result = consumer.check("mine.py:Without", "--effort", "quick", "--strict")

    text = result.stdout.str()
    assert "INCOMPLETE" not in text
    assert f"not run because of {clause}: " in text
    assert re.search(rf"^1 finding: .* Begin with {clause}: ", text, re.MULTILINE), text


SPOILT = '''
from dataclasses import replace

from crudspec.backends.asyncpg import AsyncpgBackend as Good
from crudspec.backends.core import CoreBackend


class Masked(Good):
    """What one operation lacks, the others have, and have it wrong."""

    async def create(self, title):
        row = await super().create(title)
        return {"id": row.id, "title": row.title, "done": row.done}

    async def get(self, task_id):
        row = await super().get(task_id)
        return row and replace(row, created_at=row.created_at.replace(microsecond=0))

    async def list_tasks(self):
        return [replace(row, created_at=row.created_at.replace(microsecond=0)) for row in await super().list_tasks()]


class Mute(Good):
    async def update(self, *args, **kwargs):
        await super().update(*args, **kwargs)


class NeverDone(Good):
    async def update(self, task_id, title, done):
        return await super().update(task_id, title, bool(done) and done is not True)


class DoneAtOnce(Good):
    async def create(self, title):
        row = await super().create(title)
        await super().update(row.id, row.title, True)
        return replace(row, done=True)


class NeverCommits(CoreBackend):
    """An update on a connection of its own, which stays open."""

    async def update(self, task_id, title, done):
        from sqlalchemy import text

        connection = await self._engine.execution_options(isolation_level="READ COMMITTED").connect()
        kept.append(connection)
        statement = text("UPDATE tasks SET title = :t, done = :d WHERE id = :i")
        return (await connection.execute(statement, {"t": title, "d": done, "i": task_id})).rowcount == 1


kept = []
'''


@pytest.fixture
def spoilt(consumer):
    def run(name: str, *args: str) -> str:
        consumer.write("spoilt.py", SPOILT)
        return consumer.check(f"spoilt.py:{name}", *args).stdout.str()

    return run


def test_a_column_that_one_operation_lacks_is_compared_in_the_rows_of_the_others(spoilt):
    text = spoilt("Masked", "-k", "GET-1 or LIST-1 or GET-4", "--effort", "quick")
    assert re.search(r"GET-1 +MUST +FAIL", text)
    assert re.search(r"LIST-1 +MUST +FAIL", text)


def test_a_result_that_tells_nothing_fails_what_is_asked_where_its_own_clause_is_not(spoilt):
    assert re.search(r"UPDATE-4 +MUST +FAIL", spoilt("Mute", "-k", "UPDATE-4 or UPDATE-3"))
    assert re.search(r"UPDATE-4 +MUST +pass", spoilt("Mute", "-k", "UPDATE-4 or UPDATE-1"))


def test_what_a_single_update_shows_a_program_does_not_tell_again(spoilt):
    text = spoilt("NeverDone", "-k", "UPDATE or PROGRAM-1", "--effort", "quick")
    assert re.search(r"UPDATE-1 +MUST +FAIL", text)
    assert re.search(r"PROGRAM-1 +MUST +pass", text), text
    alone = spoilt("NeverDone", "-k", "PROGRAM-1", "--effort", "quick")
    assert re.search(r"PROGRAM-1 +MUST +FAIL", alone), alone


def test_what_no_program_can_begin_with_is_blamed_on_who_tells_it(spoilt):
    text = spoilt("DoneAtOnce", "-k", "CREATE-1 or CREATE-2 or PROGRAM-1", "--effort", "quick")
    assert re.search(r"CREATE-2 +MUST +FAIL", text)
    assert "not run because of CREATE-1" not in text


def test_a_connection_that_an_operation_leaves_open_is_its_own_and_nobody_elses(spoilt):
    text = spoilt("NeverCommits", "-k", "CREATE-1 or GET-1 or UPDATE-1 or DELETE-1")
    assert re.search(r"UPDATE-1 +MUST +FAIL", text)
    for clause in ("CREATE-1", "GET-1", "DELETE-1"):
        assert re.search(rf"{clause} +MUST +pass", text), text
    assert "Begin with UPDATE-1" in text


ORDERED = """
from crudspec.backends.asyncpg import AsyncpgBackend as Good
from beside import key


class Ordered(Good):
    async def list_tasks(self):
        return sorted(await super().list_tasks(), key=key)
"""


def test_a_list_in_another_order_is_one_finding(consumer):
    """Also: a file can import what stands beside it."""
    consumer.write("mine/beside.py", "def key(row):\n    return row.done, row.id\n")
    consumer.write("mine/ordered.py", ORDERED)
    text = consumer.check("mine/ordered.py:Ordered", "--effort", "quick").stdout.str()
    assert "1 finding: 1 answer. Begin with LIST-1: " in text, text
