"""How sessions end that go wrong: each under the name of its class, with evidence, and none hangs its supervisor."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Any

import pytest

from e2e.work_agent.desk import PAGE, Desk
from e2e.work_agent.real_work import clone_for_agents
from e2e.work_agent.turns import AGENT, PAGE_WANTED, put_turns, turns_of
from waiting import wait_until
from watchkeeper.agents.user import agent_user

FULL = "Codex ran out of room in the model's context window. Start a new thread or clear earlier history."
PAGED = [("run", f"echo '{PAGE}' > index.html"), ("done", 5)]
ONCE = {"max_attempts": 1}


def error_of(desk: Desk, job: str) -> str:
    return str(desk.attempts(job)[-1]["error"])


def test_what_the_agent_is_not_to_blame_for_uses_up_no_attempt(desk: Desk) -> None:
    """A refused login parks the job in its provider's own words; a job that tells its agent nothing fails for that."""
    desk.kind("once", **ONCE)
    desk.worker(**AGENT, slots=4)
    login = put_turns(desk, [("failed", "unexpected status 401 Unauthorized: Missing bearer")], kind="once")
    nothing = desk.put(None, "once", payload={"prompt": "   "})
    assert desk.wait_for(nothing, "failed", "stuck", "completed")["state"] == "failed"
    assert "payload.prompt" in error_of(desk, nothing)
    wait_until(lambda: [one for one in desk.attempts(login) if one["ended_at"]], 15, "the attempt to be over")
    (attempt,) = desk.attempts(login)
    assert desk.wait_for(login, "pending")["agent_errors"] == 0
    assert (attempt["cause"], attempt["error"][:14]) == ("infrastructure", "login_refused:")
    assert "log in again" in attempt["error"]
    assert "401 Unauthorized" in attempt["error"]


def test_a_full_context_gets_a_fresh_thread_in_the_same_workspace(desk: Desk) -> None:
    """What the thread cannot hold any more is begun anew where its work lies, and not resumed."""
    worker = desk.worker(**AGENT)
    job = put_turns(
        desk,
        [("run", "echo half > half"), ("failed", FULL)],
        [("run", "test -e half"), *PAGED],
        contract=PAGE_WANTED,
    )
    assert desk.wait_for(job, "completed", "stuck", "failed")["state"] == "completed"
    first, second = turns_of(desk, job)
    assert second["resumed"] is None
    assert second["thread"] != first["thread"]
    assert "cannot be gone on with" in second["prompt"]
    assert worker.events("session_begun_again")[0]["fresh"] is True


def test_a_provider_out_of_reach_is_tried_again_and_costs_nothing(desk: Desk) -> None:
    """An agent that gave up on its provider is left alone for a while, and its thread goes on: no restart counts."""
    worker = desk.worker(**AGENT, probe_seconds=0.1)
    away = "stream disconnected before completion: error sending request for url (http://127.0.0.1:1/v1/responses)"
    job = put_turns(desk, *[[("failed", away)]] * 5, PAGED, contract=PAGE_WANTED)
    assert desk.wait_for(job, "completed", "stuck", "failed", timeout=30)["state"] == "completed"
    told = turns_of(desk, job)
    assert {turn["resumed"] for turn in told[1:]} == {told[0]["thread"]}
    assert len(worker.events("session_parked")) == 5
    assert not worker.events("session_begun_again")


def test_limits_of_the_job_end_it_as_its_budget(desk: Desk) -> None:
    """Tokens over the limit are for a person, with the figures; a workspace that vanishes fails under its name."""
    desk.kind("cheap", tokens_limit=100)
    desk.kind("once", **ONCE)
    desk.worker(**AGENT, slots=4, sample_seconds=0.2)
    out = desk.place / "out"
    gone = put_turns(desk, [("run", f"pwd > {out}/where"), ("hang", None)], kind="once")
    shutil.rmtree(desk.said("where"))
    tokens = put_turns(desk, [("spent", 101), ("hang", None)], kind="cheap")
    stuck = desk.wait_for(tokens, "stuck", "failed", "completed")
    assert stuck["state_reason"] == "budget"
    assert "101 tokens" in error_of(desk, tokens)
    assert desk.wait_for(gone, "stuck", "failed", "completed")["state"] == "failed"
    assert error_of(desk, gone).startswith("workspace_lost: ")


