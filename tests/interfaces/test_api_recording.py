"""What is recorded from outside, as its senders see it: whole rounds, odd orders, and what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from pydantic import TypeAdapter

from interfaces.api_client import Answered, Api
from interfaces.contract_schemas import holds, schemas
from moving_clock import MovingClock
from raw_sql import rows
from watchkeeper.interfaces.api.record_bodies import (
    ArtifactCheckOrList,
    HealthOrList,
    HelperEventOrList,
    JobAttemptOrList,
    LeaseBody,
    WorkerRunOrList,
)

JOB = "13f31bea-7900-462d-8a46-56718f34c66f"
PAGE = "https://pages.example.org/report.html"
WATCHDOG = "/api/watchdog"
PLS = "/api/pls/watchdog"


def ahead(minutes: float) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()


async def send(api: Api, path: str, body: Any, **options: Any) -> Answered:
    """Send a record as a worker, and hold the answer to the published form."""
    answered = await api.post(path, body, role="worker", key=None, **options)
    if answered.status == 200:
        holds("recorded.json", answered.body)
    return answered


async def attempt(api: Api, **fields: Any) -> dict[str, Any]:
    """Report where the attempt of worker h1 at the job stands; give where the job does."""
    body = {"job_id": JOB, "worker_id": "h1", "kind": "brief", **fields}
    return (await send(api, f"{PLS}/job-attempt", body)).job


async def leases(api: Api) -> list[dict[str, Any]]:
    return list((await api.get("/api/leases")).body["leases"])


def test_the_published_bodies_are_those_that_are_taken() -> None:
    """docs/reference/schemas/records.json has each body of a record as the server reads it."""
    models = TypeAdapter(
        HealthOrList
        | WorkerRunOrList
        | HelperEventOrList
        | ArtifactCheckOrList
        | JobAttemptOrList
        | LeaseBody
    )
    expected = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "records.json",
        "title": "Records",
        "description": "The bodies of what is recorded from outside, by name.",
        "$defs": models.json_schema()["$defs"],
    }
    assert schemas().contents("records.json") == expected, json.dumps(expected, indent=2)


async def a_round(api: Api) -> dict[str, Any]:
    """Report two heartbeats, the second with a job, and all that its attempt did to the end; give the job."""
    beat = {"worker_id": "h1", "automation_id": "cron-7", "status": "ok", "doctor_ok": True, "touch_ok": True}
    first = await send(api, f"{PLS}/heartbeat", {**beat, "claim_ok": True, "created_at": ahead(-60)})
    assert (first.body["no_job_count"], first.body["job"], first.body["stopped"]) == (1, None, False)
    claimed = await attempt(api, phase="claim", attempt_id="a-1", lease_expires_at=ahead(15))
    assert [claimed[name] for name in ("state", "origin", "external_id", "attempt")] == [
        *("running", "helper", JOB),
        1,
    ]
    holding = {**beat, "claim_ok": True, "current_job_id": JOB, "lease_expires_at": ahead(14)}
    second = await send(api, f"{WATCHDOG}/health", holding)
    assert (second.body["no_job_count"], second.job) == (0, claimed)
    [lease] = await leases(api)
    seen = [lease[name] for name in ("job_id", "worker_id", "phase", "origin", "risk_level")]
    assert seen == [claimed["id"], "h1", "claim", "helper", "normal"]
    run = {"worker_id": "h1", "job_id": JOB, "phase": "reading_context", "status": "ok"}
    build = run | {"phase": "building_artifact", "started_at": ahead(-90), "ended_at": ahead(-80)}
    kept = await send(api, f"{WATCHDOG}/worker-runs", [run, build])
    assert [each["job"]["state"] for each in kept.body["recorded"]] == ["running", "running"]
    event = {"command": "complete", "exit_code": 0, "worker_id": "h1", "job_id": JOB, "output": "done"}
    await send(api, f"{WATCHDOG}/helper-events", event)
    check = {"job_id": JOB, "primary_url": PAGE, "http_status": 200, "file_count": 13}
    assert (await send(api, f"{WATCHDOG}/artifact-verifications", check)).body["passed"]
    return await attempt(api, phase="complete", complete_status="completed", primary_artifact_ref=PAGE)


async def test_a_whole_round_of_a_foreign_worker_ends_in_the_views(api: Api) -> None:
    """Heartbeat, attempt, phases, command, check, completion: each stands where dashboards look for it."""
    done = await a_round(api)
    assert done["state"] == "completed"
    beats = await rows(api.app.database, "SELECT * FROM watchkeeper.worker_heartbeat ORDER BY id")
    assert [str(row["current_job_id"]) for row in beats] == ["None", done["id"]]
    [tried] = await rows(api.app.database, "SELECT * FROM watchkeeper.worker_job_attempt")
    assert str(tried["job_id"]) == done["id"]
    assert [tried[name] for name in ("attempt_id", "phase", "complete_status", "primary_artifact_ref")] == [
        *("a-1", "complete", "completed"),
        PAGE,
    ]
    assert tried["completed_at"] >= tried["started_at"]
    assert await leases(api) == []
    job = (await api.get(f"/api/jobs/{JOB}")).job
    assert (job["state"], job["verified"], job["origin"]) == ("completed", "artifact", "helper")
    told = [row["event"] for row in (await api.get(f"/api/jobs/{JOB}/timeline")).body["timeline"]]
    assert {"job_mirrored", "job_claimed", "context_read", "progress_written", "artifact_verified"} <= {*told}
    assert "complete_succeeded" in told


async def test_a_senders_clock_gives_lengths_and_no_times(api: Api) -> None:
    """A phase of ten minutes an hour and a half ago has just ended, and took ten minutes."""
    await a_round(api)
    built = "SELECT started_at, ended_at, reported_at FROM watchkeeper.worker_runs WHERE phase = 'building_artifact'"
    [run] = await rows(api.app.database, built)
    assert (run["ended_at"] - run["started_at"]).total_seconds() == pytest.approx(600, abs=1)
    assert datetime.now(UTC) - run["ended_at"] < timedelta(minutes=5)
    assert datetime.now(UTC) - run["reported_at"] > timedelta(minutes=79)


async def test_a_mirrored_job_is_never_claimed_here_and_never_lost(api: Api) -> None:
    """A worker that takes everything is given nothing of it, whatever becomes of it; it is moved where it lives."""
    await attempt(api, phase="claim", lease_expires_at=ahead(-1))
    for fields, state in (
        ({"phase": "context"}, "running"),
        ({"complete_status": "stuck", "error_code": "command_failed_twice"}, "stuck"),
        ({"phase": "building_artifact"}, "running"),
        ({"complete_status": "released"}, "pending"),
    ):
        assert (await attempt(api, **fields))["state"] == state
        assert (await api.get(f"/api/jobs/{JOB}")).job["state"] == state
        for act in ("pause", "resume", "requeue", "fail", "cancel"):
            refused = await api.post(f"/api/jobs/{JOB}/{act}", {"reason": "mine"})
            assert (refused.status, refused.code) == (409, "conflict"), (state, act)
        for duty in api.app.maintenance.duties():
            await duty.run_once()
        assert (await api.worker("claim")).body["job"] is None, state
    outcome = await attempt(api, phase="fail", complete_status="failed", error_message="no template")
    assert outcome["state"] == "failed"
    assert (await api.post(f"/api/jobs/{JOB}/requeue", {"reason": "mine"})).code == "conflict"
    assert (await api.worker("claim")).body["job"] is None
    again = await attempt(api, phase="claim", attempt_id="a-9")
    assert (again["state"], again["id"] != outcome["id"]) == ("running", True)
    assert (await api.get(f"/api/jobs/{JOB}")).job["retry_of"] == outcome["id"]


async def test_success_that_was_not_seen_is_not_believed(api: Api) -> None:
    """Where the last complete failed, or the report itself names an error, the job is stuck and not completed."""
    await attempt(api, phase="claim")
    failed = {"command": "complete", "exit_code": 1, "job_id": JOB, "error_code": "contract_rejected"}
    await send(api, f"{WATCHDOG}/helper-events", failed)
    assert (await attempt(api, phase="complete", complete_status="completed"))["state"] == "stuck"
    await send(api, f"{WATCHDOG}/helper-events", failed | {"exit_code": 0, "error_code": None})
    named = {"phase": "complete", "complete_status": "completed", "error_code": "contract_rejected"}
    assert (await attempt(api, **named))["state"] == "stuck"
    job = (await api.get(f"/api/jobs/{JOB}")).job
    assert job["state_reason"] == "contract_rejected"
    assert (await attempt(api, phase="complete", complete_status="completed"))["state"] == "completed"
    assert (await api.get(f"/api/jobs/{JOB}")).job["verified"] == "none", "nobody looked at an artifact"


async def test_risk_follows_the_reported_lease(api: Api, clock: MovingClock) -> None:
    """normal, near_expiry, expired, stale by the database's clock; a short lease in health is not at risk."""
    await attempt(api, phase="claim", lease_expires_at=ahead(15))
    short = {"job_id": "short", "worker_id": "h2", "phase": "claim", "lease_expires_at": ahead(1)}
    await send(api, f"{PLS}/job-attempt", short)
    seen = {lease["worker_id"]: lease["risk_level"] for lease in await leases(api)}
    assert seen == {"h1": "normal", "h2": "normal"}
    levels = []
    for seconds in (13 * 60, 150, 60):
        clock.advance(seconds)
        levels += [lease["risk_level"] for lease in await leases(api) if lease["worker_id"] == "h1"]
    assert levels == ["near_expiry", "expired", "stale"]
    renewed = await api.ask(
        "PATCH", f"{WATCHDOG}/job-leases/{JOB}", {"lease_expires_at": ahead(60)}, role="worker", key=None
    )
    assert renewed.body["lease"]["risk_level"] == "normal"


