"""The end of a run as a person reads it, from events written by hand: plain text, 100 characters wide."""

from dataclasses import replace
from typing import Any

import pytest

from crudspec.contract import causes
from crudspec.contract.clause import Consequence
from crudspec.contract.clauses import BY_ID
from crudspec.record import (
    Backend,
    Check,
    Event,
    Header,
    Listed,
    Note,
    Plan,
    Record,
    Result,
    Verdict,
    replayed,
)
from crudspec.report.failure import _folded
from crudspec.report.findings import findings, not_run
from crudspec.report.page import Page
from crudspec.report.summary import closing, opening
from crudspec.report.text import cut, wrapped
from crudspec.server.dsn import redacted

HEADER = Header(
    crudspec="0.1.0",
    postgresql="17.10",
    origin="embedded",
    backends=(Backend(name="Tasks", spec="tasks.py:Tasks", libraries=("asyncpg 0.32.0",)),),
    python="3.11.7",
    seed=0,
    effort="default",
    strict=False,
    command="crudspec check tasks.py:Tasks",
)


def result(
    clause: str, verdict: Verdict = Verdict.PASS, detail: str = "", *, backend: str = "Tasks", **more: Any
) -> Result:
    known = BY_ID[clause]
    failure = f"{clause} ({known.level}) is broken by {backend}\n  seen      {detail}" if detail else ""
    number = more.pop("number", 1)
    more.setdefault("consequence", known.consequence)
    more.setdefault("failure", failure)
    return Result(
        nodeid=f"test_{number}[{backend}-{clause}]",
        backend=backend,
        clause=clause,
        level=known.level,
        verdict=verdict,
        detail=detail,
        **more,
    )


def recorded(*results: Result, header: Header = HEADER, offered: int = 0, others: tuple[Event, ...] = ()) -> Record:
    checks = tuple(Check(nodeid=found.nodeid, backend=found.backend, clause=found.clause) for found in results)
    plan = Plan(checks=checks, offered=offered or len(checks))
    return replayed([header, plan, *(found for found in results if found.seconds >= 0), *others])


def shown(record: Record, *, colour: bool = False, excerpts: bool = True) -> str:
    text = closing(record, Page(width=100, colour=colour), excerpts=excerpts)
    return "\n".join(line.rstrip() for line in text.splitlines())


FAIL, PASS, ADVICE, NOT_RUN = Verdict.FAIL, Verdict.PASS, Verdict.ADVICE, Verdict.NOT_RUN


def test_the_first_line_says_what_the_run_is_against() -> None:
    assert opening(HEADER) == (
        "crudspec: PostgreSQL 17.10, embedded; backends Tasks (asyncpg 0.32.0); seed 0; effort default"
    )


def test_where_all_holds_the_last_line_says_so() -> None:
    text = shown(recorded(result("GET-1"), result("GET-2")))
    assert text == (
        "====================================== crudspec: the contract ======================================\n"
        "clause           level     Tasks    promise\n"
        "crud                        2/2     What the five operations do, for every backend.\n"
        "  GET-1          MUST      pass     Returns all values of a row that another connection wrote, also…\n"
        "  GET-2          MUST      pass     Returns None when no such row exists: never created, deleted, b…\n"
        "2 of 2 planned checks were run, seed 0\n"
        "\n"
        "No findings: Tasks keeps all 2 clauses."
    )


def test_below_the_matrix_stands_what_is_not_claimed_and_what_would_claim_it() -> None:
    header = replace(HEADER, backends=(Backend(name="a", spec="a.py:A"), Backend(name="b", spec="b.py:B")))
    plan = Plan(checks=(), offered=0, unclaimed=(("a", "COST-2"), ("a", "SCHEMA-1"), ("a", "SCHEMA-2")))
    asked = [result("GET-1", backend="a"), result("GET-1", backend="b"), result("COST-1", backend="a")]
    cost = shown(recorded(*asked, header=header, others=(plan,)))
    assert "\n- not claimed: COST-2 needs `round_trips` on the class itself\n" in cost
    both = shown(recorded(*asked, result("SCHEMA-1", backend="b"), header=header, others=(plan,)))
    assert "\n- not claimed: COST-2 needs `round_trips`, schema needs `metadata` on the class itself\n" in both
    assert "not claimed" not in shown(recorded(result("GET-1")))


