"""Mutate the four backends automatically, and see which mutants the suite lets live: ``nox -s mutate``.

What ``tests/mutants`` tells are lies that somebody thought of; these are those that nobody did. The mutations are
mutmut's and a few of ours. Its runner leaves decorated functions alone, which all of ours are, and cosmic-ray, which
does not, knows neither strings nor arguments, and SQL and arguments are what a data layer is made of. So a mutant is
a file here, and one process asks a batch of them. Nothing is written into the checkout.

The end is 1 if fewer than 95 % of a backend's mutants are killed; survivors are then to be judged by a person.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from crudspec import server
from crudspec.backends.registry import BUILT_IN
from crudspec.plugin import split_id, suite_directory

ROOT = Path(__file__).resolve().parent.parent
WANTED = 0.95
BATCH = 12
ALONE_SECONDS = 180
MARKER = "crudspec-mutate:"
CONTROL = "control"
"""The name of the backend as it is, last in each batch: a mutant that breaks the process must not kill the others."""

CONTROL_CLAUSES = ("CREATE", "HYGIENE")
"""What the control is asked: enough to notice that the process is not what it was."""

ERRORS = {"CrudError", "InvalidTask", "Unavailable"}


@dataclass(slots=True)
class Mutant:
    """One change to one backend, and what became of it: ``killer`` is empty for a survivor."""

    backend: str
    number: int
    line: int
    change: str
    path: str
    killer: str = ""


class _Meaning(ast.NodeTransformer):
    """Leaves what a program does: neither annotations of functions, docstrings, imports for types, nor wording."""

    def _function(self, node: Any) -> Any:
        node.returns = None
        for argument in ast.walk(node.args):
            if isinstance(argument, ast.arg):
                argument.annotation = None
        return self.generic_visit(node)

    visit_FunctionDef = visit_AsyncFunctionDef = _function  # noqa: N815 - ast's names

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST | None:
        return None if "TYPE_CHECKING" in ast.unparse(node.test) else self.generic_visit(node)

    def visit_Pass(self, node: ast.Pass) -> None:
        """Leave it out: in the place of a docstring it is one."""

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        # No name and no text in our SQL is quoted: to PostgreSQL, case is nothing.
        is_sql = isinstance(node.value, str) and " tasks" in node.value.casefold()
        return ast.Constant(str(node.value).casefold()) if is_sql else node

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        return None if names in (["_P"], ["_T"]) else self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id in ERRORS:
            node.args = []  # an error is promised by its type; what it says is for people
        return self.generic_visit(node)


def _meaning(source: str) -> str | None:
    try:
        return ast.dump(_Meaning().visit(ast.parse(source)))
    except SyntaxError:
        return None


def _mutated(source: str) -> Iterator[str]:
    """Every change, one at a time: mutmut's operators on every node, and ours."""
    import libcst as cst  # ty: ignore[import-not-found] - only in the environment of the nox session
    from mutmut.mutation.mutators import mutation_operators  # ty: ignore[import-not-found] - as above

    changes: list[tuple[Any, Any]] = []

    class Collect(cst.CSTVisitor):
        def on_visit(self, node: Any) -> bool:
            for kind, make in mutation_operators:
                if isinstance(node, kind):
                    changes.extend((node, new) for new in make(node))
            changes.extend((node, new) for new in _more(node))
            return True

    module = cst.parse_module(source)
    module.visit(Collect())
    for old, new in changes:
        yield module.deep_replace(old, new).code


def _more(node: Any) -> Iterator[Any]:
    """What mutmut has no operator for: statements, conditions, decorators, kinds of errors, numbers one less."""
    import libcst as cst  # ty: ignore[import-not-found] - as above

    match node:
        case cst.Expr() | cst.Raise() | cst.Return():
            yield cst.Pass()
        case cst.If() | cst.While() | cst.IfExp():
            inner = node.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
            yield node.with_changes(test=cst.UnaryOperation(cst.Not(), inner))
        case cst.FunctionDef():
            for rest in _one_less(node.decorators):
                yield node.with_changes(decorators=rest)
        case cst.Tuple() if not isinstance(node.elements[0].value, cst.SimpleString):  # mutmut changes the strings
            for rest in _one_less(node.elements):
                yield node.with_changes(elements=rest)
        case cst.ExceptHandler() if node.type is not None:
            yield node.with_changes(type=cst.Name("ZeroDivisionError"))
        case cst.Integer() | cst.Float():
            yield cst.parse_expression(repr(node.evaluated_value - 1))


