"""A script of SQL, cut into its statements as psql cuts it.

Not sent whole: the server runs a message of several statements in one transaction, and refuses there what has to be in
none, such as CREATE INDEX CONCURRENTLY. And of a statement that was sent alone it is known which one failed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from crudspec.entity.errors import EntityError

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN = re.compile(
    r"""
    (?P<blank> \s+ | --[^\n]* )
  | (?P<comment> /\* )
  | (?P<quoted> [eE]' (?: [^'\\] | \\. | '' )* ' | ' [^']* ' | " [^"]* " )
  | (?P<dollar> \$ (?: [^\W\d] \w* )? \$ )
  | (?P<word> [^\W\d] [\w$]* )
  | (?P<meta> \\ [^\n]* )
  | (?P<open> ['"] )
  | (?P<other> \d [\w.]* | . )
    """,
    re.VERBOSE | re.DOTALL,
)
"""What may hold a semicolon that ends nothing. A doubled quote is two strings here, which comes to the same."""

_COMMENT_EDGE = re.compile(r"/\*|\*/")

_ROUTINE = re.compile(r"create\s+(?:or\s+replace\s+)?(?:function|procedure)\b", re.IGNORECASE)
"""What may have a body of statements that is not quoted: ``BEGIN ATOMIC … END``."""

_SKIPPED = {r"\restrict", r"\unrestrict"}
"""What pg_dump writes for psql's protection, and means nothing to a server."""


class Statement(NamedTuple):
    """One statement, without the semicolon.

    Attributes:
        text: What to send.
        start: Where it begins in the script, in characters.
    """

    text: str
    start: int

    @property
    def first_line(self) -> str:
        """The beginning of it, for a message."""
        line = re.sub(r"(?i)\b(password\s+)'[^']*'", r"\1'***'", self.text.partition("\n")[0].strip())
        return f"{line[:99]}…" if len(line) > 100 else line


def line_of(script: str, position: int) -> int:
    """Return the number, from 1, of the line that a character is on."""
    return script.count("\n", 0, position) + 1


def statements(script: str) -> Iterator[Statement]:
    """Cut a script into its statements; what is only comment is none.

    Raises:
        EntityError: a command of psql's, data of ``COPY … FROM stdin``, or a quote that is never closed.
    """
    start: int | None = None
    brackets = bodies = position = 0
    while (token := _TOKEN.match(script, position)) is not None:
        kind, text = token.lastgroup, token[0]
        position = token.end()
        if kind == "blank":
            continue
        if kind == "comment":
            position = _comment_end(script, token.start())
            continue
        if kind == "meta":
            _check_meta(script, token)
            continue
        if text == ";" and not brackets and not bodies:
            if start is not None:
                yield _checked(script, Statement(script[start : token.start()].rstrip(), start))
            start = None
            continue
        if start is None:
            start, brackets, bodies = token.start(), 0, 0
        if kind == "open":
            raise EntityError(f"line {line_of(script, token.start())}: a {text} is opened and never closed")
        if kind == "dollar":
            position = _dollar_end(script, token)
        elif kind == "word":
            bodies = max(0, bodies + _depth(script, start, text.lower(), inside=bodies > 0))
        elif text in "()":
            brackets = max(0, brackets + (1 if text == "(" else -1))
    if start is not None:
        yield _checked(script, Statement(script[start:].rstrip(), start))


def _comment_end(script: str, start: int) -> int:
    depth = 0
    for edge in _COMMENT_EDGE.finditer(script, start):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    raise EntityError(f"line {line_of(script, start)}: a comment is opened and never closed")


def _dollar_end(script: str, opened: re.Match[str]) -> int:
    end = script.find(opened[0], opened.end())
    if end < 0:
        raise EntityError(f"line {line_of(script, opened.start())}: {opened[0]} is opened and never closed")
    return end + len(opened[0])


def _depth(script: str, start: int, word: str, *, inside: bool) -> int:
    """Return by how much a word changes the depth of an unquoted body: psql's own rule."""
    if word not in {"begin", "case", "end"} or not _ROUTINE.match(script, start):
        return 0
    if word == "end":
        return -1
    return 1 if word == "begin" or inside else 0


def _check_meta(script: str, token: re.Match[str]) -> None:
    command = token[0].split()[0]
    if command not in _SKIPPED:
        hint = "; write the dump without --create" if command in {r"\connect", r"\c"} else ""
        raise EntityError(f"line {line_of(script, token.start())}: {command} is a command of psql's and no SQL{hint}")


_DATA = re.compile(r"copy\b.*\bfrom\s+stdin\b", re.IGNORECASE | re.DOTALL)

_SERVER_WIDE = re.compile(
    r"""
    (?: (?:create|alter|drop) \s+ (?: role | group | user (?! \s+ mapping ) | database | tablespace ) | alter \s+ system
      | (?:drop|reassign) \s+ owned | comment \s+ on \s+ (?: role | database | tablespace )
      | (?:grant|revoke) \b .* \b on \s+ (?: database | tablespace | parameter ) ) \b
    """,
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
"""What does not stay in the database that it is run in: on somebody's server, it would stay after the run."""


def _checked(script: str, statement: Statement) -> Statement:
    where = f"line {line_of(script, statement.start)}: {statement.first_line}"
    if _DATA.match(statement.text):
        raise EntityError(f"{where}: data cannot be read here; write the dump with pg_dump --schema-only")
    if _SERVER_WIDE.match(statement.text):
        raise EntityError(
            f"{where}: this concerns the whole server, and a schema only one database; leave it out "
            "(pg_dump --no-owner --no-privileges, without --create)"
        )
    return statement
