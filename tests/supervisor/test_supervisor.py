"""The parent and its children: who is asked what, what a child's end means, and that nothing is left behind."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import asyncpg
import pytest
from click.testing import CliRunner

from crudspec.cli import main
from crudspec.record import Check, Verdict, replayed
from crudspec.server import ServerError
from crudspec.supervisor import ends, limits, loop
from crudspec.supervisor.nursery import Nursery, nursery
from crudspec.supervisor.work import Work

BACKENDS = """
import asyncio
import os
import sys
import threading

from crudspec.backends.asyncpg import AsyncpgBackend as Good


class Waits(Good):
    async def get(self, task_id):
        print("waiting", flush=True)
        await asyncio.Event().wait()


class Ends(Good):
    async def get(self, task_id):
        print("about to leave")
        os._exit(0)


class Descends(Good):
    async def list_tasks(self):
        rows = await super().list_tasks()
        if len(rows) == 11:  # as there are in the second check of their order
            os._exit(0)
        return rows[::-1]


class Talks(Good):
    async def get(self, task_id):
        raise RuntimeError(os.environ["WORD"])
"""


def checks(*names: str) -> list[Check]:
    return [Check(nodeid=name, backend=name.partition(" ")[0], clause="GET-1") for name in names]


def test_one_process_is_asked_in_the_order_of_the_plan() -> None:
    work = Work(checks("a 1", "b 1", "a 2", "b 2"), apart=False)
    asked = [work.next("a", ()), work.next("a", ()), work.next("b", ()), work.next("a", ())]
    assert [check.nodeid for check in asked if check] == ["a 1", "b 1", "a 2", "b 2"]
    assert not work
    assert work.next("a", ()) is None


def test_several_processes_keep_to_their_backends_as_long_as_there_are_enough() -> None:
    work = Work(checks("a 1", "b 1", "a 2", "b 2", "c 1"), apart=True)
    order = [("", ()), ("", "a"), ("a", "b"), ("b", "a"), ("b", "a"), ("a", "c")]
    asked = [work.next(mine, set(others)) for mine, others in order]
    assert [check.nodeid for check in asked if check] == ["a 1", "b 1", "a 2", "b 2", "c 1"]


def test_a_backend_that_ends_processes_is_given_up_after_some() -> None:
    work = Work(checks("a 1", "b 1", "a 2", "a 3", "a 4"), apart=True)
    given_up = []
    for _ in range(limits.ENDS):
        check = work.next("a", {"b"})
        assert check is not None
        given_up.append([left.nodeid for left in work.ended_by(check, 1)])
    assert given_up == [[], [], ["a 4"]]
    assert work.next("", ()) == checks("b 1")[0]


def test_one_that_takes_its_time_is_given_up_sooner() -> None:
    work = Work(checks("a 1", "a 2"), apart=False)
    check = work.next("", ())
    assert check is not None
    assert work.ended_by(check, limits.LOST) == checks("a 2")


def test_calls_that_do_not_come_back_add_up() -> None:
    work = Work(checks("a 1", "a 2", "a 3", "b 1"), apart=False)
    (first, second) = (work.next("", ()), work.next("", ()))
    assert first is not None
    assert second is not None
    assert work.lost_in(first, limits.LOST - 1) == []
    assert work.lost_in(second, 1) == checks("a 3")
    assert work


def test_an_end_fails_whatever_the_level_and_says_what_to_do() -> None:
    (check,) = checks("a 1")
    result = ends.broken(
        check,
        "the process ended",
        silent=False,
        again="crudspec check a.py:A -k GET-1",
        printed="one\ntwo\x1b",
        seconds=1,
    )
    assert replayed([result]).table() == {("a", "GET-1"): Verdict.FAIL}
    for told in ("GET-1 (MUST) is broken by a", "seen      the process ended", "two\\x1b", "check a.py:A -k GET-1"):
        assert told in result.failure


def _given() -> list[int]:
    """What a copy is given: it has nothing to do there, and nobody to tell, and ends at once."""
    return [os.open(os.devnull, os.O_RDWR) for _ in range(4)]


def test_copies_that_end_at_one_moment_are_told_once_each() -> None:
    copies = [nursery.fork(_given()) for _ in range(4)]
    _wait_for(lambda: all(copy.poll() is not None for copy in copies))
    assert len({copy.pid for copy in copies}) == 4
    for copy in copies:
        copy.release()


@pytest.mark.parametrize("tells", [True, False], ids=["when it is asked", "when it should answer"])
def test_what_is_to_be_copied_is_started_anew_where_it_was_just_killed(tells, monkeypatch: pytest.MonkeyPatch) -> None:
    own = Nursery()
    try:
        own.fork(_given()).release()
        dead = own._process
        assert dead is not None
        dead.kill()
        os.waitid(os.P_PID, dead.pid, os.WEXITED | os.WNOWAIT)
        monkeypatch.setattr(dead, "poll", lambda: None)  # as long as it is dying, it runs
        if not tells:  # it died with the question unread
            sent = []
            send = socket.send_fds
            monkeypatch.setattr(socket, "send_fds", lambda *args: send(*args) if sent else sent.append(args))
        copy = own.fork(_given())
        assert copy.pid != dead.pid
        copy.release()
    finally:
        own.close()


def test_where_no_process_can_be_copied_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nursery, "fork", lambda _: (_ for _ in ()).throw(OSError("none left")))
    result = CliRunner().invoke(main, ["check", "asyncpg", "--list"])
    assert result.exit_code == 4
    assert "no process can be started for the checks: none left; try" in result.output


def test_the_server_starts_while_the_first_process_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Event()

    def start(*_, **__) -> None:
        begun.set()
        raise ServerError("none")

    def fork(_) -> None:
        raise OSError("begun" if begun.wait(10) else "not begun")

    monkeypatch.setattr(loop, "start", start)
    monkeypatch.setattr(nursery, "fork", fork)
    result = CliRunner().invoke(main, ["check", "asyncpg", "--server", "embedded"])
    assert "checks: begun;" in result.output


def test_a_password_in_what_an_import_raises_is_not_shown(consumer, monkeypatch) -> None:
    monkeypatch.setenv("CRUDSPEC_DSN", consumer.dsn)
    consumer.write("bad.py", "import os; raise RuntimeError('cannot use ' + os.environ['CRUDSPEC_DSN'])")
    for command in ("check", "demo", "cost"):
        result = consumer.crudspec(command, "bad.py:Bad", "--server", "external")
        text = result.stdout.str() + result.stderr.str()
        assert result.ret == 4
        assert "cannot use" in text
        assert consumer.password not in text


def test_a_process_that_ends_is_a_failure_of_its_check_and_the_others_are_asked(consumer) -> None:
    consumer.write("mine.py", BACKENDS)
    result = consumer.check("mine.py:Ends", "-k", "GET-1 or GET-5 or LIST-2")

    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "*GET-1 *FAIL*",
            "*GET-5 *not run*",
            "*LIST-2 *pass*",
            "3 of 4 planned checks were run*",
            "HANG   the process that calls it comes to its end",
            "*seen      the process ended, with exit status 0, in get, when it was tried out",
            "*printed   about to leave",
            "*again     crudspec check mine.py:Ends -k GET-1 --server=external",
            "not run because of GET-1: 1 clause (GET-5)",
            "1 finding: 1 hang. Begin with GET-1: *",
        ]
    )


def test_what_a_backend_has_failed_in_one_process_the_next_one_knows(consumer) -> None:
    consumer.write("mine.py", BACKENDS)
    result = consumer.check("mine.py:Descends", "-k", "LIST")

    result.stdout.fnmatch_lines(["*LIST-1 *FAIL*", "*LIST-2 *pass*", "*LIST-3 *pass*", "4 of 4 planned*"])


def test_the_first_failure_is_the_end_where_asked(consumer) -> None:
    consumer.write("mine.py", BACKENDS)
    result = consumer.check("mine.py:Ends", "-k", "GET-1 or LIST-2", "-x")

    assert result.ret == 1
    result.stdout.fnmatch_lines(["*GET-1 *FAIL*", "*LIST-2 *not run*", "INCOMPLETE: 2 planned*"])


def test_several_processes_ask_everything_once(consumer) -> None:
    result = consumer.check("asyncpg", "core", "-k", "CREATE-6 or RESULT-1 or LIST", "-n", "2", "-v")

    assert result.ret == 0
    lines = [line for line in result.outlines if re.match(r"pass +[A-Z]+-\d", line)]
    assert len(lines) == len(set(lines)) > 8
    result.stdout.fnmatch_lines([f"{len(lines)} of {len(lines)} planned checks were run*"])


IMPORTED = {
    "ends": ("import os; os._exit(0)", "the process ended, with exit status 0, while it started"),
    "leaves": ("raise SystemExit(0)", "importing 'bad.py' raised SystemExit: 0"),
    "replaces": ("from crudspec.truth import expect; expect.expect = print", "replaced crudspec.truth.expect.expect"),
    "prints and crashes": ("print('so long', flush=True); import os; os.abort()", "so long"),
}


@pytest.mark.parametrize(("code", "told"), IMPORTED.values(), ids=IMPORTED)
def test_a_backend_that_ends_the_process_when_it_is_imported_is_wrong_usage(code, told, consumer) -> None:
    consumer.write("bad.py", code + "\nfrom crudspec.backends.asyncpg import AsyncpgBackend as Bad\n")
    result = consumer.check("bad.py:Bad")

    assert result.ret == 4
    assert told in result.stderr.str()
    assert "Traceback" not in result.stderr.str()


def test_no_password_is_shown_whatever_a_backend_says(consumer, monkeypatch) -> None:
    monkeypatch.setenv("WORD", f"cannot use {consumer.dsn} or {consumer.password}")
    consumer.write("mine.py", BACKENDS)
    for result in (
        consumer.check("mine.py:Talks", "-k", "GET-1", "-v"),
        consumer.crudspec("demo", "mine.py:Talks", "--server", "external", "--dsn", consumer.dsn),
        consumer.crudspec("cost", "mine.py:Talks", "--server", "external", "--dsn", consumer.dsn),
    ):
        assert result.ret == 1
        assert "***" in result.stdout.str()
        assert consumer.password not in result.stdout.str() + result.stderr.str()


@pytest.mark.parametrize("command", ["demo", "cost"])
def test_a_demo_and_a_measurement_go_on_after_a_process_that_ended(command, consumer) -> None:
    consumer.write("mine.py", BACKENDS)
    result = consumer.crudspec(command, "mine.py:Ends", "asyncpg", "--server", "external", "--dsn", consumer.dsn)

    assert result.ret == 1
    result.stdout.fnmatch_lines(["*asyncpg*"])
    text = " ".join(result.stdout.str().split())
    assert ("NOT all of it was done" if command == "demo" else "Ends could not be measured: the process ended") in text
    assert "Traceback" not in result.stderr.str()


def _processes(mark: str) -> list[int]:
    """Processes whose environment has that mark: children, keepers, servers."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_an_interrupted_run_leaves_nothing(number, consumer, server, tmp_path, monkeypatch) -> None:
    name = f"Waits{number.name}"  # nobody else's: other processes run this for the other signals, on the same server
    consumer.write("mine.py", BACKENDS.replace("class Waits", f"class {name}"))
    mark = f"CRUDSPEC_TEST_MARK_{os.urandom(8).hex()}"
    monkeypatch.setenv(mark, "1")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    command = [sys.executable, "-m", "crudspec", "check", f"mine.py:{name}", "-k", "GET-1", "--deadline", "60"]
    command += ["--server", "external", "--dsn", server.dsn, "-n", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=consumer.path) as run:
        _wait_for(lambda: asyncio.run(_is_busy(server.dsn, name.lower())))
        run.send_signal(number)
        status = run.wait(30)
        output = run.stdout.read().decode() if run.stdout else ""
    assert status == (2 if number is signal.SIGINT else -number), output
    if number is signal.SIGINT:
        assert output.splitlines()[-1] == "interrupted"
    assert "Traceback" not in output
    _wait_for(lambda: not _processes(mark))
    _wait_for(lambda: not list(tmp_path.glob("crudspec-*")))


async def _is_busy(dsn: str, name: str) -> bool:
    """Whether somebody has a scratch database for that backend, and a connection to it."""
    connection = await asyncpg.connect(dsn)
    try:
        pattern = f"_{name}_[0-9]+$"
        return await connection.fetchval("SELECT count(*) FROM pg_stat_activity WHERE datname ~ $1", pattern) > 1
    finally:
        await connection.close()


def _wait_for(state) -> None:
    deadline = time.monotonic() + 30
    while not state():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.05)
