"""Agent sessions over the API: told by who holds the attempt, read by people, each word once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from interfaces.api_client import Answered, Api
from moving_clock import MovingClock


async def tell(api: Api, job: dict[str, Any], **said: Any) -> Answered:
    path = f"/api/worker/jobs/{job['id']}/session"
    return await api.post(path, said, role="worker", lease=job["lease_token"])


async def tell_events(api: Api, job: dict[str, Any], *numbers: int, **said: Any) -> Answered:
    events = [
        {"n": n, "t": n / 10, "source": "stdout", "event": "said", "fields": {"text": f"word {n}"}}
        for n in numbers
    ]
    path = f"/api/worker/jobs/{job['id']}/session/events"
    return await api.post(
        path, {"events": events, "silent_s": 0.0, **said}, role="worker", lease=job["lease_token"]
    )


async def events_of(api: Api, session: str, after: int = 0, **query: Any) -> dict[str, Any]:
    asked = "&".join(f"{name}={value}" for name, value in {"after": after, **query}.items())
    return (await api.get(f"/api/sessions/{session}/events?{asked}", role="viewer")).body


async def test_a_session_is_followed_from_its_begin_to_its_sweep(api: Api, clock: MovingClock) -> None:
    """Begun, told of, ended, swept after the attempt's end: people see each word once, and never less than before."""
    await api.declare("report", lease_seconds=600, tool_limit_minutes=30, tokens_limit=10_000)
    job = await api.claimed(worker="host-1")
    begun = await tell(
        api, job, agent="codex", cli_version="0.169.0", thread_id="th-1", pid=77, state="running"
    )
    session = begun.body["session"]["id"]
    assert (await tell_events(api, job, 1, 2)).body["kept"] == 2
    assert (await tell_events(api, job, 1, 2, 3)).body["kept"] == 1, "a repeated batch is kept once"
    clock.advance(40)
    standing = {"silent_s": 30.0, "open_tools": 1, "tool": "shell", "tool_open_s": 30.0}
    await tell(api, job, tokens=1200, cost=0.5, turns=2, standing=standing)
    await tell(api, job, tokens=900, cost=0.1, turns=1)
    [row] = (await api.get("/api/sessions?live=true", role="viewer")).body["sessions"]
    known = ("id", "state", "agent", "job_id", "worker_id", "tokens_used", "cost", "turns", "last_event")
    assert [row[name] for name in known] == [
        session, "running", "codex", job["id"], "host-1", 1200, 0.5, 2, "said",
    ]  # fmt: skip
    assert 9.9 <= row["last_event_age_s"] <= 35
    clock.advance(200)
    shown = (await api.get(f"/api/sessions/{session}", role="viewer")).body["session"]
    assert shown["state"] == "unknown", "of a session that nobody tells of, nothing is known"
    clocks = {clock["clock"]: clock for clock in shown["clocks"]}
    tool = clocks["silence, a tool open"]
    assert 225 < tool["runs_s"] < 260, "silence goes on while nobody tells of it"
    assert tool["warn_left_s"] == pytest.approx(600 - tool["runs_s"])
    assert tool["act_left_s"] == pytest.approx(1800 - tool["runs_s"])
    assert clocks["project progress"]["act_left_s"] == pytest.approx(2700 - 240, abs=20)
    assert clocks["lease"]["act_left_s"] == pytest.approx(600 - 240, abs=20)
    told = (await api.get(f"/api/why/{job['id']}?of=job", role="viewer")).body["facts"]
    facts = {fact["fact"]: fact["value"] for fact in told}
    assert (facts["session"], facts["session_event"]) == ("unknown", "said")
    assert facts["session_clock silence, a tool open"] == pytest.approx(tool["act_left_s"], abs=5)
    status = (await api.get("/api/watchdog/workers/host-1/status", role="viewer")).body
    assert (status["session"]["id"], status["session"]["last_event"]) == (session, "said")
    assert shown["budget"] == {"tokens_left": 8800, "cost_left": None}
    assert (shown["thread_id"], shown["cli_version"], shown["pid"]) == ("th-1", "0.169.0", 77)


