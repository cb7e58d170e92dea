"""Who is believed about jobs and workers of the own queue, as a hostile worker of the same project finds it."""

from __future__ import annotations

from typing import Any

import pytest

from interfaces.api_client import Answered, Api
from raw_sql import rows
from services.watched import open_rules, watchdog

EVENTS = "/api/watchdog/helper-events"
RUNS = "/api/watchdog/worker-runs"
FAILED = {"command": "complete", "exit_code": 1, "error_code": "contract_rejected"}
DONE = {"phase": "complete", "status": "ok"}
SECRET_SEEN = {"command": "touch", "exit_code": 0, "output": "key", "redacted": ["github_token"]}


async def _told(api: Api, job: dict[str, Any], worker: str = "w1", **sent: Any) -> list[Answered]:
    """Say that a job's completion failed, and then that it is done: a hidden failure."""
    about = {"job_id": job["id"], "worker_id": worker}
    failed = await api.post(EVENTS, about | FAILED, **sent)
    return [failed, await api.post(RUNS, about | DONE, **sent)]


async def _rules(api: Api) -> list[str]:
    await watchdog(api.app).run_once()
    return await open_rules(api.app)


async def _stopped(api: Api) -> list[str]:
    query = "SELECT worker_id FROM watchkeeper.workers WHERE stopped_at IS NOT NULL"
    return [row["worker_id"] for row in await rows(api.app.database, query)]


async def test_a_stranger_s_records_on_a_job_are_refused_and_stop_nobody(api: Api) -> None:
    """Without its lease, under a guessed one or another job's, by another's job token: 409, and nothing is kept."""
    job, other = await api.claimed(), await api.claimed("other", "w2")
    token = await api.token("worker", name="stranger")
    path = f"/api/worker/jobs/{other['id']}/token"
    made = await api.ask("POST", path, {}, role="worker", lease=other["lease_token"])
    for sent in (
        {"token": token},
        {"token": token, "lease": "1.guessed-and-wrong"},
        {"token": token, "lease": other["lease_token"]},
        {"token": made.body["token"]},
    ):
        for answered in await _told(api, job, **sent):
            assert (answered.status, answered.code) == (409, "own_lease"), sent
            assert "Watchkeeper-Lease" in answered.body["error"]["hint"]
    assert (await api.post(EVENTS, {"worker_id": "w1", **SECRET_SEEN}, token=token)).code == "own_lease"
    assert (
        await api.post(EVENTS, {"worker_id": "w9", **SECRET_SEEN}, token=made.body["token"])
    ).code == "own_lease"
    assert (await _rules(api), await _stopped(api)) == ([], [])
    assert await rows(api.app.database, "SELECT 1 FROM watchkeeper.worker_runs") == []


@pytest.mark.parametrize("proof", ["lease", "job token", "supervisor", "name"])
async def test_who_holds_a_job_is_believed_and_filed_under_its_own_name(api: Api, proof: str) -> None:
    """By the lease's token, the job's own token, the worker's own name, or a supervisor's; after the end too."""
    job = await api.claimed()
    made = await api.ask(
        "POST", f"/api/worker/jobs/{job['id']}/token", {}, role="worker", lease=job["lease_token"]
    )
    sent: dict[str, Any] = {
        "lease": {"role": "worker", "lease": job["lease_token"]},
        "job token": {"token": made.body["token"]},
        "supervisor": {"role": "supervisor"},
        "name": {"token": await api.token("worker", name="w1")},
    }[proof]
    said = "w1" if proof == "supervisor" else "somebody-else"
    assert [each.status for each in await _told(api, job, said, **sent)] == [200, 200]
    assert "hidden_failure" in await _rules(api)
    assert await _stopped(api) == ["w1"]
    if proof == "lease":
        await api.command("release", job, reason="over")
        assert (await _told(api, job, **sent))[0].status == 200


async def test_heartbeats_of_an_own_worker_are_kept_and_judged_by_nothing(api: Api) -> None:
    """Another can make it neither sick nor a silent loop, nor seem touched; a foreign worker is as it is told."""
    await api.worker("touch")
    token = await api.token("worker", name="stranger")
    for n in range(4):
        for worker in ("w1", "h1"):
            job = f"{worker}-made-up-{n}"
            beat = {"claim_ok": True, "current_job_id": job, "doctor_ok": True, "touch_ok": True}
            await api.post("/api/watchdog/health", {"worker_id": worker, **beat}, token=token)
            attempt = {"worker_id": worker, "job_id": job, "complete_status": "released" if n else None}
            assert (await api.post("/api/pls/watchdog/job-attempt", attempt, token=token)).status == 200
    await api.worker("touch")
    await _rules(api)
    assert await _stopped(api) == ["h1"], "a silent loop"
    await rows(
        api.app.database,
        "UPDATE watchkeeper.workers SET touch_requested_at = watchkeeper.now(), doctor_ok = true",
    )
    for worker in ("w1", "h1"):
        beat = {"worker_id": worker, "doctor_ok": False, "touch_ok": True}
        await api.post("/api/watchdog/health", beat, token=token)
    assert "doctor_failed" in await _rules(api)
    [mine] = await rows(
        api.app.database,
        "SELECT doctor_ok, touch_requested_at FROM watchkeeper.workers WHERE worker_id = 'w1'",
    )
    assert (mine["doctor_ok"], mine["touch_requested_at"] is None) == (True, False)
    query = "SELECT worker_id FROM watchkeeper.watchdog_incidents WHERE worker_id = 'w1'"
    assert await rows(api.app.database, query) == []


async def test_what_is_told_of_a_foreign_job_stops_no_own_worker(api: Api) -> None:
    """A made-up job, a made-up failure of it: the incident is hearsay, for a person; a foreign worker is stopped."""
    await api.worker("touch")
    token = await api.token("worker", name="stranger")
    for worker in ("w1", "h1"):
        await _told(api, {"id": f"made-up-by-{worker}"}, worker, token=token)
    assert (await _rules(api)).count("hidden_failure") == 2
    assert await _stopped(api) == ["h1"]
    for _ in range(2):
        await api.app.watchdog.repair.run_once()
    assert await _stopped(api) == ["h1"]


async def test_an_agent_proposes_lessons_with_its_job_token(api: Api) -> None:
    """They are proposed, never published; the token opens nothing else outside of its job."""
    job = await api.claimed()
    path = f"/api/worker/jobs/{job['id']}/token"
    token = (await api.ask("POST", path, {}, role="worker", lease=job["lease_token"])).body["token"]
    learnt = await api.post("/api/lessons", {"topic_key": "t", "learned": ["Touch first."]}, token=token)
    assert learnt.status == 201
    [kept] = (await api.get("/api/lessons")).body["lessons"]
    assert kept["state"] == "proposed"
    publish = f"/api/lessons/{kept['id']}/publish"
    assert (await api.post(publish, {"reason": "mine"}, token=token)).code == "permission_denied"
    assert (await api.get("/api/lessons", token=token)).code == "permission_denied"
    assert (await api.post("/api/proposals", {"decision": "d"}, token=token)).code == "permission_denied"
