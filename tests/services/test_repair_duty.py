"""What the repair duty does about open incidents, on the real queue."""

from __future__ import annotations

from dataclasses import replace

import pytest

from moving_clock import MovingClock
from raw_sql import rows
from services.repaired import AT_ONCE, Shop
from watchkeeper.app.whole import App
from watchkeeper.domain.policies import PolicyMode, RuleChange
from watchkeeper.domain.rules.names import RuleName
from watchkeeper.services.enqueueing import JobRequest
from watchkeeper.services.incident_reports import ReportedIncident
from watchkeeper.services.repairs.breaker import BreakerConfig


@pytest.fixture
def shop(app: App) -> Shop:
    return Shop(app)


async def test_an_expired_lease_is_reclaimed(shop: Shop, clock: MovingClock) -> None:
    """A job whose lease ended and that nobody reaped is claimable again, with plan, old and new state on record."""
    job = await shop.running()
    incident = await shop.incident("lease_expired", job.id, worker_id="w")
    clock.advance(200)
    assert await shop.run() == {"planned": 1, "succeeded": 1}
    repair = await shop.last()
    assert (repair["action"], repair["authority"], repair["actor"]) == ("reclaim", "system", "system")
    assert (repair["result"], repair["policy_version"]) == ("success", "default")
    assert (repair["old_state"]["worker_id"], repair["old_state"]["state"]) == ("w", "running")
    assert (repair["new_state"]["state"], repair["new_state"]["lost_leases"]) == ("pending", 1)
    assert len(repair["output_hash"]) == 64
    assert await shop.incident_state(incident) == "verifying"
    events = await rows(
        shop.app.database,
        "SELECT event FROM watchkeeper.audit_events WHERE event LIKE 'repair%%' ORDER BY seq",
    )
    assert [row["event"] for row in events] == ["repair_proposed", "repair_started", "repair_succeeded"]


async def test_a_rule_acts_no_oftener_than_it_says_and_then_calls_a_person(
    shop: Shop, clock: MovingClock
) -> None:
    """A worker that never answers is asked twice, and its incident is escalated; no answer is no success."""
    await shop.running()
    incident = await shop.incident("doctor_failed", worker_id="w")
    for _ in range(2):
        assert await shop.run() == {"planned": 1, "executing": 1}
        assert await shop.incident_state(incident) == "repairing"
        assert await shop.one("SELECT touch_requested_at IS NOT NULL FROM watchkeeper.workers")
        clock.advance(1300)
        assert (await shop.run())["failed"] == 1
        clock.advance(11)
    assert await shop.incident_state(incident) == "escalated"
    assert [repair["result"] for repair in await shop.records()] == ["failed", "failed"]
    assert await shop.run() == {}


async def test_a_policy_says_how_many_failures_call_people(shop: Shop, clock: MovingClock) -> None:
    """A rule that its document escalates after one failure is tried once, whoever has acknowledged it."""
    rule = RuleName.DOCTOR_FAILED
    shop.policy = replace(shop.policy, rules={rule: RuleChange(escalate_after=1)})
    await shop.running()
    incident = await shop.incident(rule, worker_id="w")
    state = (
        "UPDATE watchkeeper.watchdog_incidents SET state = %(state)s, acknowledged_by = 'x',"
        " acknowledged_until = watchkeeper.now() + interval '1 h' WHERE id = %(id)s"
    )
    await rows(shop.app.database, state, {"id": incident, "state": "acknowledged"})
    assert await shop.run() == {"planned": 1, "executing": 1}
    await rows(shop.app.database, state, {"id": incident, "state": "repairing"})
    clock.advance(1300)
    assert (await shop.run())["failed"] == 1
    assert await shop.incident_state(incident) == "escalated"


async def test_what_a_person_called_right_is_not_repaired_until_then(shop: Shop, clock: MovingClock) -> None:
    """The verdict is obeyed by repairs as by alerts; when its time is over the trouble is repaired like any other."""
    await shop.running()
    incident = await shop.incident("doctor_failed", worker_id="w")
    until = "watchkeeper.now() + interval '60 s'"
    quiet = f"UPDATE watchkeeper.watchdog_incidents SET quiet_until = {until} WHERE id = %(id)s"
    await rows(shop.app.database, quiet, {"id": incident})
    assert await shop.run() == {}
    clock.advance(61)
    assert (await shop.run())["planned"] == 1