@pytest.mark.parametrize(
    ("action", "state", "outcome"),
    [("release", "pending", "released"), ("reclaim", "pending", "lost"), ("mark_stale", "stuck", "running")],
)
async def test_a_supervisor_decides_on_a_reported_lease(
    api: Api, action: str, state: str, outcome: str
) -> None:
    """With a reason and once, and its holder is told; a worker may not; what is nobody's any more is not decided on."""
    path = f"{WATCHDOG}/job-leases/{JOB}"
    await attempt(api, phase="claim", lease_expires_at=ahead(-10))
    body = {"action": action, "reason": "its holder is gone"}
    assert (await api.ask("PATCH", path, body, role="worker")).code == "permission_denied"
    assert (await api.ask("PATCH", path, {"action": action}, role="supervisor")).code == "usage"
    assert (await api.ask("PATCH", path, body, role="supervisor")).job["state"] == state
    [tried] = await rows(api.app.database, "SELECT outcome FROM watchkeeper.job_attempts")
    assert tried["outcome"] == outcome
    timeline = (await api.get(f"/api/jobs/{JOB}/timeline")).body["timeline"]
    [moved] = [row for row in timeline if row["new_state"] == state][-1:]
    assert moved["reason"].startswith("its holder is gone")
    [repair] = await rows(api.app.database, "SELECT action, actor FROM watchkeeper.repair_actions")
    assert repair == {"action": action, "actor": "principal:p/supervisor-p-None"}
    said = {"worker_id": "h1", "command": "progress", "exit_code": 0, "job_id": JOB}
    asked = (await send(api, f"{WATCHDOG}/helper-events", said)).body["requested"]
    assert [(each["action"], each["external_id"]) for each in asked] == [(action, JOB)]
    if state == "pending":
        assert (await api.ask("PATCH", path, body, role="supervisor")).code == "conflict"


