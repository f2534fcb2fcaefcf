"""What the commands share: how they exit, where the server comes from, and how wrong usage is told."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO, Any, cast

import click

from crudspec.run.nodes import in_words_of_the_command
from crudspec.server import ServerChoice
from crudspec.server.dsn import redacted
from crudspec.settings import SERVER_KINDS, Settings, SettingsError, read


class Commands(click.Group):
    """Exits as pytest does: 4 for wrong usage, where click has 2, which is pytest's "interrupted"."""

    def main(self, *args: Any, **options: Any) -> Any:
        try:
            status = super().main(*args, **{**options, "standalone_mode": False})
        except click.UsageError as error:
            error.show()
            sys.exit(4)
        except click.ClickException as error:
            error.show()
            sys.exit(1)
        except click.Abort:
            sys.exit(2)
        sys.exit(status if isinstance(status, int) else 0)


class Unusable(click.UsageError):
    """What a file of the user's says cannot be used: the command line is right, and is not explained."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the one line."""
        click.echo(f"Error: {self.format_message()}", file=file or sys.stderr)


def server_options(command: click.decorators.FC) -> click.decorators.FC:
    """Add ``--server`` and ``--dsn``."""
    command = click.option("--dsn", metavar="DSN", help="An external server; only our own databases are touched.")(
        command
    )
    return click.option("--server", type=click.Choice(SERVER_KINDS), help="Where PostgreSQL 17 comes from.")(command)


def settings_here() -> Settings:
    """What the project's ``pyproject.toml`` says.

    Raises:
        Unusable: it says what cannot be meant.
    """
    try:
        return read(Path.cwd())
    except SettingsError as error:
        raise Unusable(str(error)) from None


def choice_of(server: str | None, dsn: str | None, settings: Settings) -> ServerChoice:
    """The server that the options choose, or else the file; who gives a DSN wants that server."""
    kind = server or (None if dsn else settings.server) or "auto"
    return ServerChoice(kind=cast("Any", kind), dsn=dsn)


def wrong_usage(error: Exception, dsn: str | None) -> click.UsageError:
    """An error as the end of the command: in its words, and without the server's password."""
    return click.UsageError(redacted(in_words_of_the_command(str(error)), dsn))


def unusable(error: Exception, dsn: str | None) -> click.UsageError:
    """The same of what stands in a file."""
    return Unusable(redacted(in_words_of_the_command(str(error)), dsn))
