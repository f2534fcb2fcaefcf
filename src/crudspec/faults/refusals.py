"""A server that answers, and lets nobody in: it has too many clients already, or is still starting."""

from __future__ import annotations

import struct
from contextlib import contextmanager
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import TYPE_CHECKING

from crudspec.wire.frames import GSSENC_REQUEST, SSL_REQUEST
from crudspec.wire.messages import error_response

if TYPE_CHECKING:
    from collections.abc import Generator

EXCUSES = {"53300": "sorry, too many clients already", "57P03": "the database system is starting up"}
"""What PostgreSQL says to a login when it is not the login's fault, by SQLSTATE.
https://www.postgresql.org/docs/current/errcodes-appendix.html
"""


@contextmanager
def lets_nobody_in(sqlstate: str) -> Generator[str]:
    """Refuse every login on a port of loopback.

    Args:
        sqlstate: One of :data:`EXCUSES`.

    Yields:
        ``host:port``.
    """

    class Doorkeeper(StreamRequestHandler):
        def handle(self) -> None:
            while len(head := self.rfile.read(8)) == 8:  # length and kind of a request, before any login
                length, request = struct.unpack("!ii", head)
                self.rfile.read(length - len(head))
                if request not in (SSL_REQUEST, GSSENC_REQUEST):
                    self.wfile.write(error_response(sqlstate, EXCUSES[sqlstate]))
                    return
                self.wfile.write(b"N")

    class Server(ThreadingTCPServer):
        daemon_threads = True

    # In threads: a backend that blocks the event loop would otherwise wait for itself.
    with Server(("127.0.0.1", 0), Doorkeeper) as server:
        thread = Thread(target=server.serve_forever, args=[0.01], daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
