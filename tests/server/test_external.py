"""Somebody's server: only this run's databases come and go, and a refusal says what to do."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import asyncpg
import pytest

from crudspec.server import ServerChoice, ServerError, create_scratch, drop_scratch, start, stop, template
from crudspec.server import dsn as urls
from crudspec.server.process import Identity, Watch
from crudspec.server.rundir import Fact, RunDir

SECRET = "p@ss/w:rd%"
ESCAPED = "p%40ss%2Fw%3Ard%25"

OWNER = """
import asyncio, os, sys
from pathlib import Path
from crudspec.server import ServerChoice, create_scratch, start
choice = ServerChoice(kind="external", dsn=sys.stdin.readline().strip())
server = start(choice, run_dir=Path(sys.argv[1]), owner=os.getpid())
asyncio.run(create_scratch(server, "left"))
print(server.prefix, flush=True)
sys.stdin.read()
"""

CANARIES = """
CREATE TABLE tasks (id bigint PRIMARY KEY, title text NOT NULL, done boolean, created_at timestamptz);
INSERT INTO tasks SELECT n, 'canary ' || n, true, '2020-01-01Z' FROM generate_series(1, 100) n;
"""

STATE = """
SELECT json_build_object(
    'tables', (SELECT json_agg(json_build_array(oid, relname, relfilenode, relkind, relacl) ORDER BY oid)
               FROM pg_class WHERE relkind IN ('r', 'i', 'S', 'v') AND oid >= 16384),
    'rows', (SELECT json_agg(json_build_array(xmin::text, ctid, tasks) ORDER BY id) FROM tasks)
)::text
"""

CLUSTER = """
SELECT json_build_object(
    'databases', (SELECT json_agg(json_build_array(oid, datname, datdba, datallowconn, datistemplate, datacl)
                                  ORDER BY oid) FROM pg_database),
    'roles', (SELECT json_agg(r ORDER BY r.oid) FROM pg_authid r),
    'settings', (SELECT json_agg(s) FROM pg_db_role_setting s)
)::text
"""


async def execute(dsn, *statements):
    connection = await asyncpg.connect(dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def value(dsn, sql):
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """Somebody's server, full of canaries; their DSN with a password that needs escaping."""
    run_dir = tmp_path_factory.mktemp("theirs") / "run"
    server = start(ServerChoice(kind="embedded"), run_dir=run_dir, owner=os.getpid())
    admin = server.dsn
    names = ["app", "crudspec", "crudspec_canary", "crudspec_000000000000_tasks", "Crudspec_X"]

    async def fill():
        await execute(
            admin,
            f"CREATE ROLE maker LOGIN CREATEDB PASSWORD '{SECRET}'",
            f"CREATE ROLE idle LOGIN PASSWORD '{SECRET}'",
            *(f'CREATE DATABASE "{name}"' for name in names),
            # Their template1 has a table of the same name: a database of ours must not inherit it.
        )
        for name in (*names, "postgres", "template1"):
            await execute(urls.with_database(admin, name), CANARIES)

    async def snapshot():
        databases = [await value(urls.with_database(admin, name), STATE) for name in (*names, "postgres", "template1")]
        return [await value(admin, CLUSTER), *databases]

    asyncio.run(fill())
    address = urls.shown(admin).partition("/")[0]
    yield SimpleNamespace(
        maker=f"postgresql://maker:{ESCAPED}@{address}",
        idle=f"postgresql://idle:{ESCAPED}@{address}/app",
        address=address,
        snapshot=lambda: asyncio.run(snapshot()),
    )
    stop(run_dir)


def told(run_dir: Path, fact: Fact) -> dict:
    content = RunDir(run_dir).read(fact)
    assert content is not None
    return content


@pytest.fixture
def run_dir(tmp_path, monkeypatch):
    monkeypatch.delenv("CRUDSPEC_DSN", raising=False)
    path = tmp_path / "run"
    yield path
    stop(path)


