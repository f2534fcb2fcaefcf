"""A server in a container, where a Docker daemon answers."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from crudspec.server import ServerChoice, ServerError, create_scratch, docker, drop_scratch, start, stop
from crudspec.server.process import Identity, Watch
from crudspec.server.rundir import Fact, RunDir

needs_docker = pytest.mark.skipif(not docker.answers(), reason="no Docker daemon answers")

OWNER = """
import os, sys
from pathlib import Path
from crudspec.server import ServerChoice, start
start(ServerChoice(kind="container"), run_dir=Path(sys.argv[1]), owner=os.getpid())
print("up", flush=True)
sys.stdin.read()
"""


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


def exists(name: str) -> bool:
    client = docker.connect()
    try:
        return bool(client.containers.list(all=True, filters={"name": name}))
    finally:
        client.close()


@needs_docker
def test_gives_a_migrated_server_and_leaves_nothing(run_dir):
    server = start(ServerChoice(), run_dir=run_dir, owner=os.getpid())
    assert (server.kind, server.version.split(".")[0]) == ("container", "17")
    assert server.origin == "container postgres:17"
    asyncio.run(drop_scratch(server, asyncio.run(create_scratch(server, "x"))))
    name = told(run_dir, "began")["container"]
    assert exists(name)
    stop(run_dir)
    assert not exists(name)


@needs_docker
def test_leaves_nothing_when_the_owner_dies(run_dir):
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(run_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "up\n"
        name = told(run_dir, "began")["container"]
        watch = Watch(Identity(**told(run_dir, "keeper")))
        owner.send_signal(signal.SIGKILL)
        assert watch.gone(60)
        watch.close()
    finally:
        owner.kill()
        owner.communicate()
    assert not exists(name)
    assert not run_dir.exists()


@needs_docker
def test_an_image_that_cannot_be_had_is_an_error(monkeypatch):
    # Nothing listens there: refused at once, and no registry is asked.
    monkeypatch.setattr(docker, "IMAGE", "127.0.0.1:1/nothing:0")
    with pytest.raises(ServerError):
        docker.have_image()


def test_a_daemon_that_is_not_there_is_an_error(run_dir, monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing.sock")
    assert not docker.answers()
    with pytest.raises(ServerError):
        start(ServerChoice(kind="container"), run_dir=run_dir, owner=os.getpid())


def test_without_a_daemon_auto_is_embedded(run_dir, monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing.sock")
    assert start(ServerChoice(), run_dir=run_dir, owner=os.getpid()).kind == "embedded"


def test_a_daemon_that_accepts_and_says_nothing_is_none(monkeypatch, tmp_path):
    path = tmp_path / "deaf.sock"
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(path))
        deaf.listen()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
        monkeypatch.setattr(docker, "ANSWER_SECONDS", 0.05)
        assert not docker.answers()


@needs_docker
def test_auto_without_the_image_is_embedded_and_says_why(run_dir, monkeypatch, tmp_path):
    # In the keeper, too, and Python runs this module first.
    (tmp_path / "sitecustomize.py").write_text(
        "import crudspec.server.docker as docker\ndocker.IMAGE = '127.0.0.1:1/nothing:0'\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    server = start(ServerChoice(), run_dir=run_dir, owner=os.getpid())
    assert server.kind == "embedded"
    assert "127.0.0.1:1/nothing:0" in server.origin
