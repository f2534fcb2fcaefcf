"""The public surface: what ``crudspec`` exports, and nothing by accident."""

import types

import pytest

import crudspec
from crudspec import CrudError, Duplicate, InvalidValue, MissingReference, Unavailable, errors, from_sqlstate


def test_all_equals_what_is_exported():
    exported = {
        name
        for name, value in vars(crudspec).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }

    assert exported == set(crudspec.__all__)
    assert sorted(crudspec.__all__, key=lambda name: (not name.isupper(), name)) == crudspec.__all__


def test_every_error_is_exported_and_is_the_builtin_of_the_contract():
    ours = {name: value for name, value in vars(errors).items() if isinstance(value, type)}

    assert set(ours) <= set(crudspec.__all__)
    assert all(issubclass(error, crudspec.CrudError) for error in ours.values())
    assert issubclass(crudspec.InvalidValue, ValueError)
    assert issubclass(crudspec.Duplicate, ValueError)
    assert issubclass(crudspec.MissingReference, LookupError)
    assert issubclass(crudspec.StaleRow, RuntimeError)
    assert issubclass(crudspec.Unavailable, ConnectionError)


@pytest.mark.parametrize(
    ("sqlstate", "error"),
    [
        ("08006", Unavailable),
        ("22001", InvalidValue),
        ("23502", InvalidValue),
        ("23503", MissingReference),
        ("23505", Duplicate),
        ("25006", Unavailable),
        ("28P01", Unavailable),
        ("3D000", Unavailable),
        ("40P01", Unavailable),
        ("42501", CrudError),
        ("53300", Unavailable),
        ("55000", CrudError),
        ("55P03", Unavailable),
        ("57P01", Unavailable),
        ("58030", Unavailable),
        ("P0001", CrudError),
        (None, CrudError),
    ],
)
def test_a_sqlstate_says_which_error_it_is(sqlstate, error):
    named = from_sqlstate(sqlstate, "as told")

    assert type(named) is error
    assert "as told" in str(named)
    assert (sqlstate or "no SQLSTATE") in str(named)
