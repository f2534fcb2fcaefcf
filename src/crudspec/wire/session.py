"""What one connection is doing: its statements, its transaction, and whether its client is waiting.

Fed with the frames in the order in which they pass; does no input or output.

A **round trip** is counted when the client begins to wait: when it sends a message that asks for an answer
(Query, Sync, Flush, FunctionCall, CopyDone, CopyFail, Password, StartupMessage, SSLRequest) while nothing that
it asked for earlier is still owed. The trip ends with the answer that lets the client go on: the reply to the
last message before that Sync, Query or Flush, an authentication request, or the server's readiness to take
COPY data. So

* Parse, Describe, Flush and then Bind, Execute, Sync are two trips although only one ReadyForQuery is seen,
* statements that are pipelined, with one Sync or with many, are one trip,
* a Flush with nothing to answer before it is none,
* COPY from the client is two, or one if the client sends its data without waiting to be asked for them.

The replies are counted message by message. Counting changes of direction instead would count a pipeline anew
whenever the server happened to answer before the client had sent everything. A client that keeps a window of
statements under way without ever waiting for all of them is counted once: the figure is how often a client
*had* to wait, and for a client that uses the connection sequentially it is exact. What cannot be told from
outside is whether a client that sends more *after* an answer had waited for it; it is taken to have.

A Query has as many **statements** as it gets answers, an error included; each bears the text of the whole.

A **transaction** begins with the answer to a statement outside of one. It ends with ReadyForQuery, where that says
so, or earlier, with the answer to COMMIT, ROLLBACK or PREPARE TRANSACTION: several may follow one another under one
Sync or in one Query. After ``AND CHAIN`` the next one has begun. ROLLBACK TO SAVEPOINT ends none; as its answer is
that of a ROLLBACK, the text decides, and in a Query that contains both, neither is taken for an end.
"""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING

from crudspec.wire import messages as m
from crudspec.wire.frames import CANCEL_REQUEST
from crudspec.wire.observer import Statement
from crudspec.wire.prepared import Prepared

if TYPE_CHECKING:
    from collections.abc import Callable

    from crudspec.wire.frames import Frame
    from crudspec.wire.observer import Observer


_ENDS = (b"COMMIT\0", b"ROLLBACK\0", b"PREPARE TRANSACTION\0")
_TO_SAVEPOINT = re.compile(r"\bROLLBACK\s+((WORK|TRANSACTION)\s+)?TO\b", re.IGNORECASE)


