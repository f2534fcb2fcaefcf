"""Connection URLs: read, point at another database, show without the password."""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from urllib.parse import quote, quote_plus, unquote, urlsplit, urlunsplit

from crudspec.server.choice import ServerError

_RARE = 12
"""Length from which a password is not a word that stands in a text by accident."""

_SHORT = 4
"""Length below which it is any text's."""

WANTED = "postgresql://user:password@host:port/database"


def normalised(dsn: str) -> str:
    """Return the URL with a plain scheme, an explicit port and a database name.

    No database name means ``postgres``, which nearly every server has; libpq would take the user's name.
    A query (``?sslmode=require``) is kept.

    Raises:
        ServerError: not a URL, not PostgreSQL, or no single TCP host.
    """
    try:
        parts = urlsplit(dsn)
        host, port = parts.hostname, parts.port or 5432
    except ValueError:
        raise ServerError(f"the DSN cannot be read: its host or port is malformed; it should be {WANTED}") from None
    scheme = parts.scheme.partition("+")[0]
    if scheme not in {"postgresql", "postgres"}:
        raise ServerError(f"the DSN is not a PostgreSQL URL; it should be {WANTED}")
    if not host or host.startswith("%2f") or "," in parts.netloc.rpartition("@")[2]:
        raise ServerError(f"the DSN must name one TCP host: {WANTED}")
    credentials, at, _ = parts.netloc.rpartition("@")
    address = f"[{host}]" if ":" in host else host
    path = parts.path if parts.path.strip("/") else "/postgres"
    return urlunsplit(("postgresql", f"{credentials}{at}{address}:{port}", path, parts.query, ""))


def local(port: int, password: str) -> str:
    """Return the maintenance URL of a server that we started on this machine."""
    return f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"


def database_of(dsn: str) -> str:
    """Return the database name that the URL points at, unescaped."""
    return unquote(urlsplit(dsn).path.lstrip("/"))


def with_database(dsn: str, name: str) -> str:
    """Return the same URL, query included, for another database of that server."""
    return urlunsplit(urlsplit(dsn)._replace(path="/" + quote(name, safe="")))


def plain(dsn: str) -> str:
    """Return the URL without its query: a backend is promised none, and drivers disagree on what may stand there."""
    return urlunsplit(urlsplit(dsn)._replace(query=""))


def with_port(dsn: str, port: int) -> str:
    """Return the URL of a server of ours that had to move to another port."""
    return local(port, urlsplit(dsn).password or "")


def shown(dsn: str) -> str:
    """Return ``host:port/database``: enough to know the server by, and no secret."""
    parts = urlsplit(dsn)
    return f"{parts.netloc.rpartition('@')[2]}/{database_of(dsn)}"


def redacted(text: str, *dsns: str | None) -> str:
    """Return the text without the passwords of some URLs, and of the one in the environment; see :func:`_redacted`."""
    for dsn in filter(None, (*dsns, os.environ.get("CRUDSPEC_DSN"))):
        with suppress(ValueError):  # it is malformed, and nobody gets a connection with it
            text = _redacted(text, dsn)
    return text


def _redacted(text: str, dsn: str) -> str:
    """Return the text without the URL's password, as written there, as meant, and as drivers write it.

    A short password may be a word like any other, and that of the user or the database ("postgres") often is: it is
    taken out only where it stands alone, or where a URL or a list of parameters shows it.
    """
    parts = urlsplit(dsn)
    secret = parts.password
    if not secret:
        return text
    meant = unquote(secret)
    words = {unquote(parts.username or ""), database_of(dsn), "postgres"}
    forms = {secret, meant, quote(meant, safe=""), quote_plus(meant), repr(meant)[1:-1], json.dumps(meant)[1:-1]}
    for form in sorted(forms, key=len, reverse=True):
        if len(form) >= _RARE:
            text = text.replace(form, "***")
        elif len(form) >= _SHORT and meant not in words:
            text = re.sub(rf"(?<!\w){re.escape(form)}(?!\w)", "***", text)
        if len(form) >= _RARE and "…" in text:  # cut in the middle of it
            for length in range(len(form) - 1, 3, -1):
                text = text.replace(f"{form[:length]} …", "*** …").replace(f"… {form[-length:]}", "… ***")
        for shown in (f":{form}@", f"password={form}", f"password='{form}'"):
            text = text.replace(shown, shown.replace(form, "***"))
    return text
