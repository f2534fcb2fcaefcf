"""``-k NAME`` selects one backend's tests, and a selection that leaves nothing is a usage error."""

import re
import sys

import pytest

from crudspec.backends.registry import BUILT_IN
from crudspec.contract.clauses import CLAUSES, PROFILE_NAMES

USAGE_ERROR = 4


def collected(result):
    return [line for line in result.outlines if re.match(r"\S+::\S+", line)]


def names_of(lines):
    return {match[1] for line in lines if (match := re.search(r"\[(.+)-[A-Z]+-[0-9]+\]$", line))}


def test_a_name_selects_exactly_that_backend(consumer):
    every = collected(consumer.collect())
    assert names_of(every) == set(BUILT_IN)
    for name in BUILT_IN:
        chosen = collected(consumer.collect("-k", name))
        assert chosen == [line for line in every if f"[{name}-" in line]
        assert chosen


def test_a_name_selects_exactly_that_backend_of_the_installed_suite(consumer):
    chosen = collected(consumer.suite("--collect-only", "-q", "-k", "orm"))

    assert names_of(chosen) == {"orm"}


def test_a_name_selects_its_backend_in_the_checkout_too(request, pytester):
    """Our own tests and the suite, by path, where "orm" is a part of the folder's name."""
    root = request.config.rootpath
    options = ("-c", root / "pyproject.toml", "--rootdir", root, "--collect-only", "-q", "-p", "no:cacheprovider")
    result = pytester.run(sys.executable, "-m", "pytest", *options, "-k", "orm", root / "tests", root / "conformance")
    assert result.ret == 0
    chosen = collected(result)
    assert any("conformance" in line for line in chosen)
    assert any("tests/" in line for line in chosen)
    for line in chosen:
        own = line.split("::", 1)[1]
        assert re.search(r"\borm\b|_orm\b", own), line
        assert not re.search("asyncpg|core|sqlmodel", own.replace("asyncpg_is_", "")), line


def test_a_backend_without_a_check_is_a_usage_error(pytester):
    pytester.makepyfile("def test_something_else(): pass")
    result = pytester.runpytest_subprocess("--crud-backend=asyncpg")
    assert result.ret == USAGE_ERROR
    result.stderr.fnmatch_lines(["*no check of the contract was collected: pytest --pyargs crudspec.conformance*"])


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--crud-backend=asyncgp"], "no backend is named 'asyncgp'; did you mean 'asyncpg'?"),
        (["--crud-backend=nobody:Here"], "importing 'nobody' raised ModuleNotFoundError"),
        (["--crud-backend=decimal:Decimal"], "Decimal lacks connect, create, get, list_tasks, update, delete"),
        (["--crud-profile=crd"], f"no profile is named 'crd'; there are: {', '.join(PROFILE_NAMES)}"),
        (["--crud-server=mainframe"], "mainframe"),
        (["--crud-effort=heroic"], "heroic"),
        (["--crud-dsn=mysql://u:s3cret@localhost/x", "-k", "CREATE-6"], "postgresql://"),
        (["-k", "nothing_is_called_this"], "leaves none of"),
        (["-m", "nosuchmark"], "leaves none of"),
        (["--crud-backend=asyncpg", "-k", "orm"], "backends in this run: asyncpg"),
        (["--crud-backend=asyncpg", "--crud-profile=schema"], "schema"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 12 else None,
)
def test_wrong_usage_is_one_line_and_exit_4(consumer, args, told):
    # A DSN is looked at only when the checks begin.
    result = consumer.suite(*args) if "--crud-dsn" in args[0] else consumer.collect(*args)
    text = result.stdout.str() + result.stderr.str()

    assert result.ret == USAGE_ERROR, text
    assert told in text
    assert "Traceback" not in text
    assert "s3cret" not in text
    assert "passed" not in text


def test_a_profile_is_that_profile_only(consumer):
    chosen = collected(consumer.collect("--crud-profile=schema", "--crud-backend=core"))
    schema = {clause.id for clause in CLAUSES if clause.profile == "schema"}

    assert {line.rpartition("[core-")[2].rstrip("]") for line in chosen} == schema


def test_checks_come_in_the_order_of_the_contract(consumer):
    chosen = collected(consumer.collect("--crud-backend=core"))
    ids = list(dict.fromkeys(line.rpartition("[core-")[2].rstrip("]") for line in chosen))

    assert ids == [clause.id for clause in CLAUSES if clause.id in ids]
    assert len(ids) > 40
