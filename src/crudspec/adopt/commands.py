"""``crudspec entity``, ``new`` and ``database``."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import click

from crudspec.entity.errors import EntityError
from crudspec.options import server_options, unusable, wrong_usage
from crudspec.server import ServerChoice

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


def choice_of(server: str | None, dsn: str | None) -> ServerChoice:
    """The choice that the options make."""
    return ServerChoice(kind=cast("Any", server or "auto"), dsn=dsn)


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
        text = tell_page(spec, choice_of(server, dsn), verbose=verbose)
    Screen().line(text)
