"""The wire: a proxy between a backend and the server that speaks the framing of PostgreSQL's protocol.

>>> async with Proxy(dsn) as proxy:                                   # doctest: +SKIP
...     async with MyBackend.connect(proxy.dsn) as backend:
...         with proxy.observer.operation("create") as seen:
...             await backend.create("a task")
...     print(seen)

It works with any driver, because it sees only what every driver must say. :class:`Observer` looks,
:class:`Interference` meddles.
"""

from crudspec.wire.framing import CLIENT, SERVER, ClientFramer, Frame, Origin, ServerFramer, WireError
from crudspec.wire.interference import Interference, Verdict
from crudspec.wire.link import Link
from crudspec.wire.messages import ErrorReport, error_response
from crudspec.wire.observer import Observer, Statement, Traffic
from crudspec.wire.proxy import Proxy, threaded
from crudspec.wire.session import Session

__all__ = [
    "CLIENT",
    "SERVER",
    "ClientFramer",
    "ErrorReport",
    "Frame",
    "Interference",
    "Link",
    "Observer",
    "Origin",
    "Proxy",
    "ServerFramer",
    "Session",
    "Statement",
    "Traffic",
    "Verdict",
    "WireError",
    "error_response",
    "threaded",
]
