"""Bytes become frames, whatever the network did to the packets, and whatever was in them."""

import struct
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crudspec.wire import ClientFramer, Frame, ServerFramer, WireError, error_response
from crudspec.wire import messages as m

STARTUP = struct.pack(">II", 8 + 10, 3 << 16) + b"user\0me\0\0\0"
SSL_REQUEST = struct.pack(">II", 8, 80877103)
GSS_REQUEST = struct.pack(">II", 8, 80877104)
WELCOME = b"R" + struct.pack(">II", 8, 0)


def message(code: bytes, payload: bytes) -> bytes:
    return code + struct.pack(">I", 4 + len(payload)) + payload


codes = st.integers(0, 255).map(lambda n: bytes([n]))
streams = st.lists(st.builds(message, codes, st.binary(max_size=60)), max_size=30)
cuts = st.lists(st.integers(0, 400), max_size=40)


def chunked(data: bytes, at: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(cut, len(data)) for cut in at), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


def drain(framer: ClientFramer | ServerFramer, chunks: list[bytes]) -> list[Frame]:
    frames = []
    for chunk in chunks:
        frames += framer.feed(chunk)
        if framer.broken is not None:
            break
    return frames


@given(streams, st.lists(st.sampled_from([SSL_REQUEST, GSS_REQUEST]), max_size=2), cuts)
def test_a_clients_messages_come_out_as_they_went_in(stream, questions, at):
    framer = ClientFramer()
    frames = drain(framer, chunked(b"".join([*questions, STARTUP, *stream]), at))
    assert [frame.raw for frame in frames] == [*questions, STARTUP, *stream]
    assert [frame.code for frame in frames[len(questions) + 1 :]] == [raw[:1] for raw in stream]
    assert (framer.broken, framer.partial) == (None, 0)


@given(streams, cuts)
def test_a_servers_messages_come_out_as_they_went_in(stream, at):
    framer = ServerFramer()
    frames = drain(framer, chunked(b"".join([WELCOME, *stream]), at))
    assert [frame.raw for frame in frames] == [WELCOME, *stream]
    assert (framer.broken, framer.partial) == (None, 0)


@given(streams, cuts)
def test_elided_messages_are_left_out_and_nothing_else_is_lost(stream, at):
    framer = ServerFramer(elide=b"D\0")
    frames = drain(framer, chunked(b"".join([WELCOME, *stream]), at))
    assert [frame.raw for frame in frames] == [WELCOME, *(raw for raw in stream if raw[:1] not in b"D\0")]
    assert framer.skipping == framer.partial == 0


@pytest.mark.parametrize("framer_class", [ClientFramer, ServerFramer])
@given(data=st.binary(max_size=200), begun=st.booleans(), at=cuts)
@example(data=b"GET / HTTP/1.1\r\n\r\n", begun=False, at=[1, 2, 3])
@example(data=b"E" + b"\0" * 8, begun=True, at=[4])
def test_garbage_is_found_at_the_same_place_in_any_packets(framer_class, data, begun, at):
    if begun:
        data = (STARTUP if framer_class is ClientFramer else WELCOME) + data
    whole, parts = framer_class(), framer_class()
    assert drain(whole, [data]) == drain(parts, chunked(data, at))
    assert (whole.broken is None) == (parts.broken is None)
    assert whole.tail == parts.tail


def test_thousands_of_messages_in_one_packet():
    many = message(b"D", b"row") * 50_000
    framer = ServerFramer()
    frames = framer.feed(WELCOME + many)
    assert len(frames) == 50_001
    assert b"".join(frame.raw for frame in frames) == WELCOME + many


def test_a_large_message_byte_by_byte_at_its_ends():
    row = message(b"D", b"x" * (12 << 20))
    framer = ServerFramer()
    assert framer.feed(WELCOME)
    assert drain(framer, [row[:1], row[1:3], row[3:7], row[7:-1]]) == []
    assert [frame.raw for frame in framer.feed(row[-1:])] == [row]


def test_an_elided_large_message_is_not_kept():
    framer = ServerFramer(elide=b"D")
    framer.feed(WELCOME)
    row = message(b"D", b"x" * 100_000)
    assert framer.feed(row[:70_000]) == []
    assert (framer.partial, framer.skipping) == (0, len(row) - 70_000)
    assert [frame.name for frame in framer.feed(row[70_000:] + message(b"Z", b"I"))] == ["ReadyForQuery"]


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01",
        struct.pack(">II", 8, 2 << 16),
        struct.pack(">II", 4, 0),
        STARTUP + b"hello, is anybody there?",
        STARTUP + b"S" + struct.pack(">I", 3),
        STARTUP + b"S" + struct.pack(">I", 100_000),
        STARTUP + b"\xfe" + struct.pack(">I", 0x20202020),
        STARTUP + b"Q" + struct.pack(">I", 0x40000000),
    ],
)
def test_what_no_client_says_is_refused(data):
    framer = ClientFramer()
    framer.feed(data)
    assert isinstance(framer.broken, WireError)
    with pytest.raises(WireError):
        framer.feed(b"more")


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"S",
        b"EFATAL:  unsupported frontend protocol 3.0\n\0",
        b"\x00\x00\x00\x01",
        WELCOME + b"Z" + struct.pack(">I", 1 << 20),
        WELCOME + b"T" + struct.pack(">I", 2),
    ],
)
def test_what_no_server_says_is_refused(data):
    framer = ServerFramer()
    framer.feed(data)
    assert isinstance(framer.broken, WireError)


def test_an_unknown_message_is_named_and_kept():
    frames = ClientFramer().feed(STARTUP + message(b"\xfe", b"future"))
    assert [frame.name for frame in frames] == ["StartupMessage", "unknown b'\\xfe'"]
    assert frames[1].payload == b"future"


def test_what_is_read_of_messages():
    framer = ClientFramer()
    bind = b"portal\0stmt\0" + struct.pack(">HHH", 2, 1, 0) + struct.pack(">Hi", 2, 1) + b"x" + b"\xff" * 4
    frames = framer.feed(
        STARTUP
        + message(b"P", b"stmt\0SELECT \xc3\xa4\0\0\0")
        + message(b"B", bind)
        + message(b"E", b"portal\0\0\0\0\0")
        + message(b"C", b"Sstmt\0")
        + message(b"Q", b"BEGIN\0")
    )[1:]
    assert m.read_parse(frames[0]) == ("stmt", "SELECT ä")
    assert m.read_bind(frames[1]) == ("portal", "stmt", 2)
    assert m.read_portal(frames[2]) == "portal"
    assert m.read_target(frames[3]) == ("S", "stmt")
    assert m.query_text(frames[4]) == "BEGIN"
    (error,) = ServerFramer().feed(error_response("57P01", "going away"))
    assert m.read_error(error) == ("FATAL", "57P01", "going away")


@given(st.sampled_from(b"PBECDQ"), st.binary(max_size=12))
def test_a_message_cut_short_by_its_sender_is_read_as_far_as_it_goes(code, payload):
    (_, frame) = ClientFramer().feed(STARTUP + message(bytes([code]), payload))
    m.read_parse(frame), m.read_bind(frame), m.read_portal(frame), m.read_target(frame), m.query_text(frame)