def test_comes_and_goes_without_a_trace(theirs, run_dir):
    before = theirs.snapshot()
    choice = ServerChoice(dsn=theirs.maker + "?application_name=x")
    server = start(choice, run_dir=run_dir, owner=os.getpid())
    assert server.kind == "external"
    assert server.origin == f"external {theirs.address}/postgres"
    assert ESCAPED not in repr((choice, server))
    scratch, dropped = [asyncio.run(create_scratch(server, "x")) for _ in range(2)]
    assert asyncio.run(value(scratch, "SELECT count(*) FROM tasks")) == 0
    assert "?" not in scratch  # a backend is promised a plain URL
    asyncio.run(drop_scratch(server, dropped))
    assert theirs.snapshot() != before
    stop(run_dir)
    assert theirs.snapshot() == before


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=lambda number: number.name)
def test_leaves_no_trace_when_the_owner_dies(theirs, run_dir, number):
    before = theirs.snapshot()
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(run_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        print(theirs.maker, file=owner.stdin, flush=True)
        assert owner.stdout is not None
        assert owner.stdout.readline().startswith("crudspec_")
        watch = Watch(Identity(**told(run_dir, "keeper")))
        owner.send_signal(number)
        assert watch.gone(30)
        watch.close()
    finally:
        owner.kill()
        owner.communicate()
    assert theirs.snapshot() == before
    assert not run_dir.exists()


def test_leaves_no_trace_when_keeper_and_run_die(theirs, run_dir):
    before = theirs.snapshot()
    server = start(ServerChoice(dsn=theirs.maker), run_dir=run_dir, owner=os.getpid())
    asyncio.run(create_scratch(server, "x"))
    keeper = Identity(**told(run_dir, "keeper"))
    watch = Watch(keeper)
    os.kill(keeper.pid, signal.SIGKILL)
    assert watch.gone(30)
    watch.close()
    stop(run_dir)
    assert theirs.snapshot() == before


@pytest.mark.parametrize(
    ("dsn", "words"),
    [
        ("{idle}", "CREATEDB"),
        (f"postgresql://maker:{ESCAPED}x@{{address}}/postgres", "password"),
        (f"postgresql://maker:{ESCAPED}@{{address}}/nosuch", "no such database"),
        (f"postgresql://maker:{ESCAPED}@127.0.0.1:1/postgres", "cannot be reached"),
        (f"mysql://maker:{ESCAPED}@localhost/x", "not a PostgreSQL URL"),
        (f"postgresql://maker:{ESCAPED}@/x?host=/run", "TCP host"),
        (f"postgresql://maker:{ESCAPED}@a,b/x", "TCP host"),
        (f"postgresql://maker:{ESCAPED}@localhost:port/x", "malformed"),
        (f"host=localhost password={ESCAPED}", "not a PostgreSQL URL"),
    ],
    ids=["no right", "password", "database", "nobody there", "MySQL", "socket", "two hosts", "bad port", "no URL"],
)
def test_a_refusal_says_why_and_keeps_the_secret(theirs, run_dir, dsn, words):
    choice = ServerChoice(kind="external", dsn=dsn.format(idle=theirs.idle, address=theirs.address))
    messages = []
    for _ in range(2):
        with pytest.raises(ServerError, match=words) as caught:
            start(choice, run_dir=run_dir, owner=os.getpid())
        messages.append(str(caught.value))
    # The second caller, another worker for example, hears the same without trying again.
    assert messages[0] == messages[1]
    assert ESCAPED not in messages[0]
    assert SECRET not in messages[0]


def test_the_environment_may_name_the_server(theirs, run_dir, monkeypatch):
    monkeypatch.setenv("CRUDSPEC_DSN", theirs.maker)
    assert start(ServerChoice(), run_dir=run_dir, owner=os.getpid()).kind == "external"


@pytest.mark.parametrize(
    "choice", [ServerChoice(kind="external"), ServerChoice(kind="embedded", dsn="postgresql://a/b")]
)
def test_a_choice_that_makes_no_sense_is_refused(run_dir, choice):
    with pytest.raises(ServerError):
        start(choice, run_dir=run_dir, owner=os.getpid())


@pytest.mark.parametrize(("number", "text", "accepted"), [(160009, "16.9", False), (180001, "18.1 (Debian)", True)])
def test_an_older_server_is_refused(number, text, accepted):
    async def fetchrow(_sql):
        return number, text

    connection = cast("asyncpg.Connection", SimpleNamespace(fetchrow=fetchrow))
    ask = template._version(connection, "postgresql://u:p@h:1/d")
    if accepted:
        assert asyncio.run(ask) == "18.1"
    else:
        with pytest.raises(ServerError):
            asyncio.run(ask)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("postgres://u:p@h", "postgresql://u:p@h:5432/postgres"),
        ("postgresql+asyncpg://u:p%40@h:1/d?sslmode=require", "postgresql://u:p%40@h:1/d?sslmode=require"),
        ("postgresql://u:p@[::1]/d", "postgresql://u:p@[::1]:5432/d"),
        ("postgresql://u:p@h/?sslmode=disable", "postgresql://u:p@h:5432/postgres?sslmode=disable"),
    ],
    ids=["short", "driver suffix", "IPv6", "parameters"],
)
def test_a_url_is_completed(given, expected):
    assert urls.normalised(given) == expected


class Pooler:
    """What PgBouncer does in this respect: a connection to a database stays when its client leaves."""

    def __init__(self, host, port):
        self._host, self._port = host, port
        self._kept = []

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self._server.sockets[0].getsockname()[1]

    async def __aexit__(self, *_):
        self._server.close()
        for writer in self._kept:
            writer.close()

    async def _serve(self, reader, writer):
        upstream, there = await asyncio.open_connection(self._host, self._port)
        self._kept.append(there)
        back = asyncio.create_task(self._pass(upstream, writer))
        while (data := await reader.read(65536)) and data != b"X\0\0\0\4":
            there.write(data)
        back.cancel()
        writer.close()

    async def _pass(self, reader, writer):
        while data := await reader.read(65536):
            writer.write(data)


def test_a_pooler_is_refused_before_anything_is_asked(theirs, run_dir):
    parts = urls.urlsplit(theirs.maker)

    async def try_it():
        async with Pooler(parts.hostname, parts.port) as port:
            address = f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{port}"
            dsn = urls.urlunsplit(parts._replace(netloc=address))
            choice = ServerChoice(kind="external", dsn=dsn)
            try:
                await asyncio.to_thread(start, choice, run_dir=run_dir, owner=os.getpid())
            finally:
                await asyncio.to_thread(stop, run_dir)

    with pytest.raises(ServerError, match="not of a pooler such as PgBouncer") as caught:
        asyncio.run(try_it())
    assert ESCAPED not in str(caught.value)
    assert SECRET not in str(caught.value)
