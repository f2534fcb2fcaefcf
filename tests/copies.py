"""``pytest`` in a process of its own, which is a copy of one that has imported everything: so it starts at once."""

import os
import sys
import time
from multiprocessing import get_context
from pathlib import Path

import pytest

_PROCESSES = get_context("forkserver")
_PRELOADED = ["crudspec.run.run", "crudspec.truth.schema", "xdist.plugin"]
_PRELOADED += ["pytest_asyncio.plugin", "_hypothesis_pytestplugin"]
_SECONDS = 300


def copied(folder: Path, *args: str) -> pytest.RunResult:
    """Run pytest there, with the environment as it is here; what it writes is shown here, too."""
    _PROCESSES.set_forkserver_preload(_PRELOADED)
    outputs = folder / "stdout", folder / "stderr"
    began = time.monotonic()
    process = _PROCESSES.Process(target=_run, args=(folder, args, dict(os.environ), outputs))
    process.start()
    process.join(_SECONDS)
    late = process.exitcode is None
    process.kill()
    process.join()
    assert not late, f"pytest was not done after {_SECONDS} s"
    out, err = (path.read_text("utf-8", errors="replace") for path in outputs)
    sys.stdout.write(out)
    sys.stderr.write(err)
    assert process.exitcode is not None
    return pytest.RunResult(process.exitcode, out.splitlines(), err.splitlines(), time.monotonic() - began)


def _run(folder: Path, args: tuple[str, ...], environ: dict[str, str], outputs: tuple[Path, Path]) -> None:
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(folder)
    for number, (name, path) in enumerate(zip(("stdout", "stderr"), outputs, strict=True), start=1):
        stream = path.open("w", encoding="utf-8", buffering=1)
        os.dup2(stream.fileno(), number)
        setattr(sys, name, os.fdopen(number, "w", encoding="utf-8", buffering=1, closefd=False))
        setattr(sys, f"__{name}__", getattr(sys, name))
    sys.path[0] = str(folder)
    sys.argv[:] = ["pytest", "-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning", *args]
    sys.exit(pytest.console_main())
