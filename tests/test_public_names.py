"""The public surface: what ``crudspec`` exports, and nothing by accident."""

import types

import crudspec
from crudspec import errors


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
    assert issubclass(crudspec.InvalidTask, ValueError)
    assert issubclass(crudspec.Duplicate, ValueError)
    assert issubclass(crudspec.MissingReference, LookupError)
    assert issubclass(crudspec.StaleTask, RuntimeError)
    assert issubclass(crudspec.Unavailable, ConnectionError)
