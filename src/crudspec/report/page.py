"""What a person reads on: a terminal of some width, or a file, whose lines are as long as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

from crudspec.report.matrix import as_text
from crudspec.report.text import wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator

_REST = 16
"""Characters before the rest of a line of a failure: two more than before its beginning, as others may follow it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """How wide it is, and what it can show.

    Attributes:
        width: Characters of a line.
        colour: It has colours.
        wraps: A longer line is broken between words. Not in a file: who searches it looks for whole lines.
    """

    width: int
    colour: bool
    wraps: bool = False

    def styled(self, text: str, style: str) -> str:
        """The text with its colour."""
        return as_text(Text(text, style=style), width=None, colour=self.colour)

    def fit(self, text: str, indent: int = 0) -> str:
        """The text in as many lines as it takes, those after the first indented."""
        return wrapped(text, self.width, indent) if self.wraps else text

    def failure(self, text: str) -> Iterator[str]:
        """A failure, item by item, with an indent.

        What is to be pasted, a program or a command, is never broken, and a program stands at the left edge. Nor is an
        account of what happened, between two blank lines: it has columns.
        """
        is_program = is_account = False
        for line in text.splitlines():
            if line.startswith(("  again ", "  sql ")):
                is_account = False
                is_program = is_program and not line.startswith("  again ")
            if is_program:
                yield line
            elif is_account or line.startswith("  again "):
                yield f"  {line}".rstrip()
            else:
                yield self.fit(f"  {line}".rstrip(), _REST)
                is_account = not line
            is_program = is_program or line.startswith("  program ")
