"""The pytest plugin: options, and hooks that do nothing until the suite is collected.

pytest loads this module in every run of an environment that has crudspec installed. It therefore imports
nothing but pytest; what it needs stands behind :func:`current_run`.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from crudspec.contract.clauses import BY_ID
from crudspec.run.nodes import clause_of, split_id
from crudspec.run.place import place_of, suite_directory
from crudspec.settings import EFFORT_NAMES, SERVER_KINDS

if TYPE_CHECKING:
    from collections.abc import Generator

    from crudspec.run.run import Run

SUITE = "crudspec.conformance"

_RUN = pytest.StashKey["Run"]()
_SUITE_COLLECTED = pytest.StashKey[bool]()
_SELECTION = {"mark", "main", "lfplugin", "stepwiseplugin"}
"""Names of pytest's own plugins that select."""

_OPTIONS = (
    "crud_backend",
    "crud_server",
    "crud_dsn",
    "crud_profile",
    "crud_strict",
    "crud_effort",
    "crud_deadline",
    "crud_deviations",
    "crud_write_deviations",
    "crud_wire",
    "crud_translated",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("crudspec", "crudspec: one CRUD contract, every backend")
    add = group.addoption
    add(
        "--crud-backend",
        action="append",
        default=[],
        metavar="NAME",
        help="backend to test, repeatable: asyncpg, core, orm, sqlmodel, an entry point of the group "
        "crudspec.backends, package.module:Class, or file.py:Class (default: the four built-in ones)",
    )
    add(
        "--crud-server",
        choices=SERVER_KINDS,
        help="where PostgreSQL 17 comes from (default auto: the DSN if one is given, else a container if a Docker "
        "daemon answers, else embedded)",
    )
    add("--crud-dsn", metavar="DSN", help="external server; only databases of our own are created there and dropped")
    add("--crud-profile", action="append", default=[], metavar="NAME", help="only this profile's clauses, repeatable")
    add("--crud-strict", action="store_true", default=None, help="a SHOULD that does not hold fails the run")
    add("--crud-deadline", type=_seconds, metavar="SECONDS", help="deadline of each operation (default: 10)")
    add(
        "--crud-deviations",
        metavar="PATH",
        help="known deviations (default: crudspec-deviations.toml in the current folder, if it is there)",
    )
    add("--crud-write-deviations", action="store_true", default=None, help="write a first draft of that file")
    add(
        "--crud-wire",
        action="store_true",
        default=None,
        help="connect the backends through a wire, so that a failure shows the SQL of its operations",
    )
    add(
        "--crud-translated",
        action="store_true",
        default=None,
        help="ask each backend as @crudspec.translated makes it: what is left to say once no error is its driver's",
    )
    add("--crud-effort", choices=EFFORT_NAMES, help="how many programs, races and failures in a row")


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError(text)
    return value


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "crudspec_clause(id): the clause of the contract that a check belongs to")
    config.pluginmanager.register(_Recorder(config), "crudspec-recorder")
    _add_the_suite(config)
    if any(config.getoption(name) for name in _OPTIONS):
        current_run(config)  # a wrong option is said now, whether or not the suite is collected


def _add_the_suite(config: pytest.Config) -> None:
    """Where ``testpaths`` names the suite, which is no path: ``testpaths = ["tests", "crudspec.conformance"]``.

    pytest itself looks for packages with ``--pyargs`` alone, and then for all of them: ``tests`` may be anybody's.
    """
    sources = config.ArgsSource
    if SUITE not in config.getini("testpaths") or config.args_source not in {sources.TESTPATHS, sources.INVOCATION_DIR}:
        return
    if SUITE in config.args:  # with --pyargs, they are left as they are
        return
    others = [path for path in config.getini("testpaths") if path != SUITE]
    if not others:
        config.args.clear()
    config.args.append(str(suite_directory()))


class _Recorder:
    """pytest hands this hook no config; a bound method has it."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> pytest.TestReport | None:
        if clause_of(item) is None:
            return None
        from crudspec.run.makereport import report_of

        return report_of(item, call)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any], request: Any) -> Generator[None, Any, Any]:
        """What is no Exception would leave pytest's set-up half-way, and every later check fail with it."""
        ours = isinstance(request.node, pytest.Item) and clause_of(request.node) is not None
        try:
            return (yield)
        except (Exception, KeyboardInterrupt, pytest.skip.Exception, pytest.fail.Exception, pytest.exit.Exception):
            raise
        except BaseException as error:
            if not ours:
                raise
            from crudspec.run.makereport import as_failure

            failure = as_failure(error)
            fixturedef.cached_result = None, fixturedef.cache_key(request), (failure, error.__traceback__)
            raise failure from error

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        run = _started(self._config)
        if run is None:
            return
        from crudspec.record import from_json

        for key, value in report.user_properties:
            if key == "crudspec_event":
                run.record.add(from_json(str(value)))


def current_run(config: pytest.Config) -> Run:
    """The run that this pytest session is: backends, options, server and verdicts. Made on first use.

    Raises:
        pytest.UsageError: an option does not make sense.
    """
    if _RUN not in config.stash:
        from crudspec.run.run import Run

        config.stash[_RUN] = Run(config)
    return config.stash[_RUN]


