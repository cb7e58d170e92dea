"""The contract over HTTP: a job's way from claim to its checked end, and what goes wrong on it."""

from __future__ import annotations

import asyncio
from typing import Any

from interfaces.api_client import PAGE, Api, somebody_waits
from moving_clock import MovingClock
from raw_sql import rows
from watchkeeper.interfaces.api.completions import Completions
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


async def test_a_reaped_lease_is_stale_and_a_late_completion_is_kept_for_a_person(
    api: Api, clock: MovingClock
) -> None:
    """After its lease was reaped every command answers stale_lease; what complete brought is not lost."""
    await api.declare(on_lost="requeue", lease_seconds=20)
    job = await api.claimed()
    await api.command("context", job)
    await api.app.maintenance.reap()
    for _ in range(12):
        clock.advance(5)
        await api.app.maintenance.reap()
    calls: list[tuple[str, dict[str, Any]]] = [
        ("context", {}),
        ("progress", {"message": "still here", "phase": "build"}),
        ("verify", {}),
        ("fail", {"reason": "no"}),
        ("release", {"reason": "no"}),
    ]
    for verb, body in calls:
        assert (await api.command(verb, job, **body)).code == "stale_lease"
    assert (await api.upload(job, index__html=PAGE)).code == "stale_lease"
    for _ in range(2):
        late = await api.command("complete", job, summary="late but done", artifacts=[])
        assert (late.status, late.code) == (409, "stale_lease")
    kept = await rows(api.app.database, "SELECT job_id::text, command, body FROM watchkeeper.reconcile_items")
    assert [(row["job_id"], row["command"]) for row in kept] == [(job["id"], "complete")]
    assert kept[0]["body"]["summary"] == "late but done"
    assert (await api.get(f"/api/jobs/{job['id']}")).job["state"] == "pending"


async def test_a_late_completion_is_kept_without_its_secrets(api: Api) -> None:
    """What complete brought too late is read by people: a password in its summary or artifacts is taken out."""
    job = await api.claimed()
    await api.post(f"/api/jobs/{job['id']}/fail", {"reason": "an operator says so"})
    artifact = {"kind": "html_page", "url": "https://me:correct-horse-battery@example.com/", "title": "page"}
    late = await api.command(
        "complete", job, summary="used password=correct-horse-battery", artifacts=[artifact]
    )
    assert late.code == "stale_lease"
    [kept] = await rows(api.app.database, "SELECT body::text AS body FROM watchkeeper.reconcile_items")
    assert '"title": "page"' in kept["body"]
    assert "correct-horse-battery" not in kept["body"]


async def test_terminal_commands_can_be_repeated(api: Api) -> None:
    """complete, fail and release under one lease act once and answer alike, however often they are sent."""
    for verb, body in [
        ("complete", {"summary": "done", "artifacts": []}),
        ("fail", {"reason": "it broke"}),
        ("fail", {"reason": "the contract refuses it", "cause": "gate"}),
        ("release", {"reason": "not for me"}),
        ("release", {"reason": "its processes died", "lost": True}),
    ]:
        job = await api.claimed(kind=f"{verb}-{len(body)}")
        first = await api.command(verb, job, **body)
        again = await api.command(verb, job, **body)
        assert (first.status, again.status, first.body) == (200, 200, again.body)
        attempts = (await api.get(f"/api/jobs/{job['id']}")).job["attempts"]
        assert len(attempts) == 1


async def test_a_blocked_completion_is_blocked_again_when_repeated(api: Api) -> None:
    """Whose answer was lost learns the same failed checks; no other terminal command gets through."""
    await api.declare(contract=PAGE_CONTRACT)
    job = await api.claimed()
    await api.upload(job, index__html=b"")
    both = [await api.command("complete", job, summary="done!", artifacts=PRIMARY) for _ in range(2)]
    assert both[0].body["error"] == both[1].body["error"]
    assert both[1].code == "gate_failed"
    assert (await api.command("fail", job, reason="then so")).code == "stale_lease"
    assert not await rows(api.app.database, "SELECT 1 FROM watchkeeper.reconcile_items")


async def test_results_that_cannot_fit_the_contract_wait_for_a_person(api: Api) -> None:
    """`fail` with the cause gate uses up no attempt and loops for ever nowhere: the job is stuck, with the reason."""
    await api.declare(contract=PAGE_CONTRACT)
    job = await api.claimed()
    await api.upload(job, index__html=PAGE)
    wrong = [{"kind": "data", "path": "index.html"}]
    found = await api.command("verify", job, artifacts=wrong)
    assert [check["check"] for check in found.body["failed"]] == ["no_primary"]
    assert (await api.command("verify", job, artifacts=PRIMARY)).body["failed"] == []
    assert (await api.command("verify", job, artifacts=PRIMARY, url="https://a.test/")).code == "usage"
    assert (await api.command("complete", job, summary="done", artifacts=wrong)).code == "contract_rejected"
    gone = await api.command("fail", job, reason="no_primary: nothing fits", cause="gate")
    assert gone.body["status"] == "stuck"
    shown = (await api.get(f"/api/jobs/{job['id']}")).job
    assert (shown["state"], shown["state_reason"]) == ("stuck", "contract_rejected")
    assert shown["attempts"][0]["cause"] == "gate"