class Session:
    """State of one connection, as far as the frames show it.

    Attributes:
        number: of the connection, from 1.
        pid: of the server process, as in ``pg_stat_activity``; None until the server has told it.
        status: ``""`` before the login is complete, then as in ReadyForQuery: ``I`` idle, ``T`` in a
            transaction, ``E`` in a failed one.
        waiting: the client has asked for something and the server owes it.
        batch_begun: the client has sent messages since it last asked for an answer.
    """

    def __init__(self, number: int, observer: Observer) -> None:
        self.number = number
        self.pid: int | None = None
        self.status = ""
        self.waiting = False
        self.batch_begun = False
        self._observer = observer
        self._prepared = Prepared()
        self._owed: deque[tuple[bytes, Statement | None]] = deque()
        self._sent = 0
        self._answered = 0
        self._asked = 0  # the client waits until _answered has reached this
        self._copied = False  # the client has sent data for COPY since it last asked
        self._failed = False  # the server skips everything until the next Sync
        self._in_transaction = False

    def sql(self, frame: Frame) -> str | None:
        """Return the SQL that a client's message is about, or None; to be asked before it passes."""
        return self._prepared.sql(frame)

    def sent(self, frame: Frame) -> None:
        """Take note of a message of the client that is about to be forwarded."""
        self.batch_begun = True
        handler = _ON_SENT.get(frame.code)
        if handler is not None:
            handler(self, frame)

    def received(self, frame: Frame) -> None:
        """Take note of a message of the server that is about to be forwarded."""
        handler = _ON_RECEIVED.get(frame.code)
        if handler is not None:
            handler(self, frame)

    def answered_by_proxy(self) -> None:
        """Take note that the proxy itself has refused an SSLRequest or GSSENCRequest."""
        self._pay(1)

    # What the client sends.

    def _owe(self, kind: bytes, statement: Statement | None = None) -> bool:
        """Note that an answer is owed; False if the server will skip the message."""
        if self._failed and kind != b"S":
            return False
        self._owed.append((kind, statement))
        self._sent += 1
        return True

    def _ask(self) -> None:
        self.batch_begun = self._copied = False
        self._asked = self._sent
        if self.waiting or self._sent == self._answered:
            return
        self.waiting = True
        for traffic in self._observer.recording:
            traffic.round_trips += 1
            traffic.login_trips += not self.status

    def _execute(self, kind: bytes, sql: str, parameters: int) -> None:
        statement = Statement(self.number, sql, parameters)
        for traffic in self._observer.recording:
            traffic.statements.append(statement)
        self._owe(kind, statement)

    def _on_startup(self, frame: Frame) -> None:
        if frame.request == CANCEL_REQUEST:
            return  # never answered: the server just closes
        self._owe(b"")
        self._ask()

    def _on_query(self, frame: Frame) -> None:
        self._execute(b"Q", m.query_text(frame), 0)
        self._ask()

    def _on_name(self, frame: Frame) -> None:
        if self._owe(frame.code):
            self._prepared.sent(frame)

    def _on_bind(self, frame: Frame) -> None:
        self._prepared.bound(frame)
        self._owe(b"B")

    def _on_execute(self, frame: Frame) -> None:
        self._execute(b"E", *self._prepared.executed(frame))

    def _on_describe(self, _frame: Frame) -> None:
        self._owe(b"D")

    def _on_sync(self, _frame: Frame) -> None:
        self._owe(b"S")
        self._failed = False
        self._ask()

    def _on_data(self, _frame: Frame) -> None:
        self._copied = True

    def _on_copied(self, _frame: Frame) -> None:
        self._ask()
        self._copied = True

    def _on_call(self, _frame: Frame) -> None:
        self._owe(b"Q")
        self._ask()

    def _on_ask(self, _frame: Frame) -> None:
        self._ask()

    # What the server sends.

    def _pay(self, count: int, *, done: bool = False) -> None:
        for _ in range(min(count, len(self._owed))):
            kind, _ = self._owed.popleft()
            self._answered += 1
            if kind in (b"P", b"C"):
                self._prepared.answered(done=done)
        if self._answered >= self._asked:
            self.waiting = False

    def _answer(self) -> Statement | None:
        """Return the statement that is being answered: a further one, if it is a Query's that has its answer."""
        kind, statement = self._owed[0] if self._owed else (b"", None)
        if kind != b"Q" or statement is None or statement.tag is None:
            return statement if kind in (b"E", b"Q") else None
        further = Statement(self.number, statement.sql)
        for traffic in self._observer.recording:
            for position, known in enumerate(traffic.statements, 1):
                if known is statement:
                    traffic.statements.insert(position, further)
                    break
        self._owed[0] = (kind, further)
        return further

    def _on_done(self, frame: Frame) -> None:
        self._begin_transaction()
        statement = self._answer()
        if statement is not None:
            statement.tag = {b"I": "(empty)", b"s": "(suspended)"}.get(frame.code) or m.query_text(frame)
        if frame.payload in _ENDS and not (statement and _TO_SAVEPOINT.search(statement.sql)):
            self._in_transaction = False
        if self._owed and self._owed[0][0] == b"E":
            self._pay(1)

    def _on_small_answer(self, frame: Frame) -> None:
        if self._owed and self._owed[0][0] in _ANSWERS[frame.code]:
            self._pay(1, done=True)

    def _on_error(self, frame: Frame) -> None:
        error = m.read_error(frame)
        if self._answer() is not None:
            self._begin_transaction()
        for _, statement in self._owed:
            if statement is not None:
                statement.error = error  # of the first that could have failed; the others never ran
                break
        if not self._owed or self._owed[0][0] == b"Q":
            return  # a simple query is over with its ReadyForQuery
        skipped = 0
        for kind, _ in self._owed:
            if kind == b"S":
                break
            skipped += 1
        self._failed = skipped == len(self._owed)
        self._pay(skipped)

    def _on_ready(self, frame: Frame) -> None:
        self.status = frame.raw[5:6].decode("ascii", "replace")
        if self.status == "I":
            self._in_transaction = False
        else:
            self._begin_transaction()  # one that another's end has begun
        for position, (kind, _) in enumerate(self._owed, 1):
            if kind in (b"S", b"Q", b""):
                self._pay(position)
                break

    def _on_authentication(self, frame: Frame) -> None:
        if m.read_number(frame) not in (0, 12):  # 0 is success, 12 the last word of SCRAM: both want no reply
            self.waiting = False

    def _on_copy_in(self, _frame: Frame) -> None:
        self._begin_transaction()
        if not self._copied:
            self.waiting = False
        # In the extended protocol the server ignores a Sync that comes before the end of the data.
        while len(self._owed) > 1 and self._owed[0][0] == b"E" and self._owed[1][0] == b"S":
            del self._owed[1]
            self._sent -= 1
        self._asked = self._sent

    def _on_key(self, frame: Frame) -> None:
        self.pid = m.read_number(frame)

    def _begin_transaction(self) -> None:
        if not self._in_transaction:
            self._in_transaction = True
            for traffic in self._observer.recording:
                traffic.transactions += 1


_ANSWERS = {b"1": b"P", b"2": b"B", b"3": b"C", b"T": b"D", b"n": b"D"}

_ON_SENT: dict[bytes, Callable[[Session, Frame], None]] = {
    b"": Session._on_startup,
    b"B": Session._on_bind,
    b"C": Session._on_name,
    b"D": Session._on_describe,
    b"E": Session._on_execute,
    b"F": Session._on_call,
    b"H": Session._on_ask,
    b"P": Session._on_name,
    b"Q": Session._on_query,
    b"S": Session._on_sync,
    b"c": Session._on_copied,
    b"d": Session._on_data,
    b"f": Session._on_copied,
    b"p": Session._on_ask,
}
_ON_RECEIVED: dict[bytes, Callable[[Session, Frame], None]] = {
    **dict.fromkeys((b"C", b"I", b"s"), Session._on_done),
    **dict.fromkeys((b"1", b"2", b"3", b"T", b"n"), Session._on_small_answer),
    b"E": Session._on_error,
    b"G": Session._on_copy_in,
    b"K": Session._on_key,
    b"R": Session._on_authentication,
    b"W": Session._on_copy_in,
    b"Z": Session._on_ready,
}
