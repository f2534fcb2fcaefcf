"""What the checks are made of: reading a row, expecting a value, expecting a refusal."""

import asyncio
from collections import UserDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from types import SimpleNamespace

import asyncpg
import pytest
from tests.tasks import NOW, TABLE, row

from crudspec import InvalidValue, Task
from crudspec.contract.clause import Consequence
from crudspec.contract.failures import ContractBroken, Inconclusive
from crudspec.entity.row import UNREAD
from crudspec.harness import reading
from crudspec.run.marks import clause
from crudspec.truth.expect import Every, expect, refuses
from crudspec.truth.shown import shown, shown_error

ROW = row(1, "a")
GOOD: dict = {"id": 1, "title": "a", "done": False, "created_at": NOW}


def read(what, returned, **hidden):
    return reading.read(TABLE, what, returned, **hidden)


def read_all(what, returned):
    return reading.read_all(TABLE, what, returned)


class BadRepr:
    def __repr__(self):
        raise RuntimeError("no")


class Always(datetime):
    """Equal to every other."""

    __hash__ = datetime.__hash__

    def __eq__(self, other):
        return True


class Anything(str):
    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other):
        return True


class Endless(list):
    def __iter__(self):
        while True:
            yield GOOD


class Raising:
    id = 1
    title = "a"

    @property
    def done(self):
        raise RuntimeError("detached")


@pytest.mark.parametrize(
    "returned",
    [GOOD, UserDict(GOOD), SimpleNamespace(**GOOD), Task(*ROW), ROW],
    ids=lambda returned: type(returned).__name__,
)
def test_reads_a_row_by_attributes_or_keys(returned):
    assert read("the row", returned) == ROW


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"id": "1"}, "id of the row: expected exactly int, seen '1' of type str"),
        ({"id": True}, "seen True of type bool"),
        ({"id": Decimal(1)}, "of type Decimal"),
        ({"title": b"a"}, "title of the row: expected exactly str"),
        ({"done": 0}, "done of the row: expected exactly bool, seen 0 of type int"),
        ({"done": None}, "done of the row"),
        ({"created_at": NOW.replace(tzinfo=None)}, "created_at of the row: expected an aware datetime"),
        ({"created_at": "2020-01-01"}, "created_at of the row"),
        ({"created_at": NOW.date()}, "created_at of the row"),
        ({"created_at": Always(2020, 1, 1, tzinfo=UTC)}, "created_at of the row: expected an aware datetime"),
        ({"title": Anything("a")}, "title of the row: expected exactly str"),
    ],
)
def test_a_value_of_another_type_is_told(change, told):
    with pytest.raises(ContractBroken) as caught:
        read("the row", GOOD | change)

    assert told in str(caught.value)


def test_an_aware_time_of_any_zone_will_do():
    there = NOW.astimezone(timezone(timedelta(hours=5)))

    assert read("the row", GOOD | {"created_at": there})["created_at"] == NOW


@pytest.mark.parametrize(
    "returned",
    [None, (1, "a", False, NOW), {"id": 1}, SimpleNamespace(id=1, title="a"), 1, "row", Raising(), object()],
    ids=lambda returned: type(returned).__name__,
)
def test_a_wrong_shape_is_told(returned):
    with pytest.raises(ContractBroken) as caught:
        read("the row", returned)

    assert caught.value.expected == "a row with id, title, done, created_at as attributes or keys"
    assert caught.value.seen.startswith("no '")


def test_a_property_that_raises_is_told_with_what_it_raised():
    with pytest.raises(ContractBroken, match="reading it raised RuntimeError: detached"):
        read("the row", Raising())


@pytest.mark.parametrize("rows", [None, iter([GOOD]), {1: GOOD}, {"a"}, "rows", b"rows", 1])
def test_rows_that_are_no_sequence_are_told(rows):
    with pytest.raises(ContractBroken, match="a sequence of rows"):
        read_all("list_tasks()", rows)


def test_a_sequence_that_does_not_end_is_left():
    with pytest.raises(ContractBroken, match="20,000 rows and more"):
        read_all("list_tasks()", Endless())


def test_hidden_columns_are_passed_over():
    assert read("the row", {"id": 1, "title": 3}, hidden={"title", "done", "created_at"}) == (1, *[UNREAD] * 3)


def test_a_list_or_a_tuple_of_rows_is_read():
    assert read_all("list_tasks()", [GOOD]) == read_all("list_tasks()", (GOOD,)) == [ROW]


def test_expect_compares_types_too():
    expect("it", True, True)
    for seen in (1, 1.0, "True", None):
        with pytest.raises(ContractBroken):
            expect("it", seen, True)


def test_a_value_whose_repr_raises_or_is_long_can_be_shown():
    assert "whose repr raises RuntimeError" in shown(BadRepr())
    assert len(shown("x" * 10_000)) < 400