def test_failures_with_one_cause_are_one_finding_and_the_worst_comes_first() -> None:
    record = recorded(
        result("GET-1"),
        result("GET-3", FAIL, "get('1'): found a row", cause=causes.KEY_GUESSED),
        result("UPDATE-3", FAIL, "update('1'): changed a row", cause=causes.KEY_GUESSED, consequence=Consequence.DATA),
        result("ERROR-1", FAIL, "the password is in str()"),
        result("GET-6", ADVICE, "get(True): found a row"),
        result("RACE-1", FAIL, "concurrent deletes all return True"),
    )
    text = shown(record)
    assert text[text.index("6 of 6 planned") :] == (
        "6 of 6 planned checks were run, seed 0\n"
        "\n"
        "DATA   a key that only looks like that of a row is taken for it\n"
        "       GET-3, UPDATE-3; 2 checks\n"
        "       try: check the key's type first; for a bigint, crudspec.can_exist(id) does\n"
        "  UPDATE-3 (MUST) is broken by Tasks\n"
        "    seen      update('1'): changed a row\n"
        "\n"
        "DATA   concurrent deletes all return True\n"
        "       RACE-1; 1 check\n"
        "  RACE-1 (MUST) is broken by Tasks\n"
        "    seen      concurrent deletes all return True\n"
        "\n"
        "ERROR  the password is in str()\n"
        "       ERROR-1; 1 check\n"
        "  ERROR-1 (MUST) is broken by Tasks\n"
        "    seen      the password is in str()\n"
        "\n"
        "advice: GET-6, Tasks: get(True): found a row\n"
        "--strict (of pytest: --crud-strict) tells an advice in full, and fails the run\n"
        "\n"
        "3 findings: 2 data, 1 error. Begin with UPDATE-3: a key that only looks like that of a row is taken for it."
    )


def test_without_a_cause_the_same_sight_is_one_finding_and_so_is_one_clause() -> None:
    found = findings(
        recorded(
            result("GET-1", FAIL, "raised KeyError"),
            result("GET-2", FAIL, "raised KeyError"),
            result("GET-2", FAIL, "raised OSError", number=2),
            result("LIST-1", FAIL, "raised OSError"),
            result("LIST-2", FAIL, "raised ValueError"),
        )
    )
    assert [(finding.clauses, len(finding.results)) for finding in found] == [
        (["GET-1", "GET-2", "LIST-1"], 4),
        (["LIST-2"], 1),
    ]


def test_a_should_comes_after_a_must_of_the_same_consequence_and_many_clauses_before_few() -> None:
    strict = replace(HEADER, strict=True)
    found = findings(
        recorded(
            result("GET-6", FAIL, "a"),
            result("RESULT-1", FAIL, "b"),
            result("GET-1", FAIL, "c"),
            result("GET-2", FAIL, "c"),
            header=strict,
        )
    )
    assert [finding.worst.clause for finding in found] == ["GET-1", "RESULT-1", "GET-6"]


def test_what_was_not_run_is_told_by_its_reason() -> None:
    record = recorded(
        result("CREATE-1", FAIL, "create raises"),
        result("GET-1", NOT_RUN, "create does not work (CREATE-1)", because="CREATE-1"),
        result("GET-2", NOT_RUN, "create does not work (CREATE-1)", because="CREATE-1"),
        result("LOST-1", NOT_RUN, "no wire", because="there can be no wire"),
        replace(result("LIST-1"), seconds=-1),  # planned, and never heard of
    )
    assert not_run(record) == {
        "Tasks": {
            "CREATE-1": ["GET-1", "GET-2"],
            "there can be no wire": ["LOST-1"],
            "the run ended before": ["LIST-1"],
        }
    }
    lines = shown(record).splitlines()
    assert "not run because of CREATE-1: 2 clauses (GET-1, GET-2)" in lines
    assert "not run: 1 clause (LOST-1): there can be no wire" in lines
    assert any(line.startswith("INCOMPLETE: 2 planned checks were not run") for line in lines)


