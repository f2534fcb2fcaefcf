"""What a caller can do with an error: read it, log it, and trace it to what the driver said (ERROR-1)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from crudspec.contract.failures import ContractBroken
from crudspec.truth.shown import shown_error

if TYPE_CHECKING:
    from collections.abc import Iterator


def word(secret: str) -> re.Pattern[str]:
    """Find a secret that is like no other text, wherever it stands."""
    return re.compile(re.escape(secret))


def password_of(dsn: str) -> re.Pattern[str]:
    """Find the DSN's own password, where it is shown as one.

    The bare word would do for no real one: ``postgres`` is in the name of every driver's exception, and of the
    dialect. So it is looked for as a URL has it, ``:word@``, and as ``password=word``, ``PGPASSWORD=word`` and
    ``{'password': 'word'}`` have it. A DSN without a password gives a pattern that finds nothing.
    """
    password = urlsplit(dsn).password
    if not password:
        return re.compile(r"(?!)")
    plain = unquote(password)
    either = "|".join(sorted({re.escape(known) for known in (password, plain, quote(plain, safe=""))}))
    mark = r"\\?['\"]"
    return re.compile(
        rf":(?:{either})@"
        rf"|(?i:password)\s*=\s*(?:{mark})?(?:{either})(?!\w)"
        rf"|(?i:password){mark}\s*:\s*{mark}(?:{either})(?!\w)"
    )


def check_readable(what: str, error: BaseException, secret: re.Pattern[str]) -> None:
    """``str`` and ``repr`` of the error and of what caused it work and keep the password to themselves.

    Args:
        what: The call that raised it.
        error: What it raised.
        secret: Finds the password in a text: :func:`word` or :func:`password_of`.

    Raises:
        ContractBroken: one of them raises, or shows the password.
    """
    for link in _chain(error):
        for view in (str, repr):
            name = f"{view.__name__}() of {type(link).__name__}, raised by {what}"
            try:
                text = view(link)
            except Exception as broken:
                raise ContractBroken(name, expected="text", seen=f"raised {shown_error(broken)}") from broken
            if secret.search(text):
                hidden = secret.sub("***", text)
                raise ContractBroken(
                    name, expected="no password", seen=f"the password, where *** stands: {hidden[:300]}"
                )


def check_traced(what: str, error: BaseException) -> None:
    """What the driver said is the error's ``__cause__``, or its ``__context__`` and not suppressed.

    For where it is known that it said something.

    Which exception that is, is not asked: nobody knows all drivers, and a backend may have named it before.

    Raises:
        ContractBroken: there is no cause.
    """
    if error.__cause__ is None and (error.__context__ is None or error.__suppress_context__):
        raise ContractBroken(
            f"__cause__ of {shown_error(error)}, raised by {what}", expected="the driver's error", seen="None"
        ) from error


def check_told(what: str, error: BaseException, dsn: str) -> None:
    """Readable, with the DSN's password kept, and traced to an exception of the driver's where there was one.

    There need not have been one: a builtin of asyncio's or of the operating system's says itself what it is, and a
    pool whose connections are all lent out may have nothing to report but that time is up.

    Raises:
        ContractBroken: it is not.
    """
    check_readable(what, error, password_of(dsn))
    if not _is_builtin(error) and error.__context__ is not None and not _is_builtin(error.__context__):
        check_traced(what, error)


def _is_builtin(error: BaseException) -> bool:
    return type(error).__module__.partition(".")[0] in {"builtins", "asyncio", "socket", "ssl"}


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    todo = [error]
    while todo:
        link = todo.pop()
        if id(link) not in seen:
            seen.add(id(link))
            yield link
            todo += [cause for cause in (link.__cause__, link.__context__) if cause is not None]
