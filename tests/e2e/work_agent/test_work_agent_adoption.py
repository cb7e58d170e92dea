"""Several workers of one home and token are killed, and come back in another order or number than they were."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

from e2e.work_agent.desk import PAGE, Desk, Worker
from e2e.work_agent.turns import AGENT, PAGE_WANTED, Step, put_turns, turns_of
from waiting import wait_until

CODEX: dict[str, Any] = {**AGENT, "slots": 1}
CLAUDE: dict[str, Any] = {"scripted": {"name": "claude"}, "slots": 1}
WRITE_PAGE: Step = ("run", f"echo '{PAGE}' > index.html")


def adopted(worker: Worker) -> list[str]:
    return [event["job"] for event in worker.events("agent_session_adopted")]


def test_each_session_goes_on_under_its_own_agent(desk: Desk) -> None:
    """Two agents' workers and their agents are killed; the other one starts first, with room for both jobs. It leaves
    the first one's session alone, and each thread is resumed by its own agent, in the same attempt."""
    out, workers, jobs = desk.place / "out", [], []
    for number, told in enumerate((CODEX, CLAUDE)):
        workers.append(desk.worker(**told))
        begin = [("run", f"echo $PPID > {out}/pid-{number}"), ("hang", None)]
        jobs.append(put_turns(desk, begin, [WRITE_PAGE, ("done", 20)], contract=PAGE_WANTED))
        desk.said(f"pid-{number}")
    for worker in workers:
        worker.kill()
    for number in range(2):
        os.kill(int(desk.said(f"pid-{number}")), signal.SIGKILL)
    claude = desk.worker(**CLAUDE | {"slots": 2})
    desk.wait_for(jobs[1], "completed", "stuck", "failed")
    assert desk.job(jobs[0])["state"] == "running"
    codex = desk.worker(**CODEX)
    desk.wait_for(jobs[0], "completed", "stuck", "failed")
    assert (adopted(codex), adopted(claude)) == ([jobs[0]], [jobs[1]])
    for job in jobs:
        one, two = turns_of(desk, job)
        assert two["resumed"] == one["thread"]
        assert [attempt["outcome"] for attempt in desk.attempts(job)] == ["completed"]
    shown = desk.ask("GET", "/api/sessions")["sessions"]
    assert {row["job_id"]: row["agent"] for row in shown} == {jobs[0]: "codex", jobs[1]: "claude"}


def test_an_agent_finds_its_tools_at_whoever_adopted_it(desk: Desk) -> None:
    """Of two killed workers one comes back and adopts both agents: each calls its tools where it always did, and so
    does the next turn of the one that another number began."""
    go, workers, jobs = desk.place / "out" / "go", [], []
    report: Step = ("call", ("progress", {"message": "on"}))
    for number in range(2):
        workers.append(desk.worker(**CODEX, contract_tools=True))
        begin = [("run", f"echo on > {go.parent}/on-{number}"), ("wait", str(go)), report]
        further = [report, WRITE_PAGE, ("done", 20)]
        jobs.append(put_turns(desk, [*begin, ("kill", signal.SIGKILL)], further, contract=PAGE_WANTED))
        desk.said(f"on-{number}")
    for worker in workers:
        worker.kill()
    again = desk.worker(**CODEX | {"slots": 2}, contract_tools=True)
    wait_until(lambda: len(adopted(again)) == 2, 15, "both agents to be adopted")
    go.touch()
    for job in jobs:
        desk.wait_for(job, "completed", "stuck", "failed")
        (calls,) = desk.place.glob(f"**/workspaces/*/{job}/*/agent/calls.jsonl")
        assert [json.loads(line)["ok"] for line in calls.read_text().splitlines()] == [True, True]
        assert len(turns_of(desk, job)) == 2
    ports = [{event["url"] for event in worker.events("mcp_listening")} for worker in (*workers, again)]
    assert ports[2] == ports[0] | ports[1]
