"""One run of the suite: its backends and options, its server, and what came of each check."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from crudspec.backends.registry import Adapter, BackendError, resolve
from crudspec.clauses import BY_ID, CLAUSES, PROFILE_NAMES, PROFILES
from crudspec.deviations import DEFAULT_NAME, Deviation, DeviationError, load, today
from crudspec.plugin import in_words_of_the_command, run_directory, split_id, suite_directory
from crudspec.programs import DEFAULT_EFFORT, EFFORTS
from crudspec.report.verdicts import Verdict, Verdicts
from crudspec.server import Server, ServerChoice, ServerError, start, stop
from crudspec.server.dsn import redacted
from crudspec.stages import Stages
from crudspec.subject import OPERATION_DEADLINE
from crudspec.wire import Proxy, WireError

if TYPE_CHECKING:
    from collections.abc import Iterable


class Run:
    """What one pytest session knows. Under pytest-xdist, the controller and each worker have one each."""

    def __init__(self, config: pytest.Config) -> None:
        option = config.getoption
        self.config = config
        self.worker = getattr(config, "workerinput", None)
        try:
            self.adapters = resolve(option("crud_backend"), translated=bool(option("crud_translated")))
            self.deviations = self._load_deviations()
        except (BackendError, DeviationError) as error:
            raise pytest.UsageError(str(error)) from None
        self.profiles = tuple(option("crud_profile")) or PROFILE_NAMES
        for name in self.profiles:
            if name not in PROFILE_NAMES:
                raise pytest.UsageError(f"no profile is named {name!r}; there are: {', '.join(PROFILE_NAMES)}")
        self.strict = bool(option("crud_strict"))
        self.effort_name = option("crud_effort") or DEFAULT_EFFORT
        self.effort = EFFORTS[self.effort_name]
        self.seed = _seed(option("hypothesis_seed", None))
        self.server: Server | None = None
        deadline = option("crud_deadline") or OPERATION_DEADLINE
        wire = bool(option("crud_wire"))
        self.stages = Stages(self.adapters, self.running_server, deadline=deadline, wire=wire)
        self.verdicts = Verdicts()
        self.offered: set[str] = set()
        self.notes: list[str] = []
        self.failures: list[str] = []
        self.printed: dict[str, dict[str, str]] = {}
        self.told: dict[tuple[str, str], str] = {}
        self._said = False

    # The server

    def running_server(self) -> Server:
        """Start the run's server, or find the one that another process of this run has started.

        Raises:
            pytest.UsageError: it cannot be had; says what to do.
        """
        if self.server is None:
            owner = self.worker["crudspec_owner"] if self.worker else os.getpid()
            choice = ServerChoice(
                kind=self.config.getoption("crud_server") or "auto", dsn=self.config.getoption("crud_dsn")
            )
            try:
                self.server = start(choice, run_dir=run_directory(self.config), owner=owner)
            except ServerError as error:
                raise pytest.UsageError(self._in_words_of_the_user(str(error))) from None
            self._try_the_wire(self.server.dsn)
        return self.server

    def _in_words_of_the_user(self, text: str) -> str:
        by_command = self.config.inipath == suite_directory() / "pytest.ini"
        return in_words_of_the_command(text) if by_command else text

    def _try_the_wire(self, dsn: str) -> None:
        """Do without a wire, and say so, where there can be none: what needs none is asked all the same."""
        try:
            Proxy(dsn)
        except WireError as error:
            self.stages.no_wire = str(error)
            if self.stages.wire:
                self.notes.append(f"no failure shows its SQL (--crud-wire): {error}")
            self.stages.wire = False

    def start(self) -> None:
        """Start the server, and say what the run is against; once, however many workers have collected."""
        server = self.running_server()
        if self.worker or self._said:
            return
        self._said = True
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.ensure_newline()
            reporter.write_line(
                f"crudspec: PostgreSQL {server.version}, {server.origin}; "
                f"backends {', '.join(map(str, self.adapters))}; seed {self.seed}; effort {self.effort_name}"
            )

    def options_that_matter(self) -> list[str]:
        """Options of this run without which another one may draw other programs, or see no failure."""
        options = [f"--crud-effort={self.effort_name}"] if self.effort_name != DEFAULT_EFFORT else []
        options += [f"--hypothesis-seed={self.seed}"] if self.seed else []
        given = {name: self.config.getoption(f"crud_{name}") for name in ("server", "deadline")}
        options += [f"--crud-{name}={value}" for name, value in given.items() if value is not None]
        flags = [name for name in ("strict", "translated") if self.config.getoption(f"crud_{name}")]
        return options + [f"--crud-{name}" for name in flags]

    def redacted(self, text: str) -> str:
        """The text without the password of the server, which a driver's message may quote."""
        return redacted(text, self.server.dsn) if self.server else text

    def stop(self) -> None:
        """End the server, with everything that this run has made."""
        if not self.worker:
            stop(run_directory(self.config))

    # The checks

    def adapter(self, name: str) -> Adapter:
        return next(adapter for adapter in self.adapters if adapter.name == name)

    def parametrize(self, metafunc: pytest.Metafunc, clause_id: str) -> None:
        """One test per backend that claims the clause's profile."""
        clause = BY_ID[clause_id]
        profile = next(profile for profile in PROFILES if profile.name == clause.profile)
        names = [
            adapter.name
            for adapter in self.adapters
            if profile.name in self.profiles
            and profile.is_claimed_by(adapter.cls)
            and clause.is_claimed_by(adapter.cls)
        ]
        ids = [f"{name}-{clause_id}" for name in names]
        self.offered.update(f"{metafunc.definition.nodeid}[{part}]" for part in ids)
        metafunc.parametrize("backend", names, ids=ids, indirect=True)

    def plan(self, nodeids: Iterable[str], *, left: int, of: int) -> None:
        """Remember what this run set out to ask.

        Args:
            nodeids: The checks that were collected and that the user selected.
            left: Tests that the user's selection leaves, checks or not.
            of: Tests that there were.

        Raises:
            pytest.UsageError: the selection left nothing.
        """
        for nodeid in nodeids:
            found = split_id(nodeid)
            if found:
                self.verdicts.plan(nodeid, *found)
        names = ", ".join(adapter.name for adapter in self.adapters)
        if not of:
            raise pytest.UsageError(f"no backend of this run ({names}) claims a profile of {', '.join(self.profiles)}")
        if not left:
            option = self.config.option
            given = {"-k": option.keyword, "-m": option.markexpr}
            selection = " ".join(f"{name} {value!r}" for name, value in given.items() if value)
            raise pytest.UsageError(
                f"the selection {selection} leaves none of {of} checks; backends in this run: {names}; "
                "`crudspec spec` prints the clauses"
            )

    def record(self, report: pytest.TestReport) -> None:
        """Take a report in, in the process that has them all."""
        for key, value in report.user_properties:
            if key == "crudspec":
                name, clause_id, verdict, detail = map(str, cast("list[str]", value))
                self.verdicts.add(report.nodeid, name, clause_id, Verdict[verdict], detail)
                if report.capstdout.strip():
                    self.printed.setdefault(name, {}).setdefault(clause_id, report.capstdout.strip())

    # Deviations

    def _load_deviations(self) -> list[Deviation]:
        given = self.config.getoption("crud_deviations")
        path = self.deviations_path()
        return load(path) if given or path.is_file() else []

    def deviations_path(self) -> Path:
        return self.config.invocation_params.dir / (self.config.getoption("crud_deviations") or DEFAULT_NAME)

    def deviation(self, name: str, clause_id: str) -> Deviation | None:
        """The entry that says that this backend is known to break this clause, expired ones included."""
        names = {name, self.adapter(name).spec}
        return next((d for d in self.deviations if d.backend in names and d.clause == clause_id), None)

    def _check_deviations(self, table: dict[tuple[str, str], Verdict]) -> None:
        """An entry must be needed: expired ones, and those whose clause holds, fail the run."""
        for (name, clause_id), verdict in table.items():
            entry = self.deviation(name, clause_id)
            if entry is None or verdict in {Verdict.NOT_RUN, Verdict.UNCLAIMED}:
                continue
            if entry.has_expired(today()):
                self.failures.append(
                    f"{name}: the deviation from {clause_id} expired on {entry.expires}: {entry.reason}"
                )
            elif verdict is Verdict.PASS and self._asked_whole(name, clause_id):
                self.failures.append(f"{name}: is listed as deviating from {clause_id}, which holds; remove the entry")

    def _asked_whole(self, name: str, clause_id: str) -> bool:
        """Tell whether all checks of the clause were planned: a part of them that holds says nothing yet."""
        return all(nodeid in self.verdicts.planned for nodeid in self.offered if split_id(nodeid) == (name, clause_id))

    # The end

    def finish(self, session: pytest.Session) -> None:
        """Settle the exit status: an incomplete run, or a wrong list of deviations, does not exit 0."""
        if self.worker is not None:
            output = self.config.__dict__["workeroutput"]
            output["crudspec_notes"] = self.notes + self.stages.notes
            output["crudspec_planned"] = list(self.verdicts.planned)
            output["crudspec_offered"] = list(self.offered)
            return
        self.notes += self.stages.notes
        # One that pytest has stopped, or a list of tests, has asked nothing; one that claims to be well has to show it.
        stopped = session.exitstatus != pytest.ExitCode.OK or self.config.option.collectonly
        if not self.verdicts.outcomes and (stopped or not self.verdicts.planned):
            return
        self._check_deviations(self.verdicts.table())
        missing = self.verdicts.missing()
        if missing:
            self.failures.append(
                f"INCOMPLETE: {len(missing)} planned checks were not run, {' of '.join(reversed(missing[0]))} for one; "
                "a run that did not ask everything cannot pass"
            )
        # The verdicts count, not only pytest's reports, which another plugin may have changed after this one.
        passed = self.verdicts.can_pass() and not self.failures
        if not passed and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def take_over(self, output: dict[str, list[str]]) -> None:
        """What a worker of pytest-xdist has planned and noted."""
        self.notes += output.get("crudspec_notes", [])
        self.offered.update(output.get("crudspec_offered", []))
        for nodeid in output.get("crudspec_planned", []):
            found = split_id(nodeid)
            if found:
                self.verdicts.plan(nodeid, *found)

    def table(self) -> dict[tuple[str, str], Verdict]:
        """Every verdict of the run, what is unclaimed included."""
        table = self.verdicts.table()
        profiles = {profile.name: profile for profile in PROFILES}
        for clause in CLAUSES:
            for adapter in self.adapters:
                claimed = profiles[clause.profile].is_claimed_by(adapter.cls) and clause.is_claimed_by(adapter.cls)
                if clause.profile in self.profiles and not claimed:
                    table[adapter.name, clause.id] = Verdict.UNCLAIMED
        return table


def _seed(option: str | None) -> int:
    """Hypothesis' own ``--hypothesis-seed`` where given; else 0, so that a run can be repeated."""
    if option == "random":
        return int.from_bytes(os.urandom(4))
    try:
        return int(option) if option is not None else 0
    except ValueError:
        raise pytest.UsageError(f"--hypothesis-seed is a number or 'random', not {option!r}") from None
