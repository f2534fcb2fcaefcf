"""A fifth backend: plugged in by its path, by module, and by the entry point of a separately installed wheel."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "psycopg_backend.py"
pytest.importorskip("psycopg_pool")

SOME = "CREATE-6 or UPDATE-4 or GET-6 or LIST-3 or CREATE-8"

SYNCHRONOUS = '''
from contextlib import contextmanager

from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool


class Threaded:
    """A synchronous driver: methods without async, in a plain context manager."""

    def __init__(self, pool):
        self._pool = pool

    @classmethod
    @contextmanager
    def connect(cls, dsn):
        with ConnectionPool(dsn, kwargs={"row_factory": dict_row}, min_size=1, max_size=10, open=True) as pool:
            yield cls(pool)

    def _run(self, sql, *args):
        with self._pool.connection() as connection:
            cursor = connection.execute(sql, args)
            return cursor.fetchall() if cursor.description else cursor.rowcount

    def create(self, title):
        return self._run("INSERT INTO tasks (title) VALUES (%s) RETURNING id, title, done, created_at", title)[0]

    def get(self, task_id):
        rows = self._run("SELECT id, title, done, created_at FROM tasks WHERE id = %s", task_id)
        return rows[0] if rows else None

    def list_tasks(self):
        return self._run("SELECT id, title, done, created_at FROM tasks ORDER BY id")

    def update(self, task_id, title, done):
        return self._run("UPDATE tasks SET title = %s, done = %s WHERE id = %s", title, done, task_id) == 1

    def delete(self, task_id):
        return self._run("DELETE FROM tasks WHERE id = %s", task_id) == 1
'''


@pytest.fixture
def wheel(tmp_path):
    """A wheel with the example in it, and with one that tells a lie, both announced as entry points."""
    lying = (
        "from psycopg_example import PsycopgBackend\n\n\n"
        "class Lying(PsycopgBackend):\n"
        "    async def update(self, task_id, title, done):\n"
        "        await super().update(task_id, title, done)\n"
        "        return True\n"
    )
    info = "psycopg_example-1.0.dist-info"
    files = {
        "psycopg_example.py": EXAMPLE.read_text(encoding="utf-8"),
        "psycopg_lying.py": lying,
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: psycopg-example\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[crudspec.backends]\npsycopg = psycopg_example:PsycopgBackend\n"
        "lying = psycopg_lying:Lying\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    path = tmp_path / "psycopg_example-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def test_by_its_path(consumer):
    result = consumer.check(f"{EXAMPLE}:PsycopgBackend", "-k", SOME, "--strict")

    assert result.ret == 0
    assert re.search(r"backends PsycopgBackend \(.*psycopg \d", result.stdout.str())
    result.stdout.fnmatch_lines(["*CREATE-8 * pass *", "6 of 6 planned checks were run*"])


def test_by_the_entry_point_of_an_installed_wheel(consumer, wheel, installed, monkeypatch, tmp_path):
    place = tmp_path / "elsewhere"
    installing = ["uv", "pip", "install", "--quiet", "--offline", "--no-deps", "--python", sys.executable]
    subprocess.run([*installing, "--target", place, wheel], check=True, capture_output=True)
    monkeypatch.setenv("PYTHONPATH", f"{installed}:{place}")
    result = consumer.suite(
        "--crud-backend=psycopg", "--crud-backend=lying", "-k", "UPDATE-1 or UPDATE-3 or CREATE-6", anew=True
    )

    assert result.ret == 1
    text = result.stdout.str()
    assert "UPDATE-3 (MUST) is broken by lying" in text
    assert "UPDATE-1 (MUST) is broken" not in text
    result.stdout.fnmatch_lines(["*CREATE-6 * pass * pass *", "*UPDATE-1 * pass * pass *", "*UPDATE-3 * pass * FAIL *"])
    assert "--crud-backend lying -k UPDATE-3" in text


def test_a_synchronous_one_runs_in_threads(consumer):
    consumer.write("threaded.py", SYNCHRONOUS)
    result = consumer.suite(
        "--crud-backend=threaded:Threaded",
        "-k",
        "CREATE-6 or GET-4 or SATURATE-1 or INDEPENDENT-1 or CREATE-4 or HYGIENE-2",
    )

    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "*CREATE-4 * FAIL *",
            "*CREATE-6 * pass *",
            "*GET-4 * pass *",
            "*HYGIENE-2 * pass *",
            "*SATURATE-1 * pass *",
            "*INDEPENDENT-1 * pass *",
        ]
    )
