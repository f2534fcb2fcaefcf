"""Programs: one that fails is shrunk, shown as a script, and the script shows the same when it is pasted and run."""

import asyncio
import os
import re
import subprocess
import sys
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from crudspec.contract.failures import ContractBroken
from crudspec.harness.programs import EFFORTS, run_programs
from crudspec.truth.witness import Witness

MINE = '''
"""Backends that go wrong only after a few steps."""

import asyncio
import time
from contextlib import asynccontextmanager, contextmanager

import psycopg
from psycopg.rows import dict_row

from crudspec.backends.asyncpg import AsyncpgBackend


class Remembering(AsyncpgBackend):
    """A cache of get that a delete does not clear."""

    def __init__(self, *args):
        super().__init__(*args)
        self._seen = {}

    async def get(self, task_id):
        row = await super().get(task_id)
        if row is not None:
            self._seen[row.id] = row
        return self._seen.get(task_id) if isinstance(task_id, int) else row


class Refusing(AsyncpgBackend):
    """Refuses the third row, though there is nothing wrong with it."""

    async def create(self, title):
        if len(await self.list_tasks()) == 2:
            raise RuntimeError("two are enough")
        return await super().create(title)


class Hanging(AsyncpgBackend):
    async def delete(self, task_id):
        await asyncio.Event().wait()


class Trimming(AsyncpgBackend):
    """Where there is a row already: one that trims always is told by a simpler clause, and left out."""

    async def create(self, title):
        rows = await self.list_tasks()
        return await super().create(title.strip() if rows and isinstance(title, str) else title)


class Sulking(AsyncpgBackend):
    """Finds nothing when it was asked for what is no id just before."""

    sulks = False

    async def create(self, title):
        self.sulks = False
        return await super().create(title)

    async def get(self, task_id):
        sulks, self.sulks = self.sulks, not isinstance(task_id, int)
        row = await super().get(task_id)
        return None if sulks else row


class Threaded:
    """A synchronous backend: a plain context manager, one connection for each call."""

    def __init__(self, dsn):
        self._dsn = dsn

    @classmethod
    @contextmanager
    def connect(cls, dsn):
        yield cls(dsn)

    def _run(self, sql, *args):
        with psycopg.connect(self._dsn, row_factory=dict_row) as connection:
            cursor = connection.execute(sql, args)
            return cursor.fetchall() if cursor.description else cursor.rowcount

    def create(self, title):
        if not isinstance(title, str) or len(title) > 255 or not title.isprintable():
            raise ValueError("no title")
        return self._run("INSERT INTO tasks (title) VALUES (%s) RETURNING id, title, done, created_at", title)[0]

    def get(self, task_id):
        rows = self._run("SELECT id, title, done, created_at FROM tasks WHERE id = %s", task_id)
        return rows[0] if rows else None

    def list_tasks(self):
        return self._run("SELECT id, title, done, created_at FROM tasks ORDER BY id")

    def update(self, task_id, title, done):
        return self._run("UPDATE tasks SET title = %s, done = %s WHERE id = %s", title, done, task_id) == 1

    def delete(self, task_id):
        time.sleep(0)
        return self._run("DELETE FROM tasks WHERE id = %s OR title = ''", task_id) >= 1
'''

EFFORT = replace(EFFORTS["default"], examples=80)


@pytest.fixture
def broken(tmp_path, scratch):
    """Run programs against a backend of the file, and return how they fail."""
    path = tmp_path / "mine.py"
    path.write_text(MINE)

    async def programs(name, company, deadline, shrink):
        async with AsyncExitStack() as stack:
            witness = await stack.enter_async_context(scratch.witness())
            opened = [scratch.subject(one, deadline=deadline) for one in (f"{path}:{name}", *company)]
            for subject in opened:
                await stack.enter_async_context(subject)
            try:
                await run_programs(opened, witness, EFFORT, seed=0, shrink=shrink)
            except ContractBroken as found:
                return found
            return None

    def run(name, *, company=(), deadline=5.0, shrink=True):
        found = asyncio.run(programs(name, company, deadline, shrink))
        assert found is not None, "no program broke it"
        return found

    return run


def paste(script, dsn):
    return subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"CRUDSPEC_DSN": dsn},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_failing_program_is_shrunk_to_its_steps_and_its_script_runs(broken, scratch):
    found = broken("Remembering")
    steps = [line.strip() for line in found.script.splitlines() if "await backend." in line]

    operations = re.findall(r"await backend\.(\w+)", found.script)
    assert operations[-1] == "get"
    assert {"create", "delete"} <= set(operations)
    assert len(operations) <= 6  # four are possible
    assert set(re.findall(r"create\((.*?)\)  #", found.script)) == {"title='a'"}
    assert found.expected == "None"
    assert f"step {len(steps)}, get(" in found.what
    done = paste(found.script, scratch.dsn)
    assert done.returncode == 0, done.stderr


def test_the_same_seed_finds_the_same_program_and_leaves_no_file(broken, scratch, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first, second = broken("Trimming"), broken("Trimming")

    assert [line.partition("#")[0] for line in first.script.splitlines()] == [
        line.partition("#")[0] for line in second.script.splitlines()
    ]
    assert len([line for line in first.script.splitlines() if "await backend." in line]) == 2
    assert paste(first.script, scratch.dsn).returncode == 0
    assert scratch.dsn not in first.script
    assert {path.name for path in tmp_path.iterdir()} <= {"mine.py", "__pycache__"}


def test_a_program_that_hangs_is_not_replayed_a_deadline_each_time(broken):
    found = broken("Hanging", deadline=0.3)

    assert found.seen == "none within 0.3 seconds"
    assert "await backend.delete(" in found.script


def test_a_run_that_is_interrupted_between_two_programs_ends_as_interrupted(scratch):
    """Hypothesis would say that the program is not the same every time: the last one went on where this one ends."""

    class Interrupted(Witness):
        emptied = 0

        async def empty(self):
            self.emptied += 1
            if self.emptied == 3:
                raise asyncio.CancelledError
            await super().empty()

    async def programs():
        async with scratch.witness(Interrupted) as witness, scratch.subject("asyncpg") as subject:
            await run_programs([subject], witness, EFFORT, seed=0)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(programs())


def test_a_program_over_several_backends_names_each_in_its_script(broken, scratch):
    found = broken("Trimming", company=["core"])

    assert "connect(dsn) as backend" in found.script
    done = paste(found.script, scratch.dsn)
    assert done.returncode == 0, done.stderr


def test_the_script_of_a_synchronous_backend_runs_too(broken, scratch):
    pytest.importorskip("psycopg")
    found = broken("Threaded", shrink=False)
    done = paste(found.script, scratch.dsn)

    assert "await" not in found.script
    assert "SyntaxError" not in done.stderr
    assert "TypeError" not in done.stderr


def test_what_must_be_refused_stays_so_while_a_program_is_shrunk(broken):
    """It was told that a get of what is no id raises."""
    found = broken("Sulking")
    operations = re.findall(r"await backend\.(\w+)", found.script)

    assert found.seen == "None"
    assert operations == ["create", "get", "get"]


def test_a_create_that_raises_is_told_by_what_it_had_to_return_and_by_its_own_exception(broken):
    """It was told to have returned None, and traced to an exception of another call."""
    found = broken("Refusing")

    assert found.expected == "the created row"
    assert found.seen.endswith("raised RuntimeError: two are enough")
    assert isinstance(found.__cause__, RuntimeError)
