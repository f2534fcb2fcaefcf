"""What a table does with each operation; and the checks of the domain, which say what a value is in other words."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tasks import (
    BIGINT,
    CUT_TITLES,
    DONE,
    INVALID_DONES,
    INVALID_TITLES,
    LARGE_IDS,
    MISSING_IDS,
    NOT_IDS,
    NOW,
    TABLE,
    VALID_TITLES,
    row,
)

from crudspec import MAX_ID, InvalidValue, can_exist, check_done, check_title
from crudspec.entity.row import UNREAD, matches
from crudspec.entity.table import Unique
from crudspec.entity.types import WrongType
from crudspec.truth.model import REFUSED, Model, NewRow, Request, apply

anything = st.one_of(
    st.text(),
    st.text(st.characters(categories=["Cs", "L"]), max_size=3),
    st.text(min_size=250, max_size=260),
    st.sampled_from([*VALID_TITLES.values(), *INVALID_TITLES.values(), *CUT_TITLES.values()]),
    st.integers(),
    st.booleans(),
    st.floats(),
    st.binary(max_size=3),
    st.none(),
)


def accepts(check, value):
    try:
        check(value)
    except (InvalidValue, WrongType):
        return False
    return True


def can_be_stored_unchanged(title):
    """Of a varchar(255), in words of its own; that these are the server's, is asked of it in tests/entity."""
    return (
        type(title) is str
        and len(title) <= 255
        and not any(character == "\0" or "\ud800" <= character <= "\udfff" for character in title)
    )


@given(anything)
def test_a_title_is_valid_where_it_can_be_stored_unchanged(title):
    assert accepts(check_title, title) == can_be_stored_unchanged(title)


@given(anything, anything)
def test_done_and_id_are_of_their_types_for_both_or_for_neither(done, task_id):
    assert accepts(check_done, done) == accepts(DONE.read, done) == (type(done) is bool)
    assert accepts(can_exist, task_id) == accepts(BIGINT.read, task_id) == (type(task_id) is int)


@given(st.one_of(st.integers(), st.sampled_from([0, 1, MAX_ID, MAX_ID + 1])))
def test_an_id_can_exist_exactly_where_the_server_may_make_it(task_id):
    assert can_exist(task_id) == (1 <= task_id <= 9_223_372_036_854_775_807)


@pytest.mark.parametrize("title", VALID_TITLES.values(), ids=VALID_TITLES)
def test_each_valid_title_is_valid_and_comes_back_unchanged(title):
    assert check_title(title) is title
    assert can_be_stored_unchanged(title)


def test_each_value_of_the_tables_is_what_its_table_says():
    for title in (*INVALID_TITLES.values(), *CUT_TITLES.values()):
        assert not accepts(check_title, title)
        assert not can_be_stored_unchanged(title)
    assert not any(accepts(check_done, done) for done in INVALID_DONES.values())
    assert not any(accepts(can_exist, task_id) for task_id in NOT_IDS.values())
    assert all(can_exist(task_id) for task_id in LARGE_IDS.values())
    assert not any(task_id in LARGE_IDS.values() for task_id in (0, -1, 2**63))
    assert {0, -1, 2**63} <= set(MISSING_IDS.values())


requests = st.builds(
    lambda operation, key, title, done, forbidden: Request(
        operation,
        (key,) if operation != "create" else (),
        {"create": {"title": title}, "update": {"title": title, "done": done}, "delete": {}}[operation],
        forbidden,
    ),
    st.sampled_from(["create", "update", "delete"]),
    st.integers(1, 5),
    st.sampled_from(["a", "b", ""]),
    st.booleans(),
    st.integers(0, 4).map(lambda number: number == 0),
)


@given(st.lists(requests))
def test_the_model_is_a_table_in_key_order_and_a_refusal_changes_nothing(program):
    model, used = Model(TABLE), 0
    for request in program:
        before = model.in_key_order()
        there = request.key in {row.key for row in before}
        promised = model.promises(request)
        if request.forbidden:
            assert promised is REFUSED
            assert model.in_key_order() == before
        elif request.operation == "create":
            assert isinstance(promised, NewRow)
            assert model.in_key_order() == before  # the server has not said which key it has
            used += 1
            new = row(used, request.values["title"])
            assert matches(promised.row, new)
            assert model.created(new) is None
        else:
            assert promised is there
            (after,) = [one for one in model.in_key_order() if one.key == request.key] or [None]
            wanted = row(*request.key, *request.values.values()) if request.operation == "update" and there else None
            assert after == wanted
    rows = model.in_key_order()
    assert [one["id"] for one in rows] == sorted({one["id"] for one in rows})
    assert all(model.promises(Request("get", one.key)) == one for one in rows)
    assert model.promises(Request("list_all")) == rows


def test_a_key_that_comes_back_after_a_delete_is_wrong():
    model = Model(TABLE)
    seventh = row(7, "a")

    assert model.created(seventh) is None
    assert model.promises(Request("delete", (7,))) is True
    assert model.created(seventh) == "id 7 was used before"


def test_a_key_that_the_client_has_chosen_may_come_back_after_a_delete_and_not_before():
    table = replace(TABLE, creates=("id", "title"))
    model, create = Model(table), Request("create", (), {"id": 7, "title": "a"})
    seventh = table.Row((7, "a", False, NOW))

    assert matches(model.promises(create).row, seventh)
    assert model.created(seventh) is None
    assert model.promises(create) is REFUSED
    assert model.created(seventh) == "id 7 was used before"
    assert model.promises(Request("delete", (7,))) is True
    assert model.created(seventh) is None


def test_of_a_created_row_the_server_chooses_what_nobody_gives_and_nothing_else():
    create = Request("create", (), {"title": "a"})
    rows, promised = apply(TABLE, {}, create, row(7, "a"))
    assert (rows, promised) == ({(7,): row(7, "a")}, row(7, "a"))

    for wrong in (row(7, "b"), row(7, "a", True), None):
        rows, promised = apply(TABLE, {}, create, wrong)
        assert rows == {}
        assert repr(promised) == "a new row with title='a'"
        assert promised.row == (UNREAD, "a", False, UNREAD)
    before = {(7,): row(7, "x")}
    assert apply(TABLE, before, create, row(7, "a"))[0] == before


def test_what_must_be_unique_and_is_taken_is_refused_and_changes_nothing():
    table = replace(TABLE, unique=(Unique("title", ("title",)),))
    before = {(1,): row(1, "a"), (2,): row(2, "b", created_at=NOW)}

    for request in (
        Request("create", (), {"title": "a"}),
        Request("update", (2,), {"title": "a", "done": True}),
    ):
        assert apply(table, before, request, row(3, "a")) == (before, REFUSED)
    same = Request("update", (1,), {"title": "a", "done": True})
    assert apply(table, before, same) == ({**before, (1,): row(1, "a", True)}, True)
    assert apply(table, before, Request("update", (3,), same.values)) == (before, False)
