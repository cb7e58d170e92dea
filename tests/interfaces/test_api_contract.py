"""The contract over HTTP: a job's way from claim to its end, and how it is claimed."""

from __future__ import annotations

import asyncio
from typing import Any

from interfaces.api_client import PAGE, Api, somebody_waits
from raw_sql import rows
from secret_examples import SECRETS
from watchkeeper.services.claims import ClaimAsked
from watchkeeper.settings import Settings

PAGE_CONTRACT: dict[str, Any] = {"required_kinds": ["html_page"]}
PRIMARY = [{"kind": "html_page", "path": "index.html", "primary": True}]


async def test_a_worker_carries_a_job_from_doctor_to_complete(api: Api) -> None:
    """doctor, touch, claim, context, progress, files, verify, complete: each answers as the contract says."""
    await api.declare(contract=PAGE_CONTRACT)
    job_id = await api.enqueue(payload={"topic": "queues"}, deliverable_id="d-1", external_id="r-1")
    assert (await api.worker("doctor")).body["ok"] is True
    touched = await api.worker("touch", automation_id="cron-7")
    assert (touched.body["touched"], touched.body["health"]) == (True, "ok")
    claimed = await api.worker("claim", kinds=["report"], wait_seconds=0)
    job = claimed.job
    assert (job["id"], job["attempt"], job["payload"]) == (job_id, 1, {"topic": "queues"})
    assert (job["deliverable_id"], job["redelivered"], job["epoch"]) == ("d-1", False, 1)
    assert job["external_id"] == "r-1"
    assert job["contract"]["required_kinds"] == ["html_page"]
    context = await api.command("context", job)
    assert context.body["contract"] == job["contract"]
    progress = await api.command(
        "progress", job, message="reading", phase="reading_context", payload={"n": 1}
    )
    assert progress.body["cancel_requested"] is False
    stored = await api.upload(job, index__html=PAGE)
    assert [file["kind"] for file in stored.body["artifacts"]] == ["html_page"]
    verified = await api.command("verify", job)
    assert (verified.body["failed"], verified.body["file_count"]) == ([], 1)
    done = await api.command("complete", job, summary="a page", artifacts=PRIMARY)
    assert (done.body["status"], done.body["verified"]) == ("completed", "artifact")
    shown = (await api.get(f"/api/jobs/{job_id}")).job
    assert (shown["state"], shown["verified"], shown["artifacts"][0]["is_primary"]) == (
        "completed",
        "artifact",
        True,
    )
    events = [row["event"] for row in (await api.get(f"/api/jobs/{job_id}/timeline")).body["timeline"]]
    assert {"job_claimed", "reading_context", "verify", "complete_succeeded"} <= set(events)


async def test_a_job_can_be_named_by_its_foreign_id_with_slashes(api: Api) -> None:
    """Every path of a job takes its foreign id, also one that holds slashes."""
    await api.enqueue(external_id="team/7/report")
    job = (await api.worker("claim")).job
    by_name = {**job, "id": "team%2F7%2Freport"}
    assert (await api.command("context", by_name)).body["job"]["external_id"] == "team/7/report"
    assert (await api.get("/api/jobs/team%2F7%2Freport")).job["id"] == job["id"]
    assert (await api.get("/api/jobs/team%2F7%2Freport/timeline")).status == 200
    released = await api.command("release", by_name, reason="not mine")
    assert released.body["status"] == "pending"


async def test_an_unused_lease_is_handed_out_again(api: Api) -> None:
    """A claim whose answer was lost gets the same job again, under a new token; the old one is stale."""
    first = await api.claimed()
    again = (await api.worker("claim")).job
    assert (again["id"], again["redelivered"], again["epoch"]) == (first["id"], True, first["epoch"])
    assert again["lease_token"] != first["lease_token"]
    assert (await api.command("context", first)).code == "stale_lease"
    assert (await api.command("context", again)).status == 200


async def test_a_second_claim_while_working_is_refused_and_opens_an_incident(api: Api) -> None:
    """A contract worker holds one job: a second claim after the first use answers multiple_primary_jobs."""
    job = await api.claimed()
    await api.enqueue()
    await api.command("context", job)
    refused = await api.worker("claim")
    assert (refused.status, refused.code) == (409, "multiple_primary_jobs")
    assert refused.body["error"]["details"]["job"] == job["id"]
    incidents = await rows(
        api.app.database, "SELECT rule, severity, occurrences FROM watchkeeper.watchdog_incidents"
    )
    assert [(row["rule"], row["severity"]) for row in incidents] == [("multiple_primary_jobs", "critical")]


async def test_a_stopped_worker_claims_nothing_until_a_supervisor_resumes_it(api: Api) -> None:
    """Who asked for a second job keeps the first, and is told why it gets no other; resumed it claims again."""
    job = await api.claimed()
    await api.enqueue()
    await api.command("context", job)
    assert (await api.worker("claim")).code == "multiple_primary_jobs"
    stopped = await api.worker("claim")
    assert (stopped.status, stopped.code) == (409, "worker_stopped")
    [incident] = (await api.get("/api/watchdog/incidents?worker=w1&unresolved=true")).body["incidents"]
    assert f"multiple_primary_jobs (incident {incident['id']})" in stopped.body["error"]["message"]
    assert (await api.command("release", job, reason="one at a time")).status == 200
    assert (await api.worker("claim")).code == "worker_stopped"
    assert (await api.post("/api/workers/w1/resume", {"reason": "told it"}, role="worker")).status == 403
    assert (await api.post("/api/workers/w1/resume", {"reason": "told it"}, role="supervisor")).status == 200
    assert (await api.worker("claim")).body["job"] is not None


