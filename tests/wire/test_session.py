"""What a connection is doing, told from the messages alone."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crudspec.wire import CLIENT, SERVER, Frame, Observer, Session

EXTENDED = (("P", b"\0SELECT 1\0\0\0"), ("B", b"\0\0\0\0\0\0\0\0"), ("E", b"\0\0\0\0\0"))
ANSWERS = (("1", b""), ("2", b""), ("C", b"SELECT 1\0"))
READY = ("Z", b"I")
ERROR = ("E", b"SERROR\0C42P01\0Mno such table\0\0")


class Conversation:
    """A session that is past its login, and its observer."""

    def __init__(self):
        self.observer = Observer()
        self.session = Session(1, self.observer)
        self.session.sent(Frame(CLIENT, b"", struct.pack(">II", 17, 3 << 16) + b"user\0me\0\0"))
        self.server(("R", struct.pack(">I", 0)), ("K", struct.pack(">II", 4711, 1)), READY)
        self.recording = self.observer.operation()
        self.seen = self.recording.__enter__()

    def client(self, *messages):
        for code, payload in messages:
            self.session.sent(
                Frame(CLIENT, code.encode(), code.encode() + struct.pack(">I", len(payload) + 4) + payload)
            )

    def server(self, *messages):
        for code, payload in messages:
            raw = code.encode() + struct.pack(">I", len(payload) + 4) + payload
            self.session.received(Frame(SERVER, code.encode(), raw))


def test_the_login_tells_which_process_answers():
    talk = Conversation()
    assert (talk.session.pid, talk.session.status, talk.session.waiting) == (4711, "I", False)


@given(st.integers(1, 12), st.booleans(), st.data())
def test_a_pipeline_is_one_round_trip_however_early_the_answers_come(length, one_sync, data):
    talk = Conversation()
    sync = ("S", b"")
    sent = [(*EXTENDED, *(() if one_sync else (sync,))) for _ in range(length)]
    owed = [(*ANSWERS, *(() if one_sync else (READY,))) for _ in range(length)]
    if one_sync:
        sent[-1], owed[-1] = (*sent[-1], sync), (*owed[-1], READY)
    answered = 0
    for number in range(length):
        talk.client(*sent[number])
        # Whatever the server answers, it owes the last statement still: the client never waited.
        upto = number if one_sync else data.draw(st.integers(answered, number))
        if not one_sync:
            for batch in owed[answered:upto]:
                talk.server(*batch)
            answered = upto
    for batch in owed[answered:]:
        talk.server(*batch)
    assert talk.seen.round_trips == 1
    assert len(talk.seen.statements) == length
    assert talk.seen.transactions == (1 if one_sync else length)
    assert not talk.session.waiting


@given(st.lists(st.booleans(), min_size=1, max_size=12))
def test_every_wait_is_a_round_trip(kinds):
    talk = Conversation()
    for simple in kinds:
        if simple:
            talk.client(("Q", b"SELECT 1\0"))
            talk.server(("C", b"SELECT 1\0"), READY)
        else:
            talk.client(*EXTENDED, ("S", b""))
            talk.server(*ANSWERS, READY)
    assert talk.seen.round_trips == talk.seen.transactions == len(kinds)


def test_a_flush_is_a_trip_of_its_own_and_an_idle_one_is_none():
    talk = Conversation()
    talk.client(EXTENDED[0], ("D", b"S\0"), ("H", b""))
    assert talk.session.waiting
    talk.server(("1", b""), ("t", b"\0\0"))
    assert talk.session.waiting
    talk.server(("T", b"\0\0"))
    assert not talk.session.waiting
    talk.client(("H", b""))
    assert not talk.session.waiting
    assert (talk.seen.round_trips, talk.seen.transactions, talk.seen.statements) == (1, 0, [])


def test_an_error_skips_to_the_sync_and_names_its_statement():
    talk = Conversation()
    talk.client(*EXTENDED, *EXTENDED, ("S", b""), *EXTENDED, ("S", b""))
    talk.server(("1", b""), ("2", b""), ERROR, READY)
    assert talk.session.waiting
    talk.server(*ANSWERS, READY)
    failed, skipped, last = talk.seen.statements
    assert failed.error is not None
    assert failed.error.sqlstate == "42P01"
    assert (skipped.error, skipped.tag, last.tag) == (None, None, "SELECT 1")
    assert (talk.seen.round_trips, talk.session.waiting) == (1, False)


def test_after_a_failed_flush_the_sync_is_a_trip_and_what_came_between_is_not_awaited():
    talk = Conversation()
    talk.client(EXTENDED[0], ("D", b"S\0"), ("H", b""))
    talk.server(ERROR)
    assert not talk.session.waiting
    talk.client(*EXTENDED[1:], ("S", b""))
    talk.server(READY)
    assert (talk.seen.round_trips, talk.session.waiting) == (2, False)


def test_a_transaction_is_one_however_many_statements_it_has():
    talk = Conversation()
    for sql, tag, status in [
        ("BEGIN", "BEGIN", "T"),
        ("INSERT", "INSERT 0 1", "T"),
        ("COMMIT", "COMMIT", "I"),
        ("SELECT", "SELECT 1", "I"),
    ]:
        talk.client(("Q", sql.encode() + b"\0"))
        talk.server(("C", tag.encode() + b"\0"), ("Z", status.encode()))
        assert talk.session.status == status
    assert (talk.seen.transactions, talk.seen.round_trips) == (2, 4)


def extended(*statements):
    """Messages that parse, bind and execute them one after the other, and the answers with these tags."""
    sent, owed = [], []
    for sql, tag in statements:
        sent += [("P", b"\0" + sql.encode() + b"\0\0\0"), *EXTENDED[1:]]
        owed += [("1", b""), ("2", b""), ("C", tag.encode() + b"\0")]
    return sent, owed


TWO = [("BEGIN", "BEGIN"), ("INSERT", "INSERT 0 1"), ("COMMIT", "COMMIT")] * 2
ENDS = {
    "two transactions": (TWO, "I", 2),
    "two that are rolled back": ([("BEGIN", "BEGIN"), ("ABORT", "ROLLBACK")] * 2, "I", 2),
    "one that is prepared, and another": (
        [("BEGIN", "BEGIN"), ("PREPARE TRANSACTION 'x'", "PREPARE TRANSACTION"), ("SELECT", "SELECT 1")],
        "I",
        2,
    ),
    "a savepoint": (
        [
            ("BEGIN", "BEGIN"),
            ("SAVEPOINT s", "SAVEPOINT"),
            ("/* back */ rollback\nwork to s", "ROLLBACK"),
            ("INSERT", "INSERT 0 1"),
            ("COMMIT", "COMMIT"),
        ],
        "I",
        1,
    ),
    "a chain": ([("BEGIN", "BEGIN"), ("COMMIT AND CHAIN", "COMMIT"), ("COMMIT", "COMMIT")], "I", 2),
    "a chain that goes on": ([("BEGIN", "BEGIN"), ("ROLLBACK AND CHAIN", "ROLLBACK")], "T", 2),
    "no chain": ([("BEGIN", "BEGIN"), ("COMMIT AND NO CHAIN", "COMMIT")], "I", 1),
    "statements alone": ([("INSERT", "INSERT 0 1")] * 3, "I", 1),
}


@pytest.mark.parametrize("case", ENDS)
def test_a_transaction_ends_with_its_commit_and_not_with_the_sync(case):
    statements, status, transactions = ENDS[case]
    tags = [tag for _, tag in statements]

    talk = Conversation()
    sent, owed = extended(*statements)
    talk.client(*sent, ("S", b""))
    talk.server(*owed, ("Z", status.encode()))
    assert [(s.sql, s.tag) for s in talk.seen.statements] == statements
    assert (talk.seen.round_trips, talk.seen.transactions) == (1, transactions)

    talk = Conversation()
    text = "; ".join(sql for sql, _ in statements)
    talk.client(("Q", text.encode() + b"\0"))
    talk.server(*[("C", tag.encode() + b"\0") for tag in tags], ("Z", status.encode()))
    assert [(s.sql, s.tag) for s in talk.seen.statements] == [(text, tag) for tag in tags]
    assert (talk.seen.round_trips, talk.seen.transactions) == (1, transactions)
    assert not talk.session.waiting


def test_the_statements_of_a_query_stand_together_and_the_one_that_failed_has_the_error():
    talk = Conversation()
    talk.client(("Q", b"INSERT; SELECT; INSERT\0"), ("Q", b"DELETE\0"))
    talk.server(("C", b"INSERT 0 1\0"), ("C", b"SELECT 1\0"), ERROR, READY, ("C", b"DELETE 1\0"), READY)
    told = [(s.sql, s.tag, s.error and s.error.sqlstate) for s in talk.seen.statements]
    text = "INSERT; SELECT; INSERT"
    assert told == [
        (text, "INSERT 0 1", None),
        (text, "SELECT 1", None),
        (text, None, "42P01"),
        ("DELETE", "DELETE 1", None),
    ]
    assert (talk.seen.round_trips, talk.seen.transactions) == (1, 2)


def test_a_statement_belongs_to_the_operation_in_which_its_query_was_sent():
    talk = Conversation()
    talk.client(("Q", b"INSERT; SELECT\0"))
    with talk.observer.operation("later") as later:
        talk.server(("C", b"INSERT 0 1\0"), ("C", b"SELECT 1\0"), READY)
    assert (len(talk.seen.statements), later.statements) == (2, [])


def bind(name):
    payload = b"\0" + name + b"\0\0\0\0\0\0\0"
    return Frame(CLIENT, b"B", b"B" + struct.pack(">I", len(payload) + 4) + payload)


@pytest.mark.parametrize(("name", "left"), [(b"s1", "SELECT 1"), (b"", None)])
def test_a_statement_that_the_server_refused_is_not_what_runs_later(name, left):
    """One with a name keeps its old meaning; the one without has lost it."""
    talk = Conversation()
    talk.client(("P", name + b"\0SELECT 1\0\0\0"), ("S", b""))
    talk.server(("1", b""), READY)
    talk.client(("P", name + b"\0SELECT nonsense\0\0\0"))
    assert talk.session.sql(bind(name)) == "SELECT nonsense"
    talk.client(("P", b"s2\0SELECT skipped\0\0\0"), ("S", b""), ("P", b"s3\0SELECT 3\0\0\0"), ("S", b""))
    talk.server(ERROR, READY, ("1", b""), READY)
    assert [talk.session.sql(bind(which)) for which in (name, b"s2", b"s3")] == [left, None, "SELECT 3"]


def test_a_statement_is_closed_when_the_server_has_closed_it():
    talk = Conversation()
    talk.client(("P", b"s1\0SELECT 1\0\0\0"), ("C", b"Ss1\0"))
    assert talk.session.sql(bind(b"s1")) is None
    talk.client(("P", b"s1\0SELECT 2\0\0\0"), ("C", b"Ss1\0"), ("S", b""))
    talk.server(("1", b""), ("3", b""), ERROR, READY)
    assert talk.session.sql(bind(b"s1")) is None
    talk.client(("P", b"s1\0SELECT 3\0\0\0"), ("S", b""))
    talk.server(("1", b""), READY)
    talk.client(("P", b"\0nonsense\0\0\0"), ("C", b"Ss1\0"), ("S", b""))
    talk.server(ERROR, READY)
    assert talk.session.sql(bind(b"s1")) == "SELECT 3"


def test_a_statement_parsed_long_ago_is_known_when_it_runs():
    talk = Conversation()
    talk.client(("P", b"s1\0UPDATE t\0\0\0"), ("S", b""))
    talk.server(("1", b""), READY)
    with talk.observer.operation("later") as later:
        bind = Frame(CLIENT, b"B", b"B" + struct.pack(">I", 0) + b"p\0s1\0\0\0\0\2")
        assert talk.session.sql(bind) == "UPDATE t"
        talk.client(("B", bind.payload), ("E", b"p\0\0\0\0\0"), ("S", b""))
    assert [(s.sql, s.parameters) for s in later.statements] == [("UPDATE t", 2)]


def test_copy_in_waits_twice_and_its_early_sync_is_not_owed():
    talk = Conversation()
    talk.client(("Q", b"COPY t FROM STDIN\0"))
    talk.server(("G", b"\0\0\0"))
    assert not talk.session.waiting
    talk.client(("d", b"1\n"), ("c", b""))
    talk.server(("C", b"COPY 1\0"), READY)
    assert (talk.seen.round_trips, talk.session.waiting) == (2, False)
    talk.client(*EXTENDED, ("S", b""))
    talk.server(("1", b""), ("2", b""), ("G", b"\0\0\0"))
    talk.client(("d", b"1\n"), ("c", b""), ("S", b""))
    talk.server(("C", b"COPY 1\0"), READY)
    assert (talk.seen.round_trips, talk.session.waiting) == (4, False)


def test_copy_by_a_client_that_does_not_wait_is_one_trip_wherever_the_go_ahead_falls():
    for early in (1, 2):
        talk = Conversation()
        data = [("d", b"1\n"), ("c", b"")]
        talk.client(("Q", b"COPY t FROM STDIN\0"), *data[:early])
        talk.server(("G", b"\0\0\0"))
        talk.client(*data[early:])
        talk.server(("C", b"COPY 1\0"), READY)
        assert (talk.seen.round_trips, talk.session.waiting) == (1, False)


def test_the_end_of_a_connection_that_owes_nothing_confuses_nobody():
    talk = Conversation()
    talk.server(("E", b"SFATAL\0C57P01\0Mterminating\0\0"))
    assert not talk.session.waiting
    assert talk.seen.round_trips == 0
