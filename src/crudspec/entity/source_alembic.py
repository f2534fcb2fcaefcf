"""A schema in somebody's Alembic migrations, whose ``env.py`` is kept away from every database but ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crudspec.entity.alembic_project import Project, files
from crudspec.entity.errors import EntityError
from crudspec.entity.source import Source, installed, located

if TYPE_CHECKING:
    from collections.abc import Iterable

RUN_SECONDS = 180
"""How long all migrations may take, the imports of ``env.py`` included."""

_CHILD = "from crudspec.entity.alembic_child import main; main()"

_CODE = ("alembic_child.py", "alembic_guard.py")
"""The code that makes the script; a change in it makes another one."""


class Alembic(Source):
    """A schema in Alembic's migrations.

    Offline, as ``alembic upgrade head --sql``: ``env.py`` runs in a process that can connect to nothing, and what it
    prints is applied to a database of ours. It sees ``context.is_offline_mode()``, and in ``sqlalchemy.url`` and
    ``DATABASE_URL`` an address that leads nowhere.

    Online, for migrations that read data, it connects by itself, to a database of ours: that is what ``sqlalchemy.url``
    and ``DATABASE_URL`` say then. A connection to another one is refused.

    Both in the folder of the ini file; in the current one if the ini's ``script_location`` is only there.
    """

    slow = True

    def __init__(self, ini: str | Path, *, online: bool = False, revision: str = "head") -> None:
        """Find the file; nothing is run yet.

        Args:
            ini: ``alembic.ini``, from the folder of the module that says this or from the current one.
            online: A migration needs a connection, to read data.
            revision: Up to which one; ``heads`` where there are several.

        Raises:
            EntityError: the file is not there.
        """
        more = "".join((", online=True" * online, f", revision={revision!r}" * (revision != "head")))
        self.shown = f'Alembic("{ini}"{more})'
        self.ini = located(ini)
        self._project = Project(self.ini)
        self.online = online
        self.revision = revision

    def __repr__(self) -> str:
        return self.shown

    def _parts(self) -> Iterable[bytes]:
        """The scripts, all files beside them that they may read, the settings, the libraries.

        What ``env.py`` imports cannot be known; it is the models, and no migration is made of them.
        """
        yield f"{self.online} {self.revision}".encode()
        for file in (self.ini, self._project.toml()):
            yield file.read_bytes() if file is not None else b""
        for folder in self._project.folders():
            for path in files(folder):
                yield str(path.relative_to(folder)).encode()
                yield path.read_bytes()
        yield installed("alembic", "sqlalchemy")
        for name in _CODE:
            yield Path(__file__).with_name(name).read_bytes()

    def script(self) -> str:
        """Return what ``alembic upgrade --sql`` prints.

        Raises:
            EntityError: ``env.py`` or a migration fails, or cannot do without a database; what to do.
        """
        if self.online:
            return super().script()
        said = self._run(None)
        if not said["script"].strip():
            raise EntityError(
                f"{self.shown}: env.py printed no SQL; write its branch for context.is_offline_mode(), as "
                f"`alembic init` does, or {self._said_online()}"
            )
        return said["script"]

    async def migrate(self, dsn: str) -> None:
        """Run the migrations against a database, and see that they arrived there.

        Raises:
            EntityError: they failed, or did not arrive.
        """
        import asyncio

        import asyncpg

        if not self.online:
            return await super().migrate(dsn)
        await asyncio.to_thread(self._run, dsn)
        connection = await asyncpg.connect(dsn)
        try:
            # Any table: the one of the versions may have another name, and be in another schema.
            arrived = await connection.fetchval(
                "SELECT EXISTS (SELECT FROM pg_class WHERE relkind = 'r' AND oid >= 16384 AND relpersistence <> 't')"
            )
        finally:
            await connection.close()
        if not arrived:
            raise EntityError(
                f"{self.shown}: the migrations ran, and there is no table in the database that env.py was given; it "
                'has to connect to config.get_main_option("sqlalchemy.url"), and to commit'
            )
        return None

    def _run(self, dsn: str | None) -> dict[str, Any]:
        """Run ``env.py`` in a process of its own: its modules, its event loops and its logging stay there."""
        request = {
            "shown": self.shown,
            "otherwise": self._said_online(),
            "ini": str(self.ini),
            "toml": str(self._project.toml() or "") or None,
            "revision": self.revision,
            "dsn": dsn,
        }
        paths = [path or str(Path.cwd()) for path in sys.path]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONIOENCODING": "utf-8"}
        # Files, and not pipes: a process that env.py starts may hold on to them.
        with tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as output:
            try:
                done = subprocess.run(
                    # -P: only what is on our path, and not the folder, in which there may be a package alembic.
                    [sys.executable, "-P", "-c", _CHILD, str(answer.fileno())],
                    # Through a pipe, as it may hold a password.
                    input=json.dumps(request).encode(),
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=self._project.folder(),
                    env=environment,
                    pass_fds=[answer.fileno()],
                    timeout=RUN_SECONDS,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                raise EntityError(f"{self.shown}: the migrations did not end within {RUN_SECONDS} s") from None
            answer.seek(0)
            output.seek(0)
            told, printed = answer.read(), output.read()
        if not told:
            last = printed.decode("utf-8", "replace").strip().rpartition("\n")[2]
            raise EntityError(f"{self.shown}: env.py ended its process (exit code {done.returncode}): {last}")
        said = json.loads(told)
        if "failed" in said:
            raise EntityError(f"{self.shown}: {said['failed']}")
        return said

    def _said_online(self) -> str:
        return f'write Alembic("{self.ini.name}", online=True)'
