"""What was seen may be named: an act on a thing that has changed meanwhile is refused."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from interfaces.api_client import Answered, Api

WHY = {"reason": "maintenance"}


async def act(api: Api, path: str, tag: str, body: dict[str, Any] | None = None, **options: Any) -> Answered:
    return await api.post(path, {**WHY, **(body or {})}, headers={"If-Match": tag}, **options)


async def made(api: Api) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Make one of each thing that has versions: its address, and an act that changes it."""
    job = await api.enqueue()
    seen = await api.post("/api/watchdog/incidents", {"rule": "queue_stuck", "job": job})
    repair = await api.post("/api/watchdog/repair-actions", {"action": "pause", "job": job, **WHY})
    learned = {"topic_key": "queues", "learned": ["They stand."]}
    lesson = await api.post("/api/lessons", learned)
    record = dict.fromkeys(("kind", "decision", "problem", "recommendation", "reasoning"), "x")
    proposal = await api.post("/api/proposals", record)
    return {
        "job": (f"/api/jobs/{job}", "pause", {}),
        "incident": (f"/api/watchdog/incidents/{seen.body['incident']['id']}", "ack", {}),
        "repair": (f"/api/watchdog/repair-actions/{repair.body['repair']['id']}", "reject", {}),
        "lesson": (f"/api/lessons/{lesson.body['lesson']['id']}", "retire", {}),
        "proposal": (f"/api/proposals/{proposal.body['proposal']['id']}", "reject", {}),
    }


async def test_an_act_on_another_version_is_refused(api: Api) -> None:
    """With the tag that a read gave an act is carried out; the same tag afterwards is 412 and names the new one."""
    for what, (address, verb, body) in (await made(api)).items():
        tag = (await api.get(address)).headers["etag"]
        assert (await api.get(address)).headers["etag"] == tag, what
        stale = await act(api, f"{address}/{verb}", '"0"', body)
        assert (stale.status, stale.code) == (412, "precondition_failed"), what
        assert stale.body["error"]["details"]["version"] == tag.strip('"')
        assert (await act(api, f"{address}/{verb}?dry_run=true", '"0"', body)).status == 412
        done = await act(api, f"{address}/{verb}", f'W/"x", {tag}', body, key=f"{what}-1")
        assert done.status == 200, (what, done.body)
        assert (await act(api, f"{address}/{verb}", tag, body)).status == 412, what
        again = await act(api, f"{address}/{verb}", f'W/"x", {tag}', body, key=f"{what}-1")
        assert again.headers["idempotency-replayed"] == "true"
        assert (await api.get(address)).headers["etag"] != tag, what


async def test_of_two_who_saw_the_same_version_one_acts(api: Api) -> None:
    """A job that is paused and resumed is not where it was, though its state is the same."""
    job = f"/api/jobs/{await api.enqueue()}"
    tag = (await api.get(job)).headers["etag"]
    both = await asyncio.gather(*(act(api, f"{job}/pause", tag) for _ in range(4)))
    assert sorted(answered.status for answered in both) == [200, 412, 412, 412]
    assert (await api.post(f"{job}/resume", WHY)).status == 200
    assert (await act(api, f"{job}/pause", tag)).status == 412
    assert (await act(api, f"{job}/pause", "*")).status == 200


@pytest.mark.parametrize("tag", ["x", '"x', "*, *", '"a" "b"', ",", ", ".join(['"a"'] * 21)])
async def test_what_is_no_tag_is_refused(api: Api, tag: str) -> None:
    """A header that cannot be understood is not taken as none: 400."""
    refused = await act(api, f"/api/jobs/{await api.enqueue()}/pause", tag)
    assert (refused.status, refused.code) == (400, "usage")


async def test_a_version_of_what_has_none_is_refused(api: Api) -> None:
    """Where a condition could not be held, the act is not carried out as if there were none."""
    await api.declare()
    refused = await act(api, "/api/kinds/report/pause", '"x"')
    assert (refused.status, refused.code) == (400, "usage")
    assert (await act(api, "/api/jobs/nowhere/pause", '"x"')).status == 404
