"""Every mutant hunted, several processes at a time, on one server."""

from __future__ import annotations

import json
import queue
import threading
from contextlib import suppress
from dataclasses import replace
from multiprocessing import get_all_start_methods, get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from crudspec.backends.registry import BUILT_IN
from crudspec.mutants.hunt import Batch, Caught, hunt_and_send
from crudspec.mutants.matrix import Outcome, line
from crudspec.server import ServerChoice, running

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from crudspec.mutants.gallery import Mutant

BASES = ("quiet", "noisy")
"""What mutants are hunted on: the four ways as they are, and as :mod:`crudspec.mutants.noisy` makes them."""

_BATCH = 6
"""Mutants per process: one that takes its process with it takes few others."""

# A process that has imported everything is copied for each batch, which then starts at once.
_PROCESSES = get_context("forkserver") if "forkserver" in get_all_start_methods() else get_context("spawn")
_PROCESSES.set_forkserver_preload(
    [
        "crudspec.mutants.hunt",
        "crudspec.run.run",
        *(f"crudspec.backends.{name}" for name in BUILT_IN),
        *("alembic.command", "pytest_asyncio.plugin"),
    ]
)

_PROCESS_DEADLINE = 400.0
"""Seconds for a batch: some mutants hang on purpose, and others share the machine with them."""


class _Results:
    """What is known so far. A mutant on a noisy base is judged once it is known what that base itself does."""

    def __init__(self, mutants: Sequence[Mutant], tell: Callable[[str], None]) -> None:
        self._mutants = {mutant.name: mutant for mutant in mutants}
        self._tell = tell
        self._ways: dict[str, Caught] = {}
        self._waiting: list[Caught] = []
        self._lock = threading.Lock()
        self.outcomes: dict[tuple[str, str], Outcome] = {}

    def add(self, batch: Batch, found: list[Caught]) -> None:
        with self._lock:
            if batch.clauses:
                self._ways |= {caught.mutant: caught for caught in found}
            else:
                self._waiting += found
            for caught in list(self._waiting):
                mutant = self._mutants[caught.mutant]
                if caught.base == "quiet" or mutant.way in self._ways:
                    self._waiting.remove(caught)
                    self._judge(mutant, caught)

    def _judge(self, mutant: Mutant, caught: Caught) -> None:
        itself = self._ways[mutant.way] if caught.base == "noisy" else None
        outcome = self.outcomes[caught.base, mutant.name] = Outcome(mutant, caught, itself)
        self._tell(line(outcome))

    def of(self, base: str, mutant: Mutant) -> Outcome:
        """What became of it; where that is not known, that it was not asked."""
        return self.outcomes.get((base, mutant.name)) or Outcome(
            mutant, Caught(mutant.name, base), self._ways.get(mutant.way)
        )


def hunt_all(
    gallery: Path,
    mutants: Sequence[Mutant],
    choice: ServerChoice,
    *,
    processes: int,
    tell: Callable[[str], None],
    bases: Collection[str] = ("quiet",),
) -> list[Outcome]:
    """Hunt every mutant on one server, several processes at a time.

    Args:
        gallery: Folder of the mutants.
        mutants: Those to hunt.
        choice: Where PostgreSQL comes from.
        processes: How many at once.
        tell: Called with a line for each mutant as it is done.
        bases: On which; of :data:`BASES`.
    """
    batches: queue.SimpleQueue[Batch] = queue.SimpleQueue()
    for batch in _batches(mutants, bases):
        batches.put(batch)
    results = _Results(mutants, tell)

    def work(dsn: str, output: Path) -> None:
        while True:
            try:
                batch = batches.get_nowait()
            except queue.Empty:
                return
            results.add(batch, _hunt_in_process(gallery, batch, dsn, output))

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
    return [results.of(base, mutant) for base in BASES if base in bases for mutant in _on(base, mutants)]


def _on(base: str, mutants: Sequence[Mutant]) -> list[Mutant]:
    """Those that can be hunted there: what is written on none of the four ways has no noisy base."""
    return [mutant for mutant in mutants if base == "quiet" or mutant.way]


def _batches(mutants: Sequence[Mutant], bases: Collection[str]) -> Iterator[Batch]:
    """The noisy ways themselves come first: they take longest, and the others are judged by what they do anyway."""
    for way in BUILT_IN if "noisy" in bases else ():
        clauses = frozenset(mutant.clause for mutant in mutants if mutant.way == way)
        if clauses:
            yield Batch("noisy", (way,), clauses)
    for base in BASES:
        if base in bases:
            names = [mutant.name for mutant in _on(base, mutants)]
            count = -(-len(names) // _BATCH)
            for number in range(count):
                yield Batch(base, tuple(names[number::count]))  # neighbours are alike: spread the slow ones


def _hunt_in_process(gallery: Path, batch: Batch, dsn: str, output: Path) -> list[Caught]:
    output.write_bytes(b"")
    receiver, sender = _PROCESSES.Pipe(duplex=False)
    process = _PROCESSES.Process(target=hunt_and_send, args=(sender, gallery, batch, dsn, output), daemon=True)
    try:
        process.start()
        sender.close()
        if receiver.poll(_PROCESS_DEADLINE):
            return [Caught(**found) for found in json.loads(receiver.recv_bytes())]
        told = f"was not done in {_PROCESS_DEADLINE:g} s"
    except Exception as error:  # noqa: BLE001 - whatever it is, these mutants were not asked, and it has to be told
        lines = output.read_text(errors="replace").splitlines() or [f"{type(error).__name__}: {error}"]
        told = "failed: " + next((line for line in lines if line.startswith("Fatal Python error")), lines[-1])[:200]
    finally:
        if process.pid is not None:
            process.kill()
            process.join()
        receiver.close()
    if len(batch.names) > 1:  # one of them has taken the others with it
        alone = [replace(batch, names=(name,)) for name in batch.names]
        return [caught for one in alone for caught in _hunt_in_process(gallery, one, dsn, output)]
    return [Caught(name, batch.base, failed={"": f"the process {told}"}) for name in batch.names]