def test_a_backend_that_cannot_be_opened_is_one_finding_and_no_matrix() -> None:
    rest = [clause for clause in BY_ID if clause != "CONNECT-1" and not clause.startswith("SCHEMA")]
    record = recorded(
        result("CONNECT-1", FAIL, "Tasks.connect(dsn): expected an open backend, seen raised OSError: refused"),
        *(result(clause, NOT_RUN, "it cannot be opened (CONNECT-1)", because="CONNECT-1") for clause in rest),
    )
    text = shown(record)
    assert "INCOMPLETE" not in text
    assert "============" not in text
    assert f"not run because of CONNECT-1: {len(rest)} clauses" in text
    assert len(text.splitlines()) <= 15
    assert text.splitlines()[-1].startswith("1 finding: 1 hang. Begin with CONNECT-1: Tasks.connect(dsn): expected")


def test_a_long_failure_is_cut_and_says_where_the_rest_is() -> None:
    failure = "\n".join([*(f"line {number}" for number in range(79)), "  again     crudspec check x -k PROGRAM-1"])
    record = recorded(result("PROGRAM-1", FAIL, "step 4", failure=failure), result("GET-1"))
    lines = shown(record).splitlines()
    assert "  line 27" in lines
    assert "  line 28" not in lines
    assert "    … 52 more lines: crudspec check x -k PROGRAM-1 -v" in lines


def test_where_failures_were_shown_before_no_finding_repeats_them() -> None:
    text = shown(recorded(result("GET-1", FAIL, "raised KeyError"), result("GET-2")), excerpts=False)
    assert "is broken by" not in text
    assert "ANSWER raised KeyError\n       GET-1; 1 check\n\n1 finding: 1 answer." in text


def test_a_part_of_the_contract_is_said_to_be_one() -> None:
    assert shown(recorded(result("GET-1"), offered=77)).endswith(
        "No findings: Tasks keeps the clause. This was a part: 1 of 77 checks."
    )


def test_each_backend_has_its_own_findings() -> None:
    header = replace(HEADER, backends=(Backend(name="a", spec="a.py:A"), Backend(name="b", spec="b.py:B")))
    record = recorded(
        result("GET-1", backend="a"),
        result("GET-2", backend="a"),
        result("GET-1", FAIL, "raised KeyError", backend="b"),
        result("GET-2", backend="b"),
        header=header,
    )
    text = shown(record)
    assert "\nANSWER b: raised KeyError\n" in text
    assert text.endswith("1 finding: 1 answer. Begin with GET-1 of b: raised KeyError.")
    both = recorded(result("GET-1", backend="a"), result("GET-1", backend="b"), header=header)
    assert shown(both).endswith("No findings: a and b keep the clause.")


def test_notes_deviations_and_what_was_printed_are_told() -> None:
    entry = Listed(backend="Tasks", clause="GET-1", reason="known", expires="", expired=False, whole=True)
    record = recorded(result("GET-1", printed="SELECT 1\nmore"), result("GET-2", Verdict.DEVIATES, "on purpose"))
    for event in (Note(text="by the way"), Note(text="by the way"), Plan(checks=(), offered=0, deviations=(entry,))):
        record.add(event)
    lines = shown(record).splitlines()
    assert lines.count("note: by the way") == 1
    assert "note: Tasks printed something in GET-1; first 'SELECT 1'" in lines
    assert "deviates: GET-2, Tasks: on purpose" in lines
    assert "Tasks: is listed as deviating from GET-1, which holds; remove the entry" in lines


def test_an_advice_is_no_finding() -> None:
    assert shown(recorded(result("GET-6", ADVICE, "get(True)"), result("GET-1"))).endswith(
        "No findings, and 1 advice: Tasks keeps 1 of 2 clauses."
    )


def test_colours_are_only_where_they_are_wanted() -> None:
    record = recorded(result("GET-1", FAIL, "raised KeyError"), result("GET-2"))
    assert "\x1b[" not in shown(record)
    assert "\x1b[" in shown(record, colour=True)


def test_an_empty_record_says_nothing() -> None:
    assert shown(Record()) == ""


