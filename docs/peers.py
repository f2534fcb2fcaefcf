"""Writes docs/peers.md and docs/taught.md from real runs: `nox -s peers`, or `python docs/peers.py [NAME ...]`.

Which data layers there are, and what each finding means to somebody who uses one, stands in peers.toml. What is found
comes from `crudspec check`, one process for each, as a library may keep its state in the module. A finding that nobody
explained fails, and so does an explanation that nothing was found for: a page says what is so, and all of it.

With names, only those are run, and no page is written. `--keep FOLDER` stores what each run found, and takes it from
there the next time.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from crudspec.contract.clause import Consequence
from crudspec.contract.clauses import BY_ID
from crudspec.plugin import suite_directory
from crudspec.record import events, from_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HERE = Path(__file__).parent
ROOT = HERE.parent
WAYS = HERE / "peers.toml"

OUTWEIGHS = ("pass", "deviates", "advice", "not run", "fail")
"""Verdicts, the worst last: a clause may have several checks."""

KINDS = {
    Consequence.DATA: "data lost or wrong",
    Consequence.HANG: "hangs, leaks, never recovers",
    Consequence.ANSWER: "wrong answer",
    Consequence.ERROR: "wrong error",
    Consequence.COST: "costs more than it must",
}

PEERS = """\
# Data layers that nobody here wrote

Each is a file in [examples/peers](../examples/peers), written as the library's own tutorial writes it, without a line
that is there because of a clause. So this page does not say what a library can do. It says what its tutorial leaves to
whoever copies it. Each finding was looked at by hand, in a small program without crudspec.

This page is generated: `uv run nox -s peers`.
"""

TAUGHT = """\
# The four ways, as they are commonly taught

asyncpg, SQLAlchemy Core, SQLAlchemy ORM and SQLModel, each as tutorials write it
([examples/taught](../examples/taught)): what that does to your rows and your callers, worst first, and the line that
mends it. The built-in ways ([asyncpg](../src/crudspec/backends/asyncpg.py), [core](../src/crudspec/backends/core.py),
[orm](../src/crudspec/backends/orm.py), [sqlmodel](../src/crudspec/backends/sqlmodel.py)) keep every clause that
is broken here.

This page is generated: `uv run nox -s peers`.
"""


class Unexplained(Exception):
    """What was found and what is explained are not the same."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one check said of a clause."""

    clause: str
    verdict: str
    consequence: str
    cause: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """Failures with one cause."""

    key: str
    consequence: Consequence
    clauses: tuple[str, ...]
    details: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explained:
    """A finding in the words of somebody who looked at it."""

    title: str
    means: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Way:
    """One data layer."""

    page: str
    name: str
    file: str
    libraries: tuple[str, ...]
    how: str
    findings: dict[str, Explained] = field(default_factory=dict)

    @property
    def short(self) -> str:
        """The page and the file's name, as the command line takes it: ``peers/tortoise``."""
        return f"{self.page}/{Path(self.file).stem}"

    @property
    def versions(self) -> str:
        return ", ".join(f"{name} {metadata.version(name)}" for name in self.libraries)


def ways(path: Path = WAYS) -> list[Way]:
    """The data layers, in the order of the pages."""
    listed = tomllib.loads(path.read_text(encoding="utf-8"))["way"]
    return [_way(**entry) for entry in listed]


def _way(libraries: list[str], findings: dict[str, dict[str, str]] | None = None, **rest: str) -> Way:
    explained = {key: Explained(**words) for key, words in (findings or {}).items()}
    return Way(libraries=tuple(libraries), findings=explained, **rest)


def grouped(results: Iterable[Result]) -> list[Finding]:
    """Make one finding of all failures with one cause; the worst comes first, then the one that touches most."""
    by_key: dict[str, list[Result]] = {}
    for result in results:
        if result.verdict in {"fail", "advice"}:
            by_key.setdefault(result.cause or result.clause, []).append(result)
    found = [
        Finding(
            key,
            min((Consequence(result.consequence) for result in some), key=lambda kind: kind.rank),
            tuple(sorted({result.clause for result in some}, key=list(BY_ID).index)),
            tuple(dict.fromkeys(result.detail for result in some)),
        )
        for key, some in by_key.items()
    ]
    return sorted(found, key=lambda one: (one.consequence.rank, -len(one.clauses), list(BY_ID).index(one.clauses[0])))


def verdicts(results: Iterable[Result]) -> dict[str, str]:
    """The verdict on each clause."""
    worst: dict[str, str] = {}
    for result in results:
        known = worst.get(result.clause, OUTWEIGHS[0])
        worst[result.clause] = max(known, result.verdict, key=OUTWEIGHS.index)
    return worst


def explained(way: Way, results: Sequence[Result]) -> list[tuple[Finding, Explained]]:
    """Each finding with its explanation.

    Raises:
        Unexplained: one of them has no other half.
    """
    found = grouped(results)
    unknown = [one for one in found if one.key not in way.findings]
    stale = sorted(set(way.findings) - {one.key for one in found})
    told = [f"{one.key} ({', '.join(one.clauses)}) has no explanation: {'; '.join(one.details)}" for one in unknown]
    told += [f"{key} is explained, and was not found" for key in stale]
    if told:
        raise Unexplained("\n".join(f"{way.short}: {line}" for line in told))
    return [(one, way.findings[one.key]) for one in found]


