"""What a backend cannot do, found out step by step, so that programs are drawn from what it can do.

Each of these is told by a clause of its own, once. A program that met it again and again would tell nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from sqlalchemy.util import await_only, greenlet_spawn

from crudspec.backend import ONE_ROW
from crudspec.contract.failures import ContractBroken, Depends
from crudspec.harness.moves import NEWEST, Alike, Move, Newest, moves
from crudspec.harness.play import Play, Stuck
from crudspec.truth.shown import shown

if TYPE_CHECKING:
    from crudspec.harness.subject import Subject
    from crudspec.truth.witness import Witness

_LONGEST = 30


@dataclass(slots=True)
class Weaknesses:
    """Steps that fail by themselves.

    Attributes:
        steps: By their place in :func:`crudspec.harness.play.moves`.
        absent: Operations that fail where there is no row.
        lenient: An update with a value that is not allowed is not refused where there is no row.
    """

    steps: set[int] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)
    lenient: bool = False


async def weaknesses(subject: Subject, witness: Witness) -> Weaknesses:
    """Try each step by itself, once per backend; what fails is noted in its abilities as left out.

    Raises:
        Depends: not even a plain create works.
        ContractBroken: a call hung.
    """
    known = subject.abilities.weaknesses
    if known is None:
        try:
            known = subject.abilities.weaknesses = await greenlet_spawn(_found, subject, witness)
        except Stuck as stuck:
            raise stuck.broken from stuck.broken.__cause__
    return known


def _found(subject: Subject, witness: Witness) -> Weaknesses:
    weak = Weaknesses()
    broken, left_out, asked = subject.abilities.broken, subject.abilities.left_out, subject.abilities.asks_all_about
    sample = witness.sample
    create = Move("create", None, sample.new())
    if not _holds(subject, witness, create, row="none"):
        subject.abilities.require("create")
        if "CREATE-1" in subject.abilities.failed:
            raise Depends("CREATE-1", "a plain create does not work")
        return weak  # nobody else tells it: a program will
    for operation in ONE_ROW:
        if operation not in witness.table.operations:
            continue
        move = Move(operation, NEWEST, sample.change() if operation == "update" else {})
        if operation in broken:
            weak.absent.add(operation)
        elif asked(operation) and not _holds(subject, witness, move, row="gone"):
            weak.absent.add(operation)
            left_out[f"{operation} where there is no row"] = None
    if "update" in witness.table.operations and "update" not in weak.absent and asked("update"):
        wrong = [one.values for one in sample.invalid("update") if not one.by_rule]
        forbidden = [Move("update", NEWEST, values, forbidden=True) for values in wrong]
        weak.lenient = not _holds(subject, witness, *forbidden, row="gone")
        if weak.lenient:
            left_out["update with a value that is not allowed where there is no row"] = None
    play: Play | None = None
    for index, (_, move) in enumerate(moves(sample)):
        if move.operation in broken:
            weak.steps.add(index)
            continue
        if not asked(move.operation):
            continue  # nobody else tells it: a program will
        play = play or _begun(subject, witness, "there")
        try:
            if not play.has_newest():  # the steps before may have deleted it
                play.step(0, create)
            play.step(0, move)
            play.settle()
        except ContractBroken:
            play = None
            # By itself, or only after others? That would be a program's to find.
            if not _holds(subject, witness, move, row="none" if move.operation == "create" else "there"):
                weak.steps.add(index)
                left_out[_shown(move)] = None
    return weak


def _begun(subject: Subject, witness: Witness, row: Literal["there", "gone", "none"]) -> Play:
    """A program at its beginning, with a row of the witness's that the backend has never met, as a clause has it."""
    play = Play([subject], witness)
    play.begin()
    if row != "none":
        play.given(await_only(witness.insert()))
    if row == "gone":
        play.taken_away(await_only(witness.rows())[0])
    return play


def _holds(subject: Subject, witness: Witness, *some: Move, row: Literal["there", "gone", "none"]) -> bool:
    """Tell whether these steps, one after the other, are as the model says."""
    try:
        play = _begun(subject, witness, row)
        for move in some:
            play.step(0, move)
        play.settle()
    except ContractBroken:
        return False
    return True


def _shown(move: Move) -> str:
    row = move.row
    told = [_named(part) for part in (row if isinstance(row, tuple) else () if row is None else (row,))]
    told += [f"{name}={_named(value)}" for name, value in move.values.items()]
    return f"{move.operation}({', '.join(told)})"


def _named(arg: object) -> str:
    if isinstance(arg, Newest):
        return "key"
    text = f"key {arg.how}" if isinstance(arg, Alike) else shown(arg)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
