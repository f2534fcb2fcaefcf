"""Everything that a check is written with, in one place: what ``conformance/`` imports.

Each name is explained where it is defined.
"""

from crudspec.backend import ONE_ROW, OPERATIONS, WRITES
from crudspec.backends.registry import Adapter
from crudspec.contract.causes import CANCELLED, DELETES_RACE, KEY_RAISES, NEVER_RECOVERS
from crudspec.contract.clause import Consequence
from crudspec.contract.failures import ContractBroken, Inconclusive
from crudspec.entity.row import Key, Row, matches
from crudspec.entity.sample import Sample, Tried
from crudspec.faults.clock import pass_time
from crudspec.faults.injection import (
    CutFault,
    Silence,
    answer_held,
    cut_before_client,
    cut_before_server,
    cut_midway,
    gone,
    idle_ended,
    silent,
)
from crudspec.faults.lost import Outcome, Sweep, arguments, fill_pool, outcome, working, works_again, writes_of
from crudspec.faults.outages import PATIENCE, SKIPPED_SECONDS, lost_calls
from crudspec.faults.refusals import EXCUSES, lets_nobody_in
from crudspec.harness.abilities import LEAVE
from crudspec.harness.calls import (
    accepted,
    finds_no_row,
    finds_no_such_row,
    finds_nothing,
    refused_and_unchanged,
    refuses_what_is_no_key,
)
from crudspec.harness.company import company
from crudspec.harness.databases import scratch_with
from crudspec.harness.hostile import attempt, failing_calls, forbidden_calls, hostile_calls, is_clean, works
from crudspec.harness.naming import (
    DUPLICATE,
    INVALID,
    MISSING,
    NEITHER,
    UNAVAILABLE,
    check_named,
    check_own,
    check_refused,
)
from crudspec.harness.programs import run_programs
from crudspec.harness.readable import check_readable, check_told, check_traced, password_of, word
from crudspec.harness.subject import Subject
from crudspec.harness.threads import DaemonPool
from crudspec.harness.trips import SIZES, USUAL_SIZE, Cost, budget, metered, trips
from crudspec.plugin import current_run
from crudspec.races.course import Course
from crudspec.races.schedules import explore
from crudspec.run.marks import clause
from crudspec.run.nodes import split_id
from crudspec.run.run import Run
from crudspec.server import drop_scratch
from crudspec.truth.expect import Every, expect, expect_listed, needs, refuses
from crudspec.truth.gates import (
    LATER_SECONDS,
    SETTLE_SECONDS,
    change_blocked,
    commits_fail,
    commits_slow,
    recorded_clock,
    row_locked,
    statements_fail,
    table_locked,
    together,
    until,
    wait_for_blocked,
)
from crudspec.truth.model import Request, apply
from crudspec.truth.schema import differences
from crudspec.truth.shown import shown, shown_call, shown_error
from crudspec.truth.witness import Witness
from crudspec.wire import Proxy, threaded

__all__ = [
    "CANCELLED",
    "DELETES_RACE",
    "DUPLICATE",
    "EXCUSES",
    "INVALID",
    "KEY_RAISES",
    "LATER_SECONDS",
    "LEAVE",
    "MISSING",
    "NEITHER",
    "NEVER_RECOVERS",
    "ONE_ROW",
    "OPERATIONS",
    "PATIENCE",
    "SETTLE_SECONDS",
    "SIZES",
    "SKIPPED_SECONDS",
    "UNAVAILABLE",
    "USUAL_SIZE",
    "WRITES",
    "Adapter",
    "Consequence",
    "ContractBroken",
    "Cost",
    "Course",
    "CutFault",
    "DaemonPool",
    "Every",
    "Inconclusive",
    "Key",
    "Outcome",
    "Proxy",
    "Request",
    "Row",
    "Run",
    "Sample",
    "Silence",
    "Subject",
    "Sweep",
    "Tried",
    "Witness",
    "accepted",
    "answer_held",
    "apply",
    "arguments",
    "attempt",
    "budget",
    "change_blocked",
    "check_named",
    "check_own",
    "check_readable",
    "check_refused",
    "check_told",
    "check_traced",
    "clause",
    "commits_fail",
    "commits_slow",
    "company",
    "current_run",
    "cut_before_client",
    "cut_before_server",
    "cut_midway",
    "differences",
    "drop_scratch",
    "expect",
    "expect_listed",
    "explore",
    "failing_calls",
    "fill_pool",
    "finds_no_row",
    "finds_no_such_row",
    "finds_nothing",
    "forbidden_calls",
    "gone",
    "hostile_calls",
    "idle_ended",
    "is_clean",
    "lets_nobody_in",
    "lost_calls",
    "matches",
    "metered",
    "needs",
    "outcome",
    "pass_time",
    "password_of",
    "recorded_clock",
    "refused_and_unchanged",
    "refuses",
    "refuses_what_is_no_key",
    "row_locked",
    "run_programs",
    "scratch_with",
    "shown",
    "shown_call",
    "shown_error",
    "silent",
    "split_id",
    "statements_fail",
    "table_locked",
    "threaded",
    "together",
    "trips",
    "until",
    "wait_for_blocked",
    "word",
    "working",
    "works",
    "works_again",
    "writes_of",
]
