"""Secrets by every way in which they can come into a record: each opens one incident, and a quote of a log none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from interfaces.api_client import Api
from raw_sql import rows
from secret_examples import SECRETS
from services.watched import open_incidents, watchdog
from watchkeeper.domain.jobs import AttemptCause
from watchkeeper.domain.leases import LeaseToken
from watchkeeper.domain.redaction import Redactor
from watchkeeper.services.helper_events import HelperEvent
from watchkeeper.services.queue import AttemptEnd
from watchkeeper.services.runs import Attempt, record_run
from watchkeeper.storage.jobs import Completion, HeldLease

SECRET = SECRETS["github_token"]
QUOTES = (
    "the log says: key [redacted:api_key], Authorization: Bearer [redacted:bearer_token]",
    'it printed {"password": "[redacted:secret]", "authorization": "Bearer [redacted:known]"} and went on',
    "git clone https://me:[redacted:url_login]@example.org/x.git; Cookie: [redacted:cookie]",
)

Way = Callable[[Api, dict[str, Any], str], Awaitable[object]]


async def _held(api: Api, job: dict[str, Any]) -> HeldLease:
    [found] = await rows(api.app.database, "SELECT seq FROM watchkeeper.leases")
    token = LeaseToken.parse(job["lease_token"])
    return HeldLease(found["seq"], token.epoch, token.secret_hash)


async def answered(api: Api, job: dict[str, Any], text: str) -> None:
    """The text stands in what a contract command answered."""
    event = HelperEvent("context", 0, {"ok": True, "notes": [text]}, "w1", job["id"])
    await api.app.helper_events.record("p", event)


async def in_message(api: Api, job: dict[str, Any], text: str) -> None:
    await api.command("progress", job, message=text, phase="build")


async def in_payload(api: Api, job: dict[str, Any], text: str) -> None:
    said = {"log": [text], "headers": {"authorization": text}}
    payload = said if text == SECRET else {"log": [text], "headers": {"authorization": "Bearer [redacted:x]"}}
    await api.command("progress", job, message="on it", phase="build", payload=payload)


async def in_failure(api: Api, job: dict[str, Any], text: str) -> None:
    await api.command("fail", job, reason=text)


async def in_summary(api: Api, job: dict[str, Any], text: str) -> None:
    await api.command("complete", job, summary=text, artifacts=[])


async def of_a_handler(api: Api, job: dict[str, Any], text: str) -> None:
    """A Python handler in the worker's own process says it; no route is in between."""
    async with api.app.database.transaction() as connection:
        await record_run(connection, Redactor(), Attempt("p", "w1", job["id"], 1), "build", text)


async def of_a_handler_s_end(api: Api, job: dict[str, Any], text: str) -> None:
    end = AttemptEnd(await _held(api, job), AttemptCause.AGENT_ERROR, text)
    await api.app.queue.end("p", "worker:w1", [end])


async def of_a_handler_s_success(api: Api, job: dict[str, Any], text: str) -> None:
    await api.app.queue.complete("p", "worker:w1", [Completion(await _held(api, job), summary=text)])


async def of_a_supervisor(api: Api, job: dict[str, Any], text: str) -> None:
    """The supervisor of an agent redacts its output, and says of which kinds the secrets were."""
    taken: set[str] = set()
    output = {"stdout": Redactor().redact(text, taken)} | ({"taken_out": sorted(taken)} if taken else {})
    await api.command("progress", job, message="it ended", phase="output", payload=output)


WAYS: tuple[Way, ...] = (
    *(answered, in_message, in_payload, in_failure, in_summary, of_a_handler, of_a_handler_s_end),
    *(of_a_handler_s_success, of_a_supervisor),
)


async def reported_event(api: Api, text: str) -> None:
    event = {"command": "progress", "exit_code": 0, "worker_id": "h1", "job_id": "theirs", "output": text}
    await api.post("/api/watchdog/helper-events", event, role="worker")


async def reported_event_of_a_relay(api: Api, text: str) -> None:
    """A relay takes the secret out itself, and says so."""
    taken: set[str] = set()
    event = {"command": "progress", "exit_code": 0, "worker_id": "h1", "job_id": "theirs"}
    told = {"output": Redactor().redact(text, taken), "redacted": sorted(taken)}
    await api.post("/api/watchdog/helper-events", event | told, role="worker")


async def reported_phase(api: Api, text: str) -> None:
    run = {"worker_id": "h1", "job_id": "theirs", "phase": "build", "status": "ok", "message": text}
    await api.post("/api/watchdog/worker-runs", run, role="worker")


async def reported_attempt(api: Api, text: str) -> None:
    said = {"worker_id": "h1", "job_id": "theirs", "error_message": text}
    await api.post("/api/pls/watchdog/job-attempt", said, role="worker")


REPORTS = (reported_event, reported_event_of_a_relay, reported_phase, reported_attempt)


async def told(api: Api) -> list[tuple[str, str]]:
    await watchdog(api.app).run_once()
    return [(row["rule"], row["worker_id"]) for row in await open_incidents(api.app)]


