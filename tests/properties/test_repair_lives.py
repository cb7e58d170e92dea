"""The life of repairs under two people and a program, in any order, on the real database."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from moving_clock import MovingClock
from raw_sql import rows
from services.repaired import Shop
from watchkeeper.app import whole
from watchkeeper.domain.errors import WatchkeeperError
from watchkeeper.domain.principals import Principal
from watchkeeper.domain.repairs import TRANSITIONS, RepairState
from watchkeeper.domain.rules.names import RepairAction
from watchkeeper.services.repairs.desk import Wish
from watchkeeper.settings import Settings
from watchkeeper.storage.database import Database, DatabaseConfig

PEOPLE = st.sampled_from(["lin", "kim"])
WISHES = st.sampled_from(
    [
        RepairAction.RELEASE,
        RepairAction.PAUSE,
        RepairAction.RESUME,
        RepairAction.MARK_STALE,
        RepairAction.FAIL,
    ]
)
HISTORY = """
SELECT data ->> 'repair_id' AS id, event FROM watchkeeper.audit_events
 WHERE event LIKE 'repair\\_%%' OR event = 'approval_withdrawn' ORDER BY seq
"""
TO: dict[str, RepairState] = {
    "repair_proposed": RepairState.PROPOSED,
    "approval_withdrawn": RepairState.PROPOSED,
    "repair_approved": RepairState.APPROVED,
    "repair_started": RepairState.EXECUTING,
    "repair_succeeded": RepairState.SUCCEEDED,
    "repair_failed": RepairState.FAILED,
    "repair_needs_human": RepairState.NEEDS_HUMAN,
    "repair_rolled_back": RepairState.ROLLED_BACK,
    "repair_rejected": RepairState.REJECTED,
    "repair_expired": RepairState.EXPIRED,
}


class RepairLives(RuleBasedStateMachine):
    """`shop`, `people`, `clock` and `runner` are set by the test; examples share one database."""

    shop: Shop
    people: dict[str, Principal]
    clock: MovingClock
    runner: asyncio.Runner

    def do(self, coroutine: Any) -> Any:
        """Give what came, or None where it was refused."""
        try:
            return self.runner.run(coroutine)
        except WatchkeeperError:
            return None

    @initialize()
    def begin(self) -> None:
        self.job = self.do(self.shop.running(max_lost_leases=99)).id
        self.repairs: list[tuple[UUID, str]] = []

    @rule(who=PEOPLE, action=WISHES)
    def ask(self, who: str, action: RepairAction) -> None:
        made = self.do(self.shop.desk.ask("p", Wish(action, "r", job=self.job), self.people[who]))
        if made is not None:
            assert made["state"] == "proposed"
            self.repairs.append((UUID(str(made["id"])), who))

    @rule(who=PEOPLE, data=st.data())
    def approve(self, who: str, data: st.DataObject) -> None:
        if self.repairs:
            repair, asker = data.draw(st.sampled_from(self.repairs))
            done = self.do(self.shop.desk.approve("p", repair, self.people[who], digest=None, reason="r"))
            assert done is None or who != asker

    @rule(who=PEOPLE, data=st.data(), act=st.sampled_from(["reject", "withdraw", "roll_back"]))
    def say(self, who: str, data: st.DataObject, act: str) -> None:
        if self.repairs:
            repair, _ = data.draw(st.sampled_from(self.repairs))
            self.do(getattr(self.shop.desk, act)("p", repair, self.people[who], "r"))

    @rule(on=st.booleans())
    def switch(self, on: bool) -> None:
        self.do(self.shop.app.kinds.set_switch("actions", is_on=on, actor="t", reason="r"))

    @rule(seconds=st.sampled_from([1, 30, 3700]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)
        self.do(self.shop.duty.run_once())

    @rule()
    def somebody_claims(self) -> None:
        self.do(self.shop.app.queue.claim("p", "w", None, profile="runtime"))

    @invariant()
    def every_step_is_in_the_table_and_on_record(self) -> None:
        state: dict[str, RepairState] = {}
        for row in self.runner.run(rows(self.shop.app.database, HISTORY)):
            new, old = TO[row["event"]], state.get(row["id"])
            assert (old is None and new is RepairState.PROPOSED) or (old and new in TRANSITIONS[old]), (
                old,
                new,
            )
            state[row["id"]] = new
        found = self.runner.run(self.shop.records())
        assert {str(row["id"]): row["state"] for row in found} == state

    @invariant()
    def nothing_is_done_without_a_used_word_of_another(self) -> None:
        unfounded = self.runner.run(
            rows(
                self.shop.app.database,
                "SELECT r.id FROM watchkeeper.repair_actions r WHERE r.attempted_at IS NOT NULL AND NOT EXISTS ("
                " SELECT FROM watchkeeper.approvals a WHERE a.repair_id = r.id AND a.plan_digest = r.plan_digest"
                " AND a.used_at BETWEEN a.created_at AND a.expires_at AND a.withdrawn_at IS NULL"
                " AND a.actor_id <> r.asked_by_id)",
            )
        )
        assert unfounded == []

    @invariant()
    def a_job_stands_in_one_place(self) -> None:
        places = (
            "SELECT count(*) AS n FROM (SELECT seq FROM watchkeeper.ready_jobs UNION ALL SELECT seq FROM"
            " watchkeeper.scheduled_jobs UNION ALL SELECT seq FROM watchkeeper.leases UNION ALL SELECT seq FROM"
            " watchkeeper.held_jobs UNION ALL SELECT seq FROM watchkeeper.job_outcomes) x"
            " GROUP BY seq HAVING count(*) <> 1"
        )
        assert self.runner.run(rows(self.shop.app.database, places)) == []


@pytest.mark.timeout(120)
def test_no_order_of_words_and_acts_breaks_a_promise(database_url: str, tmp_path: Any) -> None:
    """Each step is one that the table allows, on record, and no act without another person's fresh, used word."""
    with asyncio.Runner() as runner:
        database = Database(DatabaseConfig(database_url))
        app = whole.build(Settings(home=tmp_path, database_url=database_url), database)
        runner.run(database.open())
        runner.run(app.kinds.ensure_project("p"))
        shop = Shop(app)
        RepairLives.shop, RepairLives.runner, RepairLives.clock = shop, runner, MovingClock(database_url)
        RepairLives.people = {name: runner.run(shop.person(name)) for name in ("lin", "kim")}
        run_state_machine_as_test(
            RepairLives,
            settings=settings(
                max_examples=15,
                stateful_step_count=12,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                derandomize=True,
            ),
        )
        runner.run(database.close())
