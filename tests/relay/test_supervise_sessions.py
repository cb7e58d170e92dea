"""The sessions of `supervise --agent` stand on our server as those of `work --agent` do."""

from __future__ import annotations

import asyncio

from e2e.work_agent.conftest import desk, place, serving
from e2e.work_agent.desk import Desk
from relay.conftest import Scenes
from relay.killable import scripted_agent
from relay.test_supervise_agent import DONE, HAND_IN, WRITE, told, turns

__all__ = ["desk", "place", "serving"]


async def test_a_session_is_recorded_and_goes_on_after_its_agents_death(scenes: Scenes, desk: Desk) -> None:
    """An agent that is killed is resumed in its thread; both turns are one session of the mirrored job, to its end."""
    upload = ("call", ["upload_files", {"paths": ["index.html"]}])
    scene = scenes(work=None, claim=told(WRITE, ("kill", 9), then=[upload, HAND_IN, DONE]))
    scene.url, scene.token = desk.url, desk.token()
    assert await scene.heartbeat(agent=scripted_agent(scene.home)) == 0
    first, again = turns(scene)
    assert again["resumed"] == first["thread"]
    listed = await asyncio.to_thread(desk.ask, "GET", "/api/sessions?job=A")
    [row] = listed["sessions"]
    assert [row[name] for name in ("worker_id", "agent", "state", "class", "turns", "restarts")] == [
        "w1", "codex", "ended", None, 2, 1,
    ]  # fmt: skip
    shown = await asyncio.to_thread(desk.ask, "GET", f"/api/sessions/{row['id']}")
    assert shown["session"]["thread_id"] == first["thread"]
    told_of = await asyncio.to_thread(desk.ask, "GET", f"/api/sessions/{row['id']}/events")
    calls = [event["event"] for event in told_of["events"] if event["source"] == "contract"]
    assert calls == ["upload-files", "complete"]
    assert told_of["ended"]
