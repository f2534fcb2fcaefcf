"""One run of the suite: its backends and options, its server, and the events that tell what came of each check."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from crudspec.backends.registry import Adapter, BackendError, resolve
from crudspec.contract.clauses import BY_ID, CLAUSES, PROFILE_NAMES, PROFILES
from crudspec.contract.deviations import DEFAULT_NAME, Deviation, DeviationError, load, today
from crudspec.harness.programs import DEFAULT_EFFORT, EFFORTS
from crudspec.harness.subject import OPERATION_DEADLINE
from crudspec.record import (
    Backend,
    Check,
    Event,
    Header,
    Listed,
    Note,
    Plan,
    Record,
    Unusable,
    Verdict,
    from_json,
    to_json,
)
from crudspec.run.nodes import in_words_of_the_command, split_id
from crudspec.run.place import place_of
from crudspec.run.setup import Stages
from crudspec.server import Server, ServerChoice, ServerError, start, stop
from crudspec.server.dsn import redacted
from crudspec.settings import SettingsError, chosen, read
from crudspec.wire import Proxy, WireError

if TYPE_CHECKING:
    from collections.abc import Iterable

_CLAIMED = {profile.name: profile for profile in PROFILES}


class Run:
    """What one pytest session knows. Under pytest-xdist, the controller and each worker have one each.

    Attributes:
        record: Everything that was told, in this process and in those whose events it takes over.
    """

    def __init__(self, config: pytest.Config) -> None:
        option = config.getoption
        self.config = config
        self.place = place_of(config)
        self.record = Record()
        try:
            self.settings = settings = read(config.invocation_params.dir)
            if settings.folder is not None and settings.backends:
                sys.path.append(str(settings.folder))  # a module of the project may be named from a folder in it
            specs = chosen(option("crud_backend"), settings)
            self.adapters = resolve(specs, translated=bool(option("crud_translated")))
            self.deviations = self._load_deviations()
        except (BackendError, DeviationError, SettingsError) as error:
            raise pytest.UsageError(redacted(str(error))) from None
        self.profiles = tuple(option("crud_profile")) or settings.profiles or PROFILE_NAMES
        for name in self.profiles:
            if name not in PROFILE_NAMES:
                raise pytest.UsageError(f"no profile is named {name!r}; there are: {', '.join(PROFILE_NAMES)}")
        self.strict = bool(option("crud_strict")) or settings.strict
        self.effort_name = option("crud_effort") or settings.effort or DEFAULT_EFFORT
        self.effort = EFFORTS[self.effort_name]
        self.seed = _seed(option("hypothesis_seed", None))
        self.server: Server | None = None
        deadline = option("crud_deadline") or settings.deadline or OPERATION_DEADLINE
        wire = bool(option("crud_wire"))
        self.stages = Stages(self.adapters, self.running_server, deadline=deadline, wire=wire)
        self.offered: set[str] = set()
        self.told: dict[tuple[str, str], str] = {}
        self._possible = 0
        self._said = False

    def tell(self, event: Event) -> None:
        """Add an event to the record, and pass it on to whoever watches this process."""
        self.record.add(event)
        if self.place.tell is not None:
            self.place.tell(event)

    def note(self, text: str) -> None:
        """Tell something that belongs to no clause."""
        self.tell(Note(text=self.redacted(text)))

    # The server

    def running_server(self) -> Server:
        """Start the run's server, or find the one that another process of this run has started.

        Raises:
            pytest.UsageError: it cannot be had; says what to do.
        """
        if self.server is None:
            dsn = self.config.getoption("crud_dsn")
            # Who gives a DSN wants that server, whatever the file says.
            kind = self.config.getoption("crud_server") or (None if dsn else self.settings.server)
            choice = ServerChoice(kind=cast("Any", kind or "auto"), dsn=dsn)
            try:
                self.server = start(choice, run_dir=self.place.run_dir, owner=self.place.owner)
            except ServerError as error:
                raise pytest.UsageError(self._in_words_of_the_user(str(error))) from None
            self._try_the_wire(self.server.dsn)
        return self.server

    def _in_words_of_the_user(self, text: str) -> str:
        return in_words_of_the_command(text) if self.is_watched else text

    @property
    def is_watched(self) -> bool:
        """Whether this process only runs the checks, for another one that shows them: ``crudspec check``."""
        return self.place.tell is not None

    def _try_the_wire(self, dsn: str) -> None:
        """Do without a wire, and say so, where there can be none: what needs none is asked all the same."""
        try:
            Proxy(dsn)
        except WireError as error:
            self.stages.no_wire = str(error)
            if self.stages.wire:
                self.note(self._in_words_of_the_user(f"no failure shows its SQL (--crud-wire): {error}"))
            self.stages.wire = False

    def start(self) -> None:
        """Start the server, and say what the run is against; once, however many workers have collected."""
        server = self.running_server()
        if self._said or (self.place.borrowed and not self.is_watched):
            return
        self._said = True
        header = Header(
            crudspec=version("crudspec"),
            postgresql=server.version,
            origin=server.origin,
            backends=tuple(
                Backend(
                    name=adapter.name,
                    spec=adapter.spec,
                    libraries=adapter.libraries,
                    translated=adapter.translated,
                    table=adapter.table,
                )
                for adapter in self.adapters
            ),
            python=platform.python_version(),
            seed=self.seed,
            effort=self.effort_name,
            strict=self.strict,
            command=self.redacted(shlex.join(["pytest", *map(str, self.config.invocation_params.args)])),
        )
        self.tell(header)
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            from crudspec.report.summary import opening

            reporter.ensure_newline()
            reporter.write_line(opening(header))

    def again(self, adapter: Adapter, clause_id: str) -> str:
        """The command that repeats one check alone."""
        usual = self.settings.effort or DEFAULT_EFFORT
        options = [f"--crud-effort={self.effort_name}"] if self.effort_name != usual else []
        options += [f"--hypothesis-seed={self.seed}"] if self.seed else []
        given = {name: self.config.getoption(f"crud_{name}") for name in ("server", "deadline")}
        options += [f"--crud-{name}={value}" for name, value in given.items() if value is not None]
        options += [
            f"--crud-{name}" for name in ("strict", "translated", "wire") if self.config.getoption(f"crud_{name}")
        ]
        if self.is_watched:
            command = ["crudspec", "check", adapter.spec, "-k", clause_id]
            return shlex.join([*command, *map(in_words_of_the_command, options)])
        command = ["pytest", "--pyargs", "crudspec.conformance", "--crud-backend", adapter.spec, "-k", clause_id]
        return shlex.join([*command, *options])

    def redacted(self, text: str) -> str:
        """The text without the password of the server, which a driver's message may quote."""
        return redacted(text, self.server.dsn if self.server else None)

    def stop(self) -> None:
        """End the server, with everything that this run has made."""
        if not self.place.borrowed:
            stop(self.place.run_dir)

    # The checks

    def adapter(self, name: str) -> Adapter:
        return next(adapter for adapter in self.adapters if adapter.name == name)

    def parametrize(self, metafunc: pytest.Metafunc, clause_id: str) -> None:
        """One test per backend that claims the clause's profile."""
        clause = BY_ID[clause_id]
        profile = _CLAIMED[clause.profile]
        claiming = [
            adapter.name
            for adapter in self.adapters
            if profile.is_claimed_by(adapter.cls) and clause.is_claimed_by(adapter.cls)
        ]
        self._possible += len(claiming)
        names = claiming if profile.name in self.profiles else []
        ids = [f"{name}-{clause_id}" for name in names]
        self.offered.update(f"{metafunc.definition.nodeid}[{part}]" for part in ids)
        metafunc.parametrize("backend", names, ids=ids, indirect=True)

    def plan(self, nodeids: Iterable[str], *, left: int, of: int) -> None:
        """Tell what this run set out to ask.

        Args:
            nodeids: The checks that were collected and that the user selected.
            left: Tests that the user's selection leaves, checks or not.
            of: Tests that there were.

        Raises:
            pytest.UsageError: the selection left nothing.
        """
        found = [(nodeid, split_id(nodeid)) for nodeid in nodeids]
        checks = [Check(nodeid=nodeid, backend=key[0], clause=key[1]) for nodeid, key in found if key]
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
        for name, abilities in self.stages.abilities.items():
            abilities.planned = frozenset(check.clause for check in checks if check.backend == name)
        planned = {check.nodeid for check in checks}
        asked = dict.fromkeys((check.backend, check.clause) for check in checks)
        self.tell(
            Plan(
                checks=tuple(checks),
                offered=self._possible,
                unclaimed=tuple(self._unclaimed()),
                deviations=tuple(
                    self._listed(name, clause_id, planned)
                    for name, clause_id in asked
                    if self.deviation(name, clause_id)
                ),
            )
        )

    def _unclaimed(self) -> Iterable[tuple[str, str]]:
        for clause in CLAUSES:
            for adapter in self.adapters:
                claimed = _CLAIMED[clause.profile].is_claimed_by(adapter.cls) and clause.is_claimed_by(adapter.cls)
                if clause.profile in self.profiles and not claimed:
                    yield adapter.name, clause.id

    def table(self) -> dict[tuple[str, str], Verdict]:
        """Every verdict of the run, what is unclaimed included."""
        return self.record.table()

    # Deviations

    def _load_deviations(self) -> list[Deviation]:
        given = self.config.getoption("crud_deviations")
        if given is None and isinstance(self.settings.deviations, tuple):
            return list(self.settings.deviations)
        path = self.deviations_path()
        return load(path) if given or self.settings.deviations or path.is_file() else []

    def deviations_path(self) -> Path:
        given = self.config.getoption("crud_deviations")
        named = self.settings.deviations if given is None and isinstance(self.settings.deviations, Path) else given
        return self.config.invocation_params.dir / (named or DEFAULT_NAME)

    def deviation(self, name: str, clause_id: str) -> Deviation | None:
        """The entry that says that this backend is known to break this clause, expired ones included."""
        names = {name, *(adapter.spec for adapter in self.adapters if adapter.name == name)}
        return next((d for d in self.deviations if d.backend in names and d.clause == clause_id), None)

    def _listed(self, name: str, clause_id: str, planned: set[str]) -> Listed:
        entry = self.deviation(name, clause_id)
        assert entry is not None
        checks = [nodeid for nodeid in self.offered if split_id(nodeid) == (name, clause_id)]
        return Listed(
            backend=name,
            clause=clause_id,
            reason=entry.reason,
            expires=str(entry.expires or ""),
            expired=entry.has_expired(today()),
            whole=all(nodeid in planned for nodeid in checks),
        )

    # The end

    def finish(self, session: pytest.Session) -> None:
        """Settle the exit status: an incomplete run, or a wrong list of deviations, does not exit 0."""
        for text in self.stages.notes:
            self.note(text)
        output = self.config.__dict__.get("workeroutput")
        if output is not None:
            output["crudspec_events"] = [to_json(event) for event in self._to_pass_on()]
            return
        record = self.record
        # One that pytest has stopped, or a list of tests, has asked nothing; one that claims to be well has to show it.
        stopped = session.exitstatus != pytest.ExitCode.OK or self.config.option.collectonly
        if not record.results and (stopped or not record.checks):
            return
        # The verdicts count, not only pytest's reports, which another plugin may have changed after this one.
        if record.is_useless():
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
        elif record.status() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _to_pass_on(self) -> Iterable[Event]:
        """What the controller of pytest-xdist does not see in the reports."""
        yield Plan(
            checks=tuple(self.record.checks.values()),
            offered=self.record.offered,
            unclaimed=tuple(self.record.unclaimed),
            deviations=tuple(self.record.deviations.values()),
        )
        for text in self.record.notes:
            yield Note(text=text)
        for backend, text in self.record.unusable.items():
            yield Unusable(backend=backend, text=text)

    def take_over(self, output: dict[str, list[str]]) -> None:
        """What a worker of pytest-xdist has planned and noted."""
        for line in output.get("crudspec_events", []):
            self.record.add(from_json(line))


def _seed(option: str | None) -> int:
    """Hypothesis' own ``--hypothesis-seed`` where given; else 0, so that a run can be repeated."""
    if option == "random":
        return int.from_bytes(os.urandom(4))
    try:
        return int(option) if option is not None else 0
    except ValueError:
        raise pytest.UsageError(f"--hypothesis-seed is a number or 'random', not {option!r}") from None