@pytest.mark.parametrize("cause", causes.CAUSES)
def test_every_cause_has_a_meaning_that_makes_a_title(cause: str) -> None:
    (found,) = findings(recorded(result("GET-1", FAIL, "raised KeyError", cause=f"{cause}: get")))
    assert found.title == causes.CAUSES[cause]
    assert len(found.title) < 100


def test_a_program_stands_at_the_left_edge_and_the_command_repeats_what_was_asked() -> None:
    lines = [
        "GET-1 (MUST) is broken by Tasks",
        "  program   paste it:",
        "",
        "import os",
        "",
        "def main():",
        "    pass",
        "",
    ]
    again = "crudspec check tasks.py:Tasks -k GET-1 --wire"
    short = shown(recorded(result("GET-1", FAIL, "x", failure="\n".join([*lines, f"  again     {again}"]))))
    assert "\nimport os\n\ndef main():\n    pass\n" in short
    assert f"\n    again     {again}\n" in short
    many = [f"  more      {number}" for number in range(80)]
    long = shown(recorded(result("GET-1", FAIL, "x", failure="\n".join([*lines, *many, f"  again     {again}"]))))
    assert f" more lines: {again} -v" in long


def test_a_narrow_terminal_breaks_lines_between_words_and_nothing_that_is_to_be_pasted() -> None:
    code = "        row1 = await backend.create('a title that is long and stands in a program that is to be pasted')"
    table = "    A: SELECT id, title, done FROM tasks     B: UPDATE tasks SET title = $2     and so on"
    again = "  again     crudspec check tasks.py:Tasks -k GET-1 --server=external --deadline 60 --wire --translated"
    seen = "the list that came back has a row in it that nobody has written, and lacks one that somebody has"
    lines = ["GET-1 (MUST) is broken by Tasks", f"  seen      {seen}", "", table, "", again]
    program = ["GET-2 (MUST) is broken by Tasks", "  program   paste it:", "", "async def main():", code, "", again]
    record = recorded(
        result("GET-1", FAIL, f"list_tasks(): {seen}", failure="\n".join(lines)),
        result("GET-2", FAIL, "another one", failure="\n".join(program)),
        result("GET-6", ADVICE, seen),
        result("LIST-1", NOT_RUN, "nothing", because=f"it could not be asked, as {seen}"),
        others=(Note(text=f"by the way, {seen}"),),
    )
    text = closing(record, Page(width=60, colour=False, wraps=True), excerpts=True)
    assert [line for line in text.splitlines() if len(line.rstrip()) > 60] == [
        f"  {table}",
        f"  {again}",
        code,
        f"  {again}",
    ]
    assert (
        "\nANSWER list_tasks(): the list that came back has a row in it\n"
        "       that nobody has written, and lacks one that somebody\n"
        "       has\n"
    ) in text
    assert "\n    seen      the list that came back has a row in it that\n                nobody" in text
    assert text.partition("checks were run")[2].split() == shown(record).partition("checks were run")[2].split()


def test_blanks_that_count_are_kept_where_a_line_is_broken() -> None:
    assert wrapped("seen 'a   b c'", 8, 2) == "seen\n  'a   b\n  c'"
    assert wrapped("a\nverylongword", 4, 2) == "a\nverylongword"


def test_a_cause_that_has_one_says_what_mends_it() -> None:
    text = shown(recorded(result("ERROR-1", FAIL, "x", cause=causes.LEAK)))
    assert "\n       try: @crudspec.translated above the class" in text
    assert set(causes.REMEDIES) <= set(causes.CAUSES)


def test_a_password_that_was_cut_is_not_shown_in_part() -> None:
    secret = "Sup3rSecretPasswordThatIsLong0123456789"
    dsn = f"postgresql://app:{secret}@host/shop"
    for length in range(20, 70):
        text = redacted(cut(f"no config for {dsn} in this place", length), dsn)
        assert not any(secret[at : at + 4] in text for at in range(len(secret) - 4)), text


def test_calls_that_are_the_same_are_told_once() -> None:
    assert list(_folded(["a", "b", "b", "b", "c", "c"])) == [
        "a",
        "b",
        "the same 2 more times",
        "c",
        "the same 1 more time",
    ]
