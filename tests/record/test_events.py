"""What a run tells: each event is one line, and comes back from it as it was."""

import dataclasses
import json

import pytest

from crudspec.contract.clause import Consequence
from crudspec.harness.heartbeat import Heart
from crudspec.record import (
    Backend,
    Beat,
    Begin,
    Check,
    Error,
    Event,
    Footer,
    Header,
    Listed,
    Note,
    Plan,
    Result,
    Spoilt,
    Unusable,
    Verdict,
    from_json,
    to_json,
)

EVENTS: list[Event] = [
    Header(
        crudspec="0.1.0",
        postgresql="17.10",
        origin="embedded",
        backends=(
            Backend(name="mine", spec="mine.py:Mine", libraries=("asyncpg 0.32.0",)),
            Backend(name="b", spec="b"),
        ),
        python="3.11.7",
        seed=3,
        effort="quick",
        strict=True,
        command="crudspec check mine.py:Mine",
    ),
    Plan(
        checks=(Check(nodeid="test_get.py::test_a[mine-GET-1]", backend="mine", clause="GET-1"),),
        offered=77,
        unclaimed=(("mine", "SCHEMA-1"),),
        deviations=(
            Listed(backend="mine", clause="GET-1", reason="known", expires="2030-01-31", expired=False, whole=True),
        ),
    ),
    Begin(nodeid="test_get.py::test_a[mine-GET-1]"),
    Beat(limit=12.5),
    Result(
        nodeid="test_get.py::test_a[mine-GET-1]",
        backend="mine",
        clause="GET-1",
        level="MUST",
        verdict=Verdict.FAIL,
        consequence=Consequence.HANG,
        cause="hangs: get",
        because="CREATE-1",
        seconds=0.25,
        detail="a lone surrogate \ud800, an emoji \N{GRINNING FACE}",
        failure="two\nlines\x1b[2J",
        printed="SELECT 1",
    ),
    Note(text="by the way"),
    Unusable(backend="mine", text="the schema does not apply"),
    Spoilt(text="the recursion limit"),
    Error(text="no server"),
    Footer(status=1, seconds=12.3),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_is_one_line_of_ascii_and_comes_back(event: Event) -> None:
    line = to_json(event)
    assert "\n" not in line
    assert line.isascii()
    assert from_json(line) == event
    assert from_json(line.encode()) == event


def test_every_kind_of_event_is_tried_and_none_can_be_changed() -> None:
    assert {type(event) for event in EVENTS} == set(Event.__args__)
    for event in EVENTS:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(event, dataclasses.fields(event)[0].name, None)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "x",
        "[]",
        "3",
        "null",
        "{}",
        '{"event": "nothing"}',
        '{"event": "note"}',
        '{"event": ["note"]}',
        "[" * 100_000,
    ],
    ids=lambda line: line[:20],
)
def test_what_is_no_event_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"no event|Expecting|delimiter"):
        from_json(line)


def test_what_a_later_version_adds_is_left_out() -> None:
    line = json.dumps({"event": "note", "text": "hello", "colour": "red"})
    assert from_json(line) == Note(text="hello")


def test_a_sign_of_life_is_good_for_the_longest_call_under_way() -> None:
    told: list[float] = []
    heart = Heart()
    heart.listener = told.append
    heart.beat(60, "mine", "get")
    heart._next = 0  # some time later
    heart.beat(1, "mine", "list_tasks")
    assert len(told) == 2
    assert min(told) > 55