@pytest.mark.parametrize(
    "strange",
    [
        [("raw_part", '{"type":"item.completed","item":{"id":"x","ty')],
        [("raw_part", "\x00\x01\xff not json \x1b[31m"), ("raw", "")],
        [("raw", "[" * 5000)],
        [("long", 50)],
    ],
    ids=["half a line at death", "binary", "deep", "50 MB"],
)
def test_strange_output_is_no_obstacle(desk: Desk, strange: list[tuple[str, Any]]) -> None:
    """Half a line, binary, depths without end and a line of 50 MB: a turn that ends well after them still completes."""
    desk.worker(**AGENT)
    dies = strange[0][0] == "raw_part" and len(strange) == 1
    turns = [[*strange, ("kill", 9)], PAGED] if dies else [[*strange, *PAGED]]
    job = put_turns(desk, *turns, contract=PAGE_WANTED)
    done = desk.wait_for(job, "completed", "stuck", "failed", timeout=40)
    assert done["state"] == "completed", done


def test_a_false_done_is_told_and_never_believed(desk: Desk) -> None:
    """ "All tests pass" over a command that failed is no success: told twice, it is left to a person as stuck."""
    desk.worker(**AGENT, max_gate_rounds=1)
    job = put_turns(
        desk,
        [("run", "exit 3"), ("say", "Task complete, all tests pass."), ("done", 5)],
        contract=PAGE_WANTED,
    )
    stuck = desk.wait_for(job, "completed", "stuck", "failed")
    assert (stuck["state"], stuck["state_reason"]) == ("stuck", "gate_failed")
    assert len(turns_of(desk, job)) == 2


def test_a_job_works_on_a_branch_of_its_repository(desk: Desk) -> None:
    """A clone that the operator named is there as a work tree; commits stay on the job's branch, and nothing else."""
    clone = clone_for_agents(desk.place, agent_user(None))
    desk.worker(**AGENT, slots=3, repositories=[str(clone)])
    commit = "git add -A && git -c user.name=b -c user.email=b@example.org commit -qm second"
    named = '{"artifacts":[{"kind":"html_page","path":"page.html"}]}'
    job = put_turns(
        desk,
        [("run", f"cat README && echo '{PAGE}' > index.html && {commit}"), ("kill", 9)],
        [("run", f"mv index.html page.html; echo '{named}' > artifacts.json"), ("done", 5)],
        contract=PAGE_WANTED,
        payload={"repository": str(clone)},
    )
    other = put_turns(desk, PAGED, payload={"repository": str(desk.place)})
    assert desk.wait_for(job, "completed", "stuck", "failed")["state"] == "completed"
    asked = ["git", "-c", f"safe.directory={clone}", "-C", str(clone), "log", "--format=%s", "--name-only"]
    told = subprocess.run(
        [*asked, f"watchkeeper/{job}"],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
    )
    assert told.stdout.split() == ["second", "index.html", "first", "README"]
    wait_until(lambda: desk.attempts(other), 10, "the other job's attempt")
    assert "no clone of this worker" in error_of(desk, other)


def test_a_flooding_agent_costs_no_other_its_lease(desk: Desk) -> None:
    """Beside one that writes without pause, a quiet session of the same worker keeps its short lease; so does it."""
    desk.kind("short", on_lost="requeue", lease_seconds=2)
    desk.worker(**AGENT, slots=2, output_limit_bytes=2**40)
    go = desk.place / "out" / "go"
    loud = put_turns(desk, [("flood", str(go)), *PAGED], contract=PAGE_WANTED, kind="short")
    quiet = put_turns(desk, [("wait", str(go)), *PAGED], contract=PAGE_WANTED, kind="short")
    wait_until(lambda: all(desk.job(job)["state"] == "running" for job in (loud, quiet)), 20, "both to run")
    claimed = desk.job(quiet)["lease_expires_at"]
    wait_until(lambda: desk.job(quiet)["lease_expires_at"] > claimed, 20, "a renewal")
    renewed = desk.job(quiet)["lease_expires_at"]
    wait_until(lambda: desk.job(quiet)["lease_expires_at"] > renewed, 20, "another one")
    go.touch()
    for job in (loud, quiet):
        assert desk.wait_for(job, "completed", "stuck", "failed", timeout=60)["state"] == "completed"
        assert len(desk.attempts(job)) == 1
