"""Mutate the four backends, and what they share, and see which mutants the suite lets live: ``nox -s mutate``.

What ``tests/mutants`` tells are lies that somebody thought of; these are those that nobody did. The mutations are
mutmut's and a few of ours. Its runner leaves decorated functions alone, which all of ours are, and cosmic-ray, which
does not, knows neither strings nor arguments, and SQL and arguments are what a data layer is made of. So a mutant is
a file here, and is asked in a process of its own: a fork of this one, which has imported everything already. Nothing
is written into the checkout. A mutant of what they share lives if it lives in each of the four.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import gc
import json
import multiprocessing
import os
import sys
import tempfile
import tomllib
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from crudspec import server
from crudspec.backends.registry import BUILT_IN, BackendError, import_file, resolve
from crudspec.run.nodes import split_id
from crudspec.run.place import suite_directory

ROOT = Path(__file__).resolve().parent.parent
WANTED = 0.95
PATIENCE = 120.0
"""Seconds for one mutant; the suite takes less than twenty."""

LAST = ("PROGRAM-1", "MIX-1", "RACE-2", "LOST-1", "LOST-2", "LOST-3", "HYGIENE-3", "COST-1", "CREATE-8")
"""Clauses that take longest, asked when the others have found nothing."""

TABLE = Path(__file__).with_name("mutate.toml")
ACCEPTED: dict[str, str] = {
    change: why for why, changes in tomllib.loads(TABLE.read_text(encoding="utf-8")).items() for change in changes
}
"""Changes that the suite need not notice, and why."""

FORK = multiprocessing.get_context("fork")

SHARED = "common"
"""What the four ways share, in the place of a backend's name."""

ERRORS = {"CrudError", "InvalidValue", "Unavailable", "kind"}
"""What an error is made with."""

NO_MEANING = (["_P"], ["_T"], ["_S"], ["__all__"])
"""Assignments for type checkers and for readers."""

OPPOSITES: dict[type[ast.cmpop], type[ast.cmpop]] = {ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.Eq: ast.NotEq}


@dataclass(slots=True)
class Mutant:
    """One change to one backend, and what became of it: ``killer`` is empty for a survivor."""

    backend: str
    number: int
    line: int
    change: str
    path: str
    killer: str = ""
    seconds: float = 0.0


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

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        match node:
            case ast.UnaryOp(ast.Not(), ast.UnaryOp(ast.Not(), positive)):
                return positive
            case ast.UnaryOp(ast.Not(), ast.Compare(left, [operator], rest)) if type(operator) in OPPOSITES:
                return ast.Compare(left, [OPPOSITES[type(operator)]()], rest)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        return None if names in NO_MEANING else self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id in ERRORS:
            node.args = []  # an error is promised by its type; what it says is for people
        if isinstance(node.func, ast.Name) and node.func.id == "from_sqlstate":
            node.args = node.args[:1]
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


def _file(backend: str) -> Path:
    return ROOT / "src" / "crudspec" / "backends" / f"{backend}.py"


def generate(backend: str, folder: Path) -> tuple[list[Mutant], Counter[str]]:
    """Write each mutant of a backend as a file; also how many changes were left out, and why."""
    source = _file(backend).read_text(encoding="utf-8")
    original = _meaning(source)
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