@pytest.mark.parametrize("doctor", [True, False])
async def test_a_retouch_succeeds_only_by_a_later_touch_with_its_doctor_well(
    shop: Shop, *, doctor: bool
) -> None:
    """A touch alone proves nothing where the doctor is not well."""
    await shop.running()
    await shop.incident("doctor_failed", worker_id="w")
    await shop.run()
    await shop.app.attendance.note_doctor("p", "w", ok=doctor)
    touched = await shop.app.attendance.touch("p", "w", None)
    assert touched["touch_requested"]
    assert await shop.run() == ({"succeeded": 1} if doctor else {})


async def test_observing_plans_and_does_nothing(shop: Shop, clock: MovingClock) -> None:
    """Under `observe` the plan stands there, with a note, and the job stays as it is; another mode plans anew."""
    shop.mode("lease_expired", PolicyMode.OBSERVE)
    job = await shop.running()
    await shop.incident("lease_expired", job.id)
    clock.advance(200)
    assert await shop.run() == {"planned": 1}
    assert await shop.run() == {}
    repair = await shop.last()
    assert (repair["state"], repair["plan"]["authority"]) == ("proposed", None)
    assert "only observes" in repair["note"]
    assert (await shop.app.operations.find("p", job.id))["state"] == "running"
    shop.mode("lease_expired", PolicyMode.AUTO)
    assert await shop.run() == {"expired": 1}
    assert await shop.run() == {"planned": 1, "succeeded": 1}


async def test_a_rule_that_is_off_plans_nothing(shop: Shop) -> None:
    """Nothing is written down for a rule whose repairs are off."""
    shop.mode("lease_expired", PolicyMode.OFF)
    job = await shop.running()
    await shop.incident("lease_expired", job.id)
    assert await shop.run() == {}
    assert await shop.records() == []


async def test_a_live_lease_is_never_taken_without_a_person(shop: Shop) -> None:
    """A stuck queue's plan on a job whose lease lives waits for a supervisor, though the policy says auto."""
    job = await shop.running()
    await shop.incident("queue_stuck", job.id)
    assert await shop.run() == {"planned": 1}
    assert await shop.run() == {}
    assert (await shop.last())["authority"] == "supervisor"
    assert (await shop.app.operations.find("p", job.id))["state"] == "running"


async def test_the_kill_switch_holds_everything_up_until_it_is_on(shop: Shop, clock: MovingClock) -> None:
    """With actions off the plan waits and says why; switched on again it is carried out."""
    job = await shop.running()
    await shop.incident("lease_expired", job.id)
    clock.advance(200)
    await shop.app.kinds.set_switch("actions", is_on=False, actor="t", reason="flood")
    assert await shop.run() == {"planned": 1}
    assert (await shop.last())["note"] == "all actions are switched off"
    await shop.app.kinds.set_switch("actions", is_on=True, actor="t", reason="over")
    assert await shop.run() == {"succeeded": 1}


async def test_a_breaker_trips_on_attempts_and_never_resets_itself(app: App, clock: MovingClock) -> None:
    """Repairs that run wild stop after so many, until a person says whether what waited runs or is dropped."""
    shop = Shop(app, replace(AT_ONCE, breaker=BreakerConfig(attempts=2, window_seconds=100)))
    incidents = [await shop.incident("lease_expired", (await shop.running()).id) for _ in range(5)]
    clock.advance(200)
    assert await shop.run() == {"planned": 5, "succeeded": 2}
    await shop.over(*incidents[:2])
    clock.advance(100_000)
    assert await shop.run() == {}
    owner = await shop.person("lin")
    [breaker] = await shop.brakes.breakers("p")
    assert (breaker["is_tripped"], breaker["waiting"]) == (True, 3)
    assert (
        await shop.brakes.reset_breaker("p", "lease_expired", "default", owner, drop=False, reason="r") == 3
    )
    assert await shop.run() == {"succeeded": 2}
    await shop.over(*incidents[2:4])
    assert await shop.brakes.reset_breaker("p", "lease_expired", "default", owner, drop=True, reason="r") == 1
    assert [repair["state"] for repair in await shop.records()] == [*["succeeded"] * 4, "expired"]


async def test_a_repair_never_triggers_a_repair(shop: Shop, clock: MovingClock) -> None:
    """What opens on a job just after its repair is marked as that repair's effect, and goes to a person."""
    job = await shop.running()
    await shop.incident("lease_expired", job.id)
    clock.advance(200)
    await shop.run()
    later = await shop.incident("crash_loop", job.id)
    assert await shop.run() == {"marked_as_effect": 1}
    assert await shop.run() == {}
    assert await shop.incident_state(later) == "needs_human"
    assert await shop.one(
        "SELECT caused_by_repair FROM watchkeeper.watchdog_incidents WHERE id = %(id)s", id=later
    )


