"""Races run as their schedule says, whatever the backend does with its connections."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from tests.races.racers import (
    Hangs,
    HangsUnderAnotherName,
    HangsUp,
    KeepsHouse,
    OneAtATime,
    OneConnection,
    PerCall,
    PerCallLooks,
    RefusesAlways,
    RefusesBoth,
    RefusesTheSecond,
    TellsLittle,
    TellsLittleAndBringsItBack,
    Versioned,
    VersionedByHalves,
    WritesWhatChanged,
)

from crudspec import Unavailable
from crudspec.backends.asyncpg import AsyncpgBackend
from crudspec.backends.orm import OrmBackend
from crudspec.contract.failures import ContractBroken, Inconclusive
from crudspec.harness.abilities import Abilities
from crudspec.races.course import Course
from crudspec.races.entries import Entry, Outcome, Race
from crudspec.races.judged import RaceHung
from crudspec.races.pairs import Enumeration, explore_pairs, pairs
from crudspec.races.schedules import explore
from crudspec.races.tally import Tally
from crudspec.races.triples import explore_triples

TAUGHT = "examples/taught_orm_backend.py:TaughtOrmBackend"
X = {"title": "x", "done": False}
UPDATE_A, UPDATE_B = Entry("update", {"title": "a", "done": True}), Entry("update", {"title": "b", "done": False})
UPDATES = Race((UPDATE_A, UPDATE_B), row=X)
DELETES = Race((Entry("delete"), Entry("delete", instance=1)), row=X)


@asynccontextmanager
async def course(backend, scratch, *, deadline=10.0, instances=2, abilities=None):
    subject = scratch.subject(backend, deadline=deadline, abilities=abilities)
    subject.abilities.side_by_side = instances == 2
    async with scratch.witness() as witness, Course.opened(subject, witness) as opened:
        yield opened


def test_every_interleaving_is_enumerated_once_the_simplest_first():
    enumeration, seen = Enumeration(UPDATES), []
    while not enumeration.complete:
        beginning = enumeration.next()
        left, outcome = {"A": 3, "B": 2}, Outcome()
        while able := "".join(name for name in "AB" if left[name]):
            step = len(outcome.trace)
            last = outcome.trace[-1][0] if step else "A"
            name = beginning[step] if step < len(beginning) else last if last in able else able[0]
            left[name] -= 1
            outcome.trace.append((name, able))
        assert outcome.schedule.startswith(beginning)
        enumeration.ran(beginning, outcome)
        seen.append(outcome.schedule)
    assert len(seen) == len(set(seen)) == 10
    assert set(seen[:2]) == {"AAABB", "BBAAA"}


@pytest.mark.asyncio
@pytest.mark.parametrize("backend", ["asyncpg", "core", "examples/psycopg_backend.py:PsycopgBackend", PerCall])
async def test_a_right_backend_is_explained_in_every_schedule(scratch, backend):
    async with course(backend, scratch) as opened:
        tally = Tally()
        await explore_pairs(opened, tally, schedules=80)
        await explore_triples(opened, tally, schedules=10, seed=1)
    assert tally.overlapped
    assert tally.schedules > 40


@pytest.mark.asyncio
async def test_small_races_are_run_completely(scratch):
    async with course("orm", scratch) as opened:
        tally = Tally()
        await explore_pairs(opened, tally, schedules=200, races=[UPDATES, DELETES])
    assert tally.complete == 2
    assert tally.schedules == tally.overlapped


@pytest.mark.asyncio
async def test_the_taught_way_leaves_half_of_each(scratch):
    async with course(TAUGHT, scratch) as opened:
        with pytest.raises(ContractBroken) as found:
            await explore_pairs(opened, Tally(), schedules=100, races=[UPDATES])
        schedule = found.value.account.partition("schedule: ")[2].split()[0]
        again = await opened.run(UPDATES, schedule)
    assert again.schedule == schedule
    assert again.broken is not None
    account = again.broken.account
    assert "the row after: (" in account
    assert "'b', True)" in account
    assert "A, then B: would have left" in account
    assert "B, then A: would have left" in account
    places = [line.index("SELECT") for line in account.splitlines() if "SELECT" in line]
    assert len(set(places)) == 2


@pytest.mark.asyncio
async def test_a_failing_race_of_three_shrinks_and_replays_by_its_seed(scratch):
    """Nobody waits for a lock here: which of two that wait for a third gets it next, the server alone decides."""
    accounts = []
    async with course(WritesWhatChanged, scratch) as opened:
        for _ in range(2):
            with pytest.raises(ContractBroken) as found:
                await explore_triples(opened, Tally(), schedules=200, seed=3)
            accounts.append((found.value.what, found.value.seen))
    assert accounts[0] == accounts[1]


@pytest.mark.asyncio
async def test_who_waits_for_whom_is_asked_of_the_server(scratch):
    async with course("orm", scratch) as opened:
        outcome = await opened.run(UPDATES, "AABB")
        waited = [turn for turn in opened.turns.log if turn.blockers]
        assert outcome.broken is None
        assert [(turn.client.name, turn.blockers[0].name) for turn in waited] == [("B", "A")]
        assert outcome.trace[4] == ("A", "A")


@pytest.mark.asyncio
async def test_a_call_may_be_a_step_of_the_schedule(scratch):
    race = Race((Entry("get"), UPDATE_A, Entry("get")), row=X, together=False)
    async with course("asyncpg", scratch) as opened:
        one_by_one = await opened.run(race, "AABBCC")
        mixed = await opened.run(race, "ABBACC")
    assert (one_by_one.overlapped, one_by_one.broken, one_by_one.schedule) == (False, None, "AABBCC")
    assert (mixed.overlapped, mixed.broken, mixed.schedule) == (True, None, "ABBACC")


@pytest.mark.asyncio
async def test_one_lock_for_all_is_inconclusive(scratch):
    async with course(OneAtATime, scratch) as opened:
        with pytest.raises(Inconclusive):
            await explore(opened, schedules=30, seed=0)


@pytest.mark.asyncio
async def test_a_pool_of_one_is_no_race_by_itself_and_two_pools_are(scratch):
    async with course(OneConnection, scratch) as opened:
        tallies = [Tally(), Tally()]
        for instance in (0, 1):
            races = [race for race in pairs(scratch.sample)[:4] if race.entries[1].instance == instance]
            await explore_pairs(opened, tallies[instance], schedules=10, races=races)
    assert not tallies[0].overlapped
    assert tallies[1].overlapped


@pytest.mark.asyncio
async def test_lies_are_found_in_threads_too(scratch):
    async with course(PerCallLooks, scratch) as opened:
        with pytest.raises(ContractBroken) as found:
            await explore_pairs(opened, Tally(), schedules=60, races=[DELETES])
    assert "A would have returned False" in found.value.account


@pytest.mark.asyncio
async def test_a_lock_of_this_process_round_the_writes_alone_is_inconclusive(scratch):
    """Of other operations two are on the wire at one moment; of these they never are."""

    class WritesOneAtATime(OrmBackend):
        alone = asyncio.Lock()

        async def update(self, task_id, title, done):
            async with self.alone:
                return await super().update(task_id, title, done)

        async def delete(self, task_id):
            async with self.alone:
                return await super().delete(task_id)

    async with course(WritesOneAtATime, scratch) as opened:
        with pytest.raises(Inconclusive, match=r"update\(title='b', done=True\).*, of two processes, are on the wire"):
            await explore(opened, schedules=90, seed=0)


@pytest.mark.asyncio
async def test_a_cancellation_that_nobody_asked_for_is_told(scratch):
    class Cancels(AsyncpgBackend):
        async def get(self, task_id):
            row = await super().get(task_id)
            if row is None:
                raise asyncio.CancelledError
            return row

    async with course(Cancels, scratch) as opened:
        outcome = await opened.run(Race((Entry("delete"), Entry("get", instance=1)), row=X), "AB")
    assert outcome.broken is not None
    assert "raised CancelledError" in outcome.broken.seen.replace("asyncio.exceptions.", "")


@pytest.mark.asyncio
async def test_who_is_refused_may_have_lost_a_race(scratch):
    """Nobody promises that two updates at once both succeed: one may be told to try again."""
    async with course(Versioned, scratch) as opened:
        lost = await opened.run(UPDATES, "ABBA")
        await explore(opened, schedules=90, seed=0)
    assert (list(lost.raised), lost.broken) == (["A"], None)
    assert lost.refused is not None


@pytest.mark.asyncio
async def test_who_is_refused_leaves_no_half_of_it(scratch):
    async with course(VersionedByHalves, scratch) as opened:
        outcome = await opened.run(UPDATES, "ABBAA")
    assert outcome.broken is not None
    assert "A raised crudspec.errors.CrudError" in outcome.broken.seen
    assert "  B (not A): would have left (1, 'b', False)" in outcome.broken.account


@pytest.mark.asyncio
async def test_somebody_has_to_win(scratch):
    async with course(RefusesBoth, scratch) as opened:
        outcome = await opened.run(UPDATES, "AB")
    assert outcome.broken is not None
    assert isinstance(outcome.broken.__cause__, Unavailable)
    assert outcome.broken.expected == "one of them at least does what it was asked"


@pytest.mark.asyncio
async def test_together_they_must_be_possible_in_some_order(scratch):
    async with course(RefusesTheSecond, scratch) as opened:
        outcome = await opened.run(UPDATES, "AB")
        assert outcome.broken is None
        with pytest.raises(ContractBroken, match=r"in each of them one raised; here B raised .*: busy") as found:
            await explore_pairs(opened, Tally(), schedules=30)
    assert isinstance(found.value.__cause__, Unavailable)
    assert "raised crudspec.errors.Unavailable: busy" in found.value.account


@pytest.mark.asyncio
async def test_what_raises_where_nobody_is_about_is_no_matter_of_races(scratch):
    async with course(RefusesAlways, scratch) as opened:
        tally = await explore(opened, schedules=60, seed=0)
        assert not opened.can_run(UPDATES)
    assert tally.overlapped


@pytest.mark.asyncio
async def test_a_statement_whose_caller_has_given_up_does_not_write_into_the_next_race(scratch):
    async with course(HangsUp, scratch) as opened, scratch.witness() as witness:
        outcome = await opened.run(Race((Entry("delete"), Entry("get", instance=1)), row=X), "AB")
        assert await witness.rows() == []
    assert "A" in outcome.raised
    assert outcome.broken is None


@pytest.mark.asyncio
async def test_what_rows_and_results_do_not_tell_is_not_compared(scratch):
    known = Abilities(hidden=dict.fromkeys(["title", "created_at"], "CREATE-1"), mute=frozenset({"delete"}))
    async with course(TellsLittle, scratch, abilities=known) as opened:
        tally = await explore(opened, schedules=60, seed=0)
    assert tally.schedules == 60
    async with course(TellsLittleAndBringsItBack, scratch, abilities=known) as opened:
        with pytest.raises(ContractBroken, match="leaving"):
            await explore(opened, schedules=120, seed=0)


@pytest.mark.asyncio
async def test_races_can_be_run_through_one_instance_only(scratch):
    async with course("asyncpg", scratch, instances=1) as opened:
        tally = await explore(opened, schedules=60, seed=0)
        assert (len(opened.subjects), tally.schedules) == (1, 60)
    assert tally.overlapped
    async with course(OneConnection, scratch, instances=1) as opened:
        with pytest.raises(Inconclusive):
            await explore(opened, schedules=60, seed=0)


@pytest.mark.asyncio
async def test_a_connection_that_is_never_answered_does_not_stop_the_others(scratch):
    async with course(KeepsHouse, scratch) as opened, asyncio.timeout(8):
        outcome = await opened.run(UPDATES, "AAB")
        turns = [(turn.client.name, [sql for sql, _ in turn.sent], turn.blockers) for turn in opened.turns.log]
    assert outcome.broken is None
    assert outcome.schedule == "AAB"
    update = "UPDATE tasks SET title = $2, done = $3 WHERE id = $1"
    assert turns == [("A", [update], ()), ("A", [KeepsHouse.ASKS], ()), ("B", [update], ())]


@pytest.mark.asyncio
@pytest.mark.parametrize("backend", [Hangs, HangsUnderAnotherName])
async def test_a_call_that_hangs_is_told_once(scratch, backend):
    async with course(backend, scratch, deadline=0.3) as opened:
        outcome = await opened.run(DELETES, "AB")
        with pytest.raises(RaceHung):
            await explore_triples(opened, Tally(), schedules=200, seed=0)
    assert isinstance(outcome.broken, RaceHung)