def page(which: str, asked: Sequence[tuple[Way, Sequence[Result]]]) -> str:
    """The text of one page."""
    head, sections = {"peers": PEERS, "taught": TAUGHT}[which], []
    rows = ["| | keeps | " + " | ".join(KINDS.values()) + " |", "|---|---|" + "---|" * len(KINDS)]
    for way, results in asked:
        found, by_clause = explained(way, results), verdicts(results)
        kinds = Counter(one.consequence for one, _ in found)
        keeps = f"{list(by_clause.values()).count('pass')} of {len(by_clause)}"
        link = f"[{way.name}](#{_anchor(way.name)})"
        rows.append(f"| {link} | {keeps} | " + " | ".join(str(kinds[kind] or "") for kind in KINDS) + " |")
        sections.append(_section(way, keeps, found, by_clause))
    return "\n".join([head, *rows, "", "\n".join(sections)])


def _anchor(name: str) -> str:
    return "".join(letter for letter in name.lower().replace(" ", "-") if letter.isalnum() or letter in "-_")


def _section(way: Way, keeps: str, found: Sequence[tuple[Finding, Explained]], by_clause: dict[str, str]) -> str:
    lines = [f"## {way.name}", "", f"{way.how} [{way.file}](../{way.file}), {way.versions}. Keeps {keeps} clauses.", ""]
    for number, (one, words) in enumerate(found, 1):
        lines += [f"{number}. **{words.title}** ({KINDS[one.consequence]}; {', '.join(one.clauses)}) {words.means}"]
        if words.mend:
            fence = "   ```python"
            lines += ["", fence, *(f"   {line}".rstrip() for line in words.mend.strip().splitlines()), "   ```", ""]
    not_asked = [clause for clause, verdict in by_clause.items() if verdict == "not run"]
    if not_asked:
        lines += ["", f"Could not be asked: {', '.join(not_asked)}."]
    return "\n".join(lines).replace("\n\n\n", "\n\n").rstrip() + "\n"


def results_of(way: Way, options: Sequence[str], kept: Path | None) -> list[Result]:
    """Run the contract against a data layer, in a process of its own; what it printed is kept, too, if anything is."""
    with tempfile.TemporaryDirectory() as folder:
        answers = Path(folder) / "answers"
        command = [sys.executable, __file__, "--ask", f"{way.file}:Backend", "--keep", str(answers), "--", *options]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if kept:
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.with_suffix(".txt").write_text(done.stdout, encoding="utf-8")
        if not answers.exists():
            raise RuntimeError(f"{way.short} could not be run:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return read(answers)


def read(path: Path) -> list[Result]:
    return [Result(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def write(path: Path, results: Iterable[Result]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(asdict(result))}\n" for result in results), encoding="utf-8")


class _Recorder:
    """Takes each result from the run itself."""

    def __init__(self) -> None:
        self.results: list[Result] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, told in report.user_properties:
            event = from_json(str(told)) if name == "crudspec_event" else None
            if isinstance(event, events.Result):
                verdict = event.verdict.value
                self.results.append(Result(event.clause, verdict, event.consequence.value, event.cause, event.detail))


def ask(backend: str, answers: Path, options: Sequence[str]) -> int:
    """The other process: run the suite, and write down what it says."""
    suite = suite_directory()
    recorder = _Recorder()
    arguments = [
        str(suite),
        "-c",
        str(suite / "pytest.ini"),
        "--rootdir",
        str(suite),
        "-q",
        f"--crud-backend={backend}",
    ]
    status = pytest.main([*arguments, *options], plugins=[recorder])
    if recorder.results:
        write(answers, recorder.results)
    return int(status)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--keep", type=Path, metavar="FOLDER")
    parser.add_argument("--ask", metavar="BACKEND", help=argparse.SUPPRESS)
    parser.add_argument("--server", default="embedded")
    arguments = parser.parse_args()
    if arguments.ask:
        return ask(arguments.ask, arguments.keep, arguments.names)
    every = ways()
    chosen = [way for way in every if not arguments.names or way.short in arguments.names]
    if unknown := set(arguments.names) - {way.short for way in every}:
        parser.error(f"not in {WAYS.name}: {', '.join(sorted(unknown))}")
    asked, wrong, options = [], [], [f"--crud-server={arguments.server}"]
    for way in chosen:
        kept = arguments.keep and arguments.keep / f"{way.short}.jsonl"
        results = read(kept) if kept and kept.exists() else results_of(way, options, kept)
        if kept:
            write(kept, results)
        asked.append((way, results))
        for one in grouped(results):
            print(f"{way.short}: {one.consequence.value}: {one.key} ({', '.join(one.clauses)})", flush=True)
        try:
            explained(way, results)
        except Unexplained as error:
            wrong.append(str(error))
    if wrong:
        print("\n".join(["", *wrong]))
        return 1
    if not arguments.names:
        for which in ("peers", "taught"):
            (HERE / f"{which}.md").write_text(page(which, [pair for pair in asked if pair[0].page == which]), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