async def test_a_rule_cools_down_on_one_target(app: App, clock: MovingClock) -> None:
    """The same rule leaves the same job alone for a while, whatever opens again."""
    shop = Shop(app, replace(AT_ONCE, cool_down_seconds=300))
    job = await shop.running()
    first = await shop.incident("lease_expired", job.id)
    clock.advance(200)
    await shop.run()
    await shop.over(first)
    await app.queue.claim("p", "w2", None, profile="runtime")
    clock.advance(90)
    await shop.incident("lease_expired", job.id)
    assert await shop.run() == {"planned": 1}
    assert "cools down" in (await shop.last())["note"]
    clock.advance(300)
    assert await shop.run() == {"succeeded": 1}


async def test_a_kind_without_workers_is_put_before_people_and_paused_where_nobody_decides(
    shop: Shop, clock: MovingClock
) -> None:
    """One proposal is written; left undecided for a day, the kind is paused with the reason."""
    await shop.running("rare")
    incident = await shop.incident("missing_worker_kind", kind="rare", evidence={"waiting": 3})
    assert await shop.run() == {"planned": 1, "succeeded": 1}
    assert await shop.incident_state(incident) == "open"
    assert await shop.one("SELECT decision FROM watchkeeper.proposals") == (
        "Who shall do the jobs of rare, for which there is no worker?"
    )
    clock.advance(80_000)
    assert await shop.run() == {}
    clock.advance(10_000)
    assert await shop.run() == {"planned": 1, "succeeded": 1}
    assert await shop.one("SELECT paused_by FROM watchkeeper.job_kinds WHERE kind = 'rare'") == "system"


async def test_what_fits_nothing_goes_to_a_person(shop: Shop, clock: MovingClock) -> None:
    """An incident that names no target is never taken for all there is."""
    incident = await shop.incident("lease_expired")
    assert await shop.run() == {}
    clock.advance(61)
    assert await shop.run() == {"planned": 1, "needs_human": 1}
    assert (await shop.last())["plan"]["target"] == {"what": "incident", "id": str(incident)}
    assert await shop.incident_state(incident) == "needs_human"


async def test_a_waiting_repair_is_given_up_when_its_incident_is_over(shop: Shop) -> None:
    """Nobody is asked for a word on what has passed."""
    incident = await shop.incident("queue_stuck", (await shop.running()).id)
    await shop.run()
    await shop.over(incident)
    assert await shop.run() == {"expired": 1}


async def test_what_cannot_be_acted_on_holds_nothing_else_up(app: App, clock: MovingClock) -> None:
    """Settled and tripped ones, of each more than a batch, keep no other incident from its repair."""
    shop = Shop(app, replace(AT_ONCE, batch=2, breaker=BreakerConfig(attempts=4)))
    for _ in range(5):
        await shop.incident("missing_worker_kind", kind="rare")
    await shop.running("rare")
    for _ in range(3):
        await shop.run()
    for _ in range(5):
        await shop.incident("lease_expired", (await shop.running()).id)
        await shop.incident("doctor_failed", worker_id="w")
    clock.advance(200)
    for _ in range(12):
        await shop.run()
    states = [(row["trigger"], row["state"]) for row in await shop.records()]
    assert states.count(("missing_worker_kind", "succeeded")) == 4
    assert states.count(("lease_expired", "succeeded")) == 4
    assert states.count(("doctor_failed", "executing")) == 4
    late = await shop.running("late")
    await shop.incident("complete_rejected", late.id, worker_id="w")
    clock.advance(11)
    ran = [await shop.run() for _ in range(4)]
    assert sum(counts.get("executing", 0) for counts in ran) == 1


async def test_a_workers_word_about_others_is_kept_and_never_acted_on_by_itself(shop: Shop) -> None:
    """Neither the job nor the worker that it tells of is touched until a supervisor says so."""
    job, reports = await shop.running(), shop.app.watchdog.incident_reports
    await shop.app.queue.enqueue("p", [JobRequest("k")], actor="t")
    waiting = str(
        await shop.one(
            "SELECT s.id FROM watchkeeper.ready_jobs r JOIN watchkeeper.job_specs s USING (project_id, seq)"
        )
    )
    for rule, about in ((RuleName.CRASH_LOOP, waiting), (RuleName.HIDDEN_FAILURE, job.id)):
        said = ReportedIncident(rule, "reported", job=about, worker_id="w")
        assert (await reports.report("p", said, actor="mallory", is_hearsay=True)).stopped_worker is None
    assert await shop.run() == {"planned": 2}
    assert await shop.run() == {}
    assert {repair["authority"] for repair in await shop.records()} == {"supervisor"}
    assert (await shop.app.operations.find("p", job.id))["state"] == "running"
    assert (await shop.app.operations.find("p", waiting))["state"] == "pending"
