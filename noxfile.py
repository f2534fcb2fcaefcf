"""The project's chores. `nox -l` lists them; what follows `--` goes to pytest or to the command."""

from __future__ import annotations

import shutil
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import nox

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "uv"
nox.options.sessions = ["lint", "types", "tests"]
nox.options.reuse_existing_virtualenvs = True
# A Python that is not installed is skipped, and nox says so: not downloaded, and no error where CI is set.
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False

ROOT = Path(__file__).parent
PROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
BACKENDS = ("asyncpg", "core", "orm", "sqlmodel")
FIFTH = ROOT / "examples" / "psycopg_backend.py"


def _install(session: nox.Session, *groups: str) -> None:
    wanted = [part for group in ("dev", *groups) for part in ("--group", group)]
    session.install("--editable", ".[embedded]", *wanted)


def _conformance(name: str) -> None:
    @nox.session(name=f"conformance-{name}")
    def conformance(session: nox.Session) -> None:
        _install(session)
        session.run("pytest", "conformance", f"--crud-backend={name}", *session.posargs)

    conformance.__doc__ = f"Run the contract against {name} alone."


for _name in BACKENDS:
    _conformance(_name)


@nox.session(python=nox.project.python_versions(PROJECT))
def tests(session: nox.Session) -> None:
    """Run our own tests and the contract, on each Python that is installed."""
    _install(session)
    session.run("pytest", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check the layout of the code, and the rules."""
    _install(session)
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types."""
    _install(session, "peers")
    session.run("ty", "check", *session.posargs)


@nox.session
def mutants(session: nox.Session) -> None:
    """Prove that each clause catches the backends that lie about it."""
    _install(session)
    session.run("crudspec", "mutants", *session.posargs)


@nox.session
def mutate(session: nox.Session) -> None:
    """Change the four backends automatically: the suite must notice 95 % of it. `-- core --every 7` for a part."""
    _install(session)
    session.install("mutmut>=3.8,<4")
    session.run("python", "tests/mutate.py", *session.posargs)


@nox.session
def contract(session: nox.Session) -> None:
    """Write the generated pages again: docs/contract.md and docs/matrix.svg."""
    _install(session)
    page = session.run("crudspec", "spec", silent=True)
    (ROOT / "docs" / "contract.md").write_text(f"{str(page).rstrip()}\n", encoding="utf-8")
    session.run("python", "docs/matrix.py", *session.posargs)


@nox.session
def peers(session: nox.Session) -> None:
    """Run data layers that others wrote, and write docs/peers.md and docs/taught.md. `-- peers/tortoise` for one."""
    _install(session, "peers")
    session.run("python", "docs/peers.py", *session.posargs)
    if not session.posargs:
        session.run("pytest", "tests/test_recipes.py", "-m", "slow or not slow")


@nox.session
def wheel(session: nox.Session) -> None:
    """Build; from the wheel, outside the checkout, check the four backends, a fifth, and the README's."""
    # Not the session's own environment: that one is inside the checkout, where a file the wheel lacks could be found.
    with tempfile.TemporaryDirectory(prefix="crudspec-wheel-") as folder:
        place = Path(folder)
        built = _build(session, place)
        python = place / "env" / "bin" / "python"
        session.run("uv", "venv", "--quiet", "--python", sys.executable, str(place / "env"), external=True)
        needs = [f"crudspec[embedded] @ {built.as_uri()}", "psycopg[binary,pool]", "pytest-xdist"]
        session.run("uv", "pip", "install", "--quiet", "--python", str(python), *needs, external=True)
        shutil.copy(FIFTH, place)
        (place / "tasks.py").write_text(_readme_backend(), encoding="utf-8")
        with session.chdir(place):
            options = ["-q", "-n2", "-p", "no:cacheprovider", "--crud-server=embedded", *session.posargs]
            session.run(str(python), "-m", "pytest", *options, "--pyargs", "crudspec.conformance", external=True)
            others = [f"{FIFTH.name}:PsycopgBackend", "tasks.py:Tasks"]
            command = [str(python.with_name("crudspec")), "check", *others, "--server=embedded", "--strict", "-n2"]
            session.run(*command, external=True)


def _readme_backend() -> str:
    """The backend that the README says keeps every promise."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    return readme.partition("```python\n# tasks.py\n")[2].partition("```")[0]


def _build(session: nox.Session, place: Path) -> Path:
    """Build sdist and wheel, and a second wheel from the sdist, which must hold the same files."""
    direct, packed = place / "direct", place / "packed"
    session.run("uv", "build", "--quiet", "--wheel", "--out-dir", str(direct), str(ROOT), external=True)
    session.run("uv", "build", "--quiet", "--out-dir", str(packed), str(ROOT), external=True)
    (wheel_file,) = direct.glob("*.whl")
    (from_sdist,) = packed.glob("*.whl")
    (sdist,) = packed.glob("*.tar.gz")
    names = _names(wheel_file)
    if difference := names ^ _names(from_sdist):
        session.error(f"the wheel from the tree and the wheel from the sdist differ: {sorted(difference)}")
    if missing := _expected() - names:
        session.error(f"the wheel lacks {sorted(missing)}")
    with tarfile.open(sdist) as archive:
        session.log(f"{len(names)} files in {wheel_file.name}, {len(archive.getnames())} in {sdist.name}")
    return wheel_file


def _expected() -> set[str]:
    """What stands in the tree, as it is called in the wheel: an ignore rule that is too wide drops files silently."""
    parts = {"src/crudspec": "crudspec", "conformance": "crudspec/conformance", "alembic": "crudspec/alembic"}
    return {
        f"{there}/{path.relative_to(ROOT / here).as_posix()}"
        for here, there in parts.items()
        for path in (ROOT / here).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def _names(path: Path) -> set[str]:
    with zipfile.ZipFile(path) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}
