"""How long a child may take for what it does, in seconds by the parent's clock."""

from __future__ import annotations

START = 60.0
"""From the child's start until it knows its checks: imports, those of the backends included."""

SILENCE = 25.0
"""Between two signs of life: longer than the witness waits for a statement of its own."""

ANNOUNCED = 600.0
"""The longest that the child may announce: it is the judged one's process."""

GRACE = 8.0
"""On top of what the child itself has announced: it has deadlines of its own and should be the first to notice."""

CHECK = {"quick": 240.0, "default": 600.0, "thorough": 1800.0}
"""For one check, by effort, however alive it is: programs are some thousand round trips, and a server may be 40 ms
away; where a write takes many, each of their messages is cut in turn. What hangs, or is silent, is noticed long
before."""

ENDS = 3
"""Processes that a backend may end before the rest of its checks is left alone."""

LOST = 60.0
"""Seconds that may be lost with them, and with calls of the backend that do not come back."""

STARTS = 2
"""Processes in a row that may end before they have run a check."""
