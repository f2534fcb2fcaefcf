"""Where PostgreSQL comes from: an embedded server, a container, or somebody's server by its DSN.

One server per test run, shared by every process of it. A *keeper* process of its own session starts it and
outlives nothing: when the process that owns the run ends, however it ends, the keeper removes all there was.

Importing this is cheap, and has to stay so, because the keeper imports it too: what is only needed now and
then (asyncio, asyncpg, Alembic, testcontainers) is imported where it is used.
"""

from crudspec.server.choice import Server, ServerChoice, ServerError
from crudspec.server.run import running, start, stop
from crudspec.server.scratch import create_scratch, drop_scratch
from crudspec.server.template import recalled, remember

__all__ = [
    "Server",
    "ServerChoice",
    "ServerError",
    "create_scratch",
    "drop_scratch",
    "recalled",
    "remember",
    "running",
    "start",
    "stop",
]
