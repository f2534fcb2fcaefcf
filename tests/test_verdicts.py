"""Verdicts that cannot be vacuous: what was planned is counted against what was run."""

from crudspec.report.verdicts import Verdict, Verdicts


def test_the_worst_check_of_a_clause_is_its_verdict() -> None:
    verdicts = Verdicts()
    for node, verdict in (("a", Verdict.PASS), ("b", Verdict.DEVIATES), ("c", Verdict.FAIL)):
        verdicts.add(node, "orm", "GET-1", verdict, f"detail {node}")
    verdicts.add("d", "orm", "GET-2", Verdict.PASS)
    assert verdicts.table() == {("orm", "GET-1"): Verdict.FAIL, ("orm", "GET-2"): Verdict.PASS}


def test_a_planned_check_without_an_outcome_is_not_run() -> None:
    verdicts = Verdicts()
    verdicts.plan("a", "orm", "GET-1")
    verdicts.plan("b", "orm", "GET-1")
    verdicts.add("a", "orm", "GET-1", Verdict.PASS)
    assert verdicts.table() == {("orm", "GET-1"): Verdict.NOT_RUN}
    assert verdicts.missing() == [("orm", "GET-1")]


def test_a_failure_after_the_call_is_not_covered_by_its_pass() -> None:
    verdicts = Verdicts()
    verdicts.add("a", "orm", "GET-1", Verdict.PASS)
    verdicts.add("a", "orm", "GET-1", Verdict.FAIL, "left a lock")
    assert verdicts.table()["orm", "GET-1"] is Verdict.FAIL
    assert verdicts.details["orm", "GET-1"] == "left a lock"


def test_a_run_that_lost_checks_on_the_way_does_not_pass(consumer) -> None:
    """A conftest that removes checks is no selection of the user's."""
    consumer.write(
        "conftest.py",
        """
        def pytest_collection_modifyitems(items):
            items[:] = [item for item in items if "GET-4" not in item.nodeid]
        """,
    )
    result = consumer.suite("--crud-backend=asyncpg", "--crud-profile=crud", "--crud-effort=quick")
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
    result = consumer.suite("--crud-backend=asyncpg", "-k", "GET-3 or GET-4")
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
        from crudspec import run
        from crudspec.wire import Proxy

        run.Proxy = lambda dsn: Proxy(dsn + "?sslmode=require")
        """,
    )
    result = consumer.suite("--crud-backend=asyncpg", "-k", "GET-1 or RACE-2 or LOST-3 or COST", "--crud-wire")
    assert result.ret == 1
    text = result.stdout.str()
    assert text.count("the wire needs a plain loopback connection. Leave the option out or say sslmode=disable") >= 5
    result.stdout.fnmatch_lines(["*GET-1 *pass*", "*RACE-2 *FAIL*", "*LOST-3 *FAIL*", "*COST-1 *FAIL*"])
    result.stdout.fnmatch_lines(["note: no failure shows its SQL (--crud-wire): the DSN asks for*"])