async def stopped(api: Api) -> list[str]:
    found = await rows(
        api.app.database, "SELECT worker_id FROM watchkeeper.workers WHERE stopped_at IS NOT NULL"
    )
    return [row["worker_id"] for row in found]


@pytest.mark.parametrize("way", WAYS)
async def test_a_secret_opens_one_incident_whichever_way_it_comes(api: Api, way: Way) -> None:
    """It stops its worker, and no record holds a character of it; a mark that is only quoted does nothing."""
    for quote in QUOTES:
        job = await api.claimed()
        await way(api, job, quote)
        await api.command("release", job, reason="next")
    assert (await told(api), await stopped(api)) == ([], [])
    job = await api.claimed()
    await way(api, job, f"the key is {SECRET}" if way is not in_payload else SECRET)
    assert (await told(api), await stopped(api)) == ([("secret_exposed", "w1")], ["w1"])
    [found] = await open_incidents(api.app)
    assert str(found["job_id"]) == job["id"]
    assert "github_token" in found["evidence"]["secrets"]
    for table in ("helper_events", "worker_runs", "closed_attempts", "job_outcomes", "watchdog_incidents"):
        assert SECRET not in str(
            await rows(api.app.database, f"SELECT t::text AS t FROM watchkeeper.{table} t")
        )


@pytest.mark.parametrize("way", REPORTS)
async def test_a_secret_of_a_foreign_worker_opens_one_incident(
    api: Api, way: Callable[[Api, str], Awaitable[None]]
) -> None:
    """Whether we take it out or the relay did; a log that is quoted is none."""
    beat = {"worker_id": "h1", "claim_ok": True, "current_job_id": "theirs"}
    await api.post("/api/watchdog/health", beat, role="worker")
    for quote in QUOTES:
        await way(api, quote)
    assert (await told(api), await stopped(api)) == ([], [])
    await way(api, f"the key is {SECRET}")
    assert (await told(api), await stopped(api)) == ([("secret_exposed", "h1")], ["h1"])


async def test_all_ways_of_one_secret_are_one_incident(api: Api) -> None:
    """What one worker lets slip at one job, in whatever it says, is for one person to look at, once."""
    job = await api.claimed()
    for way in (answered, in_message, of_a_supervisor, of_a_handler, in_failure):
        await way(api, job, f"the key is {SECRET}")
    assert await told(api) == [("secret_exposed", "w1")]


async def test_an_agent_s_own_word_on_what_was_taken_out_is_none(api: Api) -> None:
    """Only the supervisor of its output is asked; so is a payload's secret the enqueuer's, and not the worker's."""
    job = await api.claimed(payload={"hint": f"use {SECRET}"})
    made = await api.ask(
        "POST", f"/api/worker/jobs/{job['id']}/token", {}, role="worker", lease=job["lease_token"]
    )
    body = {"message": "m", "phase": "p", "payload": {"taken_out": ["github_token"]}}
    said = await api.post(f"/api/worker/jobs/{job['id']}/progress", body, token=made.body["token"])
    assert said.status == 200
    await api.command("context", job)
    assert await told(api) == []


async def test_nobody_is_blamed_for_what_a_stranger_said_of_a_job(api: Api) -> None:
    """A command under a made-up lease, or of another job's token, is kept as nobody's: its secret stops no worker."""
    job, other = await api.claimed(worker="victim"), await api.claimed("other", worker="w2")
    made = await api.ask(
        "POST", f"/api/worker/jobs/{other['id']}/token", {}, role="worker", lease=other["lease_token"]
    )
    said = {"message": SECRET, "phase": "complete"}
    path = f"/api/worker/jobs/{job['id']}"
    stranger = await api.token("worker", name="stranger")
    guess = await api.post(f"{path}/progress", said, token=stranger, lease="1.guessed-and-wrong")
    bound = await api.post(f"{path}/progress", said, token=made.body["token"])
    failed = await api.post(
        f"{path}/complete", {"summary": "s", "artifacts": []}, token=stranger, lease="1.x"
    )
    named = await api.post("/api/worker/touch", {"worker_id": "victim", "message": SECRET}, token=stranger)
    assert [each.code for each in (guess, bound, failed, named)] == [
        *("stale_lease", "job_not_found", "stale_lease", "usage")
    ]
    await rows(
        api.app.database,
        "INSERT INTO watchkeeper.worker_runs (project_id, worker_id, job_id, phase, status)"
        " VALUES ('p', 'victim', %(job)s::uuid, 'complete', 'ok')",
        {"job": job["id"]},
    )
    assert await stopped(api) == []
    assert {rule for rule, _ in await told(api)} <= {"touch_failed"}
    assert await stopped(api) == []
    kept = "SELECT job_id, worker_id FROM watchkeeper.helper_events WHERE error_code <> 'usage'"
    assert {(row["job_id"], row["worker_id"]) for row in await rows(api.app.database, kept)} == {(None, None)}
