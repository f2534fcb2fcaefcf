"""The costs: a table of backends × operations, the SQL behind it, and the same as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from crudspec.backend import OPERATIONS
from crudspec.harness.trips import trips

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crudspec.cost.measurement import Bill
    from crudspec.harness.trips import Cost
    from crudspec.wire import Statement


def table(bills: Sequence[Bill], *, time: str) -> Table:
    """Lay the figures out: a row per operation under its backend.

    Args:
        bills: The backends that were measured.
        time: What the times are, as the head of their column.
    """
    view = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    view.add_column("backend", no_wrap=True)
    view.add_column("operation", no_wrap=True)
    for head in (
        "round\ntrips",
        "\nbudget",
        "state-\nments",
        "trans-\nactions",
        "bytes\nsent",
        "bytes\nreceived",
        time,
    ):
        view.add_column(head, justify="right")
    for bill in bills:
        if bill.trouble:
            view.add_row(Text(bill.adapter.name), Text("no figures", style="bold red"))
        for number, (operation, cost) in enumerate(_usual(bill)):
            name = Text("" if number else bill.adapter.name, style="bold")
            view.add_row(name, operation, _trips(bill, cost), *_figures(bill, cost))
    return view


def _usual(bill: Bill) -> Iterator[tuple[str, Cost]]:
    """What the operations cost in their usual situations, by what the class calls them."""
    for operation in OPERATIONS:
        cost = bill.usual(operation)
        if cost is not None:
            yield cost.method, cost


def _trips(bill: Bill, cost: Cost) -> Text:
    over = bill.budget is not None and cost.round_trips > bill.budget[cost.operation]
    login = f"+{cost.traffic.login_trips}" if cost.traffic.login_trips else ""
    return Text(f"{cost.round_trips}{login}", style="bold red" if over else "bold")


def _figures(bill: Bill, cost: Cost) -> list[str]:
    traffic = cost.traffic
    allowed = "-" if bill.budget is None else str(bill.budget[cost.operation])
    seconds = bill.seconds.get(cost.operation)
    return [
        allowed,
        str(len(traffic.statements)),
        str(traffic.transactions),
        str(traffic.bytes_sent),
        str(traffic.bytes_received),
        "" if seconds is None else shown_time(seconds),
    ]


def shown_time(seconds: float) -> str:
    """A time in the unit that suits it."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def statements(bill: Bill) -> list[str]:
    """What each operation sends, with the plans that were asked for; other situations where they cost otherwise."""
    lines = []
    for method, cost in _usual(bill):
        lines.append(f"{bill.adapter.name}, {cost.name}: {_counted(cost)}")
        for statement in cost.traffic.statements:
            lines.append(f"    {shown_statement(statement)}")
            lines += [f"        {line}" for line in bill.plans.get(statement.sql, ())]
        lines += [
            f"    {other.situation}: {_counted(other)}"
            for other in bill.costs
            if other.method == method and _counted(other) != _counted(cost)
        ]
    return lines


def shown_statement(statement: Statement) -> str:
    """One statement, its parameters counted, and what the server said to it."""
    bound = f"  [{statement.parameters} parameters]" if statement.parameters > 1 else ""
    bound = "  [1 parameter]" if statement.parameters == 1 else bound
    return f"{' '.join(statement.sql.split())}{bound} -> {statement.error or statement.tag or 'no answer'}"


def _counted(cost: Cost) -> str:
    login = f" and {cost.traffic.login_trips} to connect" if cost.traffic.login_trips else ""
    transactions = cost.traffic.transactions
    return f"{trips(cost.round_trips)}{login}, " + (
        "1 transaction" if transactions == 1 else f"{transactions} transactions"
    )


def document(bills: Sequence[Bill]) -> str:
    """Round trips, statements and transactions as a Markdown table: what is the same on every machine."""
    names = list(dict.fromkeys(name for bill in bills for name, _ in _usual(bill)))
    lines = [f"| | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    for bill in bills:
        cells = [
            f"{cost.round_trips} / {len(cost.traffic.statements)} / {cost.traffic.transactions}"
            for _, cost in _usual(bill)
        ]
        lines.append(f"| {bill.adapter.name} | {' | '.join(cells)} |")
    return "\n".join(lines)