def _started(config: pytest.Config) -> Run | None:
    return config.stash.get(_RUN, None)


@pytest.hookimpl(wrapper=True)
def pytest_collect_directory() -> Generator[None, Any, Any]:
    collector = yield
    if collector is not None and collector.path == suite_directory():
        # `-k` matches the names of folders, too, and "orm" is a part of "conformance".
        collector.name = "contract"
        collector.config.stash[_SUITE_COLLECTED] = True
    return collector


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    clause_id = clause_of(metafunc.definition)
    if clause_id is not None:
        current_run(metafunc.config).parametrize(metafunc, clause_id)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> Generator[None, None, None]:
    suite = [item for item in items if clause_of(item)]
    if not session.testsfailed:  # a module that does not import is told by pytest itself
        _nothing_is_hidden(config, suite)
    if not suite:
        if config.getoption("crud_backend") and not session.testsfailed:
            raise pytest.UsageError(
                "--crud-backend was given, and no check of the contract was collected: "
                "pytest --pyargs crudspec.conformance --crud-backend ..."
            )
        return (yield)
    # A check that no backend of this run is asked has an empty parameter set, which pytest would show as a skip.
    asked = {item for item in suite if split_id(item.nodeid)}
    places = iter(sorted((item for item in suite if item in asked), key=_reading_order))
    items[:] = [next(places) if item in asked else item for item in items if item in asked or not clause_of(item)]
    collected = len(items)
    # What the user selects away (-k, -m, --deselect, --lf, --sw) was not planned, and what goes later, by a conftest's
    # hook, is missed. pytest's own selection comes once more in its turn and finds nothing left to do.
    manager = config.pluginmanager
    others = [plugin for name, plugin in manager.list_name_plugin() if plugin and name not in _SELECTION]
    manager.subset_hook_caller("pytest_collection_modifyitems", others)(session=session, config=config, items=items)
    current_run(config).plan([item.nodeid for item in items if item in asked], left=len(items), of=collected)
    yield


def _nothing_is_hidden(config: pytest.Config, suite: list[pytest.Item]) -> None:
    """Refuse a run that was asked for the whole suite and whose configuration lets pytest see a part of it only.

    Raises:
        pytest.UsageError: a check was not collected.
    """
    directory = suite_directory()
    if not config.stash.get(_SUITE_COLLECTED, False) or not any(
        _is_whole(config, arg, directory) for arg in config.args
    ):
        return
    found = {(item.path.name, item.originalname) for item in suite if isinstance(item, pytest.Function)}
    nodeids = {item.nodeid for item in suite}
    hidden = {path.name for path in directory.glob("test_*.py")} - {name for name, _ in found}
    for module in {item.module for item in suite if isinstance(item, pytest.Function)}:
        file = Path(module.__file__ or "").name
        checks = {name for name, value in vars(module).items() if _is_check(value)}
        hidden |= {f"{file}::{name}" for name in checks if (file, name) not in found}
    hidden |= {nodeid for nodeid in current_run(config).offered if nodeid not in nodeids}
    if hidden:
        raise pytest.UsageError(
            f"{len(hidden)} files or checks of the suite were not collected, {min(hidden)} for one: the pytest "
            "configuration or a conftest of this project hides them (python_files, python_functions, --ignore, a "
            "hook); `crudspec check` runs without it"
        )


def _is_check(value: object) -> bool:
    marks = getattr(value, "pytestmark", ()) if inspect.isfunction(value) else ()
    return any(mark.name == "crudspec_clause" for mark in marks)


def _is_whole(config: pytest.Config, arg: str, directory: Path) -> bool:
    """Tell whether an argument of pytest names the whole suite, or a folder that it stands in."""
    path = (config.invocation_params.dir / arg).resolve()
    return arg in {"crudspec", SUITE} or path == directory or path in directory.parents


def _reading_order(item: pytest.Item) -> int:
    _, clause_id = split_id(item.nodeid) or ("", "")
    return list(BY_ID).index(clause_id)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    if not session.config.option.collectonly and any(clause_of(item) for item in session.items):
        current_run(session.config).start()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    report = yield
    if clause_of(item):
        from crudspec.run.makereport import judge

        judge(current_run(item.config), item, call, report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    run = _started(session.config)
    if run is not None:
        run.finish(session)
    status = session.exitstatus
    yield
    if run is not None and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = status  # a conftest's hook is not asked whether the contract holds


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    run = _started(config)
    if run is not None:
        from crudspec.report.summary import summarise

        summarise(run, terminalreporter)


def pytest_unconfigure(config: pytest.Config) -> None:
    run = _started(config)
    if run is not None:
        run.stop()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    place = place_of(node.config)
    node.workerinput["crudspec_owner"] = place.owner
    node.workerinput["crudspec_run_dir"] = str(place.run_dir)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: list[str]) -> None:
    """Start the server from the controller: it outlives every worker, and can say what the run is against."""
    if any(split_id(nodeid) for nodeid in ids) and not node.config.option.collectonly:
        run = current_run(node.config)
        run.start()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    run = _started(node.config)
    if run is not None:
        run.take_over(getattr(node, "workeroutput", {}))
