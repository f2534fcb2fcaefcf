"""From a name to a backend: what is found, and the one line that says why something is not."""

import sys
import textwrap
from importlib import metadata

import pytest

from crudspec.backends.registry import BUILT_IN, BackendError, resolve

GOOD = """
from contextlib import asynccontextmanager

class Good:
    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn):
        yield cls()
    async def create(self, title): ...
    async def get(self, task_id): ...
    async def list_tasks(self): ...
    async def update(self, task_id, title, done): ...
    async def delete(self, task_id): ...

class Lacking(Good):
    delete = None
    update = 3

class Outer:
    class Inner(Good):
        pass

class core(Good):
    pass

instance = Good()
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "somebodys.py").write_text(GOOD)
    (tmp_path / "broken.py").write_text("import nothing_of_this_name\n")
    (tmp_path / "leaving.py").write_text("raise SystemExit(3)\n")
    (tmp_path / "syntax.py").write_text("def:\n")
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def told(*specs):
    with pytest.raises(BackendError) as caught:
        resolve(specs)
    text = str(caught.value)
    assert "\n" not in text
    assert "Traceback" not in text
    return text


def test_no_name_means_the_four_ways():
    adapters = resolve(())

    assert [adapter.name for adapter in adapters] == ["asyncpg", "core", "orm", "sqlmodel"] == list(BUILT_IN)
    assert "asyncpg" in str(adapters[0])
    assert metadata.version("asyncpg") in str(adapters[0])
    assert any(library.startswith("sqlalchemy 2") for library in adapters[2].libraries)
    assert any(library.startswith("sqlmodel ") for library in adapters[3].libraries)


def test_a_translated_backend_says_so_and_claims_what_it_did():
    (plain,), (derived,) = resolve(("core",)), resolve(("core",), translated=True)

    assert str(derived) == f"{plain} (translated)"
    assert (derived.name, derived.spec, derived.libraries) == (plain.name, plain.spec, plain.libraries)
    assert derived.cls is not plain.cls
    assert issubclass(derived.cls, plain.cls)


def test_each_backend_is_there_once_and_in_the_order_given():
    assert [adapter.name for adapter in resolve(("orm", "asyncpg", "orm"))] == ["orm", "asyncpg"]


def test_by_module_by_file_and_nested(module):
    path = module / "somebodys.py"
    by_module, by_file, nested = resolve(("somebodys:Good", f"{path}:Good", "somebodys:Outer.Inner"))

    assert {by_module.name, by_file.name} == {"somebodys:Good", f"{path}:Good"}  # two of one name: told apart
    assert nested.name == "Outer.Inner"
    assert resolve((f"{path}:Good",))[0].cls is by_file.cls
    assert resolve(("somebodys:Good",))[0].name == "Good"


@pytest.mark.parametrize(
    ("spec", "parts"),
    [
        ("asyncgp", ["no backend is named 'asyncgp'", "did you mean 'asyncpg'?"]),
        ("zzz", ["no backend is named 'zzz'", "built in: asyncpg, core, orm, sqlmodel"]),
        ("", ["name is empty"]),
        ("  ", ["name is empty"]),
        ("nowhere_at_all:Good", ["nowhere_at_all"]),
        ("somebodys:Missing", ["has no 'Missing'", "it has Good"]),
        ("somebodys:", ["somebodys:"]),
        (":Good", [":Good"]),
        ("somebodys:instance", ["is of type Good; name the class itself"]),
        ("somebodys:Lacking", ["Lacking lacks update, delete", "create, get, list_tasks, update, delete"]),
        ("broken:Good", ["importing 'broken' raised ModuleNotFoundError", "nothing_of_this_name"]),
        ("syntax:Good", ["importing 'syntax' raised SyntaxError"]),
        ("leaving:Good", ["importing 'leaving' raised SystemExit"]),
        ("missing/file.py:Good", ["there is no file 'missing/file.py'"]),
        ("missing.py", ["there is no file 'missing.py'"]),
        ("..:Good", ["..:Good"]),
    ],
)
@pytest.mark.usefixtures("module")
def test_what_is_no_backend_is_told_in_one_line(spec, parts):
    text = told(spec)
    for part in parts:
        assert part in text


def test_a_file_without_a_class_is_told_which_it_has(module):
    assert "name the class, too" in told(f"{module / 'somebodys.py'}")
    assert "it has Good" in told(f"{module / 'somebodys.py'}")
    assert "raised SyntaxError" in told(f"{module / 'syntax.py'}")


@pytest.mark.usefixtures("module")
def test_a_class_named_like_a_built_in_backend_does_not_take_its_name():
    assert resolve(("somebodys:core",))[0].name == "somebodys:core"


@pytest.fixture
def entry_points(module):
    """Distributions with entry points, as an installer leaves them."""

    def install(distribution, text):
        info = module / f"{distribution}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(textwrap.dedent(text))

    return install


def test_by_entry_point(entry_points):
    entry_points("theirs", "[crudspec.backends]\nmine = somebodys:Good\n")

    (adapter,) = resolve(("mine",))
    assert (adapter.name, adapter.cls.__name__) == ("mine", "Good")
    assert "installed: mine" in told("unknown")
    assert "did you mean 'mine'?" in told("min")


def test_an_entry_point_cannot_take_the_name_of_a_built_in_backend(entry_points):
    entry_points("impostor", "[crudspec.backends]\nasyncpg = somebodys:Good\n")

    assert "takes the name of a built-in backend" in told("asyncpg")
    assert "takes the name of a built-in backend" in told()
    assert [adapter.name for adapter in resolve(("core",))] == ["core"]


def test_two_entry_points_of_one_name_are_told(entry_points):
    entry_points("one", "[crudspec.backends]\nmine = somebodys:Good\n")
    entry_points("two", "[crudspec.backends]\nmine = somebodys:Outer.Inner\n")

    text = told("mine")
    assert "somebodys:Good" in text
    assert "somebodys:Outer.Inner" in text
