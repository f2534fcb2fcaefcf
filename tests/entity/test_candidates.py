"""The values that are tried on a column, before the server has said anything of them."""

import ipaddress
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from uuid import UUID

import asyncpg.pgproto.pgproto as pgproto
import pytest
from tests.tasks import CUT_TITLES, DONE, INVALID_DONES, INVALID_TITLES, TITLE, VALID_TITLES

from crudspec.entity.candidates import candidates
from crudspec.entity.choices import choice_of
from crudspec.entity.entity import Values
from crudspec.entity.row import UNREAD, matches
from crudspec.entity.table import Column, Table
from crudspec.entity.types import Type, WrongType

TYPES = [
    TITLE,
    DONE,
    Type("text", "text"),
    Type("text", "character(3)", length=3, padded=True),
    Type("int", "smallint", bits=16),
    Type("int", "integer", bits=32),
    Type("int", "bigint", bits=64),
    Type("numeric", "numeric"),
    Type("numeric", "numeric(12,2)", precision=12, scale=2),
    Type("numeric", "numeric(2,2)", precision=2, scale=2),
    Type("numeric", "numeric(3,-2)", precision=3, scale=-2),
    Type("float", "real", bits=32),
    Type("float", "double precision", bits=64),
    Type("uuid", "uuid"),
    Type("date", "date"),
    Type("time", "time without time zone"),
    Type("timestamp", "timestamp without time zone"),
    Type("timestamptz", "timestamp with time zone"),
    Type("interval", "interval"),
    Type("bytes", "bytea"),
    Type("json", "jsonb"),
    Type("json", "json"),
    Type("enum", "mood", labels=("sad", "glad")),
    Type("inet", "inet"),
    Type("inet", "cidr"),
    Type("array", "integer[]", item=Type("int", "integer", bits=32)),
    Type("array", "text[]", item=Type("text", "text")),
    Type("array", "mood[]", item=Type("enum", "mood", labels=("sad",))),
    Type("array", "boolean[]", item=DONE),
]
NO_SERVER = {"None", "int", "bytes", "bool", "list", "lone high surrogate", "lone low surrogate"}


def test_a_title_is_tried_with_what_it_always_was():
    made = candidates(TITLE)

    assert made.plain == ("a", "b", "")
    assert {**made.edges, **made.wrong} == VALID_TITLES | CUT_TITLES | INVALID_TITLES
    assert set(made.wrong) == NO_SERVER


def test_a_done_is_tried_with_what_it_always_was():
    made = candidates(DONE)

    assert made.plain == (False, True)
    assert made.wrong == INVALID_DONES


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.sql)
def test_what_is_tried_is_of_the_type_and_what_is_wrong_is_not(kind):
    made = candidates(kind)

    for value in (*made.plain, *made.edges.values()):
        if not kind.padded and value == value:  # NaN is not
            assert matches(kind.read(value), value), value
    for name, value in made.wrong.items():
        if name in ("None", "NaN") or "surrogate" in name or kind.kind == "enum":
            continue
        with pytest.raises(WrongType):
            kind.read(value)


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.sql)
def test_plain_values_are_distinct(kind):
    plain = candidates(kind).plain
    assert len(plain) >= 2
    assert not any(matches(one, other) for at, one in enumerate(plain) for other in plain[:at])
    assert None in candidates(kind, nullable=True).plain


class Colour(Enum):
    RED = "red"
    blue = 2


class Word(StrEnum):
    RED = "red"


class Number(IntEnum):
    ONE = 1


class Raises:
    def __getattribute__(self, name):
        raise RuntimeError(name)


class Odd(dict):
    def items(self):
        raise RuntimeError


COLOUR = Type("enum", "colour", labels=("red", "blue"))
INT = Type("int", "integer", bits=32)
SUMMER = timezone(timedelta(hours=2))


def _without_address(value):
    """A name that is the same in each process of a run: a memoryview's repr is where it stands."""
    return type(value).__name__ if isinstance(value, memoryview) else repr(value)


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        (COLOUR, Colour.RED, "red"),
        (COLOUR, Colour.blue, "blue"),
        (COLOUR, Word.RED, "red"),
        (COLOUR, "none of them", "none of them"),
        (TITLE, Word.RED, "red"),
        (INT, Number.ONE, 1),
        (Type("uuid", "uuid"), pgproto.UUID(str(UUID(int=1))), UUID(int=1)),
        (Type("bytes", "bytea"), bytearray(b"a"), b"a"),
        (Type("bytes", "bytea"), memoryview(b"a"), b"a"),
        (Type("text", "character(3)", length=3, padded=True), "a  ", "a"),
        (
            Type("timestamptz", "timestamp with time zone"),
            datetime(2024, 1, 1, 2, tzinfo=SUMMER),
            datetime(2024, 1, 1, tzinfo=UTC),
        ),
        (Type("inet", "inet"), "10.0.0.1", ipaddress.ip_address("10.0.0.1")),
        (Type("inet", "inet"), "10.0.0.1/24", ipaddress.ip_interface("10.0.0.1/24")),
        (Type("inet", "cidr"), "10.0.0.0/8", ipaddress.ip_network("10.0.0.0/8")),
        (Type("array", "integer[]", item=INT), (1, None), [1, None]),
        (Type("json", "jsonb"), Odd(a=[Odd()]), {"a": [{}]}),
        (Type("json", "jsonb"), '{"a": 1}', '{"a": 1}'),
    ],
    ids=_without_address,
)
def test_a_value_is_read_as_the_one_that_stands_for_it(kind, value, read):
    assert matches(kind.read(value), read)


def test_what_is_of_an_unknown_type_is_not_read():
    assert Type("unknown", "money").read(Raises()) is UNREAD


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (INT, True),
        (INT, "1"),
        (INT, 1.0),
        (DONE, 1),
        (COLOUR, Number.ONE),
        (Type("numeric", "numeric"), 1.0),
        (Type("numeric", "numeric"), 1),
        (Type("float", "real", bits=32), 1),
        (Type("date", "date"), datetime(2024, 1, 1)),  # noqa: DTZ001
        (Type("time", "time"), time(1, tzinfo=UTC)),
        (Type("timestamp", "timestamp"), datetime(2024, 1, 1, tzinfo=UTC)),
        (Type("timestamp", "timestamp"), date(2024, 1, 1)),
        (Type("timestamptz", "timestamptz"), datetime(2024, 1, 1)),  # noqa: DTZ001
        (Type("json", "jsonb"), {1: 2}),
        (Type("json", "jsonb"), {"a": Decimal(1)}),
        (Type("array", "integer[]", item=INT), "{1}"),
        (Type("array", "integer[]", item=INT), [[1]]),
        (Type("inet", "inet"), "nowhere"),
    ],
)
def test_what_is_not_exactly_of_the_type_is_refused(kind, value):
    with pytest.raises(WrongType):
        kind.read(value)


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.sql)
def test_a_value_that_raises_is_of_no_type(kind):
    with pytest.raises(WrongType):
        kind.read(Raises())


def test_json_without_an_end_is_none():
    endless = []
    endless.append(endless)
    with pytest.raises(WrongType):
        Type("json", "jsonb").read(endless)


def test_what_a_user_says_is_invalid_is_not_tried_as_valid():
    column = Column("title", Type("text", "text"))
    found = choice_of(Table("t", (column,), (), (), ()), column, Values(invalid=["", "b"]))

    assert not {"", "b"} & {*found.plain, *found.edges.values()}
    assert {"", "b"} <= {value for value in found.invalid.values() if isinstance(value, str)}
