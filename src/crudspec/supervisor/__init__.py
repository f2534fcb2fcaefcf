"""Runs the suite in processes of its own, and judges from outside.

What is judged runs in the process that runs the checks: it may end that process, block it, or fool it about the time.
So a *child* runs the checks and tells events through a pipe; the *parent* imports no backend, gives one check after the
other to its children, knows how long each may be silent, and alone says how it went.
"""

from crudspec.supervisor.loop import Supervisor
from crudspec.supervisor.order import Order

__all__ = ["Order", "Supervisor"]
