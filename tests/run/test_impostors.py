"""A project around the suite cannot make something else pass under a backend's name, nor less than was asked."""

import pytest

from crudspec.entity.table import Table
from crudspec.supervisor.intact import Intact

BROKEN = """
from contextlib import asynccontextmanager

class Broken:
    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        yield cls()
    async def create(self, title):
        return None
    async def get(self, task_id):
        return None
    async def list_tasks(self):
        return []
    async def update(self, task_id, title, done):
        return False
    async def delete(self, task_id):
        return False
"""

USAGE_ERROR = pytest.ExitCode.USAGE_ERROR
HIDDEN = "ERROR: * of the suite were not collected, test_*`crudspec check` runs without it*"

# Each would let a broken backend pass, or ask it less; one trick for each clause, so that one run shows them all.
TRICKS = """
import pytest

def plays(clause_id, nodeid):
    return nodeid.endswith(f"-{clause_id}]")

class Anything:
    def __init__(self, name):
        self.name = name

    def __getattr__(self, name):
        async def call(*args, **kwargs):
            pytest.skip("nothing to see here")
        return call

@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef, request):
    if fixturedef.argname == "backend" and plays("GET-1", request.node.nodeid):
        fixturedef.cached_result = (Anything(request.param), request.param, None)
        return fixturedef.cached_result[0]

@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    return True if plays("GET-4", pyfuncitem.nodeid) else None

def pytest_runtest_setup(item):
    if plays("LIST-1", item.nodeid):
        pytest.skip("not today")

def pytest_collection_modifyitems(items):
    for item in items:
        if plays("DELETE-1", item.nodeid):
            item.add_marker(pytest.mark.xfail(reason="known"))
        if plays("UPDATE-1", item.nodeid):
            item.add_marker(pytest.mark.xfail(reason="known", run=False))

@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    if plays("CREATE-1", item.nodeid):
        report.outcome = "passed"
    return report

@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    session.exitstatus = 0
"""

CAUGHT = {
    "GET-1": "not run",
    "GET-4": "FAIL",
    "LIST-1": "not run",
    "DELETE-1": "FAIL",
    "UPDATE-1": "FAIL",
    "CREATE-1": "FAIL",
}

LATER = {
    "reports changed after ours": """
        import pytest

        @pytest.hookimpl(wrapper=True, tryfirst=True)
        def pytest_runtest_makereport():
            report = yield
            report.outcome = "passed"
            return report
        """,
    "checks run by somebody else": """
        import pytest

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_protocol(item):
            item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
            return True
        """,
}

DROPPED = """
def pytest_collection_modifyitems(items):
    items[:] = [item for item in items if "CREATE-6" not in item.nodeid]
"""

ANOTHER_PARAMETER = """
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc):
    if "backend" in metafunc.fixturenames:
        metafunc.parametrize("backend", ["Broken"], ids=["Broken-CREATE-6"], indirect=True)
"""


def test_a_broken_backend_fails_whatever_a_conftest_does(consumer):
    consumer.write("theirs.py", BROKEN)
    consumer.write("tricks.py", TRICKS)
    # As a plugin: a conftest's hooks reach the suite only where it is installed below that folder.
    result = consumer.suite("--crud-backend=theirs:Broken", "-k", " or ".join(CAUGHT), "-p", "tricks")

    assert result.ret == 1
    for clause_id, verdict in CAUGHT.items():
        result.stdout.fnmatch_lines([f"  {clause_id} * {verdict} *"])
    result.stdout.fnmatch_lines(["INCOMPLETE: *"])


@pytest.mark.parametrize("trick", LATER.values(), ids=LATER)
def test_the_run_does_not_pass_where_pytest_would(consumer, trick):
    consumer.write("theirs.py", BROKEN)
    consumer.write("tricks.py", trick)
    result = consumer.suite("--crud-backend=theirs:Broken", "-k", "CREATE-6 or LIST-2", "-p", "tricks")

    assert result.ret == 1
    assert "INCOMPLETE" in result.stdout.str() or "FAIL" in result.stdout.str()


def test_a_lost_check_is_missed_with_several_processes_too(consumer):
    consumer.write("conftest.py", DROPPED)
    result = consumer.suite("--crud-backend=asyncpg", "-k", "CREATE-6 or RESULT-1", "-n2", anew=True)

    assert result.ret == 1
    result.stdout.fnmatch_lines(["1 of 2 planned checks were run*", "INCOMPLETE: 1 planned*CREATE-6 of asyncpg*"])


@pytest.mark.parametrize(
    "option",
    ["python_files=check_*.py", "python_functions=test_a* test_r*"],
    ids=lambda option: option.partition("=")[0],
)
def test_options_that_hide_checks_are_told(consumer, option):
    result = consumer.collect("--crud-backend=asyncpg", "-o", option)

    assert result.ret == USAGE_ERROR
    result.stderr.fnmatch_lines([HIDDEN])


IGNORES = """
def pytest_ignore_collect(collection_path):
    return collection_path.name == "test_lost.py" or None
"""


def test_a_hook_that_hides_checks_is_told(consumer):
    consumer.write("ignoring_hook.py", IGNORES)
    consumer.pytester.syspathinsert()
    result = consumer.collect("--crud-backend=asyncpg", "-p", "ignoring_hook")

    assert result.ret == USAGE_ERROR
    result.stderr.fnmatch_lines([HIDDEN])


def test_a_second_parametrization_is_an_error(consumer):
    consumer.write("second_parameter.py", ANOTHER_PARAMETER)
    consumer.pytester.syspathinsert()
    result = consumer.collect("--crud-backend=asyncpg", "-p", "second_parameter")

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*duplicate parametrization of 'backend'*"])


def test_a_part_of_the_suite_can_be_named(consumer):
    result = consumer.collect("--crud-backend=asyncpg", part="test_program.py")

    assert result.ret == 0
    assert len([line for line in result.outlines if "[asyncpg-" in line]) == 2


def test_what_a_class_of_the_suite_computes_once_is_a_part_of_it(monkeypatch):
    intact = Intact()
    intact.learn()
    assert not intact.changed()

    monkeypatch.setattr(Table, "operations", ())
    assert intact.changed().endswith("Table.operations")
