"""What is shown while a run goes, in a terminal and elsewhere."""

import io

import pytest
from tests.report.test_findings import HEADER, recorded, result

from crudspec.record import Begin, Footer, Record, Verdict
from crudspec.report.live import Live, Screen
from crudspec.report.text import cut, printable


class Stream(io.TextIOWrapper):
    def __init__(self, *, terminal: bool = False, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding=encoding)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    def getvalue(self) -> str:
        self.flush()
        self.seek(0)
        return self.read()


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


RESULTS = [
    result("GET-1"),
    result("GET-2", Verdict.FAIL, "raised KeyError"),
    result("GET-6", Verdict.ADVICE, "get(True)"),
    result("LIST-1", Verdict.NOT_RUN, "create does not work (CREATE-1)", because="CREATE-1"),
    result("LIST-2", Verdict.DEVIATES, "known"),
]


def played(stream: Stream, *, verbose: bool = False) -> str:
    live = Live(Screen(stream), verbose=verbose)
    plan = recorded(*RESULTS)
    record = Record(checks=plan.checks)
    live.take(HEADER, record)
    for found in RESULTS:
        live.take(Begin(nodeid=found.nodeid), record)
        record.add(found)
        live.take(found, record)
    live.take(Footer(status=1, seconds=1.0), record)
    return stream.getvalue()


def test_elsewhere_a_check_is_a_character() -> None:
    first, second = played(Stream()).splitlines()
    assert first.startswith("crudspec: PostgreSQL 17.10")
    assert second == ".Fa-d"


def test_verbose_a_check_is_a_line_and_a_failure_is_told_in_full() -> None:
    text = played(Stream(), verbose=True)
    assert "pass     GET-1          Tasks  test_1  0.00 s\n" in text
    assert "FAIL     GET-2          Tasks  test_1  0.00 s\n\n  GET-2 (MUST) is broken by Tasks\n" in text
    assert "not run  LIST-1         Tasks  test_1  0.00 s\n         create does not work (CREATE-1)\n" in text


def test_verbose_a_program_stands_at_the_left_edge() -> None:
    stream = Stream()
    failure = "GET-2 (MUST) is broken by Tasks\n  program   paste it:\n\nimport os\n\n  again     crudspec check"
    found = result("GET-2", Verdict.FAIL, "raised KeyError", failure=failure)
    Live(Screen(stream), verbose=True).take(found, recorded(found))
    assert "\n    program   paste it:\n\nimport os\n\n    again     crudspec check\n" in stream.getvalue()


def test_in_a_terminal_there_is_a_line_of_progress_that_goes_away() -> None:
    text = played(Stream(terminal=True))
    assert ".Fa-d" not in text
    assert "crudspec: PostgreSQL 17.10" in text
    assert "\x1b[" in text


@pytest.mark.parametrize(
    ("terminal", "environment", "colour"),
    [
        (False, {}, False),
        (True, {}, True),
        (False, {"FORCE_COLOR": "1"}, True),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        (True, {"TERM": "dumb"}, False),
    ],
)
def test_colours_follow_the_terminal_and_the_environment(terminal, environment, colour, monkeypatch) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert Screen(Stream(terminal=terminal)).colour is colour


def test_what_the_encoding_cannot_say_is_written_in_ascii() -> None:
    stream = Stream(encoding="ascii")
    Screen(stream).line("promise…  \N{GRINNING FACE}")
    assert stream.getvalue() == "promise...  \\U0001f600\n"


def test_control_characters_are_written_out() -> None:
    assert printable("a\x1b[2J\ud800\x00\r\nb\tc\x9b") == "a\\x1b[2J\\ud800\\x00\nb\tc\\x9b"


def test_a_long_text_is_cut_in_the_middle() -> None:
    assert cut("short", 20) == "short"
    assert len(cut("x" * 500, 100)) == 100
