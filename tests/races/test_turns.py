"""What a turn is: a batch that runs something, to its end."""

import asyncio
import struct
import time

import pytest

from crudspec.races.turns import Client, Turns
from crudspec.wire import CLIENT, SERVER, Frame, Observer, Session, Verdict

PARSE = ("P", b"s1\0SELECT 1\0\0\0")
DESCRIBE = ("D", b"Ss1\0")
BIND = ("B", b"\0s1\0\0\0\0\0\0\0")
EXECUTE = ("E", b"\0\0\0\0\0")
SYNC = ("S", b"")


def message(origin, code, payload):
    return Frame(origin, code.encode(), code.encode() + struct.pack(">I", len(payload) + 4) + payload)


class Line:
    """A connection, as the turns see one; past its login, if nothing else is said."""

    def __init__(self, turns, proxy, *, logged_in=True):
        self.turns = turns
        self.proxy = proxy
        self.session = Session(1, Observer())
        self.session.sent(Frame(CLIENT, b"", struct.pack(">II", 17, 3 << 16) + b"user\0me\0\0"))
        if logged_in:
            self.log_in()
        else:
            self.session.received(message(SERVER, "R", struct.pack(">I", 10)))  # and it is the client's turn
        self.passed = []
        self.asked = asyncio.Event()
        self._held = []

    def log_in(self):
        for code, payload in (("R", struct.pack(">I", 0)), ("Z", b"I")):
            self.turns.from_server(self, message(SERVER, code, payload))
            self.session.received(message(SERVER, code, payload))

    def client(self, *messages):
        """What arrives from the client; behind what is held nobody is asked."""
        for code, payload in messages:
            frame = message(CLIENT, code, payload)
            if self._held or self.turns.from_client(self, frame) is Verdict.HOLD:
                self._held.append(frame)
            else:
                self._pass(frame)

    def held(self, origin):
        return tuple(self._held)

    def release(self, origin):
        self._pass(self._held.pop(0))
        while self._held and self.turns.from_client(self, self._held[0]) is Verdict.PASS:
            self._pass(self._held.pop(0))

    def _pass(self, frame):
        self.passed.append(frame.name)
        self.session.sent(frame)
        if self.session.waiting:
            self.asked.set()

    def server(self, *messages):
        for code, payload in messages:
            frame = message(SERVER, code, payload)
            self.turns.from_server(self, frame)
            self.session.received(frame)


@pytest.fixture
def line():
    async def nobody_waits(pids):
        return {}

    turns = Turns(nobody_waits)
    proxy = object()
    turns.serves(proxy, 0)
    alone = Client("A", 0)
    turns.begin([alone])
    turns.called(alone)
    return Line(turns, proxy)


@pytest.mark.asyncio
@pytest.mark.parametrize("rest", [[(DESCRIBE, SYNC)], [(DESCRIBE,), (SYNC,)]])
async def test_preparing_is_no_turn_in_however_many_packets_it_comes(line, rest):
    line.client(PARSE)
    settling = asyncio.ensure_future(line.turns.settle())
    for messages in rest:
        await asyncio.sleep(0)
        assert (settling.done(), line.turns.ready()) == (False, [])
        line.client(*messages)
    await line.asked.wait()
    assert line.passed == ["Parse", "Describe", "Sync"]
    line.server(("1", b""), ("t", b"\0\0"), ("T", b"\0\0"), ("Z", b"I"))
    line.client(BIND, EXECUTE, SYNC)
    await settling
    assert [client.name for client in line.turns.ready()] == ["A"]
    assert line.turns.log == []


@pytest.mark.asyncio
async def test_what_runs_something_is_a_turn_before_its_end_is_there(line):
    line.client(PARSE)
    settling = asyncio.ensure_future(line.turns.settle())
    await asyncio.sleep(0)
    assert (settling.done(), line.turns.ready()) == (False, [])
    line.client(BIND)
    await settling
    (client,) = line.turns.ready()
    line.turns.release(client)
    line.client(EXECUTE, SYNC)
    assert line.passed == ["Parse", "Bind", "Execute", "Sync"]
    assert [[sql for sql, _ in turn.sent] for turn in line.turns.log] == [["SELECT 1", "SELECT 1"]]


@pytest.mark.asyncio
async def test_a_batch_that_nobody_ends_is_a_turn_at_last(line):
    line.client(PARSE)
    async with asyncio.timeout(8):
        await line.turns.settle()
    (client,) = line.turns.ready()
    line.turns.release(client)
    assert line.passed == ["Parse"]


@pytest.mark.asyncio
async def test_who_opens_a_connection_is_waited_for_until_it_sends_something(line):
    another = Client("B", 0)
    line.turns.clients.append(another)
    line.client(("Q", b"SELECT 1\0"))
    line.turns.grace = 0
    line.turns.called(another)
    opening = Line(line.turns, line.proxy, logged_in=False)
    line.turns.opened(opening)
    settling = asyncio.ensure_future(line.turns.settle())
    for _ in range(200):
        await asyncio.sleep(0)
    assert (settling.done(), another.quiet, line.turns.overlapped) == (False, False, False)
    line.turns.grace = 8
    opening.log_in()
    opening.client(("Q", b"SELECT 2\0"))
    await settling
    assert [client.name for client in line.turns.ready()] == ["A", "B"]
    assert line.turns.overlapped


@pytest.mark.asyncio
async def test_a_connection_that_is_never_opened_in_full_is_owed_nothing(line):
    opening = Line(line.turns, line.proxy, logged_in=False)
    line.turns.opened(opening)
    settling = asyncio.ensure_future(line.turns.settle())
    await asyncio.sleep(0)
    line.turns.closed(opening)
    await settling
    assert line.turns.clients[0].quiet
    assert line.turns.ready() == []


@pytest.mark.asyncio
async def test_the_longest_pause_of_a_client_is_noted(line):
    line.turns.grace = 8
    settling = asyncio.ensure_future(line.turns.settle())
    await asyncio.sleep(0)
    time.sleep(0.01)  # noqa: ASYNC251 - nothing else is to happen
    line.client(("Q", b"SELECT 1\0"))
    await settling
    assert 0.009 < line.turns.pause < 4
