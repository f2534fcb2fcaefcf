"""Triggers and locks of the witness, each a context manager that says what the backend meets.

They stand in for chance: a commit that fails, a clock that is known, a row that is locked. No sleep is taken for
an event; what has to be waited for is polled until it is there or its deadline has passed.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from crudspec.contract.failures import ContractBroken, Inconclusive
from crudspec.entity.table import quoted
from crudspec.truth.shown import shown

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
    from contextlib import AbstractAsyncContextManager

    from crudspec.entity.row import Key
    from crudspec.truth.witness import Witness

SLOW_COMMIT_SECONDS = 0.1
POLL_SECONDS = 0.004
SETTLE_SECONDS = 5.0
COMPANY_SECONDS = 1.0
"""How long one connection that waits is given company, where a backend may keep the others from the server itself."""

LATER_SECONDS = 0.25
"""How long nothing must happen before it is taken for granted that nothing will."""

_GATE_KEY = 7_234_118_205_310_664_091
"""Of an advisory lock; any number that a backend would not think of."""


@asynccontextmanager
async def _trigger(witness: Witness, timing: str, body: str) -> AsyncGenerator[None]:
    """A trigger on the table, there and gone again."""
    await witness.execute(
        f"CREATE FUNCTION public.crudspec_gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} "
        f"RETURN coalesce(NEW, OLD); END $$; CREATE {timing} FOR EACH ROW EXECUTE FUNCTION public.crudspec_gate()"
    )
    try:
        yield
    finally:
        await witness.unblocked(f"DROP TRIGGER {_GATE} ON {witness.table.quoted}; DROP FUNCTION public.crudspec_gate()")


_GATE = "zz_crudspec_gate"
"""Triggers run in the order of their names: the table's own come first."""


def _at_commit(witness: Witness) -> str:
    writes = f"AFTER INSERT OR UPDATE OR DELETE ON {witness.table.quoted}"
    return f"CONSTRAINT TRIGGER {_GATE} {writes} DEFERRABLE INITIALLY DEFERRED"


def commits_fail(witness: Witness) -> AbstractAsyncContextManager[None]:
    """Every statement succeeds and every COMMIT fails, with SQLSTATE 23514 (check_violation)."""
    return _trigger(
        witness,
        _at_commit(witness),
        "RAISE EXCEPTION 'the COMMIT fails, by crudspec' USING ERRCODE = 'check_violation';",
    )


def commits_slow(witness: Witness) -> AbstractAsyncContextManager[None]:
    """Every COMMIT takes a while: nobody else sees the write before."""
    return _trigger(witness, _at_commit(witness), f"PERFORM pg_sleep({SLOW_COMMIT_SECONDS});")


@asynccontextmanager
async def recorded_clock(witness: Witness) -> AsyncGenerator[Callable[[Key], Awaitable[Mapping[str, Any]]]]:
    """The server notes its ``now()`` for each inserted row; yields a function from key to that time by column."""
    table = witness.table
    clocks = {column.name: f"now()::{column.type.sql}" for column in table.clocks}
    keys = ", ".join(map(quoted, table.key))
    times = ", ".join(f"{now} AS {quoted(f'at {name}')}" for name, now in clocks.items())
    columns = ", ".join(filter(None, [keys, times]))
    await witness.execute(f"CREATE TABLE public.crudspec_clock AS SELECT {columns} FROM {table.quoted} LIMIT 0")
    noted = ", ".join([*(f"NEW.{quoted(name)}" for name in table.key), *clocks.values()])
    is_it = " AND ".join(f"{quoted(name)} = ${place}" for place, name in enumerate(table.key, 1))

    async def noted_for(key: Key) -> Mapping[str, Any]:
        found = await witness.fetchrow(f"SELECT * FROM public.crudspec_clock WHERE {is_it}", *key)
        return {name: found[f"at {name}"] for name in clocks} if found else {}

    try:
        async with _trigger(
            witness,
            f"TRIGGER {_GATE} BEFORE INSERT ON {table.quoted}",
            f"INSERT INTO public.crudspec_clock VALUES ({noted});",
        ):
            yield noted_for
    finally:
        await witness.unblocked("DROP TABLE public.crudspec_clock")


