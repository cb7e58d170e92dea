"""Heartbeats whose work an agent session does: a scripted agent, its tools by MCP, a helper that is a real program."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from agents.living import living
from agents.real_agents import REAL, setup_for
from e2e.work_agent.real_work import HAND_IN as HAND_IN_PAGE
from e2e.work_agent.real_work import WRITE_PAGE
from relay.conftest import Scenes
from relay.fake_helper import FETCH_FAILED
from relay.killable import killable_supervisor, scripted_agent
from relay.scenes import PAGE, Scene, job
from stubmodel.script import Contract, Script
from stubmodel.server import StubModel
from waiting import wait_until
from watchkeeper.interfaces.mcp.foreign import ForeignHost
from watchkeeper.services.relay.served_agent import AgentOrder
from watchkeeper.services.supervision.config import SessionConfig

WRITE = ("run", f"printf '%s' '{PAGE}' > index.html")
HAND_IN = ("call", ["complete", {"summary": "All about queues."}])
DONE = ("done", 10)


@pytest.fixture
def nonce() -> Iterator[str]:
    """A number to `sleep` for that no other process has; nobody may sleep so at the end."""
    number = f"800.{uuid4().int % 10**9:09}1"
    yield number
    assert not living(number)


async def beat(scene: Scene, **limits: Any) -> int:
    """Run one heartbeat with the scripted agent; scenes lie where its user may enter."""
    scene.work = None
    return await scene.heartbeat(agent=scripted_agent(scene.home, **limits))


def told(*steps: tuple[str, Any], then: list[tuple[str, Any]] | None = None) -> dict[str, Any]:
    """What a claim prints whose job has this script for the agent, and another for its further turns."""
    script = [steps] if then is None else [steps, then]
    return {"print": job(payload={"prompt": f"Do it. <script>{json.dumps(script)}</script>"})}


def answers(scene: Scene) -> list[dict[str, Any]]:
    """Give what the agent's calls of tools were answered."""
    (calls,) = scene.directory.glob("**/workspaces/*/*/*/agent/calls.jsonl")
    return [json.loads(line) for line in calls.read_text().splitlines()]


def turns(scene: Scene) -> list[dict[str, Any]]:
    """Give what the agent was told in each of its turns, of all heartbeats."""
    (memory,) = scene.directory.glob("**/workspaces/*/*/*/agent/turns.json")
    return list(json.loads(memory.read_text()))


def detail(scene: Scene) -> str:
    return str(scene.reports("job-attempt")[-1]["error_message"])


async def test_a_job_done_to_verified(scenes: Scenes) -> None:
    """The agent asks, reports, uploads, verifies and hands in; the helper's commands run for it, guarded."""
    progress = ("call", ["progress", {"message": "half of it", "phase": "build"}])
    upload, verify = ("call", ["upload_files", {"paths": ["index.html"]}]), ("call", ["verify", {}])
    scene = scenes(
        claim=told(("call", ["context", {}]), verify, WRITE, progress, upload, verify, HAND_IN, DONE),
        context={"print": {"ok": True, "lessons": ["be brief"], "lease_token": "secret-lease"}},
    )
    assert await beat(scene) == 0
    before = ["doctor", "touch", "claim", "context", "progress"]
    assert scene.helper.commands == [
        *before, "context", "progress", "upload-files", "progress", "complete",
    ], "what was uploaded is not uploaded again"  # fmt: skip
    assert ["A", "half of it", "build"] in scene.helper.arguments("progress")
    ((_, summary, artifacts),) = scene.helper.arguments("complete")
    assert summary == "All about queues."
    assert json.loads(artifacts)[0]["url"] == scene.page
    context, too_soon, _, uploaded, verified, completed = answers(scene)
    assert context["answer"]["lessons"] == ["be brief"]
    assert "secret-lease" not in json.dumps(context)
    assert "nothing is uploaded" in too_soon["error"]["message"]
    assert uploaded["artifacts"] == [{"name": "index.html", "url": scene.page}]
    assert verified["failed"] == []
    assert completed == {"ok": True, "status": "completed"}
    assert scene.ended_as == "completed"
    look = scene.reports("artifact-checks")[-1]
    assert (look["http_status"], look["failed"]) == (200, [])


