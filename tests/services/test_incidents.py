"""Incidents on the real database: one for each fingerprint, closed by evidence, told of by their cause."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from moving_clock import MovingClock
from raw_sql import rows
from watchkeeper.app.whole import App
from watchkeeper.domain.errors import Conflict, UsageError
from watchkeeper.domain.findings import Finding
from watchkeeper.domain.policies import Policy, PolicyMode, RuleChange
from watchkeeper.domain.rules.names import RuleName
from watchkeeper.services.incident_record import Recorded, record_finding
from watchkeeper.services.incidents import Closed, IncidentKey, Passed

WEEK = 7 * 86_400
PASS = Passed({"touch": "ok"})
UNRESOLVED = (
    "SELECT project_id, id, rule FROM watchkeeper.watchdog_incidents WHERE state <> 'resolved' ORDER BY id"
)


async def finding(app: App, rule: str, *identity: str, project: str = "p", **about: Any) -> Finding:
    row = await app.database.fetch_row("clock")
    return Finding(project, RuleName(rule), identity or ("w",), row["now"], "test", **about)


async def found(app: App, rule: str, *identity: str, policy: Policy | None = None, **about: Any) -> Recorded:
    """Record one finding as the watchdog does, from rows."""
    given = await finding(app, rule, *identity, **about)
    async with app.database.transaction() as connection:
        [recorded] = await app.watchdog.incidents.record(connection, [given], policy or Policy())
    return recorded


async def happened(app: App, rule: str, *identity: str, **about: Any) -> Recorded:
    """Record one finding as a service does that met the fact itself."""
    given = await finding(app, rule, *identity, **about)
    async with app.database.transaction() as connection:
        recorded = await record_finding(connection, given, Policy())
    assert recorded is not None
    return recorded


async def close(app: App, incident: Recorded, passed: Passed = PASS) -> Closed:
    key = IncidentKey(incident.project_id, incident.id, incident.rule)
    async with app.database.transaction() as connection:
        return await app.watchdog.incidents.close(connection, key, passed, Policy())


async def told(app: App) -> list[str]:
    """Give the rules whose incidents people hear of now."""
    heard = []
    async with app.database.transaction() as connection:
        for row in await rows(app.database, UNRESOLVED):
            verdict = await app.watchdog.alerting.outbox.planning.verdict(
                connection, row["project_id"], row["id"]
            )
            heard += [row["rule"]] if verdict.stage is not None else []
    return heard


async def shown(app: App, incident_id: UUID) -> dict[str, Any]:
    [row] = await rows(
        app.database, "SELECT * FROM watchkeeper.watchdog_incidents WHERE id = %(id)s", {"id": incident_id}
    )
    return row


async def test_many_watchdogs_make_one_incident_of_one_trouble(app: App) -> None:
    """Eight that find the same at the same moment open one incident, and one of them opened it."""
    given = await finding(app, "lease_expired", "job", evidence_ref="lease:1")

    async def watchdog() -> Recorded:
        async with app.database.transaction() as connection:
            [recorded] = await app.watchdog.incidents.record(connection, [given], Policy())
        return recorded

    all_recorded = await asyncio.gather(*(watchdog() for _ in range(8)))
    assert len({each.id for each in all_recorded}) == 1
    assert [each.opened for each in all_recorded].count(True) == 1
    row = await shown(app, all_recorded[0].id)
    assert (row["occurrences"], row["policy_version"], row["policy_digest"]) == (1, "default", "default")


async def test_a_count_is_of_different_evidence(app: App) -> None:
    """Seen again with the same evidence it is the same finding; with other evidence, or as an edge, it is one more."""
    first = await found(app, "fetch_failed", "w", evidence_ref="helper_event:1", evidence={"n": 1})
    assert (await found(app, "fetch_failed", "w", evidence_ref="helper_event:1")).occurrences == 1
    second = await found(app, "fetch_failed", "w", evidence_ref="helper_event:2", evidence={"n": 2})
    assert (second.id, second.occurrences, second.opened) == (first.id, 2, False)
    assert (await happened(app, "fetch_failed", "w")).occurrences == 3
    row = await shown(app, first.id)
    assert (row["first_evidence"], row["evidence_ref"]) == ({"n": 1}, "helper_event:2")


async def test_resolved_is_final_and_a_return_names_it(app: App, clock: MovingClock) -> None:
    """What was resolved stays so; within 7 days its return is a new incident that names it, later one that does not."""
    first = await found(app, "doctor_failed", "w")
    assert await close(app, first) is Closed.CLOSED
    assert await close(app, first) is Closed.NOT_YET
    again = await found(app, "doctor_failed", "w")
    assert again.id != first.id
    assert again.recurrence_of == first.id
    await close(app, again)
    clock.advance(WEEK + 1)
    assert (await found(app, "doctor_failed", "w")).recurrence_of is None
    assert (await shown(app, first.id))["state"] == "resolved"


async def test_nothing_is_closed_without_evidence_or_on_older_evidence(app: App) -> None:
    """No data is never a pass, and facts from before the last finding do not close what it found."""
    before = (await finding(app, "touch_failed")).found_at
    incident = await found(app, "touch_failed", "w")
    with pytest.raises(UsageError):
        await close(app, incident, Passed({}))
    assert await close(app, incident, Passed({"touch": "ok"}, before)) is Closed.NOT_YET
    decided = await happened(app, "job_not_found_after_claim", "j")
    with pytest.raises(Conflict, match="by a person"):
        await close(app, decided)


async def test_a_flapping_trouble_stays_open_until_it_has_passed_for_a_while(
    app: App, clock: MovingClock
) -> None:
    """The fourth opening within an hour is told as flapping and closes only after ten minutes without a finding."""
    for _ in range(3):
        incident = await found(app, "touch_failed", "w")
        assert not incident.is_flapping
        await close(app, incident)
        clock.advance(60)
    flapping = await found(app, "touch_failed", "w")
    assert flapping.is_flapping
    assert flapping.recurrence_of is not None
    assert await close(app, flapping) is Closed.HOLDING
    clock.advance(590)
    assert (await found(app, "touch_failed", "w")).id == flapping.id
    clock.advance(20)
    assert await close(app, flapping) is Closed.HOLDING
    await app.watchdog.incidents.keep_time()
    assert (await shown(app, flapping.id))["state"] == "open"
    clock.advance(601)
    assert (await app.watchdog.incidents.keep_time()).counts["passed"] == 1
    assert (await shown(app, flapping.id))["resolved_at"] is not None


async def test_people_are_told_of_the_cause_and_of_symptoms_it_left(app: App, clock: MovingClock) -> None:
    """The stuck queue is a symptom of the missing capability; when that is over and it stays, people hear of it."""
    stuck = await found(app, "queue_stuck", "k", kind="k")
    missing = await found(app, "missing_worker_kind", "k", kind="k")
    assert (await shown(app, stuck.id))["cause_id"] == missing.id
    clock.advance(31)
    assert await told(app) == ["missing_worker_kind"]
    await close(app, missing)
    assert await told(app) == []
    clock.advance(31)
    assert await told(app) == ["queue_stuck"]


async def test_a_blind_watchdog_mutes_the_rest_in_every_project(app: App, clock: MovingClock) -> None:
    """One alarm for everything while the watchdog does not see; a secret is told of all the same."""
    await app.kinds.ensure_project("q")
    await found(app, "queue_stuck", "k", kind="k", project="q")
    await found(app, "watchdog_blind", "ticks", project="system")
    await found(app, "doctor_failed", "w", worker_id="w")
    await happened(app, "secret_exposed", "w", worker_id="w")
    clock.advance(60)
    assert sorted(await told(app)) == ["secret_exposed", "watchdog_blind"]


async def test_an_acknowledgement_mutes_until_it_runs_out(app: App, clock: MovingClock) -> None:
    """People hear nothing while somebody takes care; then the incident has its state back, and asks."""
    incident = await happened(app, "artifact_lost", "a")
    ack = {"actor": "principal:mei", "note": "on it", "until": timedelta(hours=1)}
    await app.watchdog.incidents.acknowledge("p", incident.id, **ack)
    row = await shown(app, incident.id)
    assert (row["state"], row["acknowledged_by"], row["acknowledged_note"]) == (
        "acknowledged",
        "principal:mei",
        "on it",
    )
    assert await told(app) == []
    clock.advance(3601)
    assert (await app.watchdog.incidents.keep_time()).counts["acknowledgements_ended"] == 1
    assert (await shown(app, incident.id))["state"] == "open"
    assert await told(app) == ["artifact_lost"]


async def test_silence_mutes_people_and_not_the_record(app: App, clock: MovingClock) -> None:
    """Quiet until T: findings count on, it is closed as ever, its return is quiet too; after T people hear of it."""
    incident = await happened(app, "multiple_primary_jobs", "w", worker_id="w")
    quiet = {"actor": "principal:mei", "reason": "a migration", "until": timedelta(hours=2)}
    await app.watchdog.incidents.quiet("p", incident.id, **quiet)
    assert (await happened(app, "multiple_primary_jobs", "w", worker_id="w")).occurrences == 2
    await close(app, incident)
    again = await happened(app, "multiple_primary_jobs", "w", worker_id="w")
    assert again.recurrence_of == incident.id
    assert await told(app) == []
    clock.advance(7201)
    assert await told(app) == ["multiple_primary_jobs"]


async def test_a_stop_condition_stops_on_new_evidence_and_only_where_the_policy_acts(app: App) -> None:
    """A resumed worker is not stopped again by the same evidence, and is by new; an observed rule stops nobody."""

    async def stopped() -> bool:
        [row] = await rows(app.database, "SELECT stopped_at FROM watchkeeper.workers WHERE worker_id = 'w'")
        return row["stopped_at"] is not None

    about = {"worker_id": "w", "evidence_ref": "heartbeat:3"}
    first = await found(app, "silent_loop", "w", **about)
    assert first.stopped_worker == "w"
    assert await stopped()
    await app.fleet.resume("p", "w", actor="principal:mei", reason="looked at it")
    assert (await found(app, "silent_loop", "w", **about)).stopped_worker is None
    assert not await stopped()
    assert (await found(app, "silent_loop", "w", **{**about, "evidence_ref": "heartbeat:6"})).stopped_worker
    watched = Policy(rules={RuleName.SILENT_LOOP: RuleChange(mode=PolicyMode.OBSERVE)})
    seen = await found(app, "silent_loop", "v", policy=watched, worker_id="v")
    assert seen.opened
    assert seen.stopped_worker is None


async def test_no_worker_is_stopped_while_all_actions_are_off(app: App) -> None:
    """The switch that stops all actions stops this one too; the incident is there."""
    await app.kinds.set_switch("actions", is_on=False, actor="t", reason="t")
    incident = await happened(app, "hidden_failure", "w", worker_id="w")
    assert incident.opened
    assert incident.stopped_worker is None


async def test_a_rule_that_is_off_makes_no_incident(app: App) -> None:
    """Turned off in the policy, a rule's findings are left out; the others of the batch are recorded."""
    off = Policy(rules={RuleName.FETCH_FAILED: RuleChange(mode=PolicyMode.OFF)})
    given = [await finding(app, rule) for rule in ("fetch_failed", "doctor_failed")]
    async with app.database.transaction() as connection:
        recorded = await app.watchdog.incidents.record(connection, given, off)
    assert [each.rule for each in recorded] == ["doctor_failed"]