def statements_fail(witness: Witness, sqlstate: str = "23514") -> AbstractAsyncContextManager[None]:
    """Every write that reaches a row fails in the server, if nothing else is said as check_violation."""
    return _trigger(
        witness,
        f"TRIGGER {_GATE} BEFORE INSERT OR UPDATE OR DELETE ON {witness.table.quoted}",
        f"RAISE EXCEPTION 'the statement fails, by crudspec' USING ERRCODE = '{sqlstate}';",
    )


@asynccontextmanager
async def _holding(witness: Witness, lock: str, *args: object) -> AsyncGenerator[Callable[[], Awaitable[None]]]:
    """Hold a lock on a connection of its own; yields what lets go of it early."""
    async with witness.another() as holder:
        await holder.execute("BEGIN")
        await holder.fetchval(lock, *args)
        held = True

        async def release() -> None:
            nonlocal held
            if held:
                held = False
                await holder.execute("ROLLBACK")

        try:
            yield release
        finally:
            await release()


def row_locked(witness: Witness, key: Key) -> AbstractAsyncContextManager[Callable[[], Awaitable[None]]]:
    """Every write to that row waits until the lock is released; reads and other rows are free."""
    return _holding(witness, f"{witness.one_row} FOR UPDATE", *key)


def table_locked(witness: Witness) -> AbstractAsyncContextManager[Callable[[], Awaitable[None]]]:
    """Every operation that looks at the table waits until the lock is released."""
    return _holding(witness, f"LOCK TABLE {witness.table.quoted} IN ACCESS EXCLUSIVE MODE")


@asynccontextmanager
async def change_blocked(witness: Witness, column: str) -> AsyncGenerator[Callable[[], Awaitable[None]]]:
    """Every UPDATE that changes that column waits in the middle of its statement, until the lock is released."""
    lock = f"pg_advisory_xact_lock({_GATE_KEY})"
    name = quoted(column)
    body = f"IF NEW.{name}::text IS DISTINCT FROM OLD.{name}::text THEN PERFORM {lock}; END IF;"
    async with (
        _trigger(witness, f"TRIGGER {_GATE} BEFORE UPDATE ON {witness.table.quoted}", body),
        _holding(witness, f"SELECT {lock}") as release,
    ):
        yield release


async def until(
    condition: Callable[[], Awaitable[bool]], *, deadline: float = SETTLE_SECONDS, every: float = POLL_SECONDS
) -> bool:
    """Poll until the condition holds; False if it does not within the deadline, in seconds."""
    loop = asyncio.get_running_loop()
    end = loop.time() + deadline
    while not await condition():
        if loop.time() > end:
            return False
        await asyncio.sleep(every)
    return True


async def wait_for_blocked(
    witness: Witness, count: int, what: str, *, calls: Iterable[asyncio.Future[Any]] = ()
) -> None:
    """Wait until that many connections of the backend wait for a lock in the server.

    Args:
        witness: Who looks.
        count: How many, at least.
        what: What must be so before the check can ask its question. Where one connection waits and others of the calls
            do not come to the server, the backend queues them itself, as it may; that is so, too, after a while.
        calls: What is under way, and must not end before the lock is released.

    Raises:
        ContractBroken: one returned at once.
        Inconclusive: they do not wait, so that the check's question was not asked.
        Exception: what one of the calls raised instead of waiting.
    """
    calls = list(calls)
    wanted = 1

    async def decided() -> bool:
        return any(call.done() for call in calls) or len(await witness.waiting()) >= wanted

    blocked = await until(decided)
    if blocked and count > 1:
        wanted = count
        await until(decided, deadline=COMPANY_SECONDS)
    for call in calls:
        if call.done():
            # It cannot have been done, or looked at: what it needs is locked.
            raise ContractBroken(what, expected="they wait", seen=f"one returned {shown(call.result())} at once")
    if not blocked:
        raise Inconclusive(what)


@asynccontextmanager
async def together() -> AsyncGenerator[Callable[[Awaitable[Any]], asyncio.Future[Any]]]:
    """Start operations that run at once; none of them outlives the block, also where the check fails.

    An exception that nobody fetched would be reported when its task is collected, in the middle of another check.
    """
    started: list[asyncio.Future[Any]] = []

    def start(call: Awaitable[Any]) -> asyncio.Future[Any]:
        started.append(asyncio.ensure_future(call))
        return started[-1]

    try:
        yield start
    finally:
        for task in started:
            task.cancel()
        if started:
            await asyncio.wait(started, timeout=SETTLE_SECONDS)
        for task in started:
            if task.done() and not task.cancelled():
                task.exception()
