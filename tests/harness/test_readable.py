"""What counts as a password that is shown, and as a cause that is hidden."""

import pytest

from crudspec.contract.failures import ContractBroken
from crudspec.errors import Unavailable
from crudspec.harness.readable import check_readable, check_told, check_traced, password_of, word

DSN = "postgresql://postgres:postgres@127.0.0.1/postgres"
ODD = "postgresql://me:p%40ss'w@127.0.0.1/tasks"


class FromTheDriver(Exception):
    pass


@pytest.mark.parametrize(
    "text",
    [
        "(sqlalchemy.dialects.postgresql.asyncpg.IntegrityError) <class 'asyncpg.exceptions.CheckViolationError'>",
        'password authentication failed for user "postgres"',
        "cannot connect to postgresql://postgres:***@127.0.0.1/postgres",
        "no password=postgresql was asked for",
        "no password: postgres wants one",
    ],
)
def test_a_word_that_is_no_password_is_not_taken_for_one(text):
    check_readable("get", ValueError(text), password_of(DSN))


@pytest.mark.parametrize(
    "text",
    [
        f"cannot connect to {DSN}",
        "host=127.0.0.1 user=postgres password=postgres",
        "connect(host='127.0.0.1', password='postgres')",
        "{'user': 'postgres', 'password': 'postgres'}",
        "PGPASSWORD=postgres psql",
    ],
)
def test_a_password_is_found_where_it_is_shown_as_one(text):
    for error in (ValueError(text), ValueError(f"both ' and \" in it: {text}")):
        with pytest.raises(ContractBroken) as broken:
            check_readable("get", error, password_of(DSN))
        assert "***" in broken.value.seen


@pytest.mark.parametrize("shown", ["me:p%40ss'w@127", "me:p@ss'w@127", "password=p@ss'w", "password=p%40ss%27w"])
def test_a_password_is_found_in_either_spelling(shown):
    with pytest.raises(ContractBroken):
        check_readable("get", ValueError(shown), password_of(ODD))


def test_a_database_without_a_password_has_none_to_show():
    check_readable("get", ValueError("postgresql://me:@here, password=''"), password_of("postgresql://me@here/tasks"))


def test_a_secret_is_found_wherever_it_stands():
    error = ValueError("refused")
    error.__cause__ = KeyError("a s3cret.")
    with pytest.raises(ContractBroken, match="KeyError"):
        check_readable("get", error, word("s3cret"))


def raised(error, *, while_handling, cause=None):
    try:
        try:
            raise while_handling
        except type(while_handling):
            raise error from cause
    except type(error) as caught:
        return caught


def test_what_the_driver_said_is_the_cause():
    with pytest.raises(ContractBroken, match="__cause__"):
        check_told("get", raised(Unavailable("lost"), while_handling=FromTheDriver()), DSN)
    told = FromTheDriver()
    check_told("get", raised(Unavailable("lost"), while_handling=told, cause=told), DSN)
    with pytest.raises(ContractBroken, match="__cause__"):
        check_traced("get", Unavailable("lost"))


def test_where_no_driver_said_anything_there_is_no_cause_to_show():
    check_told("get", Unavailable("no connection came free"), DSN)
    check_told("get", raised(Unavailable("no connection came free"), while_handling=TimeoutError()), DSN)
    check_told("get", raised(ConnectionResetError("reset by peer"), while_handling=FromTheDriver()), DSN)


def test_a_context_that_is_not_suppressed_says_as_much_as_a_cause():
    error = raised(Unavailable("lost"), while_handling=FromTheDriver())
    with pytest.raises(ContractBroken, match="__cause__"):
        check_traced("get", error)  # raised from None
    error.__suppress_context__ = False
    check_traced("get", error)