async def test_only_a_person_closes_what_a_person_decides_and_nothing_else(app: App) -> None:
    """A word that the secret was rotated closes that incident; a failed doctor wants a doctor that passes."""
    secret, doctor = await happened(app, "secret_exposed", "w"), await found(app, "doctor_failed", "w")
    assert (await shown(app, secret.id))["state"] == "needs_human"
    await app.watchdog.incidents.resolve("p", secret.id, actor="principal:mei", reason="rotated")
    row = await shown(app, secret.id)
    assert (row["state"], row["resolved_by"], row["pass_evidence"]["reason"]) == (
        "resolved",
        "principal:mei",
        "rotated",
    )
    with pytest.raises(Conflict, match="doctor passes again"):
        await app.watchdog.incidents.resolve("p", doctor.id, actor="principal:mei", reason="fine")


async def test_every_change_of_an_incident_is_in_the_audit_trail(app: App) -> None:
    """Opened, acknowledged, quieted and resolved: each is one row, in the transaction of the change."""
    incident = await happened(app, "crash_loop", uuid4().hex)
    one = {"actor": "principal:mei", "until": timedelta(hours=1)}
    await app.watchdog.incidents.acknowledge("p", incident.id, note="n", **one)
    await app.watchdog.incidents.quiet("p", incident.id, reason="r", **one)
    await app.watchdog.incidents.resolve("p", incident.id, actor="principal:mei", reason="resumed")
    trail = await rows(
        app.database,
        "SELECT event, old_state, new_state FROM watchkeeper.audit_events"
        " WHERE data->>'incident_id' = %(id)s ORDER BY seq",
        {"id": str(incident.id)},
    )
    assert [tuple(row.values()) for row in trail] == [
        ("incident_opened", None, "open"),
        ("incident_acknowledged", "open", "acknowledged"),
        ("incident_quieted", None, None),
        ("incident_resolved", "acknowledged", "resolved"),
    ]
