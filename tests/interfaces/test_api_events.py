"""What the contract's commands leave behind, and the bound between contract and runtime workers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from interfaces.api_client import PAGE, Api
from raw_sql import rows
from watchkeeper.domain.errors import DatabaseUnavailable


async def helper_events(api: Api) -> list[dict[str, Any]]:
    return await rows(
        api.app.database,
        "SELECT command, worker_id, job_id::text, exit_code, error_code, output, output_hash"
        "  FROM watchkeeper.helper_events ORDER BY id",
    )


async def test_each_contract_command_is_kept_with_its_exit_code(api: Api) -> None:
    """doctor to complete, the refused ones too: command, worker, job, exit code, error, redacted output."""
    await api.worker("doctor")
    await api.worker("touch")
    await api.worker("claim", kinds=["nothing"])
    job = await api.claimed()
    await api.command("context", job)
    await api.command("progress", job, message="on it", phase="build")
    await api.upload(job, index__html=PAGE)
    await api.command("verify", job)
    await api.command("progress", job, mesage="typo")
    await api.command("complete", job, summary="done", artifacts=[])
    await api.command("context", job)
    events = await helper_events(api)
    assert [(row["command"], row["exit_code"], row["error_code"]) for row in events] == [
        ("doctor", 0, None),
        ("touch", 0, None),
        ("claim", 0, None),
        ("claim", 0, None),
        ("context", 0, None),
        ("progress", 0, None),
        ("upload-files", 0, None),
        ("verify", 0, None),
        ("progress", 2, "usage"),
        ("complete", 0, None),
        ("context", 3, "stale_lease"),
    ]
    assert {row["worker_id"] for row in events} == {"w1"}
    assert {row["job_id"] for row in events[4:]} == {job["id"]}
    assert all(len(row["output_hash"]) == 64 for row in events)
    everything = json.dumps([row["output"] for row in events])
    assert job["lease_token"].split(".")[1] not in everything


async def test_a_red_doctor_is_kept_with_exit_code_3(api: Api) -> None:
    """A doctor with a failed check answers 200; its event has the exit code of the command."""
    await api.worker("touch")
    await rows(api.app.database, "UPDATE watchkeeper.workers SET stopped_at = watchkeeper.now()")
    await api.worker("doctor")
    assert [row["exit_code"] for row in await helper_events(api)] == [0, 3]


async def test_a_runtime_workers_own_calls_are_not_kept(api: Api) -> None:
    """A supervisor's claims, renewals and ends are no helper events; its agent's calls with a job token are."""
    registered = await api.post(
        "/api/worker/register", {"worker_id": "host-1", "slots": 2, "version": "0.1.0"}, role="worker"
    )
    assert (registered.body["lease_seconds"], registered.body["renew_seconds"]) == (60, 15.0)
    for _ in range(3):
        await api.enqueue()
    claimed = await api.worker("claim", "host-1", limit=5)
    jobs = claimed.body["jobs"]
    assert (len(jobs), claimed.job["id"], jobs[0]["lease_seconds"]) == (2, jobs[0]["id"], 60)
    path = f"/api/worker/jobs/{jobs[0]['id']}"
    made = await api.post(f"{path}/token", {}, role="worker", lease=jobs[0]["lease_token"])
    agent = {"message": "reading", "phase": "reading_context"}
    await api.post(f"{path}/progress", agent, token=made.body["token"])
    await api.command("complete", jobs[0], summary="done", artifacts=[])
    await api.command("release", jobs[1], reason="the process died", lost=True)
    assert [(row["command"], row["worker_id"]) for row in await helper_events(api)] == [
        ("progress", "host-1")
    ]


async def test_renewals_name_what_is_held_lost_and_wished(api: Api) -> None:
    """One request renews many leases; unknown, foreign and broken ones are lost, cancel wishes are named."""
    await api.post("/api/worker/register", {"worker_id": "host-1", "slots": 2}, role="worker")
    for _ in range(2):
        await api.enqueue()
    first, second = (await api.worker("claim", "host-1", limit=2)).body["jobs"]
    await api.post(f"/api/jobs/{second['id']}/cancel", {"reason": "no"})
    leases = [
        {"job": first["id"], "token": first["lease_token"]},
        {"job": second["id"], "token": second["lease_token"]},
        {"job": first["id"].upper(), "token": "1.wrong"},
        {"job": "00000000-0000-7000-8000-000000000000", "token": first["lease_token"]},
        {"job": "nope", "token": "broken"},
    ]
    answered = await api.post("/api/worker/renew", {"worker_id": "host-1", "leases": leases}, role="worker")
    assert {row["job"] for row in answered.body["renewed"]} == {first["id"], second["id"]}
    assert answered.body["lost"] == [lease["job"] for lease in leases[2:]]
    assert answered.body["cancel_requested"] == [second["id"]]
    assert answered.body["touch_requested"] is False


async def test_a_command_goes_on_when_its_event_cannot_be_kept(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Losing an event is logged and changes nothing for the worker."""

    async def away(*_: object) -> None:
        raise DatabaseUnavailable

    monkeypatch.setattr(type(api.app.helper_events), "record", away)
    assert (await api.worker("touch")).body["touched"] is True
    said = caplog.text
    assert "helper_event_lost" in said