async def test_a_lease_of_the_own_queue_is_not_reported(api: Api) -> None:
    """Its attempts, leases and checks are what this database knows: 409 own_lease, and nothing is kept."""
    own = await api.claimed()
    check = {"job_id": own["id"], "primary_url": PAGE, "http_status": 200, "file_count": 1}
    for answered in (
        await api.ask("PATCH", f"{WATCHDOG}/job-leases/{own['id']}", {"lease_expires_at": ahead(9)}),
        await api.ask("PATCH", f"{WATCHDOG}/job-leases/{own['id']}", {"action": "release", "reason": "x"}),
        await send(api, f"{PLS}/job-attempt", {"job_id": own["id"], "worker_id": "w1", "phase": "build"}),
        await send(api, f"{WATCHDOG}/artifact-checks", check),
    ):
        assert (answered.status, answered.code) == (409, "own_lease")
    assert (await api.command("context", own)).status == 200
    assert await rows(api.app.database, "SELECT 1 FROM watchkeeper.artifact_checks") == []


async def test_a_record_with_an_id_is_kept_once(api: Api) -> None:
    """Who sends again what was not answered changes nothing; so does the same idempotency key."""
    beat = {"worker_id": "h1", "status": "ok", "id": str(uuid4())}
    event = {"command": "touch", "exit_code": 0, "worker_id": "h1"}
    assert [(await send(api, f"{PLS}/heartbeat", beat)).body["existing"] for _ in range(2)] == [False, True]
    for _ in range(2):
        await api.post(f"{WATCHDOG}/helper-events", event, role="worker", key="k1")
    for table in ("worker_heartbeats", "helper_events"):
        assert len(await rows(api.app.database, f"SELECT 1 FROM watchkeeper.{table}")) == 1, table


