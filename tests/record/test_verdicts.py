"""Verdicts that cannot be vacuous: what was planned is counted against what was run."""

from dataclasses import replace

import pytest

from crudspec.contract.clause import Consequence
from crudspec.record import Check, Error, Event, Listed, Note, Plan, Record, Result, Verdict, replayed


def check(nodeid: str, clause: str = "GET-1", backend: str = "orm") -> Check:
    return Check(nodeid=nodeid, backend=backend, clause=clause)


def result(nodeid: str, verdict: Verdict, detail: str = "", *, clause: str = "GET-1", seconds: float = 0) -> Result:
    return Result(
        nodeid=nodeid,
        backend="orm",
        clause=clause,
        level="MUST",
        verdict=verdict,
        consequence=Consequence.DATA,
        detail=detail,
        seconds=seconds,
    )


def planned(*checks: Check, deviations: tuple[Listed, ...] = ()) -> Plan:
    return Plan(checks=checks, offered=len(checks), deviations=deviations)


def test_the_worst_check_of_a_clause_is_its_verdict() -> None:
    record = replayed(
        [
            result("a", Verdict.PASS),
            result("b", Verdict.DEVIATES),
            result("c", Verdict.FAIL),
            result("d", Verdict.PASS, clause="GET-2"),
        ]
    )
    assert record.table() == {("orm", "GET-1"): Verdict.FAIL, ("orm", "GET-2"): Verdict.PASS}


def test_a_planned_check_without_a_result_is_not_run() -> None:
    record = replayed([planned(check("a"), check("b")), result("a", Verdict.PASS)])
    assert record.table() == {("orm", "GET-1"): Verdict.NOT_RUN}
    assert record.missing() == [check("b")]
    assert record.status() == 1


def test_a_failure_after_the_call_is_not_covered_by_its_pass() -> None:
    record = replayed([result("a", Verdict.PASS, seconds=1), result("a", Verdict.FAIL, "left a lock", seconds=2)])
    assert record.table()["orm", "GET-1"] is Verdict.FAIL
    assert record.results["a"].detail == "left a lock"
    assert record.results["a"].seconds == 3


def test_what_is_unclaimed_is_in_the_table_and_missed_by_nobody() -> None:
    plan = Plan(checks=(check("a"),), offered=1, unclaimed=(("orm", "SCHEMA-1"),))
    record = replayed([plan, result("a", Verdict.PASS)])
    assert record.table()["orm", "SCHEMA-1"] is Verdict.UNCLAIMED
    assert record.status() == 0


def two(verdict: Verdict) -> list[Event]:
    """A check of GET-1, and one of LIST-1 that was not run because of it."""
    first, second = check("a"), Check(nodeid="b", backend="orm", clause="LIST-1")
    needs_it = replace(result("b", Verdict.NOT_RUN), clause="LIST-1", because="GET-1")
    return [planned(first, second), result("a", verdict), needs_it]


STATUS: dict[str, tuple[list[Event], int]] = {
    "nothing was told": ([], 1),
    "nothing was asked": ([planned(check("a"))], 1),
    "nothing could be asked": ([Error(text="no server")], 4),
    "all held": ([planned(check("a")), result("a", Verdict.PASS)], 0),
    "one failed": ([planned(check("a")), result("a", Verdict.FAIL)], 1),
    "an advice": ([planned(check("a")), result("a", Verdict.ADVICE)], 0),
    "known to deviate": ([planned(check("a")), result("a", Verdict.DEVIATES)], 0),
    "not run": ([planned(check("a")), result("a", Verdict.NOT_RUN)], 1),
    "not run, because of what fails anyway": (two(Verdict.FAIL), 1),
    "not run, because of what is known to deviate": (two(Verdict.DEVIATES), 0),
    "not run, because of an advice": (two(Verdict.ADVICE), 0),
    "not run, because of what holds": (two(Verdict.PASS), 1),
    "all held, and then an error": ([planned(check("a")), result("a", Verdict.PASS), Error(text="ended")], 1),
    "a note": ([planned(check("a")), result("a", Verdict.PASS), Note(text="by the way")], 0),
}