def _one_less(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for place in range(len(items)):
        yield [*items[:place], *items[place + 1 :]]


def generate(backend: str, folder: Path) -> tuple[list[Mutant], Counter[str]]:
    """Write each mutant of a backend as a file; also how many changes were left out, and why."""
    module = BUILT_IN[backend].partition(":")[0]
    source = (ROOT / "src" / Path(*module.split("."))).with_suffix(".py").read_text(encoding="utf-8")
    original = _meaning(source)
    (folder / f"{backend}_{CONTROL}.py").write_text(source, encoding="utf-8")
    seen, left_out, mutants = set(), Counter[str](), list[Mutant]()
    for mutated in _mutated(source):
        meaning = _meaning(mutated)
        if meaning is None or meaning == original or meaning in seen:
            left_out["no Python" if meaning is None else "the same" if meaning == original else "made before"] += 1
            continue
        seen.add(meaning)
        path = folder / f"{backend}_{len(mutants):03}.py"
        path.write_text(mutated, encoding="utf-8")
        mutants.append(Mutant(backend, len(mutants), *_difference(source, mutated), str(path)))
    return mutants, left_out


def _difference(source: str, mutated: str) -> tuple[int, str]:
    before, after = source.splitlines(), mutated.splitlines()
    for kind, start, end, other_start, other_end in difflib.SequenceMatcher(None, before, after, False).get_opcodes():
        if kind != "equal":
            texts = (before[start:end], after[other_start:other_end])
            return start + 1, " => ".join(" ".join(line.strip() for line in text) or "(nothing)" for text in texts)
    raise AssertionError("a mutant is another text")


def _spec(backend: str, path: str) -> str:
    return f"{path}:{BUILT_IN[backend].partition(':')[2]}"


class _Hunt:
    """A pytest plugin: one mutant after the other, each until its first failure."""

    def __init__(self, specs: dict[str, str]) -> None:
        self._order = list(specs)
        self._specs = {spec: name for name, spec in specs.items()}
        self.killers: dict[str, str] = {}

    def _name(self, nodeid: str) -> str:
        found = (split_id(nodeid) or ("",))[0]
        return self._specs.get(found) or next(iter(self._specs.values()))  # a single one goes by its class's name

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [
            item
            for item in sorted(items, key=lambda item: self._order.index(self._name(item.nodeid)))
            if self._name(item.nodeid) != CONTROL or (split_id(item.nodeid) or ("", ""))[1].startswith(CONTROL_CLAUSES)
        ]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if self._name(item.nodeid) in self.killers:
            pytest.skip("killed already")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            name = report.nodeid.partition("::")[2].partition("[")[0]
            clause = (split_id(report.nodeid) or ("", ""))[1]
            self.killers.setdefault(self._name(report.nodeid), f"{clause} {name}")


def ask(specs: dict[str, str]) -> None:
    """Run the suite in this process, and print who was killed by what."""
    plugin, suite = _Hunt(specs), suite_directory()
    arguments = [str(suite), "-c", str(suite / "pytest.ini"), "--rootdir", str(suite), "-q", "--tb=no", "--no-summary"]
    arguments += ["--crud-server=external", "--crud-strict", "--crud-effort=quick", "--crud-deadline=4"]
    code = pytest.main([*arguments, *(f"--crud-backend={spec}" for spec in specs.values())], plugins=[plugin])
    if code not in {0, 1}:
        sys.exit(int(code))
    print(MARKER + json.dumps(plugin.killers))


def ask_own_tests(backend: str, spec: str) -> None:
    """Run ``test_backends.py`` in this process with a file in the place of the built-in backend."""
    BUILT_IN[backend] = spec
    options = ["-x", "-q", "--tb=no", "-p", "no:cacheprovider", "--crud-server=external", "-k", backend]
    plugin = _Hunt({backend: spec})
    code = pytest.main([str(ROOT / "tests" / "test_backends.py"), *options], plugins=[plugin])
    print(MARKER + json.dumps(plugin.killers if code in {0, 1} else {backend: f"pytest's end {code}"}))


def _child(mode: str, what: dict[str, str], seconds: float) -> dict[str, str] | str:
    """The killers, or why there is no answer."""
    command = [sys.executable, __file__, f"--{mode}", json.dumps(what)]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False, cwd=ROOT)
    except subprocess.TimeoutExpired:
        return f"does not end in {seconds} s"
    answers = [line for line in ended.stdout.splitlines() if line.startswith(MARKER)]
    if not answers:
        return f"the run ends with {ended.returncode}: {(ended.stderr.strip().splitlines() or ['?'])[-1][:150]}"
    return json.loads(answers[0].removeprefix(MARKER))


