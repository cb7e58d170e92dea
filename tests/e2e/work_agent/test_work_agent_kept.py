"""Ends that agents tell over MCP while the server is away: kept, answered `queued`, and told when it is back."""

from __future__ import annotations

import json
from typing import Any

from e2e.work_agent.desk import PAGE, Desk
from e2e.work_agent.door import Door
from e2e.work_agent.turns import AGENT, PAGE_WANTED, Step, put_turns, turns_of
from waiting import wait_until

IMPATIENT = {"contract_tools": True, "tool_patience": [10.0, 0.1, 0.5], "slots": 4}
WRITE_PAGE: Step = ("run", f"echo '{PAGE}' > page.txt")
WRITE_HOLLOW: Step = ("run", ": > page.txt")
ARTIFACTS = [{"kind": "html_page", "path": "page.txt", "primary": True}]
COMPLETE: Step = ("call", ("complete", {"summary": "All about queues.", "artifacts": ARTIFACTS}))


def answers(desk: Desk, job: str) -> list[dict[str, Any]]:
    """Give what the calls of a job's agent were answered."""
    found = desk.place.glob(f"**/workspaces/*/{job}/*/agent/calls.jsonl")
    return [json.loads(line) for path in found for line in path.read_text().splitlines()]


def test_ends_told_while_the_server_is_away_are_told_when_it_is_back(desk: Desk) -> None:
    """Completed, failed, handed back and hollow: each agent hears `queued`; the worker dies besides, and the next one
    tells what was kept. What does not pass the gate is a further turn.
    """
    desk.kind("once", max_attempts=1)
    go, out = desk.place / "out" / "go", desk.place / "out"
    give_up: Step = ("call", ("fail", {"reason": "there are no queues"}))
    hand_back: Step = ("call", ("release", {"reason": "somebody else should"}))
    begun: list[list[Step]] = [[WRITE_PAGE], [], [], [WRITE_HOLLOW]]
    with Door(desk.url) as door:
        worker = desk.worker(**AGENT, **IMPATIENT, url=door.url)
        jobs = []
        for number, (first, end) in enumerate(
            zip(begun, [COMPLETE, give_up, hand_back, COMPLETE], strict=True)
        ):
            waits: list[Step] = [*first, ("run", f"echo on > {out}/on-{number}"), ("wait", str(go)), end]
            more = {"contract": PAGE_WANTED} if end is COMPLETE else {}
            turns = [[*waits, ("done", 10)], [WRITE_PAGE, COMPLETE, ("done", 20)]]
            jobs.append(put_turns(desk, *turns, kind="once", **more))
            desk.said(f"on-{number}")
        door.shut()
        go.touch()
        wait_until(lambda: all(len(answers(desk, job)) == 1 for job in jobs), 20, "four answers")
        assert [answers(desk, job)[0]["error"]["code"] for job in jobs] == ["queued"] * 4
        assert len(worker.events("end_kept")) == 4
        worker.kill()
        desk.worker(**AGENT, **IMPATIENT | {"slots": 1}, url=door.url, kinds=["once"])
        door.open()
        done, failed, released, mended = (
            desk.wait_for(job, state)
            for job, state in zip(jobs, ["completed", "failed", "pending", "completed"], strict=True)
        )
    assert (done["verified"], len(turns_of(desk, jobs[0]))) == ("artifact", 1)
    assert failed["attempts"][0]["error"] == "there are no queues"
    assert released["attempts"][0]["outcome"] == "released"
    assert (mended["verified"], len(turns_of(desk, jobs[3])), len(mended["attempts"])) == ("artifact", 2, 1)
    assert "empty_body" in turns_of(desk, jobs[3])[1]["prompt"]