@pytest.mark.parametrize(("events", "status"), STATUS.values(), ids=STATUS)
def test_the_exit_status_comes_from_the_events_alone(events: list[Event], status: int) -> None:
    assert replayed(events).status() == status


def listed(*, expired: bool = False, whole: bool = True) -> Listed:
    return Listed(backend="orm", clause="GET-1", reason="known", expires="2001-01-01", expired=expired, whole=whole)


def test_an_entry_that_is_not_needed_fails_the_run() -> None:
    for entry, verdict, told in (
        (listed(), Verdict.PASS, "which holds; remove the entry"),
        (listed(whole=False), Verdict.PASS, ""),
        (listed(), Verdict.DEVIATES, ""),
        (listed(), Verdict.NOT_RUN, ""),
        (listed(expired=True), Verdict.FAIL, "expired on 2001-01-01: known"),
    ):
        record = replayed([planned(check("a"), deviations=(entry,)), result("a", verdict)])
        assert [told in line for line in record.wrong_entries()] == [True] * bool(told)


def test_a_record_needs_no_order() -> None:
    record = Record()
    record.add(result("a", Verdict.PASS))
    record.add(planned(check("a"), check("b")))
    assert list(record.checks) == ["a", "b"]
    assert record.backends() == ["orm"]


def test_a_run_that_lost_checks_on_the_way_does_not_pass(consumer) -> None:
    """A conftest that removes checks is no selection of the user's."""
    consumer.write(
        "conftest.py",
        """
        def pytest_collection_modifyitems(items):
            items[:] = [item for item in items if "GET-4" not in item.nodeid]
        """,
    )
    result = consumer.suite("--crud-backend=asyncpg", "--crud-profile=crud", "--crud-effort=quick", anew=True)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*GET-4 *not run*", "INCOMPLETE: 2 planned checks were not run, GET-4 of asyncpg*"])


def test_a_run_that_stops_early_says_so(consumer) -> None:
    consumer.write(
        "conftest.py",
        """
        def pytest_runtest_logfinish(nodeid, location):
            pass

        def pytest_runtest_protocol(item, nextitem):
            return True if "GET-4" in item.nodeid else None
        """,
    )
    result = consumer.suite("--crud-backend=asyncpg", "-k", "GET-3 or GET-4", anew=True)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["INCOMPLETE: 2 planned checks were not run*"])


def test_a_witness_that_is_lost_says_nothing_about_the_backend_and_the_next_check_has_another(consumer) -> None:
    consumer.write(
        "mine.py",
        """
        from crudspec.backends.asyncpg import AsyncpgBackend

        class Ends(AsyncpgBackend):
            async def get(self, task_id):
                async with self._pool.acquire() as connection:
                    await connection.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE application_name = 'crudspec-witness' AND datname = current_database()"
                    )
                return await super().get(task_id)
        """,
    )
    result = consumer.suite("--crud-backend=mine:Ends", "-k", "GET-1 or LIST-2")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["GET-1 could not be asked of Ends: crudspec's own connection to the server was lost: *", "*GET-1 *not run*"]
    )
    result.stdout.fnmatch_lines(["*LIST-2 *pass*"])
    result.stdout.no_fnmatch_line("*is broken by*")


def test_where_there_can_be_no_wire_the_clauses_that_need_one_say_why_and_what_to_do(consumer) -> None:
    consumer.write(
        "conftest.py",
        """
        from crudspec.run import run
        from crudspec.wire import Proxy

        run.Proxy = lambda dsn: Proxy(dsn + "?sslmode=require")
        """,
    )
    result = consumer.suite(
        "--crud-backend=asyncpg", "-k", "GET-1 or RACE-2 or LOST-3 or COST", "--crud-wire", anew=True
    )
    assert result.ret == 1
    text = result.stdout.str()
    assert "the wire needs a plain loopback connection. Leave the option out or say sslmode=disable" in text
    result.stdout.fnmatch_lines(["*GET-1 *pass*", "*RACE-2 *not run*", "*LOST-3 *not run*", "*COST-1 *not run*"])
    result.stdout.fnmatch_lines(["note: no failure shows its SQL (--crud-wire): the DSN asks for*"])