async def test_what_is_handed_in_is_looked_at(scenes: Scenes) -> None:
    """A link is refused, a page that nobody can open is told to the agent, which mends it; copies are uploaded."""
    link = ("call", ["complete", {"summary": "x", "artifacts": [{"kind": "html_page", "path": "link.html"}]}])
    steps = [WRITE, ("run", "ln -s /etc/hostname link.html"), link, ("run", "rm link.html"), HAND_IN, HAND_IN]
    scene = scenes(claim=told(*steps, DONE), first={"upload-files": {"print": {"ok": True, "artifacts": []}}})
    assert await beat(scene) == 0
    no_file, refused, taken = answers(scene)
    assert no_file["error"]["details"]["problem"] == "symbolic_link"
    assert refused["error"]["code"] == "gate_failed"
    assert taken["status"] == "completed"
    assert scene.helper.commands.count("complete") == 1
    for _, *paths in scene.helper.arguments("upload-files"):
        assert all("/handed-in/" in path for path in paths)


async def test_an_agent_that_ends_without_completing(scenes: Scenes) -> None:
    """To say so is not to complete: nothing is uploaded or completed, and the reason is told."""
    scene = scenes(claim=told(WRITE, ("say", "All done, and verified!"), DONE))
    assert await beat(scene) == 3
    assert not {"upload-files", "complete"} & set(scene.helper.commands)
    assert scene.ended_as == "work_failed"
    assert "told the contract nothing" in detail(scene)


async def test_an_agent_that_uses_too_much(scenes: Scenes) -> None:
    """What one job may use is set for the helper: at the limit the agent is ended, and no other turn begun."""
    scene = scenes(claim=told(("spent", 500), ("hang", None)), config={"tokens_limit": 100})
    assert await beat(scene) == 3
    assert "500 tokens were used; the limit is 100" in detail(scene)
    assert len(turns(scene)) == 1


async def test_an_agent_that_hangs(scenes: Scenes, nonce: str) -> None:
    """Its silence is seen, it is interrupted with all that it started, and its thread goes on in the same heartbeat."""
    hangs = [("run", f"setsid sleep {nonce} > /dev/null 2>&1 & :"), ("hang", None)]
    scene = scenes(claim=told(*hangs, then=[WRITE, HAND_IN, DONE]))
    limits = {"silence_warn_seconds": 0.5, "silence_act_seconds": 1.0, "settle_seconds": 0.5}
    assert await beat(scene, **limits) == 0
    first, again = turns(scene)
    assert again["resumed"] == first["thread"]
    assert scene.helper.commands.count("claim") == 1


async def test_a_used_up_quota(scenes: Scenes) -> None:
    """The job is handed back and none is claimed until the reset; the next claim of it goes on with its thread."""
    limit = ("failed", "You've hit your usage limit. Try again in 2 hours 5 minutes.")
    scene = scenes(claim=told(limit, then=[WRITE, HAND_IN, DONE]))
    began = time.time()
    assert await beat(scene) == 3
    ((job_id, why),) = scene.helper.arguments("release")
    assert job_id == "A"
    assert "usage limit" in why
    assert scene.ended_as == "released"
    memory = scene.place.memory()
    assert 7000 < memory.parked_until - began < 8000
    assert memory.silent_heartbeats == 0, "nobody's failure"
    assert await beat(scene) == 0
    assert scene.helper.commands[-2:] == ["doctor", "touch"]
    memory.parked_until = time.time()
    scene.place.keep_memory(memory)
    assert await beat(scene) == 0, detail(scene)
    assert scene.ended_as == "completed"
    first, again = turns(scene)
    assert again["resumed"] == first["thread"]


