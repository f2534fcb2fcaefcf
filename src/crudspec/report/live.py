"""What is shown while a run goes: a progress line in a terminal, a character for each check elsewhere."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from crudspec.record import Begin, Footer, Header, Plan, Record, Result, Verdict
from crudspec.report.matrix import MARKS
from crudspec.report.page import Page
from crudspec.report.summary import opening
from crudspec.report.text import PLAIN

if TYPE_CHECKING:
    from typing import TextIO

    from crudspec.record import Event

_WIDTH = 100
"""Of what is no terminal."""

_CHARACTERS = {
    Verdict.PASS: ".",
    Verdict.NOT_APPLICABLE: "/",
    Verdict.FAIL: "F",
    Verdict.ADVICE: "a",
    Verdict.DEVIATES: "d",
    Verdict.NOT_RUN: "-",
}


class Screen:
    """Where it is shown: a terminal or not, with colours or not, in whatever encoding."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stdout
        self.is_terminal = self.stream.isatty() and os.environ.get("TERM") not in {"dumb", "unknown"}
        # https://no-color.org and https://force-color.org
        self.colour = not os.environ.get("NO_COLOR") and (bool(os.environ.get("FORCE_COLOR")) or self.is_terminal)
        self.width = max(shutil.get_terminal_size((_WIDTH, 24)).columns, 60)
        self.page = Page(width=self.width, colour=self.colour, wraps=self.is_terminal)

    def write(self, text: str) -> None:
        """Write text; what the encoding cannot say is written in ASCII."""
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        if encoding.lower().replace("-", "") not in {"utf8", "utf8sig"}:
            text = text.translate(PLAIN).encode(encoding, "backslashreplace").decode(encoding)
        self.stream.write(text)
        self.stream.flush()

    def line(self, text: str) -> None:
        """Write a line."""
        self.write(f"{text}\n")


class Live:
    """Shows the events of a run as they come."""

    def __init__(self, screen: Screen, *, verbose: bool) -> None:
        """Show nothing yet.

        Args:
            screen: Where.
            verbose: A line for each check, and each failure in full.
        """
        self._screen = screen
        self._verbose = verbose
        self._column = 0
        self._progress: Progress | None = None
        if screen.is_terminal:
            console = Console(file=screen.stream, no_color=not screen.colour, width=screen.width)
            columns = (BarColumn(24), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
            self._progress = Progress(*columns, console=console, transient=True)
            self._progress.start()
        self._task = self._progress.add_task("PostgreSQL is started", total=None) if self._progress else None

    def take(self, event: Event, record: Record) -> None:
        """Show one more event."""
        match event:
            case Header():
                self._say(self._screen.page.fit(opening(event), 2))
            case Plan() if self._progress and self._task is not None:
                self._progress.update(self._task, total=len(event.checks))
            case Begin() if self._progress and self._task is not None:
                check = record.checks[event.nodeid]
                self._progress.update(self._task, description=f"{check.clause} {check.backend}")
            case Result():
                self._result(event, record)
            case Footer():
                self.close()

    def _result(self, result: Result, record: Record) -> None:
        if self._progress and self._task is not None:
            self._progress.update(self._task, completed=len(record.results))
        if self._verbose:
            page = self._screen.page
            word, style = MARKS[result.verdict]
            mark = page.styled(f"{word:8}", style)
            name = result.nodeid.rpartition("::")[2].partition("[")[0]
            self._say(f"{mark} {result.clause:14} {result.backend}  {name}  {result.seconds:.2f} s")
            if result.failure and result.verdict in {Verdict.FAIL, Verdict.ADVICE}:
                self._say("\n".join(["", *page.failure(result.failure), ""]))
            elif result.verdict is Verdict.NOT_RUN:
                self._say(page.fit(f"         {result.detail}", 9))
        elif self._progress is None:
            self._screen.write(_CHARACTERS[result.verdict])
            self._column += 1
            if self._column == _WIDTH - 10:
                self._newline()

    def _newline(self) -> None:
        if self._column:
            self._screen.write("\n")
        self._column = 0

    def _say(self, text: str) -> None:
        self._newline()
        if self._progress:
            self._progress.console.print(Text.from_ansi(text), soft_wrap=True)
        else:
            self._screen.line(text)

    def tick(self) -> None:
        """Nothing: the progress line draws itself."""

    def close(self) -> None:
        """Take the progress line away."""
        self._newline()
        if self._progress:
            self._progress.stop()
            self._progress = None
