"""With the wire on, every failure shows what was sent; with it off, nothing changes."""

import re

import pytest

from crudspec.run.run import Run

BROKEN = """
    from crudspec.backends.asyncpg import AsyncpgBackend

    class Forgetful(AsyncpgBackend):
        async def update(self, task_id, title, done):
            async with self._connection() as connection:
                tag = await connection.execute("UPDATE tasks SET title = $2 WHERE id = $1", task_id, title)
            return tag == "UPDATE 1"

    class Starred(AsyncpgBackend):
        async def get(self, task_id):
            async with self._connection() as connection, connection.transaction():
                return await connection.fetchrow("SELECT * FROM tasks WHERE id = $1", task_id)
"""
IN_THREADS = """
    import contextlib
    import psycopg

    class Threaded:
        def __init__(self, dsn):
            self.dsn = dsn

        @classmethod
        @contextlib.contextmanager
        def connect(cls, dsn):
            yield cls(dsn)

        def create(self, title):
            with psycopg.connect(self.dsn) as connection:
                connection.execute("INSERT INTO tasks (title) VALUES (%s)", [title])
                connection.rollback()
            return {"id": 1, "title": title, "done": False, "created_at": None}

        get = list_tasks = update = delete = create
"""


def section(result):
    """The lines of the failure's ``sql``, and only those."""
    lines = result.stdout.str().splitlines()
    begin = next((n for n, line in enumerate(lines) if line.startswith("  sql ")), None)
    if begin is None:
        return None
    end = next(n for n, line in enumerate(lines) if n > begin and not line.startswith("            "))
    return [line[12:] for line in lines[begin:end]]


@pytest.fixture
def suite(consumer):
    consumer.write("mine.py", BROKEN)
    consumer.write("threads.py", IN_THREADS)
    return lambda name, *args: consumer.suite("--crud-backend", name, "-p", "no:randomly", *args)


def test_a_failure_shows_the_statements_of_its_operations(suite):
    result = suite("mine.py:Forgetful", "-k", "UPDATE-1", "--crud-wire")

    assert result.ret == 1
    told = section(result)
    assert told[0].startswith("update(")
    assert re.fullmatch(r"  #\d+ UPDATE tasks SET title = \$2 WHERE id = \$1  \[2 parameters\] -> UPDATE 1", told[1])


def test_without_the_wire_a_failure_has_no_such_section(suite):
    result = suite("mine.py:Forgetful", "-k", "UPDATE-1")

    assert result.ret == 1
    assert "UPDATE-1 (MUST) is broken by Forgetful" in result.stdout.str()
    assert section(result) is None


def test_a_generated_program_shows_them_too(suite):
    result = suite("mine.py:Forgetful", "-k", "PROGRAM-1", "--crud-wire", "--crud-effort=quick")

    assert result.ret == 1
    assert any("UPDATE tasks SET title = $2" in line for line in section(result))


def test_a_backend_that_a_check_opens_itself_is_on_the_wire_too(suite):
    result = suite("mine.py:Starred", "-k", "DDL-1", "--crud-wire", "--crud-strict")

    assert result.ret == 1
    told = section(result)
    assert any("SELECT * FROM tasks WHERE id = $1" in line for line in told)
    assert any("cached plan must not change result type" in line for line in told)


def test_a_synchronous_backend_is_on_the_wire_too(suite):
    result = suite("threads.py:Threaded", "-k", "CREATE-1", "--crud-wire")

    assert result.ret == 1
    told = [line.split(" ", 3)[-1] for line in section(result)]
    assert [line.rpartition(" -> ")[2] for line in told[1:]] == ["BEGIN", "INSERT 0 1", "ROLLBACK"]


def test_the_command_has_the_option(consumer):
    consumer.write("mine.py", BROKEN)

    result = consumer.check("mine.py:Forgetful", "-k", "UPDATE-1", "--wire")

    assert result.ret == 1
    result.stdout.fnmatch_lines(["*sql       update(*, title=*, done=*)", "*#? UPDATE tasks SET title = $2*"])


def test_tls_leaves_the_wire_out_and_says_so(request):
    """The clauses themselves are asked all the same."""
    run = Run(request.config)
    run.stages.wire = True

    run._try_the_wire("postgresql://me:secret@localhost/db?sslmode=verify-full")

    assert not run.stages.wire
    (note,) = run.record.notes
    assert "sslmode=verify-full" in note
    assert "plain loopback connection" in note
    assert "secret" not in note