async def test_a_supervisor_that_is_killed(
    scenes: Scenes, nonce: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The next one claims nothing: it adopts the living agent, whose tools answer again, and the heartbeat goes on."""
    scene = scenes(claim=told(WRITE, ("run", f"exec sleep {nonce}"), HAND_IN, DONE))
    process = killable_supervisor(scene)
    try:
        await asyncio.to_thread(wait_until, lambda: living(nonce), 60, "the agent's work")
    finally:
        process.kill()
        process.wait(20)
    (asleep,) = living(nonce)
    beating = asyncio.create_task(beat(scene))
    await asyncio.to_thread(wait_until, lambda: "agent_session_adopted" in caplog.text, 60, "the adoption")
    os.kill(asleep, signal.SIGTERM)
    assert await beating == 0
    begun = ["context", "progress"]
    assert scene.helper.commands == [
        "doctor", "touch", "claim", *begun, *begun, "progress", "upload-files", "complete",
    ]  # fmt: skip
    assert len(turns(scene)) == 1
    assert scene.ended_as == "completed"


async def test_a_heartbeat_that_is_stopped(scenes: Scenes, nonce: str) -> None:
    """SIGTERM ends it in the middle of the work with all that the agent started, and hands the job back."""
    scene = scenes(claim=told(("run", f"setsid sleep {nonce} > /dev/null 2>&1 & :"), ("hang", None)))
    beating = asyncio.create_task(beat(scene))
    await asyncio.to_thread(wait_until, lambda: bool(living(nonce)), 60, "the agent's work")
    os.kill(os.getpid(), signal.SIGTERM)
    assert await beating == 0
    assert not living(nonce)
    assert scene.helper.arguments("release") == [["A", "the worker was stopped"]]
    assert scene.ended_as == "released"


async def test_a_helper_that_fails_while_the_agent_works(scenes: Scenes) -> None:
    """One retry for each command; the agent is told that its call failed, and what is refused by rule ends its work."""
    progress = ("call", ["progress", {"message": "on it"}])
    scene = scenes(
        claim=told(progress, WRITE, HAND_IN, DONE),
        progress=[{"print": {"ok": True}}, FETCH_FAILED, FETCH_FAILED, {"print": {"ok": True}}],
    )
    gone = scenes(
        claim=told(progress, WRITE, HAND_IN, ("hang", None)),
        progress=[{"print": {"ok": True}}, {"print": {"ok": False, "error": {"code": "job_not_found"}}}],
    )
    assert await asyncio.gather(beat(scene), beat(gone)) == [0, 3]
    assert answers(scene)[0]["error"]["code"] == "server_unreachable"
    assert scene.codes == ["fetch_failed"] * 2
    assert gone.ended_as == "job_gone"
    assert "complete" not in gone.helper.commands


async def test_a_job_that_the_agent_gives_up(scenes: Scenes) -> None:
    """`fail` is the helper's own command, run once; the heartbeat ends with no success."""
    scene = scenes(claim=told(("call", ["fail", {"reason": "no such page"}]), DONE))
    assert await beat(scene) == 3
    assert scene.helper.arguments("fail") == [["A", "no such page"]]
    assert scene.ended_as == "failed"


@pytest.mark.parametrize("agent", REAL)
async def test_a_real_agent_does_the_work(scenes: Scenes, agent: str) -> None:
    """Codex and Claude Code, before a scripted model, report, write a page and complete over the same tools."""
    scene = scenes(work=None, claim={"print": job(payload={"prompt": "Write the page."})})
    (scene.directory / "agents").mkdir()
    model = StubModel()
    try:
        script = Script([Contract("progress", {"message": "half of it"}), WRITE_PAGE, HAND_IN_PAGE, "Done."])
        setup = setup_for(agent, model.serve(script), scene.directory)
        host = ForeignHost("http://127.0.0.1:1", 1024 * 1024)
        order = AgentOrder(
            name=agent,
            host=host,
            sessions=SessionConfig(home=scene.home, agent_environ=setup.environ),
            path=setup.path,
            arguments=setup.arguments,
        )
        user = None if setup.user.other else setup.user.name
        assert await scene.heartbeat(agent=order, agent_user=user) == 0
    finally:
        model.close()
    assert any("half of it" in arguments for arguments in scene.helper.arguments("progress"))
    assert scene.ended_as == "completed"