class _First:
    """A pytest plugin: tells what failed first, and that at once: a mutant may take long to close."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=lambda item: (split_id(item.nodeid) or ("", ""))[1] in LAST)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            name = report.nodeid.partition("::")[2].partition("[")[0]
            clause = (split_id(report.nodeid) or ("", ""))[1]
            self._tell(f"{clause} {name}".strip())

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """``pytest.exit``, by which a run ends that can open no backend."""
        self._tell(f"connect: {excinfo.value}"[:200])


def _ask(tell: Callable[[str], None], arguments: list[str]) -> None:
    """Run pytest in this process until something fails, and tell what that was; nothing if all is well."""
    arguments += ["-x", "-q", "--tb=no", "--no-summary", "--crud-server=external"]
    code = pytest.main(arguments, plugins=[_First(tell)])
    tell(f"the run ends with {code}" if code else "")


def _replace_shared(path: str) -> None:
    """Let this process find the file in the place of what the ways share, where none has taken names from that yet."""
    name = f"crudspec.backends.{SHARED}"
    module = import_file(Path(path))
    sys.modules[name] = module
    setattr(sys.modules["crudspec.backends"], SHARED, module)


def ask_suite(tell: Callable[[str], None], spec: str, shared: str = "") -> None:
    """Tell what in the suite, if anything, kills a backend."""
    if shared:
        _replace_shared(shared)
    with warnings.catch_warnings(action="error"):
        try:
            resolve([spec])
        except BackendError as error:
            return tell(f"import: {error}"[:200])
    suite = suite_directory()
    options = ["--crud-strict", "--crud-effort=quick", "--crud-deadline=4", f"--crud-backend={spec}"]
    return _ask(tell, [str(suite), "-c", str(suite / "pytest.ini"), "--rootdir", str(suite), *options])


def ask_own_tests(tell: Callable[[str], None], backend: str, spec: str, shared: str = "") -> None:
    """Tell what in ``test_backends.py``, if anything, kills a file in the place of the built-in backend."""
    if shared:
        _replace_shared(shared)
    BUILT_IN[backend] = spec
    # The warning is about what a fork has imported before pytest could rewrite it.
    options = ["-W", "ignore::pytest.PytestAssertRewriteWarning", "-p", "no:cacheprovider", "-n0", "-k", backend]
    _ask(tell, [str(ROOT / "tests" / "backends" / "test_backends.py"), *options])


def _apart(ask: Callable[..., None], *arguments: str) -> str:
    """The answer of a process that does nothing else; a mutant may break its process, or hang in it."""
    receiver, sender = FORK.Pipe(duplex=False)
    process = FORK.Process(target=_silently, args=(ask, sender, *arguments))
    process.start()
    sender.close()
    try:
        return receiver.recv() if receiver.poll(PATIENCE) else f"does not end in {PATIENCE:g} s"
    except EOFError:
        return "the process ends"
    finally:
        process.join(3)  # seconds to drop its database
        process.kill()
        process.join()


def _silently(ask: Callable[..., None], sender: Connection, *arguments: str) -> None:
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    ask(sender.send, *arguments)


def _concerned(mutant: Mutant) -> list[str]:
    """The ways that the changed line is a part of; of a class of what they share, those that derive from it."""
    if mutant.backend != SHARED:
        return [mutant.backend]
    for node in ast.parse(_file(SHARED).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef) and node.lineno <= mutant.line <= (node.end_lineno or 0):
            return [one.name for one in resolve(()) if node.name in {kind.__name__ for kind in one.cls.__mro__}]
    return list(BUILT_IN)


def judge(mutant: Mutant) -> Mutant:
    """Say what killed it. Our own tests are asked where the suite is silent, and nobody has said that it may be."""
    start = monotonic()
    # Where what they share has changed, a way is named by its file: as a module it is imported, with what that was.
    path, shared = ("", mutant.path) if mutant.backend == SHARED else (mutant.path, "")
    asked = [(way, f"{path or _file(way)}:{BUILT_IN[way].partition(':')[2]}", shared) for way in _concerned(mutant)]
    killers = (_apart(ask_suite, spec, shared) for _, spec, shared in asked)
    mutant.killer = next(filter(None, killers), "")
    if not mutant.killer and mutant.change not in ACCEPTED:
        own = next(filter(None, (_apart(ask_own_tests, *one) for one in asked)), "")
        mutant.killer = own and f"own: {own}"
    mutant.seconds = round(monotonic() - start, 1)
    return mutant


def _report(backend: str, mutants: list[Mutant], left_out: Counter[str]) -> bool:
    spared = [mutant for mutant in mutants if not mutant.killer or mutant.killer.startswith("own: ")]
    accepted = Counter(ACCEPTED[mutant.change] for mutant in spared if mutant.change in ACCEPTED)
    left = [mutant for mutant in spared if mutant.change not in ACCEPTED]
    killed, counted = len(mutants) - len(spared), len(mutants) - accepted.total()
    print(f"{backend}: {len(mutants)} mutants ({dict(left_out)} left out), {accepted.total()} accepted:")
    for why, number in accepted.items():
        print(f"  {number} of them: {why}")
    print(f"  of the other {counted}, the suite kills {killed}, {killed / max(counted, 1):.1%}; it spares {len(left)}:")
    for mutant in left:
        print(f"  {mutant.killer or 'survives'}  {backend}.py:{mutant.line}  {mutant.change}")
    return killed >= WANTED * counted and all(mutant.killer for mutant in left)


def _stale(spared: set[str]) -> bool:
    """Name what is accepted and need not be: such a mutant is no longer made, or is killed."""
    stale = ACCEPTED.keys() - spared
    for change in sorted(stale):
        print(f"{TABLE.name} is stale: no mutant lives by {change}")
    return bool(stale)


def main() -> None:
    """Generate, run, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("backends", nargs="*", default=[*BUILT_IN, SHARED])
    parser.add_argument("--every", type=int, default=1, metavar="K", help="only each K-th mutant")
    parser.add_argument("--only", default="", metavar="TEXT", help="only mutants whose change contains it")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--log", type=Path, help="JSON lines: who is in it is not asked again; who was asked, is added")
    options = parser.parse_args()
    os.chdir(ROOT)
    resolve(())  # imports what the backends import
    gc.freeze()  # no fork looks through it all again
    with tempfile.TemporaryDirectory(prefix="crudspec-mutate-") as folder:
        sys.pycache_prefix, sys.dont_write_bytecode = folder, False  # the suite is compiled once
        run_dir = Path(folder) / "run"
        running = server.start(server.ServerChoice(), run_dir=run_dir, owner=os.getpid())
        os.environ["CRUDSPEC_DSN"] = running.dsn
        try:
            sys.exit(not _all(options, Path(folder)))
        finally:
            server.stop(run_dir)


