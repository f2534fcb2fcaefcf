"""The plugin in somebody's project: inert until it is asked, and the same whatever that project has configured."""

import re
import subprocess
import sys

import pytest

HEADER = (
    r"crudspec: PostgreSQL 17\.\d+, external \S+; backends asyncpg \(asyncpg \d\S*\), core \(sqlalchemy 2\S*\); "
    r"seed 5; effort quick"
)

LOOKS_AT_MODULES = """
import sys

HEAVY = ("sqlalchemy", "asyncpg", "hypothesis.strategies", "rich", "testcontainers", "alembic", "docker", "sqlmodel",
         "crudspec.run.run", "crudspec.server", "crudspec.backends", "crudspec.wire", "crudspec.checks")

def test_nothing_heavy_is_imported(request):
    assert request.config.pluginmanager.has_plugin("crudspec")
    ours = {name for name in sys.modules if name.startswith("crudspec")}
    assert not [name for name in HEAVY if name in sys.modules], ours
"""


def test_is_inert_in_a_run_that_does_not_ask_for_it(consumer):
    """Hypothesis' own plugin is off, as it imports a part of Hypothesis in every run itself."""
    consumer.write("test_theirs.py", LOOKS_AT_MODULES)
    result = consumer.run("-p", "no:hypothesispytest")

    result.assert_outcomes(passed=1)
    assert "crudspec" not in re.sub(r"plugins: .*|.*rootdir.*", "", result.stdout.str())


IMPOSTORS = """
import pytest

@pytest.fixture
def backend():
    raise RuntimeError("the impostor was asked")

@pytest.fixture
def witness():
    raise RuntimeError("the impostor was asked")

@pytest.fixture(scope="session")
def _run():
    raise RuntimeError("the impostor was asked")
"""


def test_says_first_what_the_run_is_against_and_uses_its_own_fixtures(consumer):
    """Not those of a conftest at the project's root, nor of a plugin named on the command line."""
    consumer.write("conftest.py", IMPOSTORS)
    consumer.write("theirplugin.py", IMPOSTORS)
    options = ("--crud-backend=asyncpg", "--crud-backend=core", "--crud-effort=quick", "--hypothesis-seed=5")
    result = consumer.suite(*options, "-k", "CREATE-6", "-p", "theirplugin")

    assert result.ret == 0
    text = result.stdout.str()
    assert len(re.findall(HEADER, text)) == 1
    result.stdout.fnmatch_lines(
        ["crudspec: PostgreSQL*", "*test_create.py*", "*CREATE-6 * pass *pass *", "2 of 2 planned*"]
    )
    assert consumer.password not in text + result.stderr.str()


@pytest.mark.parametrize(
    "ini",
    [
        """
        asyncio_mode = auto
        asyncio_default_fixture_loop_scope = module
        asyncio_default_test_loop_scope = class
        filterwarnings = error
        xfail_strict = true
        """,
        """
        asyncio_mode = strict
        asyncio_default_fixture_loop_scope = session
        asyncio_default_test_loop_scope = session
        addopts = --strict-markers --strict-config --import-mode=prepend
        asyncio_debug = true
        """,
    ],
    ids=["auto", "strict"],
)
def test_works_whatever_the_project_says_of_asyncio(consumer, ini):
    consumer.write("pytest.ini", "[pytest]\n" + "\n".join(line.strip() for line in ini.splitlines()))
    consumer.write(
        "test_theirs.py", "async def test_theirs(): pass\n" if "auto" in ini else "def test_theirs(): pass\n"
    )
    result = consumer.suite(
        "--crud-backend=asyncpg", "-k", "CREATE-6 or PROGRAM-1 or theirs", "--crud-effort=quick", ".", anew=True
    )

    assert result.ret == 0
    assert result.parseoutcomes()["passed"] == 3
    result.stdout.fnmatch_lines(["2 of 2 planned checks were run*"])


def test_workers_share_one_server_and_leave_nothing(consumer):
    result = consumer.suite("--crud-backend=asyncpg", "--crud-backend=core", "-k", "CREATE-6 or RESULT-1", "-n2")

    assert result.ret == 0
    result.assert_outcomes(passed=4)
    assert result.stdout.str().count("crudspec: PostgreSQL 17") == 1
    result.stdout.fnmatch_lines(["*CREATE-6 * pass *pass *", "4 of 4 planned checks were run*"])


def test_a_should_is_advice_unless_strict(consumer):
    consumer.write(
        "theirs.py",
        """
        from crudspec.backends.asyncpg import AsyncpgBackend

        class TakesTrue(AsyncpgBackend):
            async def get(self, task_id):
                return await super().get(1 if task_id is True else task_id)
        """,
    )
    lenient = consumer.suite("--crud-backend=theirs:TakesTrue", "-k", "GET-6")
    strict = consumer.suite("--crud-backend=theirs:TakesTrue", "-k", "GET-6", "--crud-strict")

    assert (lenient.ret, strict.ret) == (0, 1)
    lenient.stdout.fnmatch_lines(["*GET-6 *SHOULD *advice*"])
    strict.stdout.fnmatch_lines(["GET-6 (SHOULD) is broken by TakesTrue", "*GET-6 *SHOULD *FAIL*"])


def test_a_refused_password_is_not_shown(consumer):
    wrong = consumer.dsn.replace(consumer.password, "not-the-s3cret")
    result = consumer.run("--pyargs", "crudspec.conformance", f"--crud-dsn={wrong}", "-k", "CREATE-6")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told = result.stdout.str() + result.stderr.str()
    assert "not-the-s3cret" not in told
    assert "Traceback" not in told


def test_importing_the_package_is_cheap():
    code = "import sys, crudspec; print([name for name in ('asyncpg', 'sqlalchemy', 'pytest') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
