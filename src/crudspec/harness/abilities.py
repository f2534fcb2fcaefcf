"""What a backend can do, as far as it is known: what is broken is told once, and routed around everywhere else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crudspec.contract.causes import HANGS
from crudspec.contract.clause import Consequence
from crudspec.contract.clauses import CLAUSES
from crudspec.contract.failures import Depends

if TYPE_CHECKING:
    from crudspec.contract.failures import ContractBroken
    from crudspec.harness.weaknesses import Weaknesses

CONNECT, LEAVE = "connect", "leaving connect"
"""Stand beside the operations where something is known to be broken."""

OWNERS = {
    CONNECT: "CONNECT-1",
    LEAVE: "CONNECT-1",
    "create": "CREATE-1",
    "get": "GET-1",
    "list_all": "LIST-1",
    "update": "UPDATE-1",
    "delete": "DELETE-1",
}
"""The clause that tells that an operation does not work at all."""


@dataclass(slots=True)
class Abilities:
    """What is known of one backend, shared by all of its instances.

    Attributes:
        asking: Id of the clause that is asked now.
        planned: The clauses that are asked in this run; empty: all. What none of them would tell, each of them tells.
        broken: What does not work at all, by operation: the clause that tells it, and what was seen.
        hidden: Columns that rows of some operation lack or have in another type, with the clause that tells it; they
            are compared where they are there.
        mute: Operations whose result does not tell whether the row was there.
        side_by_side: Two instances can be open at once.
        apart: What was seen where they cannot.
        failed: The clauses of which a check has failed, also in another process of the run.
        hangs: The clauses in whose checks a call did not come back, in order.
        left_out: What programs and races were drawn without, a line each.
        weaknesses: The steps that programs are drawn without; None before they were looked for.
    """

    asking: str = ""
    planned: frozenset[str] = frozenset()
    broken: dict[str, tuple[str, ContractBroken]] = field(default_factory=dict)
    hidden: dict[str, str] = field(default_factory=dict)
    mute: frozenset[str] = frozenset()
    side_by_side: bool = True
    apart: ContractBroken | None = None
    hangs: list[str] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)
    left_out: dict[str, None] = field(default_factory=dict)
    weaknesses: Weaknesses | None = None

    def found_broken(self, operation: str, broken: ContractBroken, *, clause: str = "") -> None:
        """Remember that an operation does not work; ``clause`` tells it, if not the operation's own."""
        if broken.consequence is Consequence.HANG:
            broken.cause = f"{HANGS}: {operation}"
        self.broken.setdefault(operation, (clause or OWNERS[operation], broken))

    def is_told(self, operation: str) -> bool:
        """Tell whether it is broken, and a clause of this run tells it: nobody else has to."""
        if operation not in self.broken:
            return False
        clause, _ = self.broken[operation]
        return clause != self.asking and self.asks(clause)

    def asks(self, clause: str) -> bool:
        """Tell whether a clause is asked in this run."""
        return not self.planned or clause in self.planned

    def asks_all_about(self, operation: str) -> bool:
        """Tell whether every clause about one operation is asked: whatever is wrong with a single call, one tells."""
        family = OWNERS[operation].partition("-")[0]
        return all(self.asks(clause.id) for clause in CLAUSES if clause.id.partition("-")[0] == family)

    def is_mute(self, operation: str) -> bool:
        """Tell whether its result tells nothing, and a clause of this run says so: nobody else has to."""
        return operation in self.mute and self.asks(OWNERS[operation])

    def require(self, operation: str) -> None:
        """Go on only if the operation works, as far as is known.

        Raises:
            ContractBroken: it does not, and the clause that is asked now tells it, or the one that would is not asked.
            Depends: it does not, and another clause tells it.
        """
        if operation in self.broken:
            clause, broken = self.broken[operation]
            if not self.is_told(operation):
                raise broken
            raise Depends(clause, f"{operation} does not work")

    def require_column(self, column: str) -> None:
        """Go on only if the rows have that column.

        Raises:
            Depends: they do not.
        """
        if column in self.hidden:
            raise Depends(self.hidden[column], f"returned rows have no {column} that can be compared")
