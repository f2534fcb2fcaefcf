"""What a race is run on: a proxy for each instance of the backend, and who decides whose message goes."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from crudspec.races.turns import Turns
from crudspec.wire.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Coroutine
    from typing import Any

    from crudspec.truth.witness import Witness

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Track:
    """The proxies and the turns, in the event loop of a thread of their own.

    A backend that connects synchronously, or holds up its loop in another way, would otherwise wait for a proxy that
    waits for it. For the same reason the server is asked for locks through a connection of this loop.

    Attributes:
        turns: Who decides whose message goes. Nobody else touches it while a race is under way.
        dsns: The way to the server for each instance.
        loop: Where all of that lives.
    """

    turns: Turns
    dsns: tuple[str, ...]
    loop: asyncio.AbstractEventLoop

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, witness: Witness, dsn: str, instances: int, home: asyncio.AbstractEventLoop
    ) -> AsyncGenerator[Track]:
        """Open it in the present loop, for a backend that runs in another one.

        Raises:
            WireError: there can be no wire: the DSN asks for TLS, say.
        """
        async with AsyncExitStack() as stack:
            proxies = [Proxy(dsn) for _ in range(instances)]
            own = await stack.enter_async_context(witness.another())

            async def blockers(pids: list[int]) -> dict[int, list[int]]:
                found = await own.fetchval(
                    "SELECT json_object_agg(pid, pg_blocking_pids(pid)) FROM unnest($1::int[]) AS pid", pids
                )
                return {int(pid): others for pid, others in json.loads(str(found)).items()} if found else {}

            turns = Turns(blockers, home=home)
            for instance, proxy in enumerate(proxies):
                await stack.enter_async_context(proxy)
                proxy.interference = turns
                turns.serves(proxy, instance)
            yield cls(turns, tuple(proxy.dsn for proxy in proxies), asyncio.get_running_loop())

    async def run(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        """Run something in this loop, from another one."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, self.loop))
