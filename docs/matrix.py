"""Draws docs/matrix.svg from a real run: `nox -s contract`, or `python docs/matrix.py [pytest options]`."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

from crudspec.plugin import current_run, suite_directory
from crudspec.report.matrix import matrix

PICTURE = Path(__file__).with_name("matrix.svg")
WIDTH = 70
# The stock frame loads its font from another host: a picture in a README should load nothing.
FRAME = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


class _Painter:
    """Takes the verdicts from the run itself; a picture of an incomplete or failing run is not drawn."""

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        run = current_run(config)
        if run.record.missing() or not run.record.results or run.server is None:
            return
        console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
        console.print(matrix([adapter.name for adapter in run.adapters], run.table(), width=WIDTH))
        title = f"crudspec check, PostgreSQL {run.server.version}"
        svg = console.export_svg(title=title, code_format=FRAME, unique_id="crudspec")
        PICTURE.write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    suite = suite_directory()
    sys.exit(pytest.main([str(suite), "-c", str(suite / "pytest.ini"), "-q", *sys.argv[1:]], plugins=[_Painter()]))
