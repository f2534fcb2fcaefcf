"""Backends that misbehave: the run goes on, and says what is wrong under the clause that it is about."""

import asyncio
import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.tasks import TABLE

from crudspec.run.place import suite_directory
from crudspec.suite import Outcome


def part_of_the_suite(name: str) -> Any:
    spec = spec_from_file_location(f"asked_{name}", Path(suite_directory(), f"test_{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SAMPLES = """
import asyncio
import time
from contextlib import asynccontextmanager
from types import SimpleNamespace

from crudspec.backends.asyncpg import AsyncpgBackend as Good


class Tuples(Good):
    async def create(self, title):
        row = await super().create(title)
        return row.id, row.title, row.done, row.created_at


class NoDone(Good):
    async def create(self, title):
        row = await super().create(title)
        return SimpleNamespace(id=row.id, title=row.title, created_at=row.created_at)


class Hanging(Good):
    async def get(self, task_id):
        await asyncio.Event().wait()


class Sleeping(Good):
    async def get(self, task_id):
        time.sleep(60)


class Printing(Good):
    async def create(self, title):
        print("SELECT 1 -- left over from an evening of debugging")
        return await super().create(title)


class Swallowing(Good):
    async def get(self, task_id):
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                return None


class Stubborn(Good):
    async def get(self, task_id):
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                pass


class NotAwaited(Good):
    def create(self, title):
        return None


class ClosingTwice(Good):
    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        async with Good.connect(dsn) as backend:
            yield backend
            await backend._pool.close()


class LeavingBadly(Good):
    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        async with Good.connect(dsn) as backend:
            yield backend
        raise RuntimeError("nobody closes me")


class Refusing(Good):
    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        raise RuntimeError("no vacancies")
        yield


class NoContext(Good):
    @classmethod
    def connect(cls, dsn):
        return 3
"""

ASKED = ("CREATE-6", "GET-5", "HYGIENE-2")

BROKEN = {
    "Good": set(),
    "Tuples": {"CREATE-6"},
    "NoDone": set(),
    "NotAwaited": {"CREATE-6"},
    "Hanging": {"GET-5"},
    "Sleeping": {"GET-5"},
    "Swallowing": {"GET-5"},
    "Stubborn": {"GET-5"},
    "Printing": set(),
    "ClosingTwice": set(),
    "LeavingBadly": {"HYGIENE-2"},
    "Refusing": set(ASKED),
    "NoContext": set(ASKED),
}


OTHER_PROGRAMS = ["--crud-effort=quick", "--hypothesis-seed=3"]


def broken_clauses(result):
    """By backend, from pytest's own summary of failures and errors."""
    found = {}
    for line in result.outlines:
        match = re.match(r"(?:FAILED|ERROR) \S+\[(\w+)-([A-Z]+-[0-9]+)\]", line)
        if match:
            found.setdefault(match[1], set()).add(match[2])
    return found


def test_each_is_told_under_its_clause_and_the_others_go_on(consumer):
    consumer.write("samples.py", SAMPLES)
    chosen = [f"--crud-backend=samples:{name}" for name in BROKEN]
    result = consumer.suite(*chosen, "-k", " or ".join(ASKED), "--crud-deadline=0.4", "-rfE", *OTHER_PROGRAMS)

    assert result.ret == 1
    assert broken_clauses(result) == {name: clauses for name, clauses in BROKEN.items() if clauses}
    text = result.stdout.str()
    for told in (
        r"CREATE-6 \(MUST\) is broken by Tuples",
        r"expected  a row with id, title, done, created_at as attributes or keys\n  seen      no 'id': \(",
        r"look at   get\(\d+\)\n  expected  an answer\n  seen      none within 0.4 seconds",
        r"seen      the event loop blocked for 2.4 seconds",
        r"expected  something to await\n  seen      None at once",
        r"look at   leaving LeavingBadly.connect\(dsn\)\n.*\n  seen      raised RuntimeError: nobody closes me",
        r"look at   Refusing.connect\(dsn\)\n  .*\n  seen      raised RuntimeError: no vacancies",
        r"where     \S*samples.py:\d+ in connect: raise RuntimeError\(\"no vacancies\"\)",
        r"look at   NoContext.connect\(dsn\)\n.*\n  seen      raised TypeError: connect returned 3, which is no",
        r"note: Printing printed something in CREATE-6; first 'SELECT 1 -- left over",
        r"again     pytest .* --crud-backend samples:Tuples -k CREATE-6 --crud-effort=quick --hypothesis-seed=3 "
        r"--crud-server=external --crud-deadline=0.4\n",
    ):
        assert re.search(told, text), told
    assert "INCOMPLETE" not in text


def test_one_that_cannot_be_opened_is_one_finding(consumer):
    consumer.write("samples.py", SAMPLES)
    result = consumer.check("samples:Refusing", "-k", "CREATE")
    text = result.stdout.str() + result.stderr.str()

    assert result.ret == 1
    assert re.search(r"\nHANG .*\n.*\n(.*\n)+  +seen +raised RuntimeError: no vacancies", text)
    assert re.search(r"\n1 finding: 1 hang", text)
    assert "Traceback" not in text
    assert len(text[text.index("\nHANG") :].splitlines()) <= 16


def test_one_that_cannot_be_opened_anew_is_tried_again_for_the_next_check(consumer):
    consumer.write(
        "mine.py",
        """
        from contextlib import asynccontextmanager
        from crudspec.backends.asyncpg import AsyncpgBackend

        class Stumbles(AsyncpgBackend):
            opened = 0

            @classmethod
            @asynccontextmanager
            async def connect(cls, dsn):
                cls.opened += 1
                if cls.opened == 4:  # the first one, and two beside it to try
                    raise RuntimeError("not the fourth time")
                async with super().connect(dsn) as backend:
                    yield backend

            async def get(self, task_id):
                raise RuntimeError("for the backend to be opened anew")
        """,
    )
    result = consumer.suite("--crud-backend=mine:Stumbles", "-k", "GET-1 or LIST-2 or LIST-3", "-rf")

    assert broken_clauses(result)["Stumbles"] >= {"GET-1"}
    assert re.search(r"raised RuntimeError: not the fourth time", result.stdout.str())
    result.stdout.fnmatch_lines(["*LIST-3 *pass*"])


WATCHING = """
import asyncio
import threading

from crudspec.backends.asyncpg import AsyncpgBackend


class Watching(AsyncpgBackend):
    first = None

    async def create(self, title):
        loop = asyncio.get_running_loop()
        Watching.first = Watching.first or loop
        if loop is not self.first:
            moved = threading.Event()
            self.first.call_soon_threadsafe(moved.set)
            if await asyncio.to_thread(moved.wait, 0.2):
                raise RuntimeError("the first loop moves")
        return await super().create(title)
"""


def test_a_loop_stands_still_while_another_one_uses_what_belongs_to_it(consumer) -> None:
    """Both would read one socket, and a driver written in C crashes the process."""
    consumer.write("watching.py", WATCHING)
    result = consumer.suite("--crud-backend=watching.py:Watching", "-k", "LOOP-1")
    result.stdout.fnmatch_lines(["*LOOP-1*pass*"])
    assert result.ret == 0


BASE = """
import asyncio

from sqlalchemy.util import await_only, greenlet_spawn

from crudspec.backends.asyncpg import AsyncpgBackend


class Raises(AsyncpgBackend):
    async def get(self, task_id):
        async def deep(depth):
            if depth:
                return await deep(depth - 1)
            raise BaseException("from below")

        return await greenlet_spawn(lambda: await_only(deep(50)))
"""


def test_what_is_no_exception_is_a_verdict_in_a_pytest_run_too(consumer) -> None:
    """To draw the traceback, pytest parses source code, and on Python 3.11 the parser refuses after such an exit."""
    consumer.write("mine.py", BASE)
    result = consumer.suite("--crud-backend=mine:Raises", "-k", "GET-5 or GET-4 or LIST-2", "--tb=long")

    assert result.ret == 1
    result.stdout.fnmatch_lines(["*GET-5 *FAIL*", "*LIST-2 *pass*"])
    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()
    result.stdout.fnmatch_lines(["GET-4 (MUST) is broken by Raises", "*seen *raised BaseException: from below"])


DRAWN = """
def pytest_configure():
    from _pytest._code.code import ExceptionInfo

    def refuses(*args, **options):
        raise SystemError("AST constructor recursion depth mismatch")

    ExceptionInfo.getrepr = refuses
"""


def test_no_traceback_is_drawn_of_a_check(consumer) -> None:
    consumer.write("samples.py", SAMPLES)
    consumer.write("refuses.py", DRAWN)
    result = consumer.suite("--crud-backend=samples:Tuples", "-k", "CREATE-6 or LIST-2", "-p", "refuses")

    assert result.ret == 1
    result.stdout.fnmatch_lines(["*CREATE-6 *FAIL*", "*LIST-2 *pass*"])
    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()


def test_a_connect_that_raises_by_itself_has_answered() -> None:
    """LOST-3 waits for it: a timeout of its own, before there is a context to enter, is as good as one inside."""

    def connect(_: str) -> None:
        raise TimeoutError("nobody answers")

    async def answer() -> Outcome:
        seen: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        subject = SimpleNamespace(adapter=SimpleNamespace(cls=SimpleNamespace(connect=connect)), table=TABLE)
        await part_of_the_suite("faults")._connect(subject, (1,), "dsn", 1.0, seen)
        return seen.result()

    assert isinstance(asyncio.run(answer()).error, TimeoutError)


def test_a_list_that_refuses_to_be_changed_keeps_its_promise() -> None:
    class Frozen(list[int]):
        def clear(self) -> None:
            raise RuntimeError("frozen")

    part_of_the_suite("list")._wreck(Frozen([1]))


WIRED = """
from contextlib import asynccontextmanager
from crudspec.backends.asyncpg import AsyncpgBackend as Good


class YieldsNothing(Good):
    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        async with Good.connect(dsn):
            yield


class Plain(Good):
    @classmethod
    async def connect(cls, dsn):
        return Good(dsn)
"""


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "YieldsNothing",
            "connect yielded None, which has no create, get, list_tasks, update, delete; yield the backend",
        ),
        ("Plain", "which is no context manager; above it belong @classmethod and @asynccontextmanager"),
    ],
)
def test_a_connect_that_is_put_together_wrongly_is_one_finding_that_says_what_to_write(consumer, name, told) -> None:
    consumer.write("wired.py", WIRED)
    text = consumer.check(f"wired.py:{name}", "-k", "CREATE or CONNECT-1").stdout.str()
    assert told in text
    assert "1 finding: 1 hang. Begin with CONNECT-1" in text
