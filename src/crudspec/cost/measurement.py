"""``crudspec cost``: what each backend's operations cost, measured on a server of its own."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

import asyncpg

from crudspec.backends.registry import Adapter, BackendError, resolve
from crudspec.contract.failures import ContractBroken
from crudspec.entity.errors import EntityError
from crudspec.harness.databases import scratch_with
from crudspec.harness.subject import OPERATION_DEADLINE, Subject
from crudspec.harness.trips import SIZES, USUAL_SIZE, Cost, budget, metered, usual_arguments
from crudspec.record import Backend
from crudspec.report.text import printable, told_once
from crudspec.server import ServerError, drop_scratch, running
from crudspec.server.dsn import redacted
from crudspec.supervisor.apart import Ended, Refused, apart
from crudspec.truth.shown import shown_error
from crudspec.truth.witness import Witness
from crudspec.wire import Proxy, WireError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from crudspec.server import Server, ServerChoice

_UNITS = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0}
_LONGEST_RTT = 10.0
_FAR = 0.05  # seconds, from which on one call is told from another's by more than the machine's noise
_LIMIT = 180.0
"""Seconds for one backend."""
_DISTANT_CALLS = 2000
"""Round trips at a distance that a slow backend may need for it."""
_WARM_UP, _RUNS, _DISTANT_RUNS = 7, 25, 7

_PLAN = """
CREATE FUNCTION pg_temp.crudspec_plan(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (GENERIC_PLAN) ' || statement LOOP RETURN NEXT line; END LOOP;
END $$
"""
_BEFORE_A_WORD = re.compile(r"\A(?:[\s(]+|--[^\n]*\n|/\*.*?\*/)+", re.DOTALL)
_PLANNED = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "MERGE", "VALUES", "TABLE")


@dataclass(slots=True)
class Bill:
    """What the operations of one backend cost.

    Attributes:
        adapter: The backend, without its class: what is shown is not its process.
        costs: In the order of the contract; of each operation the usual situation first.
        budget: What it publishes; None where it publishes nothing.
        seconds: By operation, the median time of a call.
        plans: By statement, the lines of its plan; filled where asked for.
        trouble: Why there is nothing, or not all; else empty.
        is_unusable: That is because of its table.
    """

    adapter: Backend
    costs: list[Cost] = field(default_factory=list)
    budget: Mapping[str, int] | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    plans: dict[str, list[str]] = field(default_factory=dict)
    trouble: str = ""
    is_unusable: bool = False

    def usual(self, operation: str) -> Cost | None:
        """What an operation costs in its usual situation."""
        return next((cost for cost in self.costs if cost.operation == operation), None)


class WrongRequest(Exception):
    """There is nothing to measure; the message says what to do."""


def measure_all(
    backends: Sequence[str],
    choice: ServerChoice,
    *,
    rtt: float = 0.0,
    explain: bool = False,
    tell: Callable[[str], None] = lambda _line: None,
) -> tuple[Server, list[Bill]]:
    """Measure backends one after the other, on a server of their own; a backend that fails does not end it.

    Args:
        backends: As on the command line; none means the four ways.
        choice: Where PostgreSQL comes from.
        rtt: Seconds that a round trip takes on top, for the times; 0 measures without a wire in between.
        explain: Fetch the plan of each statement, too.
        tell: Called with a line of progress.

    Raises:
        EntityError: the table of none of them can be used.
        WrongRequest: no such backend, no server, or none that a wire can be put in front of.
    """
    specs = tuple(backends)
    try:
        found = apart(known, specs, limit=_LIMIT, refuses=(BackendError,))
        tell("starting PostgreSQL ...")
        with running(choice) as server:
            Proxy(server.dsn)
            bills = []
            for number, backend in enumerate(found):
                tell(f"measuring {backend.name} ...")
                bills.append(_measured(server, backend, specs, number, rtt, explain))
    except (Refused, Ended, ServerError, WireError) as error:
        raise WrongRequest(str(error)) from None
    if all(bill.is_unusable for bill in bills):
        raise EntityError(told_once({bill.adapter.name: bill.trouble for bill in bills}))
    return server, bills


def known(specs: tuple[str, ...]) -> list[Backend]:
    """The backends of these names; for a process that may import them.

    Raises:
        BackendError: there is no such backend.
    """
    return [_plain(adapter) for adapter in resolve(specs)]


def _plain(adapter: Adapter) -> Backend:
    return Backend(name=adapter.name, spec=adapter.spec, libraries=adapter.libraries, table=adapter.table)


def _measured(server: Server, backend: Backend, specs: tuple[str, ...], number: int, rtt: float, explain: bool) -> Bill:
    try:
        limit = _LIMIT + _DISTANT_CALLS * rtt
        return apart(measure, server, specs, number, rtt, explain, limit=limit, refuses=(EntityError,))
    except Refused as error:
        return Bill(backend, trouble=printable(redacted(str(error), server.dsn)), is_unusable=True)
    except Ended as error:
        return Bill(backend, trouble=str(error))


def measure(server: Server, specs: tuple[str, ...], number: int, rtt: float, explain: bool) -> Bill:
    """Measure one of the backends, in this process.

    Raises:
        EntityError: its table cannot be used.
    """
    bill = asyncio.run(_measure(server, resolve(specs)[number], rtt, explain))
    bill.trouble = printable(redacted(bill.trouble, server.dsn))
    return bill


def duration(text: str) -> float:
    """Read ``1ms``, ``0.5ms``, ``250us`` or ``2s`` as seconds.

    Raises:
        WrongRequest: it is none of these, or longer than ten seconds.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?(us|µs|ms|s)", text.strip())
    seconds = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if not 0 < seconds <= _LONGEST_RTT:
        raise WrongRequest(f"a time is written as 1ms, 0.5ms, 250us or 2s, and is at most 10s; not {text!r}")
    return seconds


async def _measure(server: Server, adapter: Adapter, rtt: float, explain: bool) -> Bill:
    bill = Bill(_plain(adapter))
    dsn, sample = await scratch_with(server, adapter.name, adapter.entity)
    try:
        async with Witness.connect(dsn, sample) as witness:
            await _fill_in(bill, adapter, dsn, witness, rtt)
            if explain:
                bill.plans = await _plans(bill, witness)
    except ContractBroken as broken:
        bill.trouble = str(broken)
    except BaseException as error:  # noqa: BLE001 - told in the backend's place; the others go on
        bill.trouble = f"raised {shown_error(error)}"
    finally:
        await drop_scratch(server, dsn)
    return bill


async def _fill_in(bill: Bill, adapter: Adapter, dsn: str, witness: Witness, rtt: float) -> None:
    if "round_trips" in vars(adapter.cls):
        bill.budget = {operation: int(trips) for operation, trips in budget(witness.table, adapter.cls).items()}
    # A connection per call, a statement after the other: what is slow from here is no hanging call.
    deadline = OPERATION_DEADLINE + 100 * rtt
    async with metered(Subject(adapter, dsn, witness.table, deadline=deadline), witness) as meter:
        bill.costs = await meter.measure(USUAL_SIZE)
        if rtt:
            meter.proxy.rtt = rtt
            bill.seconds = await _times(meter.subject, witness, 0, _DISTANT_RUNS if rtt < _FAR else 1)
            meter.proxy.rtt = 0.0
    if not rtt:
        async with Subject(adapter, dsn, witness.table) as subject:
            bill.seconds = await _times(subject, witness, _WARM_UP, _RUNS)


async def _times(subject: Subject, witness: Witness, before: int, runs: int) -> dict[str, float]:
    """The median time of each operation in seconds, after some calls that do not count."""
    await witness.empty()
    await witness.insert_many(USUAL_SIZE)
    medians = {}
    for operation in witness.table.operations:
        if operation == "delete":
            await witness.insert_many(before + runs)
        keys = [row.key for row in await witness.rows()]
        times = []
        for number in range(before + runs):
            asked = usual_arguments(witness.sample, operation, keys, number)
            begin = perf_counter()
            await subject.call(operation, *asked)
            times.append(perf_counter() - begin)
        medians[operation] = median(times[before:])
    return medians


async def _plans(bill: Bill, witness: Witness) -> dict[str, list[str]]:
    """The plan of each statement on a table with some rows in it, as the server would make it for any parameters."""
    await witness.empty()
    await witness.insert_many(min(SIZES[-1], witness.sample.most_rows))
    await witness.execute(f"ANALYZE {witness.table.quoted}")
    await witness.execute(_PLAN)
    plans: dict[str, list[str]] = {}
    for cost in bill.costs:
        for statement in cost.traffic.statements:
            sql = statement.sql
            if sql in plans or not can_be_planned(sql):
                continue
            query = "SELECT string_agg(line, E'\\n') FROM pg_temp.crudspec_plan($1) AS line"
            try:
                plans[sql] = str(await witness.fetchval(query, sql)).splitlines()
            except asyncpg.PostgresError as error:
                plans[sql] = [f"no plan: {error}"]
    return plans


def can_be_planned(sql: str) -> bool:
    """Tell whether a statement is one that EXPLAIN takes, whatever comments stand before its first word."""
    return _BEFORE_A_WORD.sub("", sql).upper().startswith(_PLANNED)