async def test_a_list_is_kept_whole_or_not_at_all(api: Api) -> None:
    """One record that cannot be kept undoes the others, and the answer says which key was wrong."""
    own = await api.claimed()
    event = {"command": "touch", "exit_code": 0}
    mixed = [{"job_id": "theirs", "worker_id": "h1"}, {"job_id": own["id"], "worker_id": "h1"}]
    assert (await api.post(f"{PLS}/job-attempt", mixed, role="worker")).code == "own_lease"
    assert (await api.get("/api/jobs/theirs")).code == "job_not_found"
    refused = await api.post(f"{WATCHDOG}/helper-events", [event, {**event, "exitcode": 1}], role="worker")
    assert (refused.status, "did you mean 'exit_code'" in refused.body["detail"]) == (400, True)
    wrong = await api.post(f"{WATCHDOG}/health", {"queues": [{"kind": "brief", "redy": 1}]}, role="worker")
    assert "did you mean 'ready'" in wrong.body["detail"]
    for body in ({"worker_id": "h", "origin": "own"}, {"worker_id": "h", "current_job_id": "x", "kind": "?"}):
        assert (await api.post(f"{WATCHDOG}/health", body, role="worker")).code == "usage"


async def test_secrets_in_reports_are_taken_out(api: Api) -> None:
    """In outputs, messages, addresses and payloads; the hash is that of what is kept."""
    secret = "ghp_" + "A1b2C3d4E5f6G7h8I9j0" + "K1l2M3n4O5p6Q7r8"
    await attempt(api, phase="claim", error_message=f"token {secret}")
    run = {"worker_id": "h1", "job_id": JOB, "phase": "build", "status": "failed", "payload": {"t": secret}}
    await send(api, f"{WATCHDOG}/worker-runs", run | {"message": secret})
    event = {"command": "claim", "exit_code": 0, "job_id": JOB, "output": f"it is {secret}"}
    kept = await send(api, f"{WATCHDOG}/helper-events", event | {"output_hash": "f00"})
    check = {"job_id": JOB, "primary_url": f"{PAGE}?token={secret}", "http_status": 404, "output": secret}
    await send(api, f"{WATCHDOG}/artifact-checks", check)
    stored = ""
    for table in ("foreign_leases", "worker_runs", "helper_events", "artifact_checks", "audit_events"):
        stored += str(await rows(api.app.database, f"SELECT t::text AS text FROM watchkeeper.{table} t"))
    assert secret not in stored
    assert stored.count("[redacted:") >= 5
    assert kept.body["output_hash"] in stored


async def test_counters_tell_whether_a_foreign_queue_moves(api: Api, clock: MovingClock) -> None:
    """A claim shows in its total, in a shorter queue or a younger oldest; waiting goes on where none of these does."""
    facts = "SELECT ready_since, moved_at, received_at FROM watchkeeper.foreign_queues"

    async def told(**counters: Any) -> dict[str, Any]:
        await send(api, f"{WATCHDOG}/health", {"queues": [{"kind": "brief", **counters}], "origin": "hermes"})
        [row] = await rows(api.app.database, facts)
        return row

    first = await told(ready=3, oldest_ready_age_s=120.0, claimed_total=7)
    assert (first["received_at"] - first["ready_since"], first["moved_at"]) == (timedelta(minutes=2), None)
    clock.advance(600)
    stands = await told(ready=3, oldest_ready_age_s=720.0, claimed_total=7)
    assert stands["moved_at"] is None
    assert stands["received_at"] - stands["ready_since"] == timedelta(minutes=12)
    assert (await told(ready=4, oldest_ready_age_s=720.0, claimed_total=8))["moved_at"] is not None
    clock.advance(60)
    before = (await told(ready=4))["moved_at"]
    clock.advance(60)
    assert (await told(ready=3))["moved_at"] > before
    assert (await told(ready=0))["ready_since"] is None
