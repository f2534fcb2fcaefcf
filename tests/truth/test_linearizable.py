"""The checker of races agrees with one that tries every order."""

from dataclasses import replace
from itertools import combinations, permutations, product

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.tasks import TABLE, row

from crudspec.entity.row import Row
from crudspec.truth import linearizable
from crudspec.truth.linearizable import Operation, orders
from crudspec.truth.model import Request, apply

ROWS = [row(1, title, done) for title in ("x", "a") for done in (False, True)]
NEW = [row(number, "n") for number in (1, 2, 3)]


def rows(*some):
    return {one.key: one for one in some}


def explain(before, operations, after):
    return linearizable.explain(TABLE, before, operations, after)


def objections(before, operations, after):
    return linearizable.objections(TABLE, before, operations, after)


CREATE = Request("create", (), {"title": "n"})
tables = st.sampled_from([rows(), *map(rows, ROWS)])
ends = st.sampled_from([rows(), *map(rows, ROWS), *(rows(ROWS[0], new) for new in NEW)])
asked = st.one_of(
    st.tuples(st.just(CREATE), st.sampled_from([*NEW, None, ROWS[1]])),
    st.tuples(st.just(Request("get", (1,))), st.sampled_from([None, *ROWS])),
    st.tuples(
        st.builds(
            lambda title, done: Request("update", (1,), {"title": title, "done": done}),
            st.sampled_from(["x", "a"]),
            st.booleans(),
        ),
        st.sampled_from([True, True, False, 1]),
    ),
    st.tuples(st.just(Request("delete", (1,))), st.sampled_from([True, False])),
)


@st.composite
def histories(draw):
    """Up to four operations at random moments, with results that may or may not be right, or none at all."""
    kinds = draw(st.lists(asked, min_size=1, max_size=4))
    moments = draw(st.permutations(range(2 * len(kinds))))
    pairs = [sorted(moments[2 * place : 2 * place + 2]) for place in range(len(kinds))]
    return [
        Operation("ABCD"[place], request, result, called, returned, unknown=draw(st.integers(0, 4)) == 0)
        for place, ((request, result), (called, returned)) in enumerate(zip(kinds, pairs, strict=True))
    ]


@st.composite
def honest(draw):
    """A history that was made by a serial order, so that one must be found; and what it leaves."""
    table = before = draw(tables)
    operations = []
    for place, (request, result) in enumerate(draw(st.lists(asked, min_size=1, max_size=4))):
        then, promised = apply(TABLE, table, request, result)
        if request.operation == "create" and not isinstance(promised, Row):
            continue
        table = then
        # Each takes effect at its place; it may have begun before and ended after.
        early, late = draw(st.integers(0, 3)), draw(st.integers(0, 3))
        operations.append(Operation("ABCD"[place], request, promised, 10 * (place - early), 10 * (place + late) + 5))
    for place, operation in enumerate(operations):
        # Nobody knows the id of a row whose create raised, so nobody changes or deletes it.
        if draw(st.integers(0, 4)) == 0 and (operation.request != CREATE or operation.result in table.values()):
            operations[place] = replace(operation, unknown=True, result=None, returned=-1)
    return before, draw(st.permutations(operations)), table


def by_trying_all(before, operations, after):
    """Whether any permutation that keeps to real time, with or without those that raised, gives results and table."""
    known = [operation for operation in operations if not operation.unknown]
    unknown = [operation for operation in operations if operation.unknown]
    return any(
        in_some_order(before, [*known, *happened], after)
        for count in range(len(unknown) + 1)
        for happened in combinations(unknown, count)
    )


def in_some_order(before, operations, after):
    # What a create that raised has made is any row of the table.
    choices = [
        [replace(one, result=row) for row in after.values()] if one.unknown and one.request == CREATE else [one]
        for one in operations
    ]
    for chosen in product(*choices):
        for order in permutations(chosen):
            if any(
                not later.unknown and later.returned < early.called
                for place, early in enumerate(order)
                for later in order[place + 1 :]
            ):
                continue
            there = {one["id"]: one for one in before.values()}
            if all(fits(there, operation) for operation in order) and set(there.values()) == set(after.values()):
                return True
    return False


