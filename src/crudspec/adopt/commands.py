"""``crudspec entity``, ``new`` and ``database``."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from keyword import iskeyword
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crudspec.adopt.adapter import class_name_of
from crudspec.entity.errors import EntityError
from crudspec.options import choice_of, server_options, settings_here, unusable, wrong_usage

if TYPE_CHECKING:
    from collections.abc import Generator


@contextmanager
def told(dsn: str | None) -> Generator[None]:
    """Whatever of the user's cannot be used ends the command with one line."""
    from crudspec.backends.registry import BackendError
    from crudspec.server import ServerError

    try:
        yield
    except EntityError as error:
        raise unusable(error, dsn) from None
    except (BackendError, ServerError) as error:
        raise wrong_usage(error, dsn) from None


@click.command()
@click.argument("spec")
@server_options
@click.option("-v", "--verbose", is_flag=True, help="Name the values.")
def entity(spec: str, server: str | None, dsn: str | None, verbose: bool) -> None:
    """Print what is understood of the table of SPEC, a backend: what would be asked of it, before anything is.

    The table is read from a server on which its schema was made, and each value was tried there.
    """
    from crudspec.adopt.understood import tell_page
    from crudspec.report.live import Screen

    with told(dsn):
        text = tell_page(spec, choice_of(server, dsn, settings_here()), verbose=verbose)
    Screen().line(text)


@click.command()
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--table", metavar="NAME", help="The table that it is for; without, the template is for `tasks`.")
@click.option("--schema", metavar="SOURCE", help="What makes it: alembic.ini, schema.sql, or module:Base.metadata.")
@click.option("--name", "class_name", help="Name of the class (default: after the table, or MyBackend).")
@server_options
def new(
    path: Path, table: str | None, schema: str | None, class_name: str | None, server: str | None, dsn: str | None
) -> None:
    """Write a class to begin with to PATH: with --table, for a table of yours, with its real columns.

    The table is read from a throwaway server on which its schema was made; without --table, no server is needed.
    """
    if (table is None) != (schema is None):
        raise click.UsageError("--table and --schema go together: --table orders --schema alembic.ini")
    class_name = class_name or (class_name_of(table) if table else "MyBackend")
    _can_be_written(path, class_name)
    if table is not None and schema is not None:
        from crudspec.adopt.understood import tell_adapter

        with told(dsn):
            text = tell_adapter(
                table, schema, choice_of(server, dsn, settings_here()), class_name=class_name, path=path.as_posix()
            )
    else:
        template = (Path(__file__).parents[1] / "template.py.txt").read_text(encoding="utf-8")
        text = template.replace("MyBackend", class_name).replace("PATH", str(path))
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"{path} cannot be written: {error.strerror}") from None
    click.echo(f"wrote {path}; now run: crudspec check -x {path}:{class_name}")


@click.command()
@click.argument("spec")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@server_options
def database(spec: str, command: tuple[str, ...], server: str | None, dsn: str | None) -> None:
    """Run a COMMAND with CRUDSPEC_DSN set to a scratch database that has the table of SPEC, a backend, in it.

    A program from a failure, in program.py: crudspec database SPEC -- python program.py

    Rows that the table needs of others are there; its own are none. The exit status is the command's. Without a
    command, the DSN is printed, as `export CRUDSPEC_DSN=...`, and the database is there until Ctrl-C; the server's
    password is in it.
    """
    from crudspec.adopt.scratch import NoProgram, serve

    with told(dsn):
        try:
            status = serve(spec, choice_of(server, dsn, settings_here()), command)
        except NoProgram as error:
            raise wrong_usage(error, dsn) from None
    sys.exit(status)


def _can_be_written(path: Path, class_name: str) -> None:
    if path.suffix != ".py":
        raise click.UsageError(f"{path} is no Python file; give a path that ends in .py")
    if not class_name.isidentifier() or iskeyword(class_name):
        raise click.UsageError(f"{class_name!r} is no name for a class")
    if path.exists():
        raise click.UsageError(f"{path} is there already; it was left alone")
    if not path.parent.is_dir():
        raise click.UsageError(f"there is no folder {path.parent}")
