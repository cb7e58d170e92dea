"""Turns of an agent that converses: what it says is judged, and its thread goes on after whatever ended it."""

from __future__ import annotations

import os
import signal

from e2e.work_agent.desk import PAGE, Desk
from e2e.work_agent.turns import AGENT, PAGE_WANTED, put_turns, turns_of
from waiting import wait_until


def test_a_turn_that_ends_well_completes_its_job(desk: Desk) -> None:
    """What the agent left is handed in, the gate looks at it, and the job is completed and verified."""
    desk.worker(**AGENT)
    job = put_turns(
        desk, [("run", f"echo '{PAGE}' > index.html"), ("say", "Done."), ("done", 10)], contract=PAGE_WANTED
    )
    done = desk.wait_for(job, "completed", "stuck", "failed")
    assert (done["state"], done["verified"]) == ("completed", "artifact")
    assert "<script>" in turns_of(desk, job)[0]["prompt"]


def test_failed_checks_are_a_turn_of_the_same_thread(desk: Desk) -> None:
    """A hollow page comes back as data in the prompt of a resumed turn, with a job token of its own."""
    desk.worker(**AGENT)
    job = put_turns(
        desk,
        [("run", ": > index.html"), ("done", 10)],
        [("run", f"echo '{PAGE}' > index.html"), ("done", 20)],
        contract=PAGE_WANTED,
    )
    done = desk.wait_for(job, "completed", "stuck", "failed")
    assert (done["state"], len(desk.attempts(job))) == ("completed", 1)
    first, second = turns_of(desk, job)
    assert second["resumed"] == first["thread"]
    assert "empty_body" in second["prompt"]
    assert second["token"] != first["token"]

    def told_beside() -> bool:
        rows = desk.ask("GET", f"/api/sessions?job={job}")["sessions"]
        told = [one for row in rows for one in desk.ask("GET", f"/api/sessions/{row['id']}/events")["events"]]
        beside = [one["event"] for one in told if one["source"] in {"lease", "artifact"}]
        return beside == ["claimed", "check", "claimed"]

    wait_until(told_beside, 15, "what the gate said of the first turn, in the record of the session")


def test_a_killed_agent_is_resumed_in_the_same_attempt(desk: Desk) -> None:
    """SIGKILL of the agent costs its turn: the thread goes on in the same workspace, under the same lease."""
    worker = desk.worker(**AGENT)
    job = put_turns(
        desk,
        [("run", "echo half > half"), ("kill", signal.SIGKILL)],
        [("run", f"test -e half && echo '{PAGE}' > index.html"), ("done", 20)],
        contract=PAGE_WANTED,
    )
    done = desk.wait_for(job, "completed", "stuck", "failed")
    assert (done["state"], len(desk.attempts(job))) == ("completed", 1)
    first, second = turns_of(desk, job)
    assert second["resumed"] == first["thread"]
    assert [event["restarts"] for event in worker.events("session_begun_again")] == [1]


def test_an_agent_that_is_killed_after_it_ended_its_job_is_not_begun_again(desk: Desk) -> None:
    """The job is completed by the agent's own command, then the agent dies: there is nothing to go on with."""
    worker = desk.worker(**AGENT)
    complete = "watchkeeper complete $WATCHKEEPER_JOB_ID 'by myself' '[]'"
    job = put_turns(desk, [("run", complete), ("kill", signal.SIGKILL)], [("done", 10)])
    assert desk.wait_for(job, "completed", "stuck", "failed")["summary"] == "by myself"
    wait_until(lambda: worker.events("attempt_reported"), 15, "the attempt to be over")
    assert [event["status"] for event in worker.events("agent_ended_its_job")] == ["completed"]
    assert (worker.events("session_begun_again"), len(turns_of(desk, job))) == ([], 1)


def test_an_agent_that_is_killed_again_and_again_is_left_to_a_person(desk: Desk) -> None:
    """After three restarts the job is stuck as a crash loop, with its class; it does not run for ever."""
    desk.worker(**AGENT)
    job = put_turns(desk, [("kill", signal.SIGKILL)])
    stuck = desk.wait_for(job, "stuck", "failed", "completed")
    assert (stuck["state"], stuck["state_reason"]) == ("stuck", "crash_loop")
    assert len(turns_of(desk, job)) == 4


def test_a_silent_turn_is_interrupted_and_resumed(desk: Desk) -> None:
    """A turn in which nothing moves past its limit is interrupted, and the thread goes on."""
    worker = desk.worker(
        **AGENT,
        session_limits={"silence_warn_seconds": 0.5, "silence_act_seconds": 1.0, "settle_seconds": 0.1},
    )
    job = put_turns(
        desk,
        [("say", "Let me think."), ("hang", None)],
        [("run", f"echo '{PAGE}' > index.html"), ("done", 20)],
        contract=PAGE_WANTED,
    )
    assert desk.wait_for(job, "completed", "stuck", "failed", timeout=40)["state"] == "completed"
    (healed,) = worker.events("session_healed")
    assert (healed["failure"], healed["action"]) == ("F02", "interrupt_resume")
    assert turns_of(desk, job)[1]["resumed"]


def test_a_used_up_quota_parks_the_job_and_counts_as_no_failure(desk: Desk) -> None:
    """Refused until a time that its provider names, the job waits for it: nobody's error, and no restart."""
    desk.worker(**AGENT)
    job = put_turns(desk, [("failed", "You've hit your usage limit. Try again in 2 hours 5 minutes.")])
    wait_until(lambda: desk.attempts(job), 10, "the attempt to be over")
    parked = desk.wait_for(job, "pending")
    assert desk.attempts(job)[0]["cause"] == "quota"
    assert parked["waiting_reason"] in {"not_due", "quota_parked"}
    assert len(turns_of(desk, job)) == 1


def test_the_next_supervisor_goes_on_with_the_thread(desk: Desk) -> None:
    """All of it killed at once, agent and supervisor: the next one resumes the thread in the same workspace."""
    out = desk.place / "out"
    first = desk.worker(**AGENT)
    job = put_turns(
        desk,
        [("run", f"echo half > half; echo $PPID > {out}/pid"), ("hang", None)],
        [("run", f"test -e half && echo '{PAGE}' > index.html"), ("done", 20)],
        contract=PAGE_WANTED,
    )
    pid = int(desk.said("pid"))
    first.kill()
    os.kill(pid, signal.SIGKILL)
    desk.worker(**AGENT)
    assert desk.wait_for(job, "completed", "stuck", "failed")["state"] == "completed"
    one, two = turns_of(desk, job)
    assert two["resumed"] == one["thread"]


def test_another_attempt_on_the_same_machine_goes_on_where_the_last_one_was(desk: Desk) -> None:
    """With the machine gone for longer than the lease, the next epoch finds the thread, the workspace and the state."""
    out = desk.place / "out"
    desk.kind("short", on_lost="requeue", lease_seconds=2)
    first = desk.worker(**AGENT)
    job = put_turns(
        desk,
        [("run", f"echo half > half; echo on > {out}/on"), ("hang", None)],
        [("run", f"test -e half && echo '{PAGE}' > index.html"), ("done", 20)],
        contract=PAGE_WANTED,
        kind="short",
    )
    desk.said("on")
    first.kill()
    wait_until(lambda: desk.job(job)["state"] == "pending", 20, "the lease to run out")
    desk.worker(**AGENT)
    assert desk.wait_for(job, "completed", "stuck", "failed")["state"] == "completed"
    one, two = turns_of(desk, job)
    assert two["resumed"] == one["thread"]
    assert len(desk.attempts(job)) == 2
