"""How a job ends over HTTP: once, checked, the same for whoever asks again."""

from __future__ import annotations

import asyncio
from typing import Any

from interfaces.api_client import PAGE, Api
from moving_clock import MovingClock
from raw_sql import rows
from watchkeeper.interfaces.api.completions import Completions

PAGE_CONTRACT: dict[str, Any] = {"required_kinds": ["html_page"]}
PRIMARY = [{"kind": "html_page", "path": "index.html", "primary": True}]


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


async def test_another_completion_after_a_blocked_one_is_not_told_the_failures_of_the_first(api: Api) -> None:
    """With other artifacts it is stale, and kept for a person; who sent the first ones still learns what failed."""
    await api.declare(contract=PAGE_CONTRACT)
    job = await api.claimed()
    await api.upload(job, index__html=b"")
    await api.upload(job, good__html=PAGE)
    blocked = await api.command("complete", job, summary="done!", artifacts=PRIMARY)
    assert blocked.code == "gate_failed"
    better = [{"kind": "html_page", "path": "good.html", "primary": True}]
    other = await api.command("complete", job, summary="done!", artifacts=better)
    assert other.code == "stale_lease"
    again = await api.command("complete", job, summary="in other words", artifacts=PRIMARY)
    assert again.body["error"] == blocked.body["error"]
    [kept] = await rows(
        api.app.database, "SELECT body->'artifacts' AS named FROM watchkeeper.reconcile_items"
    )
    assert kept["named"][0]["path"] == "good.html"


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
