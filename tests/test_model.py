"""The model and the checks of the domain state the same rules twice, in different words: they must agree."""

import contextlib
from datetime import UTC, datetime

import pytest
from crudspec.truth.values import INVALID_DONES, INVALID_TITLES, LARGE_IDS, MISSING_IDS, NOT_IDS, VALID_TITLES
from hypothesis import given
from hypothesis import strategies as st

from crudspec import MAX_ID, InvalidValue, can_exist, check_done, check_title
from crudspec.truth.model import Model, Refused, Row, title_is_valid

NOW = datetime(2020, 1, 1, tzinfo=UTC)

anything = st.one_of(
    st.text(),
    st.text(st.characters(categories=["Cs", "L"]), max_size=3),
    st.text(min_size=250, max_size=260),
    st.sampled_from([*VALID_TITLES.values(), *INVALID_TITLES.values()]),
    st.integers(),
    st.booleans(),
    st.floats(),
    st.binary(max_size=3),
    st.none(),
)


def accepts(check, value):
    try:
        check(value)
    except (InvalidValue, Refused):
        return False
    return True


@given(anything)
def test_a_title_is_valid_for_both_or_for_neither(title):
    assert title_is_valid(title) == accepts(check_title, title) == accepts(Model().create, title)


@given(anything, anything)
def test_done_and_id_are_valid_for_both_or_for_neither(done, task_id):
    assert accepts(lambda value: Model().update(1, "a", value), done) == accepts(check_done, done)
    assert accepts(Model().get, task_id) == accepts(can_exist, task_id)
    assert accepts(Model().delete, task_id) == accepts(can_exist, task_id)


@given(st.one_of(st.integers(), st.sampled_from([0, 1, MAX_ID, MAX_ID + 1])))
def test_an_id_can_exist_exactly_where_the_model_takes_it(task_id):
    wrong = Model().created(Row(task_id, "a", False, NOW))

    assert can_exist(task_id) == (wrong is None)


@pytest.mark.parametrize("title", VALID_TITLES.values(), ids=VALID_TITLES)
def test_each_valid_title_is_valid_and_comes_back_unchanged(title):
    assert check_title(title) is title


def test_each_value_of_the_tables_is_what_its_table_says():
    assert not any(accepts(check_title, title) for title in INVALID_TITLES.values())
    assert not any(accepts(check_done, done) for done in INVALID_DONES.values())
    assert not any(accepts(can_exist, task_id) for task_id in NOT_IDS.values())
    assert all(can_exist(task_id) for task_id in LARGE_IDS.values())
    assert not any(task_id in LARGE_IDS.values() for task_id in (0, -1, 2**63))
    assert {0, -1, 2**63} <= set(MISSING_IDS.values())


@given(st.lists(st.tuples(st.sampled_from(["create", "update", "delete"]), st.integers(1, 5), anything, anything)))
def test_the_model_is_a_table_in_id_order_and_a_refusal_changes_nothing(program):
    model, used = Model(), 0
    for operation, task_id, title, done in program:
        before = model.list_tasks()
        with contextlib.suppress(Refused):
            if operation == "create":
                model.create(title)
                used += 1
                assert model.created(Row(used, title, False, NOW)) is None
            elif operation == "update":
                assert model.update(task_id, title, done) == (task_id in {row.id for row in before})
            else:
                assert model.delete(task_id) == (task_id in {row.id for row in before})
            continue
        assert model.list_tasks() == before
    rows = model.list_tasks()
    assert [row.id for row in rows] == sorted({row.id for row in rows})
    assert all(model.get(row.id) == row for row in rows)


def test_an_id_that_comes_back_after_a_delete_is_wrong():
    model = Model()
    row = Row(7, "a", False, NOW)

    assert model.created(row) is None
    assert model.delete(7) is True
    assert model.created(row) == "id 7 was used before"
