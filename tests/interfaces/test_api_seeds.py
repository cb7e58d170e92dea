"""Programs of other platforms send what their own documents print: those are taken as they stand."""

from __future__ import annotations

from uuid import uuid4

from interfaces.api_client import Api
from raw_sql import rows

TIMES = {"started_at": "2026-05-23T10:00:00Z", "ended_at": "2026-05-23T18:00:30.5+08:00"}

FAILED = {
    "output_hash": "e36b37371330f2e74e73af799dd7f725",
    "error_code": "INTERNAL_ERROR",
    "created_at": "2026-05-23T10:00:00Z",
}
CHECKED = {
    "primary_url": "https://pages.example.org/console.html",
    "http_status": 200,
    "file_count": 13,
    "checked_at": "2026-05-23T10:00:00Z",
}


async def test_the_watchdog_pack_s_records_are_taken(api: Api) -> None:
    """worker_runs, job_leases, helper_events, repair_actions and artifact_checks, each with all its fields."""
    job = str(uuid4())
    run = {
        "id": str(uuid4()),
        "worker_id": "codex-1",
        "job_id": job,
        "phase": "claim",
        "status": "ok",
        **TIMES,
    }
    assert (await api.post("/api/watchdog/worker-runs", run, role="worker", key=None)).status == 200
    lease = {
        "job_id": job,
        "lease_expires_at": "2099-05-23T12:00:00Z",
        "last_heartbeat_at": "2026-05-23T11:50:00Z",
        "risk_level": "normal",
    }
    kept = await api.ask("PATCH", f"/api/watchdog/job-leases/{job}", lease, role="worker", key=None)
    assert (kept.status, kept.body["job"]["external_id"]) == (200, job)
    other = await api.ask("PATCH", "/api/watchdog/job-leases/other", lease, role="worker", key=None)
    assert (other.status, other.code) == (400, "usage")
    event = {"id": str(uuid4()), "job_id": job, "command": "context", "exit_code": 1, **FAILED}
    assert (await api.post("/api/watchdog/helper-events", event, role="worker", key=None)).status == 200
    check = {"id": str(uuid4()), "job_id": job, **CHECKED}
    assert (await api.post("/api/watchdog/artifact-checks", check, role="worker", key=None)).status == 200
    found = await rows(
        api.app.database, "SELECT error_code FROM watchkeeper.helper_events WHERE job_id IS NOT NULL"
    )
    assert [row["error_code"] for row in found] == ["INTERNAL_ERROR"]


async def test_a_repair_is_suggested_in_the_words_of_the_pack(api: Api) -> None:
    """touch, mark_stuck and release of a job that runs, retry of one that is stuck; what was done is no suggestion."""
    job = await api.claimed()
    wish = {
        "id": str(uuid4()),
        "job_id": job["id"],
        "trigger": "stale lease",
        "authority": "worker",
        "result": None,
    }
    said = {}
    for action in ("touch", "mark_stuck", "release"):
        asked = await api.post(
            "/api/watchdog/repair-actions", {**wish, "action": action}, role="worker", key=None
        )
        assert asked.status == 201, asked.body
        said[action] = (asked.body["repair"]["action"], asked.body["repair"]["reason"])
    assert said == {
        "touch": ("ask_renewal", "stale lease"),
        "mark_stuck": ("mark_stale", "stale lease"),
        "release": ("release", "stale lease"),
    }
    await api.post(f"/api/jobs/{job['id']}/pause", {"reason": "x"})
    asked = await api.post(
        "/api/watchdog/repair-actions", {**wish, "action": "retry"}, role="worker", key=None
    )
    assert asked.body["repair"]["action"] == "requeue"
    for wrong in ({"result": "success"}, {"trigger": None}, {"job": job["id"]}):
        body = {**wish, "action": "release", **wrong}
        refused = await api.post("/api/watchdog/repair-actions", body, role="worker", key=None)
        assert (refused.status, refused.code) == (400, "usage"), wrong


async def test_the_stability_pack_s_records_are_taken(api: Api) -> None:
    """worker_heartbeat and worker_job_attempt with all their fields; the status answers health, job, reason, action."""
    job = "13f31bea-7900-462d-8a46-56718f34c66f"
    beat = {
        "id": str(uuid4()),
        "worker_id": "codex-2",
        "automation_id": "hourly",
        "status": "ok",
        "doctor_ok": True,
        "touch_ok": True,
        "claim_ok": True,
        "current_job_id": job,
        "lease_expires_at": "2099-05-24T18:00:00+08:00",
        "created_at": "2026-05-24T17:00:00+08:00",
    }
    assert (await api.post("/api/pls/watchdog/heartbeat", beat, role="worker", key=None)).status == 200
    attempt = {
        "id": str(uuid4()),
        "job_id": job,
        "worker_id": "codex-2",
        "attempt_id": "a-1",
        "phase": "complete",
        "primary_artifact_ref": "https://pages.example.org/pack.html",
        "complete_status": "rejected",
        "error_code": "contract_rejected",
        "error_message": "missing artifact kind",
        "started_at": "2026-05-24T17:00:00+08:00",
        "completed_at": "2026-05-24T17:30:00+08:00",
    }
    assert (await api.post("/api/pls/watchdog/job-attempt", attempt, role="worker", key=None)).status == 200
    status = await api.get("/api/pls/watchdog/workers/codex-2/status", role="viewer")
    assert {"health", "current_job", "stuck_reason", "next_action"} <= set(status.body)
    assert status.body["current_job"] is not None


async def test_times_are_rfc_3339_both_ways(api: Api) -> None:
    """A number, a date alone, or a time without its zone is refused; what is answered has an offset."""
    for wrong in (1_700_000_000, "2026-05-23", "2026-05-23T10:00:00", "23 May 2026 10:00 UTC", "1700000000"):
        refused = await api.post("/api/jobs", {"kind": "report", "run_at": wrong})
        assert (refused.status, refused.code) == (400, "usage"), wrong
    for right in ("2099-05-23T10:00:00Z", "2099-05-23t10:00:00.123456+08:00"):
        job = await api.enqueue(run_at=right)
        told = (await api.get(f"/api/jobs/{job}")).job["run_at"]
        assert told.startswith("2099-05-23T")
        assert told[-6] in "+-"
