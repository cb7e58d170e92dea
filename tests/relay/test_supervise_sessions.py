"""The sessions of `supervise --agent` stand on our server as those of `work --agent` do."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from e2e.work_agent.conftest import desk, place, serving
from e2e.work_agent.desk import Desk
from relay.conftest import Scenes
from relay.killable import scripted_agent
from relay.scenes import job
from relay.test_supervise_agent import DONE, HAND_IN, WRITE, turns
from waiting import wait_until
from watchkeeper.services.supervision import session_log

__all__ = ["desk", "place", "serving"]


def sessions(desk: Desk) -> list[dict[str, Any]]:
    """Give the sessions of job A; none while nobody has told of it."""
    everything: list[dict[str, Any]] = desk.ask("GET", "/api/sessions")["sessions"]
    return [row for row in everything if row["external_id"] == "A"]


def astray(desk: Desk) -> dict[str, Any] | None:
    """Give the session once its agent has gone astray."""
    return next((row for row in sessions(desk) if row["turns"] == 2 and row["last_event"] == "said"), None)


async def test_every_turn_of_a_thread_is_told_of_one_session(
    scenes: Scenes, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An agent that is killed is resumed, and one that a person interrupts goes on with what was said: all turns are
    one session of the mirrored job, to its end.
    """
    monkeypatch.setattr(session_log, "HEARTBEAT_SECONDS", 1.0)
    upload = ("call", ["upload_files", {"paths": ["index.html"]}])
    script = [[WRITE, ("kill", 9)], [("say", "I go astray."), ("hang", None)], [upload, HAND_IN, DONE]]
    prompt = f"Do it. <script>{json.dumps(script)}</script>"
    scene = scenes(work=None, claim={"print": job(payload={"prompt": prompt})})
    scene.url, scene.token = desk.url, desk.token()
    beating = asyncio.create_task(scene.heartbeat(agent=scripted_agent(scene.home)))
    row = await asyncio.to_thread(wait_until, lambda: astray(desk), 60, "the second turn")
    said = "leave the blue page alone"
    await asyncio.to_thread(desk.ask, "POST", f"/api/sessions/{row['id']}/interrupt", {"reason": said})
    assert await beating == 0
    first, again, third = turns(scene)
    assert first["thread"] == again["resumed"] == third["resumed"]
    assert said in third["prompt"]
    [row] = await asyncio.to_thread(sessions, desk)
    assert [row[name] for name in ("worker_id", "agent", "state", "class", "turns", "restarts")] == [
        "w1", "codex", "ended", None, 3, 1,
    ]  # fmt: skip
    shown = await asyncio.to_thread(desk.ask, "GET", f"/api/sessions/{row['id']}")
    assert shown["session"]["thread_id"] == first["thread"]
    told_of = await asyncio.to_thread(desk.ask, "GET", f"/api/sessions/{row['id']}/events")
    calls = [event["event"] for event in told_of["events"] if event["source"] == "contract"]
    assert calls == ["upload-files", "complete"]
    assert told_of["ended"]