async def test_one_end_is_no_answer_to_another(api: Api) -> None:
    """After fail, complete is stale and not a success; after complete, fail and release are stale."""
    failed = await api.claimed(kind="a")
    await api.command("fail", failed, reason="it broke")
    refused = await api.command("complete", failed, summary="done after all", artifacts=[])
    assert refused.code == "stale_lease"
    completed = await api.claimed(kind="b")
    await api.command("complete", completed, summary="done", artifacts=[])
    for verb in ("fail", "release"):
        assert (await api.command(verb, completed, reason="oops")).code == "stale_lease"
    ended = await api.claimed(kind="c")
    await api.post(f"/api/jobs/{ended['id']}/fail", {"reason": "an operator says so"})
    assert (await api.command("fail", ended, reason="me too")).code == "stale_lease"


async def test_the_same_completion_sent_twice_at_once_completes_once(api: Api) -> None:
    """Two requests under one lease at the same moment both learn that the job is completed."""
    job = await api.claimed()
    both = await asyncio.gather(
        *(api.command("complete", job, summary="done", artifacts=[]) for _ in range(2))
    )
    assert [answer.body["status"] for answer in both] == ["completed", "completed"]
    assert not await rows(api.app.database, "SELECT 1 FROM watchkeeper.reconcile_items")


async def test_a_long_check_answers_202_and_the_repeat_tells_the_end(api: Api) -> None:
    """While the gate still checks, complete answers 202 with Retry-After; the same request learns the end."""
    completions = Completions(answer_within=0.0)
    let_go = asyncio.Event()

    async def check() -> dict[str, Any]:
        await let_go.wait()
        return {"status": "completed"}

    key = ("p", "job", "who")
    assert await completions.run(key, check) is None
    let_go.set()
    completions._answer_within = 5.0
    assert await completions.run(key, check) == {"status": "completed"}
    api.state.completions = Completions(answer_within=0.0)
    job = await api.claimed()
    path = f"/api/worker/jobs/{job['id']}/complete"
    body = {"summary": "done", "artifacts": []}
    answers = []
    while not answers or answers[-1].status == 202:
        answers.append(await api.post(path, body, role="worker", lease=job["lease_token"]))
    assert answers[0].status == 202
    assert answers[0].headers["retry-after"] == "2"
    assert answers[-1].body["status"] == "completed"


async def test_a_hollow_artifact_is_blocked_and_the_job_is_shown_as_stuck(api: Api) -> None:
    """An empty page does not pass the gate: every failed check is named, and the job is stuck, not green."""
    await api.declare(contract=PAGE_CONTRACT)
    job = await api.claimed()
    await api.upload(job, index__html=b"   ")
    verified = await api.command("verify", job)
    assert verified.status == 200
    assert "empty_body" in [failed["check"] for failed in verified.body["failed"]]
    refused = await api.command("complete", job, summary="done!", artifacts=PRIMARY)
    assert (refused.status, refused.code) == (422, "gate_failed")
    assert "empty_body" in [failed["check"] for failed in refused.body["error"]["details"]["failed"]]
    shown = (await api.get(f"/api/jobs/{job['id']}")).job
    assert (shown["state"], shown["state_reason"]) == ("stuck", "gate_failed")


async def test_a_missing_kind_is_rejected_and_the_job_goes_on(api: Api) -> None:
    """contract_rejected leaves the job running under its lease; a mended completion passes."""
    await api.declare(contract=PAGE_CONTRACT)
    job = await api.claimed()
    await api.upload(job, notes__md=b"# Notes")
    named = [{"kind": "markdown", "path": "notes.md", "primary": True}]
    refused = await api.command("complete", job, summary="notes", artifacts=named)
    assert (refused.status, refused.code) == (422, "contract_rejected")
    assert (await api.get(f"/api/jobs/{job['id']}")).job["state"] == "running"
    await api.upload(job, index__html=PAGE)
    done = await api.command("complete", job, summary="a page", artifacts=PRIMARY)
    assert done.body["verified"] == "artifact"


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
    other = await api.claimed(kind="other")
    parked = await api.command(
        "fail", other, reason="429", cause="quota", retry_at="2126-01-01T00:00:00+08:00"
    )
    assert parked.body["next_run_at"].startswith("2125-12-31T16:00:00")
    assert [row["pool"] for row in await rows(api.app.database, "SELECT pool FROM watchkeeper.pool_parks")]


async def test_a_cancel_request_reaches_the_holder_and_its_release_cancels(api: Api) -> None:
    """An operator's cancel shows in the next progress; releasing with `cancelled` ends the job cancelled."""
    job = await api.claimed()
    asked = await api.post(f"/api/jobs/{job['id']}/cancel", {"reason": "not needed"}, role="supervisor")
    assert (asked.body["cancel_requested"], asked.job["state"]) == (True, "running")
    progress = await api.command("progress", job, message="on it", phase="build")
    assert progress.body["cancel_requested"] is True
    ended = await api.command("release", job, reason="stopped as asked", cancelled=True)
    assert (ended.body["status"], ended.body["next_run_at"]) == ("cancelled", None)
