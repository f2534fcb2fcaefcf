"""What comes before the first race: how fast is a client that is alone? And who is given connections?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from crudspec.races.entries import NAMES, Entry, Race
from crudspec.races.turns import SHORTEST_GRACE

if TYPE_CHECKING:
    from crudspec.races.course import Course

_MARGIN = 3.0
_LONGEST_GRACE = 1.0
_ALONE = 2.0  # who is alone waits for nobody: there is nothing else to be tried meanwhile
_SLOW = 0.25  # seconds for a call, after which connections are not worth the time to open them beforehand


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a backend is.

    Attributes:
        pause: The longest time, in seconds, that an operation has nothing on the wire: before its first message, and
            between an answer and the next one. The shorter one of two calls, so that what happens once does not count.
        call: Seconds that the slowest operation takes on the whole.
        broken: The operations that raise where nobody else is about. There is no race to be run with them.
    """

    pause: float = 0.0
    call: float = 0.0
    broken: frozenset[str] = frozenset()

    @property
    def grace(self) -> float:
        """Seconds without traffic after which a client waits for another one in the backend itself.

        With a margin, as with others about it takes longer. Too short a time costs coverage, and never a verdict: what
        comes later is held and scheduled all the same.
        """
        return min(SHORTEST_GRACE + _MARGIN * self.pause, _LONGEST_GRACE)

    @property
    def is_too_slow(self) -> bool:
        """It is taken to be quiet where it only takes its time."""
        return self.pause >= _LONGEST_GRACE


async def warm_up(course: Course) -> Pace:
    """Measure how fast the backend is, then let every instance meet each operation on as many connections as it needs.

    A slow one is not asked to do the second: it opens its connections in the races, where that is no step, either.
    """
    sample = course.sample
    each = [Entry("get"), Entry("update", sample.change()), Entry("create", sample.new()), Entry("delete")]
    each = [entry for entry in each if entry.operation in sample.table.operations]
    course.turns.grace = _ALONE
    pause = call = 0.0
    known = course.subjects[0].abilities.broken
    broken = {entry.operation for entry in each if entry.operation in known}
    for entry in each:
        if entry.operation in known:
            continue
        first = again = await course.run(Race((entry,)), "", judged=False)
        if first.seconds < _ALONE:
            again = await course.run(Race((entry,)), "", judged=False)
        if again.raised:
            broken.add(entry.operation)
        pause = max(pause, min(first.pause, again.pause))
        call = max(call, min(first.seconds, again.seconds))
    pace = Pace(pause, call, frozenset(broken))
    course.turns.grace = pace.grace
    for entry in each if call < _SLOW else ():
        if entry.operation in known:
            continue
        for instance in range(len(course.subjects)):
            asked = replace(entry, instance=instance)
            await course.run(Race((asked,) * len(NAMES)), None, judged=False)
    return pace
