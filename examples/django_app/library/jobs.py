"""Work outside of a request, in a thread: nobody else closes its connection there."""

from collections.abc import Callable
from typing import Any

from django.db import connections


def job(service: Callable[..., Any], *args: Any, **values: Any) -> Any:
    try:
        return service(*args, **values)
    finally:
        connections.close_all()
