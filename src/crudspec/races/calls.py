"""The one call that a client of a race makes: begun by the wire's thread, made in the backend's."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING

from crudspec.contract.failures import ContractBroken
from crudspec.harness.call import DeadlineMissed
from crudspec.harness.subject import truth
from crudspec.truth.linearizable import Operation
from crudspec.truth.shown import brief, shown_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from crudspec.harness.subject import Subject
    from crudspec.races.clients import Client
    from crudspec.races.track import Track
    from crudspec.truth.model import Request

_SETTLE_SECONDS = 5.0


class Call:
    """One call. Made in the event loop of the backend, which alone touches what is not said to be the wire's.

    Args:
        client: Who makes it.
        subject: Of whom.
        request: What is asked for.
        track: Where the client races.
        tick: Gives the next moment of a clock that only goes forward.

    Attributes:
        client: As given; the wire's.
        started: The wire has said that it be made; the wire's.
        result: What it returned.
        error: What it raised.
    """

    def __init__(
        self,
        client: Client,
        subject: Subject,
        request: Request,
        *,
        track: Track,
        tick: Callable[[], int],
    ) -> None:
        self.client = client
        self.started = False
        self.result: object = None
        self.error: BaseException | None = None
        self._subject = subject
        self.request = request
        self._track = track
        self._tick = tick
        self._home = asyncio.get_running_loop()
        self._context = copy_context()  # the wire's thread has another one
        self._task: asyncio.Task[None] | None = None
        self._given_up = False
        self._called = self._returned = 0

    def __str__(self) -> str:
        return f"{self.client.name}: {self.text}"

    @property
    def text(self) -> str:
        """The call, as it would be written."""
        return self._subject.shown(self.request.operation, self.request.key, self.request.values)

    def start(self) -> None:
        """Have the call made, from the wire's thread."""
        self.started = True
        self._track.turns.called(self.client)
        self._home.call_soon_threadsafe(self._begin, context=self._context)

    def _begin(self) -> None:
        if not self._given_up:
            self._called = self._tick()
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            name, table = self.request.operation, self._subject.table
            returned = await self._subject.call(name, self.request.key, self.request.values)
            if name in {"update", "delete"}:
                self.result = truth(f"the result of {self}", returned)  # that it is a real bool is RESULT-1's to ask
            elif name == "create" or returned is not None:
                row = self._subject.read(f"the row of {self}", returned)
                # As the table is: of what moves by itself nobody can say what it was meanwhile.
                self.result = row.without({*self._subject.abilities.hidden, *table.unpredictable, *table.unreturned})
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            self.error = error  # nobody cancelled it: that is an outcome, too
        except Exception as error:  # noqa: BLE001 - whatever it is, it is an outcome of the race
            self.error = error
        finally:
            # Here, and not when somebody notices: who is called after this moment was called after the return.
            self._returned = self._tick()
            with suppress(RuntimeError):  # the track is closed: it hung for longer than anybody waited
                self._track.loop.call_soon_threadsafe(self._over)

    def _over(self) -> None:
        self.client.running = False
        self._track.turns.stir()

    @property
    def hung(self) -> bool:
        """It did not come back in time, whatever the backend has made of that."""
        return any(isinstance(error, DeadlineMissed) for error in _causes(self.error))

    @property
    def wrong(self) -> bool:
        """It came to an end that no caller can do anything with: no row, or a cancellation that nobody asked for."""
        return isinstance(self.error, ContractBroken) or not isinstance(self.error, Exception | None)

    @property
    def refused(self) -> bool:
        """It raised: it may have happened or not."""
        return self.error is not None and not self.wrong

    def operation(self) -> Operation:
        """It, as the checker sees it."""
        return Operation(
            self.client.name,
            self.request,
            self.result,
            self._called,
            self._returned,
            unknown=self.error is not None,
            mute=self._subject.abilities.is_mute(self.request.operation),
        )

    def result_text(self) -> str:
        """What it returned or raised."""
        return brief(self._subject.table, self.result) if self.error is None else f"raised {shown_error(self.error)}"

    def give_up(self) -> asyncio.Task[None] | None:
        """Make it no more, or cancel it; returns what is still to come to its end."""
        self._given_up = True
        if self._task is None or self._task.done():
            return None
        self._task.cancel()
        return self._task


async def finish(calls: Iterable[Call]) -> None:
    """Wait for calls that are under way, where something went wrong in between."""
    tasks = [task for call in calls if (task := call.give_up()) is not None]
    if tasks:
        await asyncio.wait(tasks, timeout=_SETTLE_SECONDS)


def _causes(error: BaseException | None) -> Iterable[BaseException]:
    """An exception and those that it came from, the nearest first."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