def test_a_row_without_a_repr_is_shown_by_its_values():
    class Plain:
        def __init__(self):
            self.id, self.title, self.done = 7, "milk", False

    assert shown(Plain()) == "<Plain id=7, title='milk', done=False>"
    assert shown([Plain()]) == "[<Plain id=7, title='milk', done=False>]"


def test_an_error_whose_text_raises_can_be_shown():
    class Mute(Exception):
        def __str__(self):
            raise ValueError("no text")

    assert "its str() raises ValueError" in shown_error(Mute())
    assert shown_error(KeyError("a")) == "KeyError: 'a'"
    assert shown_error(asyncpg.DataError("cut\nhere")) == "asyncpg.exceptions.DataError: cut"


def refused(error):
    async def call():
        if isinstance(error, BaseException):
            raise error
        return error

    return asyncio.run(refuses("the call", call()))


def test_whatever_is_raised_refuses():
    for error in (ValueError("a"), KeyError("a"), InvalidValue("a"), asyncpg.DataError("a")):
        assert refused(error) is error


def test_to_return_is_no_refusal():
    with pytest.raises(ContractBroken, match="seen returned None"):
        refused(None)
    with pytest.raises(asyncio.CancelledError):
        refused(asyncio.CancelledError())
    broken = ContractBroken("it", expected="a", seen="b")
    with pytest.raises(ContractBroken) as caught:
        refused(broken)
    assert caught.value is broken


def broken(seen, consequence=None):
    return ContractBroken("it", expected="a", seen=seen, consequence=consequence)


def test_of_many_values_the_worst_is_told_and_the_others_are_listed():
    every = Every("GET-2")
    for seen, consequence in (("first", None), ("second", Consequence.DATA), ("third", Consequence.ERROR)):
        with every.one():
            raise broken(seen, consequence)
    with every.one():
        pass
    with pytest.raises(ContractBroken) as caught:
        every.settle()
    assert caught.value.seen == "second"
    assert caught.value.others == ["it: expected a, seen first", "it: expected a, seen third"]
    Every("GET-2").settle()


def test_a_hang_ends_a_table_of_values_at_once_and_what_was_found_before_is_told():
    every = Every("GET-2")
    with every.one():
        raise broken("before", Consequence.DATA)
    with pytest.raises(ContractBroken) as caught, every.one():
        raise broken("a hang", Consequence.HANG)
    assert caught.value.seen == "before"
    assert len(caught.value.others) == 1


def test_what_could_not_be_asked_ends_a_table_of_values():
    every = Every("GET-2")
    with pytest.raises(Inconclusive), every.one():
        raise Inconclusive("it")
    every.settle()


def test_rows_are_compared_by_what_both_have():
    expect("it", ROW.without(["done"]), ROW)
    expect("it", [ROW], [row(1, "b").without(["title"])])
    for seen in (row(8, "a").without(["done"]), [ROW], row(1, "b")):
        with pytest.raises(ContractBroken):
            expect("it", seen, ROW)
    assert ROW.without(["done"]).but({"done": True, "title": "b"}) == row(1, "b").without(["done"])


def test_a_check_of_no_clause_cannot_be_written():
    with pytest.raises(KeyError):
        clause("CREATE-99")


@dataclass
class Slow:
    """Looks like a row only through ``__getattr__``, as lazy objects do."""

    row: dict

    def __getattr__(self, name):
        return self.row[name]


def test_a_lazy_row_is_read_through_its_attributes():
    assert read("the row", Slow(GOOD))["title"] == "a"
    with pytest.raises(ContractBroken):
        read("the row", Slow({}))


def test_what_was_found_before_the_rest_could_not_be_asked_is_told() -> None:
    every = Every("GET-2")
    with every.one():
        raise ContractBroken("get(1)", expected="None", seen="a row")
    with pytest.raises(ContractBroken, match="a row"), every.one():
        raise Inconclusive("more")
    with pytest.raises(Inconclusive), Every("GET-2").one():
        raise Inconclusive("more")


@pytest.mark.parametrize("cut", [False, True])
def test_a_column_that_is_known_to_be_missing_is_read_where_it_is_there(cut) -> None:
    returned = {name: value for name, value in GOOD.items() if not (cut and name == "created_at")}
    assert read("the row", returned, hidden=["created_at"])["created_at"] is (UNREAD if cut else NOW)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x" * 255 + " ", "'x' * 255 + ' '"),
        ("a" + "\n" * 40, r"'a' + '\n' * 40"),
        ("x" * 20, repr("x" * 20)),
        (["y" * 300], "['y' * 300]"),
    ],
)
def test_a_long_run_of_one_character_is_counted(value, text):
    assert shown(value) == text
