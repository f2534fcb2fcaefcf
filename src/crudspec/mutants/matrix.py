"""The kill matrix: every mutant hunted, in parallel, and what that says about the clauses."""

from __future__ import annotations

import queue
import statistics
import threading
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_all_start_methods, get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from crudspec.backends.registry import BUILT_IN
from crudspec.clauses import CLAUSES, PROFILES
from crudspec.mutants.gallery import GENERAL
from crudspec.mutants.hunt import Caught, hunt_and_send
from crudspec.server import ServerChoice, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from crudspec.mutants.gallery import Mutant

_BATCH = 6
"""Mutants per process: one that takes its process with it takes few others."""

# A process that has imported everything is copied for each batch, which then starts at once.
_PROCESSES = get_context("forkserver") if "forkserver" in get_all_start_methods() else get_context("spawn")
_PROCESSES.set_forkserver_preload(
    [
        "crudspec.mutants.hunt",
        "crudspec.run",
        *(f"crudspec.backends.{name}" for name in BUILT_IN),
        *("alembic.command", "pytest_asyncio.plugin"),
    ]
)

_PROCESS_DEADLINE = 240.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """A mutant and what became of it."""

    mutant: Mutant
    caught: Caught

    def problems(self) -> Iterator[str]:
        """What is wrong: it survived its clause, or a clause that has nothing to do with it failed."""
        mutant, caught = self.mutant, self.caught
        if mutant.clause not in caught.failed:
            yield f"{mutant.name} survives {mutant.clause}: {mutant.lie}"
        for clause_id, seen in caught.failed.items():
            if clause_id not in mutant.related:
                yield f"{mutant.name} ({mutant.clause}) also breaks {clause_id}: {seen}"
        silent = [clause_id for clause_id in caught.asked if clause_id not in {*caught.failed, *caught.passed}]
        if silent:
            some = "anything" if len(silent) == len(caught.asked) else ", ".join(silent)
            yield f"{mutant.name} ({mutant.clause}): the hunt ended before it had asked {some}"


def hunt_all(
    gallery: Path, mutants: Sequence[Mutant], choice: ServerChoice, *, processes: int, tell: Callable[[str], None]
) -> list[Outcome]:
    """Hunt every mutant on one server, several processes at a time.

    Args:
        gallery: Folder of the mutants.
        mutants: Those to hunt.
        choice: Where PostgreSQL comes from.
        processes: How many at once.
        tell: Called with a line for each mutant as it is done.
    """
    by_name = {mutant.name: mutant for mutant in mutants}
    batches: queue.SimpleQueue[list[str]] = queue.SimpleQueue()
    names = list(by_name)
    count = -(-len(names) // _BATCH)
    for number in range(count):
        batches.put(names[number::count])  # neighbours are alike: spread the slow ones
    outcomes: dict[str, Outcome] = {}

    def work(dsn: str, output: Path) -> None:
        while True:
            try:
                batch = batches.get_nowait()
            except queue.Empty:
                return
            for caught in _hunt_in_process(gallery, batch, dsn, output):
                outcome = outcomes[caught.mutant] = Outcome(by_name[caught.mutant], caught)
                tell(_line(outcome))

    with running(choice) as server, TemporaryDirectory(prefix="crudspec-") as folder:
        outputs = [Path(folder, str(number)) for number in range(processes)]
        workers = [threading.Thread(target=work, args=[server.dsn, output], daemon=True) for output in outputs]
        for worker in workers:
            worker.start()
        try:
            for worker in workers:
                worker.join()
        finally:
            with suppress(queue.Empty):  # of an interrupted hunt, nothing more is begun
                while True:
                    batches.get_nowait()
    return [outcomes.get(name, Outcome(mutant, Caught(name))) for name, mutant in by_name.items()]


def _hunt_in_process(gallery: Path, names: list[str], dsn: str, output: Path) -> list[Caught]:
    output.write_bytes(b"")
    receiver, sender = _PROCESSES.Pipe(duplex=False)
    process = _PROCESSES.Process(target=hunt_and_send, args=(sender, gallery, names, dsn, output), daemon=True)
    try:
        process.start()
        sender.close()
        if receiver.poll(_PROCESS_DEADLINE):
            return receiver.recv()
        told = f"was not done in {_PROCESS_DEADLINE:g} s"
    except Exception as error:  # noqa: BLE001 - whatever it is, these mutants were not asked, and it has to be told
        lines = output.read_text(errors="replace").splitlines() or [f"{type(error).__name__}: {error}"]
        told = "failed: " + next((line for line in lines if line.startswith("Fatal Python error")), lines[-1])[:200]
    finally:
        if process.pid is not None:
            process.kill()
            process.join()
        receiver.close()
    return [Caught(name, failed={"": f"the process {told}"}) for name in names]


def _line(outcome: Outcome) -> str:
    problems = list(outcome.problems())
    if problems:
        return "\n".join(f"PROBLEM  {problem}" for problem in problems)
    seconds = f"{outcome.caught.seconds:5.2f} s" if outcome.caught.seconds is not None else ""
    return f"caught   {outcome.mutant.clause:14} {seconds}  {outcome.mutant.name}: {outcome.mutant.lie}"


def problems(outcomes: Sequence[Outcome], *, whole: bool) -> list[str]:
    """Everything that is wrong with the gallery; with ``whole``, clauses without a mutant of their own included."""
    found = [problem for outcome in outcomes for problem in outcome.problems()]
    if whole:
        named = {outcome.mutant.clause for outcome in outcomes}
        found += [f"{clause.id} has no mutant of its own" for clause in CLAUSES if clause.id not in named]
    return found


def summary(outcomes: Sequence[Outcome]) -> str:
    """Counts, and how long it took to catch one."""
    seconds = [outcome.caught.seconds for outcome in outcomes if outcome.caught.seconds is not None]
    median = f"; test time to catch one: median {statistics.median(seconds):.2f} s" if seconds else ""
    return f"{len(seconds)} of {len(outcomes)} mutants caught by the clause that names them{median}"


def document(outcomes: Sequence[Outcome]) -> str:
    """The kill matrix as Markdown: for each clause, its mutants, and what else the same lie breaks."""
    by_clause: dict[str, list[Mutant]] = defaultdict(list)
    for outcome in outcomes:
        by_clause[outcome.mutant.clause].append(outcome.mutant)
    general = ", ".join(sorted(GENERAL, key=_order))
    lines = [
        "# The kill matrix",
        "",
        "Each mutant is a backend that tells one lie. The clause in whose section it stands catches it by name; the",
        "clauses in the last column are broken by the same lie and may fail with it; every other clause holds. Those",
        f"about whole programs, races, faults and repeated cancellation ({general}) may catch any of them.",
        "",
        "This page is generated: `nox -s mutants`, or `crudspec mutants --write docs/kill-matrix.md`.",
        "",
        f"{len(outcomes)} mutants, {len(CLAUSES)} clauses.",
        "",
    ]
    for profile in PROFILES:
        lines += [
            f"## Profile `{profile.name}`",
            "",
            "| clause | mutant | the lie | also breaks |",
            "|---|---|---|---|",
        ]
        for clause in CLAUSES:
            if clause.profile == profile.name:
                for mutant in by_clause[clause.id] or []:
                    others = ", ".join(sorted(mutant.also, key=_order)) or "nothing else"
                    lines.append(f"| {clause.id} | `{mutant.name}` | {_cell(mutant.lie)} | {others} |")
        lines.append("")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _order(clause_id: str) -> int:
    return next(place for place, clause in enumerate(CLAUSES) if clause.id == clause_id)
