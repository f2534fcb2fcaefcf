"""What an operation costs: round trips, statements, transactions and bytes, counted by the wire.

The figures are those of a backend that has been in use for a while. Preparing a statement costs a trip, once per
connection and not only at its first use (psycopg prepares at the sixth), so each operation is repeated beforehand.
The figure is the dearest of several calls, more than there are connections. Where it is dearer than the middle one,
they are all made again: what comes back each time is the operation's, what does not is a pool that looks after itself
in the background.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crudspec.backend import OPERATIONS
from crudspec.contract.failures import ContractBroken, Inconclusive
from crudspec.harness.call import shown_traffic
from crudspec.harness.subject import Subject
from crudspec.truth.shown import shown, shown_error
from crudspec.wire import Proxy, Traffic, threaded

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from crudspec.entity.row import Key
    from crudspec.entity.sample import Sample
    from crudspec.entity.table import Table
    from crudspec.truth.witness import Witness

SIZES = (2, 5_000)
"""Rows in the table for COST-1. Drivers fetch in chunks of up to 2,000 rows (psycopg's ``itersize``): more than two."""

USUAL_SIZE = 20
"""Rows in the table for COST-2 and for ``crudspec cost``."""

_USES = 7
"""Calls of each kind, per connection, before anything is counted: drivers prepare at the first or the sixth."""

_MOST_CONNECTIONS = 100
_ROUNDS = 3
_NO_ROW = "no such row"

_Case = tuple[str, str, "Callable[[Sample, list[Key], int], tuple[Key, Mapping[str, Any]]]"]

# Operation, situation, and the key and the values of its n-th call where the table has these keys, lowest first. The
# usual situation of an operation comes first. The oldest row and the newest: one of them ends a search that reads the
# table.
_CASES: tuple[_Case, ...] = (
    ("list_all", "", lambda _sample, _keys, _n: ((), {})),
    ("get", "the newest row", lambda _sample, keys, _n: (keys[-1], {})),
    ("get", "the oldest row", lambda _sample, keys, _n: (keys[0], {})),
    ("get", _NO_ROW, lambda sample, _keys, _n: (sample.missing_key, {})),
    ("update", "the newest row", lambda sample, keys, n: (keys[-1], sample.change(1 + n % 2))),
    ("update", "the oldest row", lambda sample, keys, n: (keys[0], sample.change(1 + n % 2))),
    ("update", "the same values", lambda sample, keys, _n: (keys[0], sample.proven.plain(sample.table.updates))),
    ("update", _NO_ROW, lambda sample, _keys, _n: (sample.missing_key, sample.change())),
    ("delete", "the newest row", lambda _sample, keys, n: (keys[-1 - n], {})),
    ("delete", "the oldest row", lambda _sample, keys, n: (keys[n], {})),
    ("delete", _NO_ROW, lambda sample, _keys, _n: (sample.missing_key, {})),
    ("create", "", lambda sample, _keys, _n: ((), sample.new())),
)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one operation, in one situation, cost.

    Attributes:
        operation: Its name in the contract.
        method: What the class calls it.
        situation: What it was asked, such as ``the newest row``.
        rows: How many rows the table had.
        traffic: Everything that passed during the call.
    """

    operation: str
    method: str
    situation: str
    rows: int
    traffic: Traffic

    @property
    def round_trips(self) -> int:
        """Round trips of the operation; those that opened a connection are counted apart (``login_trips``)."""
        return _trips(self.traffic)

    @property
    def name(self) -> str:
        return f"{self.method} ({self.situation})" if self.situation else self.method

    def sql(self) -> list[str]:
        """The statements, a line each; of many, the first and the last."""
        return shown_traffic(self.traffic)


class Meter:
    """An open backend behind a wire, and the witness that puts rows into its table.

    Attributes:
        subject: The backend.
        proxy: The wire that it is connected through.
    """

    def __init__(self, subject: Subject, proxy: Proxy, witness: Witness) -> None:
        self.subject = subject
        self.proxy = proxy
        self._witness = witness

    async def warm_up(self) -> None:
        """Call every operation until each connection has prepared what it will.

        Raises:
            ContractBroken: a call raised.
            Inconclusive: nothing of it passed through the wire.
        """
        await self._fill(USUAL_SIZE)
        passed = 0
        # One operation after the other: a pool that lends its connections in turn has each of them meet it.
        for operation, situation, arguments in self._cases():
            done = 0
            while done < (wanted := _USES * self._connections()):
                keys = await self._keys(operation, wanted)
                for turn in range(wanted - done):
                    asked = arguments(self._witness.sample, keys, turn)
                    passed += (await self._call(operation, situation, *asked)).round_trips
                done = wanted
        if not passed:
            raise Inconclusive("the backend connects to the address that its DSN names")

    async def measure(self, rows: int) -> list[Cost]:
        """Count what each operation costs in each situation, its usual one first; the backend is warm.

        Args:
            rows: How many rows the table has; at least one. For create and delete it has a few more.

        Raises:
            ContractBroken: a call raised.
        """
        samples = 2 * self._connections() + 1
        await self._fill(rows)
        costs = []
        for operation, situation, arguments in self._cases():
            rounds: list[Traffic] = []
            for _ in range(_ROUNDS):
                if self._witness.sample.most_rows < SIZES[-1]:
                    await self._fill(rows)  # or the values that must be unique would run out
                keys = await self._keys(operation, samples)
                asked = [arguments(self._witness.sample, keys, n) for n in range(samples)]
                # Nothing is awaited between these calls: what a pool does after a call would count for nobody.
                seen = [await self._call(operation, situation, *one) for one in asked]
                seen.sort(key=_trips)
                rounds.append(seen[-1])
                if _trips(seen[-1]) == _trips(seen[samples // 2]):
                    break
            costs.append(
                Cost(operation, self.subject.table.method(operation), situation, rows, min(rounds, key=_trips))
            )
        return sorted(costs, key=lambda cost: OPERATIONS.index(cost.operation))

    async def _keys(self, operation: str, calls: int) -> list[Key]:
        """The outer keys of the table, enough for so many calls, after a delete's rows were put into it."""
        if operation == "delete":
            await self._witness.insert_many(calls)
        return await self._witness.outer_keys(calls)

    async def _fill(self, rows: int) -> None:
        await self._witness.empty()
        self._witness.sample.restart()
        # Of a table that has no more: half of those, as there have to be some left to create.
        await self._witness.insert_many(min(rows, self._witness.sample.most_rows))

    def _connections(self) -> int:
        return min(max(1, len(self.proxy.links)), _MOST_CONNECTIONS)

    def _cases(self) -> list[_Case]:
        operations = self.subject.table.operations
        return [case for case in _CASES if case[0] in operations and case[0] not in self.subject.abilities.broken]

    async def _call(self, operation: str, situation: str, key: Key, values: Mapping[str, Any]) -> Traffic:
        with self.proxy.observer.operation(operation) as traffic:
            try:
                await self.subject.call(operation, key, values)
            except ContractBroken:
                raise
            except Exception as error:
                if situation == _NO_ROW:
                    return traffic  # it says in its own way that there is none; what it costs counts all the same
                told = "; ".join([f"raised {shown_error(error)}", *self.proxy.observer.problems[-1:]])
                raise ContractBroken(
                    str(self.subject.calls[-1]), expected="it works, through the wire", seen=told
                ) from error
        return traffic


@asynccontextmanager
async def metered(backend: Subject, witness: Witness) -> AsyncGenerator[Meter]:
    """Open one more instance of the backend behind a wire, and warm it up.

    Args:
        backend: The backend.
        witness: A connection to its database.

    Raises:
        WireError: there can be no wire: the DSN asks for TLS, say.
        Inconclusive: the backend goes round it.
        ContractBroken: the backend cannot be opened, or an operation raised.
    """
    # The wire runs in a thread of its own: a backend that blocks the event loop would otherwise wait for itself.
    with threaded(backend.wire_dsn) as proxy:
        async with backend.another(proxy.dsn) as subject:
            meter = Meter(subject, proxy, witness)
            await meter.warm_up()
            yield meter


def budget(table: Table, cls: Any) -> Mapping[str, int]:
    """The budget that a backend's class publishes as ``round_trips``, by operation of the contract.

    Raises:
        ContractBroken: it is no mapping, leaves one of the five operations out, names something that is no
            operation, or has a number that is none.
    """
    published = vars(cls).get("round_trips")
    what = f"{cls.__name__}.round_trips"
    if not isinstance(published, Mapping):
        raise ContractBroken(what, expected="a mapping from operation to round trips", seen=shown(published))
    names = {operation: table.method(operation) for operation in table.operations}
    missing = [name for name in names.values() if name not in published]
    if missing:
        raise ContractBroken(
            what, expected=f"a figure for each of {', '.join(names.values())}", seen=f"none for {', '.join(missing)}"
        )
    for name, trips in published.items():
        if not callable(getattr(cls, str(name), None)):
            raise ContractBroken(what, expected="names of operations", seen=f"{shown(name)}, which is no method")
        if type(trips) is not int or trips < 0:
            raise ContractBroken(what, expected="round trips as int, 0 or more", seen=f"{name}: {shown(trips)}")
    return {operation: published[name] for operation, name in names.items()}


def usual_arguments(sample: Sample, operation: str, keys: list[Key], number: int) -> tuple[Key, Mapping[str, Any]]:
    """Key and values of an operation's n-th call in its usual situation, in a table with these keys, lowest first."""
    return next(arguments for name, _, arguments in _CASES if name == operation)(sample, keys, number)


def trips(count: int) -> str:
    """A number of round trips, in words that fit it."""
    return "1 round trip" if count == 1 else f"{count} round trips"


def _trips(traffic: Traffic) -> int:
    return traffic.round_trips - traffic.login_trips
