"""One call of a backend, kept for the failure that it may lead to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crudspec.contract.clause import Consequence
from crudspec.contract.failures import ContractBroken
from crudspec.truth.shown import shown, shown_call

if TYPE_CHECKING:
    from crudspec.truth.model import Request
    from crudspec.wire import Traffic

_SHOWN_STATEMENTS = 12

_UNANSWERED = object()


class DeadlineMissed(ContractBroken):
    """A call did not come back in time."""

    def __init__(self, what: str, *, expected: str, seen: str) -> None:
        super().__init__(what, expected=expected, seen=seen, consequence=Consequence.HANG)


@dataclass(slots=True)
class Call:
    """One call, for the failure that it may lead to. What it returned is made text only if it comes to that."""

    backend: str
    method: str
    request: Request
    returned: object = _UNANSWERED
    trouble: str = "still running"
    traffic: Traffic | None = None
    """What passed while it ran, where a wire was looking."""

    @property
    def outcome(self) -> str:
        """What it returned or raised, as text."""
        return self.trouble if self.returned is _UNANSWERED else shown(self.returned)

    @property
    def text(self) -> str:
        """The call, as it would be written."""
        return shown_call(self.method, self.request.key, self.request.values)

    def __str__(self) -> str:
        return f"{self.text} -> {self.outcome}"

    def sql(self) -> list[str]:
        """The call and its statements, a line each; nothing where no wire was looking."""
        if self.traffic is None:
            return []
        told = shown_traffic(self.traffic) or ["nothing was sent"]
        return [self.text, *(f"  {line}" for line in told)]


def shown_traffic(traffic: Traffic) -> list[str]:
    """The statements for a failure, a line each; of many, the first and the last."""
    told = [str(statement) for statement in traffic.statements]
    if len(told) > _SHOWN_STATEMENTS:
        told[_SHOWN_STATEMENTS // 2 : -_SHOWN_STATEMENTS // 2] = [f"… {len(told)} statements in all …"]
    return told