def fits(there, operation):
    """Run an operation on a dict of rows by id; whether its result is right."""
    name, result = operation.request.operation, operation.result
    if name == "create":
        wanted = (operation.request.values["title"], False)
        right = isinstance(result, Row) and result["id"] not in there and (result["title"], result["done"]) == wanted
        if right:
            there[result["id"]] = result
        return right
    (task_id,) = operation.request.key
    found = there.get(task_id)
    if name == "get":
        return operation.unknown or result == found
    if name == "delete":
        there.pop(task_id, None)
    elif found is not None:
        there[task_id] = row(task_id, *operation.request.values.values(), found["created_at"])
    return operation.unknown or result is (found is not None)


@settings(max_examples=250, deadline=None, database=None)
@given(tables, histories(), ends)
def test_agrees_with_trying_every_order(before, operations, after):
    assert (explain(before, operations, after) is not None) == by_trying_all(before, operations, after)


@settings(max_examples=120, deadline=None, database=None)
@given(honest())
def test_finds_the_order_that_there_was(history):
    before, operations, after = history
    order = explain(before, operations, after)
    assert order is not None
    assert by_trying_all(before, order, after)


@settings(max_examples=60, deadline=None, database=None)
@given(tables, histories(), ends)
@example(rows(), [Operation("A", Request("get", (1,)), None, 0, 1)], rows(ROWS[0]))
def test_there_is_an_objection_to_every_order_or_an_explanation(before, operations, after):
    count = len(list(orders(operations)))
    objected = list(objections(before, operations, after))
    assert (len(objected) == count) == (explain(before, operations, after) is None)


def update(client, title, done, called=0, returned=9, result=True):
    return Operation(client, Request("update", (1,), {"title": title, "done": done}), result, called, returned)


def test_half_of_each_update_is_explained_by_no_order():
    both = [update("A", "a", True), update("B", "x", False)]
    before = rows(ROWS[0])
    assert explain(before, both, rows(row(1, "x", True))) is None
    reasons = [reason for _, reason in objections(before, both, rows(row(1, "x", True)))]
    assert reasons == ["would have left (1, 'x', False)", "would have left (1, 'a', True)"]


def test_real_time_counts():
    before, after = rows(ROWS[0]), rows(row(1, "x", False))
    overlapping = [update("A", "a", True), update("B", "x", False)]
    one_after_the_other = [update("A", "a", True, 4, 5), update("B", "x", False, 0, 1)]
    assert explain(before, overlapping, after) is not None
    assert explain(before, one_after_the_other, after) is None
    ((_, ruled_out), *_) = objections(before, one_after_the_other, after)
    assert ruled_out == "not in this order: B had returned before A was called"


def test_one_is_not_true():
    assert explain(rows(ROWS[0]), [update("A", "x", False, result=1)], rows(ROWS[0])) is None


def test_what_raised_may_have_happened_or_not():
    before, half = rows(ROWS[0]), row(1, "a", True)
    both = [update("A", "a", True), replace(update("B", "b", False, result=None), unknown=True)]
    assert explain(before, both, rows(half)) is not None
    assert explain(before, both, rows(row(1, "b", False))) == both
    assert explain(before, both, rows(row(1, "b", True))) is None
    reasons = [reason for _, reason in objections(before, both, rows(row(1, "b", True)))]
    assert reasons == [f"would have left (1, {rest})" for rest in ("'b', False", "'a', True", "'a', True")]


def test_what_raised_may_happen_after_it_raised_and_not_before_it_was_called():
    before, after = rows(ROWS[0]), rows(row(1, "b", False))
    raised = replace(update("A", "b", False, 0, 1, result=None), unknown=True)
    later = update("B", "a", True, 2, 3)
    assert explain(before, [raised, later], after) == [later, raised]
    assert explain(before, [update("B", "a", True, 0, 1), replace(raised, called=2)], rows(ROWS[0])) is None


def test_a_create_that_raised_may_have_left_a_row_of_its_own_only():
    before = rows(ROWS[0])
    raised = Operation("A", CREATE, None, 0, 1, unknown=True)
    assert explain(before, [raised], before | rows(NEW[1])) == [raised]
    assert explain(before, [raised], before | rows(NEW[1], NEW[2])) is None
    other = replace(raised, request=Request("create", (), {"title": "m"}))
    assert explain(before, [other], before | rows(NEW[1])) is None
    told = Operation("B", CREATE, NEW[1], 0, 1)
    assert explain(before, [raised, told], before | rows(NEW[1], NEW[2])) is not None
    assert explain(before, [raised, told], before | rows(NEW[1])) == [told]
