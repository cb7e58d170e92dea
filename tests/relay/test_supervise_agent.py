"""Heartbeats whose work an agent session does: a scripted agent, its tools by MCP, a helper that is a real program."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from agents.living import living
from agents.real_agents import REAL, setup_for
from e2e.work_agent.real_work import HAND_IN as HAND_IN_PAGE
from e2e.work_agent.real_work import WRITE_PAGE
from e2e.work_agent.scripted_agent import ScriptedAgent
from relay.conftest import Scenes
from relay.fake_helper import FETCH_FAILED
from relay.scenes import PAGE, Scene, job
from stubmodel.script import Contract, Script
from stubmodel.server import StubModel
from waiting import wait_until
from watchkeeper.domain.sessions.limits import SessionLimits
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
    order = AgentOrder(
        name="codex",
        host=ForeignHost("http://127.0.0.1:1", 1024 * 1024),
        sessions=SessionConfig(
            home=scene.home, session_limits=SessionLimits(**limits), sample_seconds=0.2, grace_seconds=1.0
        ),
        adapter_of=lambda _, setup: ScriptedAgent(setup.place),
    )
    scene.work = None
    return await scene.heartbeat(agent=order)


def told(*steps: tuple[str, Any], then: list[tuple[str, Any]] | None = None) -> dict[str, Any]:
    """What a claim prints whose job has this script for the agent, and another for its further turns."""
    script = [steps] if then is None else [steps, then]
    return {"print": job(payload={"prompt": f"Do it. <script>{json.dumps(script)}</script>"})}


def answers(scene: Scene) -> list[dict[str, Any]]:
    """Give what the agent's calls of tools were answered."""
    (calls,) = scene.directory.glob("**/workspaces/*/*/*/agent/calls.jsonl")
    return [json.loads(line) for line in calls.read_text().splitlines()]


def detail(scene: Scene) -> str:
    return str(scene.reports("job-attempt")[-1]["error_message"])


async def test_a_job_done_to_verified(scenes: Scenes) -> None:
    """The agent asks, reports and hands in; the helper's commands run for it, guarded, and its page is verified."""
    progress = ("call", ["progress", {"message": "half of it", "phase": "build"}])
    scene = scenes(
        claim=told(("call", ["context", {}]), WRITE, progress, HAND_IN, DONE),
        context={"print": {"ok": True, "lessons": ["be brief"], "lease_token": "secret-lease"}},
    )
    assert await beat(scene) == 0
    before = ["doctor", "touch", "claim", "context", "progress"]
    assert scene.helper.commands == [
        *before, "context", "progress", "progress", "upload-files", "complete",
    ]  # fmt: skip
    assert ["A", "half of it", "build"] in scene.helper.arguments("progress")
    ((_, summary, artifacts),) = scene.helper.arguments("complete")
    assert summary == "All about queues."
    assert json.loads(artifacts)[0]["url"] == scene.page
    context, _, completed = answers(scene)
    assert context["answer"]["lessons"] == ["be brief"]
    assert "secret-lease" not in json.dumps(context)
    assert completed == {"ok": True, "status": "completed"}
    assert scene.ended_as == "completed"
    (check,) = scene.reports("artifact-checks")
    assert (check["http_status"], check["failed"]) == (200, [])


async def test_what_does_not_pass_is_mended(scenes: Scenes) -> None:
    """A page that nobody can open is told to the agent, which mends it in the same session."""
    scene = scenes(
        claim=told(WRITE, HAND_IN, HAND_IN, DONE),
        first={"upload-files": {"print": {"ok": True, "artifacts": []}}},
    )
    assert await beat(scene) == 0
    refused, taken = answers(scene)
    assert refused["error"]["code"] == "gate_failed"
    assert taken["status"] == "completed"
    assert scene.helper.commands.count("complete") == 1


async def test_an_agent_that_ends_without_completing(scenes: Scenes) -> None:
    """To say so is not to complete: nothing is uploaded or completed, and the reason is told."""
    scene = scenes(claim=told(WRITE, ("say", "All done, and verified!"), DONE))
    assert await beat(scene) == 3
    assert not {"upload-files", "complete"} & set(scene.helper.commands)
    assert scene.ended_as == "work_failed"
    assert "told the contract nothing" in detail(scene)


async def test_an_agent_that_hangs(scenes: Scenes, nonce: str) -> None:
    """Its silence is seen, it is interrupted with all that it started, and the heartbeat ends."""
    scene = scenes(claim=told(("run", f"setsid sleep {nonce} > /dev/null 2>&1 & :"), ("hang", None)))
    began = time.monotonic()
    limits = {"silence_warn_seconds": 0.5, "silence_act_seconds": 1.0, "settle_seconds": 0.5}
    assert await beat(scene, **limits) == 3
    assert time.monotonic() - began < 40
    assert "complete" not in scene.helper.commands
    assert scene.ended_as == "work_failed"
    assert "nothing has come" in detail(scene)


async def test_a_heartbeat_that_is_stopped(scenes: Scenes, nonce: str) -> None:
    """It ends in the middle of the work, and takes the agent and all that it started with it."""
    scene = scenes(claim=told(("run", f"setsid sleep {nonce} > /dev/null 2>&1 & :"), ("hang", None)))
    beating = asyncio.create_task(beat(scene))
    await asyncio.to_thread(wait_until, lambda: bool(living(nonce)), 30, "the agent's work")
    beating.cancel()
    with pytest.raises(asyncio.CancelledError):
        await beating
    assert not living(nonce)


async def test_a_helper_that_fails_while_the_agent_works(scenes: Scenes) -> None:
    """One retry for each command; the agent is told that its call failed, and what is refused by rule ends its work."""
    progress = ("call", ["progress", {"message": "on it"}])
    scene = scenes(
        claim=told(progress, WRITE, HAND_IN, DONE),
        progress=[{"print": {"ok": True}}, FETCH_FAILED, FETCH_FAILED, {"print": {"ok": True}}],
    )
    assert await beat(scene) == 0
    assert answers(scene)[0]["error"]["code"] == "server_unreachable"
    assert scene.codes == ["fetch_failed"] * 2
    gone = scenes(
        claim=told(progress, WRITE, HAND_IN, ("hang", None)),
        progress=[{"print": {"ok": True}}, {"print": {"ok": False, "error": {"code": "job_not_found"}}}],
    )
    assert await beat(gone) == 3
    assert gone.ended_as == "job_gone"
    assert "complete" not in gone.helper.commands


async def test_files_are_taken_as_they_were_checked(scenes: Scenes) -> None:
    """A link in the workspace is refused, and the helper reads copies that the living agent cannot change."""
    link = ("call", ["complete", {"summary": "x", "artifacts": [{"kind": "html_page", "path": "link.html"}]}])
    page = ["complete", {"summary": "x", "artifacts": [{"kind": "html_page", "path": "index.html"}]}]
    steps = [WRITE, ("run", "ln -s /etc/hostname link.html"), link, ("run", "rm link.html"), ("call", page)]
    scene = scenes(claim=told(*steps, DONE))
    assert await beat(scene) == 0
    assert answers(scene)[0]["error"]["details"]["problem"] == "symbolic_link"
    ((_, *paths),) = scene.helper.arguments("upload-files")
    assert all("/handed-in/" in path for path in paths)


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