def _all(options: argparse.Namespace, folder: Path) -> bool:
    log, good, spared = _Log(options.log), True, set[str]()
    with ProcessPoolExecutor(options.workers, mp_context=FORK) as pool:
        for backend in options.backends:
            mutants, left_out = generate(backend, folder)
            chosen = [mutant for mutant in mutants if options.only in mutant.change][:: options.every]
            for way in BUILT_IN if backend == SHARED else [backend]:
                if killer := _apart(ask_suite, way) or _apart(ask_own_tests, way, BUILT_IN[way]):
                    sys.exit(f"{way} as it is does not live: {killer}")
            unknown = [mutant for mutant in chosen if not log.knows(mutant)]
            unknown.sort(key=lambda mutant: mutant.change in ACCEPTED)  # those take longest
            for place, mutant in enumerate(pool.map(judge, unknown), 1):
                log.add(mutant)
                print(f"{place} of {len(unknown)}: {mutant}", flush=True)
            judged = [log.judged(mutant) for mutant in chosen]
            spared |= {mutant.change for mutant in judged if not mutant.killer or mutant.killer.startswith("own: ")}
            good = _report(backend, judged, left_out) and good
    is_whole = set(options.backends) == {*BUILT_IN, SHARED} and options.every == 1 and not options.only
    return good and not (is_whole and _stale(spared))


class _Log:
    """What became of each mutant; in a file, if there is one, so that a run that was stopped can go on."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path and path.exists() else []
        self._mutants = {_key(mutant): mutant for mutant in (Mutant(**json.loads(line)) for line in lines)}

    def knows(self, mutant: Mutant) -> bool:
        return _key(mutant) in self._mutants

    def judged(self, mutant: Mutant) -> Mutant:
        return self._mutants[_key(mutant)]

    def add(self, mutant: Mutant) -> None:
        self._mutants[_key(mutant)] = mutant
        if self._path:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(mutant)) + "\n")


def _key(mutant: Mutant) -> tuple[str, int, str]:
    return mutant.backend, mutant.line, mutant.change


if __name__ == "__main__":
    main()