def judge(batch: list[Mutant]) -> list[Mutant]:
    """Say what killed each of one backend's mutants; if the batch says nothing reliable, ask each alone."""
    backend = batch[0].backend
    specs = {str(mutant.number): _spec(backend, mutant.path) for mutant in batch}
    control = Path(batch[0].path).with_name(f"{backend}_{CONTROL}.py")
    if len(batch) > 1:
        specs[CONTROL] = _spec(backend, str(control))
    answer = _child("ask", specs, ALONE_SECONDS * len(batch))
    if len(batch) > 1 and (isinstance(answer, str) or CONTROL in answer):
        return [judged for mutant in batch for judged in judge([mutant])]
    for mutant in batch:
        mutant.killer = answer if isinstance(answer, str) else answer.get(str(mutant.number), "")
        if not mutant.killer:
            own = _child("own", {backend: specs[str(mutant.number)]}, ALONE_SECONDS)
            mutant.killer = f"own: {own}" if isinstance(own, str) else f"own:{own[backend]}" if own else ""
    return batch


def _imports(mutant: Mutant) -> bool:
    """A backend that does not import is a usage error, which would end the batch."""
    code = f"from crudspec.backends.registry import resolve; resolve([{_spec(mutant.backend, mutant.path)!r}])"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    if done.returncode:
        mutant.killer = f"import: {done.stderr.strip().splitlines()[-1][:150]}"
    return not done.returncode


def _report(backend: str, mutants: list[Mutant], left_out: Counter[str]) -> bool:
    kinds = Counter(
        mutant.killer.partition(":")[0]
        if mutant.killer.startswith(("own:", "import:"))
        else "suite" * bool(mutant.killer)
        for mutant in mutants
    )
    killed = len(mutants) - kinds[""]
    by_suite = killed - kinds["own"]
    print(f"{backend}: {len(mutants)} mutants run ({dict(left_out)} left out), {killed} killed:")
    print(f"  {kinds['import']} do not import, {kinds['suite']} by the suite, {kinds['own']} by our own tests only;")
    print(f"  {by_suite / len(mutants):.1%} without our own tests, {killed / len(mutants):.1%} with them")
    for mutant in mutants:
        if not mutant.killer or mutant.killer.startswith("own:"):
            print(
                f"  {'survives' if not mutant.killer else mutant.killer}  {backend}.py:{mutant.line}  {mutant.change}"
            )
    return killed / len(mutants) >= WANTED


def main() -> None:
    """Generate, run, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("backends", nargs="*", default=list(BUILT_IN))
    parser.add_argument("--every", type=int, default=1, metavar="K", help="only each K-th mutant")
    parser.add_argument("--only", default="", metavar="TEXT", help="only mutants whose change contains it")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--log", type=Path, help="write what became of each mutant, as JSON lines")
    parser.add_argument("--ask", help=argparse.SUPPRESS)
    parser.add_argument("--own", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.ask:
        return ask(json.loads(options.ask))
    if options.own:
        return ask_own_tests(*next(iter(json.loads(options.own).items())))
    with tempfile.TemporaryDirectory(prefix="crudspec-mutate-") as folder:
        run_dir = Path(folder) / "run"
        running = server.start(server.ServerChoice(), run_dir=run_dir, owner=os.getpid())
        os.environ["CRUDSPEC_DSN"] = running.dsn
        try:
            sys.exit(not _all(options, Path(folder)))
        finally:
            server.stop(run_dir)


def _all(options: argparse.Namespace, folder: Path) -> bool:
    made = {backend: generate(backend, folder) for backend in options.backends}
    chosen = {
        backend: [mutant for mutant in mutants if options.only in mutant.change][:: options.every]
        for backend, (mutants, _) in made.items()
    }
    with ThreadPoolExecutor(options.workers) as pool:
        batches = []
        for backend, mutants in chosen.items():
            alive = [mutant for mutant, imports in zip(mutants, pool.map(_imports, mutants), strict=True) if imports]
            batches += [alive[start : start + BATCH] for start in range(0, len(alive), BATCH)]
            print(f"{backend}: {len(made[backend][0])} mutants, {len(mutants)} chosen, {len(alive)} import", flush=True)
        for place, batch in enumerate(pool.map(judge, batches), 1):
            lived = sum(not mutant.killer for mutant in batch)
            print(
                f"batch {place} of {len(batches)}: {len(batch)} mutants of {batch[0].backend}, {lived} live", flush=True
            )
            if options.log:
                with options.log.open("a", encoding="utf-8") as log:
                    log.writelines(json.dumps(asdict(mutant)) + "\n" for mutant in batch)
    enough = [_report(backend, mutants, made[backend][1]) for backend, mutants in chosen.items() if mutants]
    return all(enough)


if __name__ == "__main__":
    main()