async def test_a_secret_that_an_agent_says_stops_its_worker_and_is_kept_nowhere(api: Api) -> None:
    """A key in a progress message is taken out, opens a critical incident with its kind alone, and ends the claims."""
    secret = SECRETS["github_token"]
    job = await api.claimed()
    said = await api.command(
        "progress", job, message="done", phase="build", payload={"log": [f"key {secret}"]}
    )
    assert said.status == 200
    [incident] = (await api.get("/api/watchdog/incidents?rule=secret_exposed")).body["incidents"]
    assert (incident["state"], incident["severity"], incident["worker_id"]) == (
        "needs_human",
        "critical",
        "w1",
    )
    assert incident["job_id"] == job["id"]
    export = await api.get(f"/api/watchdog/incidents/{incident['id']}/export")
    assert secret not in str(export.body)
    assert "secret_exposed" in export.body["markdown"]
    await api.command("release", job, reason="bye")
    assert (await api.worker("claim")).code == "worker_stopped"


async def test_a_claim_without_a_job_says_what_it_declined(api: Api) -> None:
    """No job: null, how many such claims in a row, and why waiting jobs were not handed out."""
    await api.enqueue(run_at="2126-01-01T00:00:00Z")
    answers = [await api.worker("claim") for _ in range(2)]
    assert [answer.body["no_job_count"] for answer in answers] == [1, 2]
    assert answers[0].body["job"] is None
    assert answers[0].body["jobs"] == []
    assert [found["reason"] for found in answers[0].body["declined"]] == ["not_due"]


async def test_a_waiting_claim_gets_the_job_that_comes(api: Api, settings: Settings) -> None:
    """A claim that waits is answered as soon as a job is enqueued, long before its time is over."""
    api.app.wakeups.start()
    waiting = asyncio.create_task(api.worker("claim", wait_seconds=60))
    await somebody_waits(settings)
    job = await api.enqueue()
    async with asyncio.timeout(20):
        assert (await waiting).job["id"] == job
    assert not await rows(api.app.database, "SELECT 1 FROM watchkeeper.sleepers")


async def test_a_claim_that_nobody_waits_for_takes_nothing(api: Api) -> None:
    """When its caller is gone, a waiting claim ends, and a job that comes later stays for others."""
    asked = ClaimAsked("w1", wait_seconds=3600)

    async def is_gone() -> bool:
        return True

    assert (await api.app.claims.claim("p", asked, is_gone))["jobs"] == []
    assert not await rows(api.app.database, "SELECT 1 FROM watchkeeper.sleepers")


async def test_a_failed_attempt_waits_and_quota_parks_the_pool(api: Api) -> None:
    """fail answers where the job goes and when; a quota with its reset uses up nothing and parks the pool."""
    job = await api.claimed()
    failed = await api.command("fail", job, reason="token=sk-ant-REDACTED-not-a-real-one")
    assert failed.body["status"] == "pending"
    assert failed.body["next_run_at"] is not None
    other = await api.claimed(kind="other", worker="w2")
    parked = await api.command(
        "fail", other, reason="429", cause="quota", retry_at="2126-01-01T00:00:00+08:00"
    )
    assert parked.body["next_run_at"].startswith("2125-12-31T16:00:00")
    assert [row["pool"] for row in await rows(api.app.database, "SELECT pool FROM watchkeeper.pool_parks")]


async def test_a_refused_login_parks_the_pool_under_its_own_reason(api: Api) -> None:
    """It is no quota: the attempt says infrastructure, nothing is used up, and `why` repeats what a person is to do."""
    job = await api.claimed()
    said = {"cause": "infrastructure", "retry_at": "2126-01-01T00:00:00Z", "parks_pool": True}
    ended = await api.command("fail", job, reason="login_refused: codex login", **said)
    assert ended.body["status"] == "pending"
    waiting = await api.enqueue(job["kind"])
    found = (await api.get(f"/api/why/{waiting}", role="viewer")).body
    assert (found["reason"], [fact["said"] for fact in found["facts"] if fact["value"] == "parked"]) == (
        "quota_parked",
        ["login_refused: codex login"],
    )


async def test_a_cancel_request_reaches_the_holder_and_its_release_cancels(api: Api) -> None:
    """An operator's cancel shows in the next progress; releasing with `cancelled` ends the job cancelled."""
    job = await api.claimed()
    asked = await api.post(f"/api/jobs/{job['id']}/cancel", {"reason": "not needed"}, role="supervisor")
    assert (asked.body["cancel_requested"], asked.job["state"]) == (True, "running")
    progress = await api.command("progress", job, message="on it", phase="build")
    assert progress.body["cancel_requested"] is True
    ended = await api.command("release", job, reason="stopped as asked", cancelled=True)
    assert (ended.body["status"], ended.body["next_run_at"]) == ("cancelled", None)