async def test_a_live_session_is_awaited_and_its_sweep_comes_last(api: Api) -> None:
    """Who follows gets what comes as it comes, and is told the end; what was left is told after the attempt's end."""
    job = await api.claimed(worker="host-1")
    session = (await tell(api, job, agent="codex")).body["session"]["id"]
    await tell_events(api, job, 1, 2, 3)
    waiting = asyncio.create_task(events_of(api, session, after=3, wait=20))
    await tell_events(api, job, 4, dropped=12)
    told = await waiting
    assert ([event["number"] for event in told["events"]], told["ended"]) == ([4], False)
    await tell(api, job, ended=True, exit_code=1, failure_class="F08")
    assert (await api.command("fail", job, reason="it gave up")).status == 200
    left = [{"pid": 90, "command": "chrome", "why": "another user"}]
    assert (await tell(api, job, left=left)).status == 200, "its sweep is told after the attempt has ended"
    ended = (await api.get(f"/api/sessions/{session}")).body["session"]
    assert (ended["state"], ended["class"], ended["exit_code"], ended["left_processes"], ended["events_dropped"]) == (
        "ended", "F08", 1, left, 12,
    )  # fmt: skip
    last = await events_of(api, session, after=4, wait=20)
    assert last == {"ok": True, "events": [], "next_after": 4, "ended": True}, "nobody waits for what is over"
    page = await events_of(api, session, limit=2)
    assert ([event["t"] for event in page["events"]], page["next_after"], page["ended"]) == (
        [0.1, 0.2],
        2,
        False,
    )


async def test_only_who_held_the_attempt_tells_of_its_sessions(api: Api) -> None:
    """Another lease, no lease and another project's token are refused; an agent's own word stands apart."""
    await api.app.kinds.ensure_project("q")
    first = await api.claimed(worker="w1")
    other = await api.claimed(worker="w2")
    stolen = {**first, "lease_token": other["lease_token"]}
    assert (await tell(api, stolen, agent="codex")).code == "stale_lease"
    path = f"/api/worker/jobs/{first['id']}/session"
    assert (await api.post(path, {"agent": "codex"}, role="worker")).code == "stale_lease"
    assert (await api.post(path, {"agent": "codex"}, token=await api.token("worker", "q"))).status == 404
    assert (await tell_events(api, first, 1)).status == 404, "what was not begun has no events"

    supervisors = (await tell(api, first, agent="codex", thread_id="real")).body["session"]["id"]
    made = await api.post(
        f"/api/worker/jobs/{first['id']}/token", {}, role="worker", lease=first["lease_token"]
    )
    agents = await api.post(
        path, {"agent": "codex", "thread_id": "mine", "ended": True}, token=made.body["token"]
    )
    assert agents.body["session"]["id"] != supervisors
    rows = (await api.get(f"/api/sessions?job={first['id']}")).body["sessions"]
    assert {row["told_by"]: row["state"] for row in rows} == {"agent": "ended", "supervisor": "running"}


async def test_a_mirrored_job_has_sessions_too(api: Api) -> None:
    """They are told under the name that the attempt has in its reports, also after its end; its lease is shown."""
    report = {"worker_id": "h1", "job_id": "A", "kind": "page", "attempt_id": "att-1"}
    claim = {**report, "phase": "claim", "lease_expires_at": "2099-01-01T00:00:00Z"}
    assert (await api.post("/api/pls/watchdog/job-attempt", claim, role="worker")).status == 200
    mirrored = {"id": "A", "lease_token": "att-1"}
    begun = (await tell(api, mirrored, agent="codex", state="running")).body["session"]
    assert (await tell_events(api, mirrored, 1, 2)).body["kept"] == 2
    shown = (await api.get(f"/api/sessions/{begun['id']}", role="viewer")).body["session"]
    assert (shown["external_id"], shown["worker_id"], shown["epoch"], shown["state"]) == (
        "A",
        "h1",
        1,
        "running",
    )
    assert "lease" in {clock["clock"] for clock in shown["clocks"]}
    done = {**report, "phase": "complete", "complete_status": "completed"}
    assert (await api.post("/api/pls/watchdog/job-attempt", done, role="worker")).status == 200
    assert (await tell(api, mirrored, failure_class="tool_loop", ended=True)).status == 200
    [row] = (await api.get("/api/sessions?job=A", role="viewer")).body["sessions"]
    assert (row["state"], row["class"]) == ("ended", None), (
        "what was taken for complete has no class of failure"
    )
    stranger = {"id": "A", "lease_token": "att-2"}
    assert (await tell(api, stranger, agent="codex")).code == "stale_lease"


@pytest.mark.parametrize(
    ("said", "what"),
    [({"state": "sleeping"}, "state"), ({"tokens": -1}, "tokens"), ({"surprise": 1}, "surprise")],
)
async def test_a_malformed_word_is_refused_by_name(api: Api, said: dict[str, Any], what: str) -> None:
    """What is wrong is named, and nothing is kept."""
    job = await api.claimed()
    refused = await tell(api, job, **said)
    assert refused.code == "usage"
    assert what in refused.body["detail"]
    assert (await api.get("/api/sessions")).body["sessions"] == []
