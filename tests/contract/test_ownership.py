"""Whose an exception is: a rule, and no list of drivers."""

import json
import sys
from importlib import import_module

import asyncpg
import pytest
import sqlalchemy.exc
from pydantic import BaseModel, ValidationError

from crudspec import InvalidValue
from crudspec.backends.orm import OrmBackend
from crudspec.backends.registry import resolve
from crudspec.contract.ownership import is_leak

PACKAGE = {
    "shop/__init__.py": "",
    "shop/errors.py": "class NotFound(Exception): ...",
    "shop/data/__init__.py": "",
    "shop/data/tasks.py": """
        class Tasks:
            connect = create = get = list_tasks = update = delete = lambda self: None
    """,
    "elsewhere.py": "class Odd(Exception): ...",
    "adapter.py": """
        from shop.data.tasks import Tasks as Base

        class Tasks(Base):
            pass
    """,
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    for name, text in PACKAGE.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(line[8:] if line.startswith(" " * 8) else line for line in text.splitlines()))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] in {"shop", "elsewhere"}]:
        del sys.modules[name]


class Small(BaseModel):
    size: int


def pydantics():
    try:
        Small(size="large")
    except ValidationError as error:
        return error


def test_pythons_and_crudspecs_are_anybodys():
    for error in (ValueError(), TimeoutError(), json.JSONDecodeError("a", "b", 0), InvalidValue()):
        assert not is_leak(error, OrmBackend)


def test_a_third_partys_is_a_leak_whatever_it_derives_from():
    class Wrapped(asyncpg.DataError, ValueError):
        __module__ = "asyncpg.exceptions"

    for error in (asyncpg.DataError(), sqlalchemy.exc.ArgumentError(), Wrapped(), pydantics()):
        assert is_leak(error, OrmBackend)


def test_a_class_of_ones_own_is_own_also_where_it_derives_from_a_drivers(project):
    errors = import_module("shop.errors")
    (tasks,) = resolve(["shop.data.tasks:Tasks"])
    assert not is_leak(errors.NotFound(), tasks.cls)
    own = type("Own", (asyncpg.DataError,), {"__module__": "shop.errors"})
    assert not is_leak(own(), tasks.cls)


def test_of_a_single_file_the_classes_of_its_folder_are_its_own(project):
    elsewhere, errors = import_module("elsewhere"), import_module("shop.errors")
    (adapter,) = resolve(["adapter.py:Tasks"])
    assert not is_leak(errors.NotFound(), adapter.cls)
    assert not is_leak(elsewhere.Odd(), adapter.cls)
    (tasks,) = resolve(["shop.data.tasks:Tasks"])
    assert is_leak(elsewhere.Odd(), tasks.cls)


def test_an_environment_inside_the_project_is_not_the_projects_own(project):
    module = type(sys)("lib_in_env")
    module.__file__ = str(project / ".venv" / "lib" / "site-packages" / "lib_in_env" / "__init__.py")
    sys.modules["lib_in_env"] = module
    try:
        (adapter,) = resolve(["adapter.py:Tasks"])
        assert is_leak(type("Theirs", (Exception,), {"__module__": "lib_in_env"})(), adapter.cls)
    finally:
        del sys.modules["lib_in_env"]
