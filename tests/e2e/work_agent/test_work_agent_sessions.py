"""What a supervisor tells of its sessions: all turns of a thread, a plain command, what an adopted one goes on with."""

from __future__ import annotations

import os
import signal
from typing import Any

from e2e.work_agent.desk import PAGE, Desk
from e2e.work_agent.turns import AGENT, PAGE_WANTED, put_turns, turns_of
from waiting import wait_until

PAGE_DONE = (("run", f"echo '{PAGE}' > index.html"), ("done", 10))


def session_of(desk: Desk, job: str) -> dict[str, Any] | None:
    rows = desk.ask("GET", f"/api/sessions?job={job}")["sessions"]
    return rows[0] if rows else None


def ended(desk: Desk, job: str) -> dict[str, Any]:
    def over() -> dict[str, Any] | None:
        found = session_of(desk, job)
        return found if found is not None and found["state"] == "ended" else None

    return wait_until(over, 15, "the session's end to be told")


def events_of(desk: Desk, session: str) -> list[dict[str, Any]]:
    return list(desk.ask("GET", f"/api/sessions/{session}/events")["events"])


def words_of(desk: Desk, session: str) -> list[str]:
    return [event["fields"]["text"] for event in events_of(desk, session) if event["event"] == "said"]


def test_every_turn_of_a_thread_is_told_of_one_session(desk: Desk) -> None:
    """Killed and resumed, then cut by a person's hand: one session with three turns, its restart, its tokens, its words
    in order, and nothing left. The agent is told what the person said, and that is no restart.
    """
    desk.worker(**AGENT)
    desk.kind("short", on_lost="requeue", lease_seconds=4)
    job = put_turns(
        desk,
        [("say", "I begin."), ("kill", signal.SIGKILL)],
        [("say", "I go astray."), ("hang", None)],
        [("say", "I go on."), ("run", f"echo '{PAGE}' > index.html"), ("done", 250)],
        contract=PAGE_WANTED,
        kind="short",
    )
    row = wait_until(lambda: session_of(desk, job), 15, "the session")
    wait_until(lambda: "I go astray." in words_of(desk, row["id"]), 20, "the second turn")
    said = "leave the blue page alone"
    desk.ask("POST", f"/api/sessions/{row['id']}/interrupt", {"reason": said})
    assert desk.wait_for(job, "completed", "stuck", "failed")["state"] == "completed"
    _, second, third = turns_of(desk, job)
    assert (third["resumed"], said in third["prompt"]) == (second["thread"], True)
    row = ended(desk, job)
    assert [row[name] for name in ("agent", "turns", "restarts")] == ["codex", 3, 1]
    assert row["tokens_used"] >= 250
    shown = desk.ask("GET", f"/api/sessions/{row['id']}")["session"]
    assert (shown["left_processes"], shown["exit_code"]) == ([], 0)
    assert shown["thread_id"]
    told = events_of(desk, row["id"])
    assert words_of(desk, row["id"]) == ["I begin.", "I go astray.", "I go on."]
    assert "renewed" in {event["event"] for event in told if event["source"] == "lease"}
    assert [event["number"] for event in told] == list(range(1, len(told) + 1))
    assert {"tool_opened", "tool_closed", "exit", "turn_ended"} <= {event["event"] for event in told}


def test_the_next_supervisor_goes_on_with_the_record(desk: Desk) -> None:
    """The supervisor is killed and another adopts the session: the same one, its events numbered on."""
    first = desk.worker(**AGENT)
    go = desk.place / "out" / "go"
    job = put_turns(
        desk, [("say", "I wait."), ("wait", str(go)), ("say", "I am done."), *PAGE_DONE], contract=PAGE_WANTED
    )
    row = wait_until(lambda: session_of(desk, job), 15, "the session")
    wait_until(lambda: any(e["event"] == "said" for e in events_of(desk, row["id"])), 15, "its first word")
    os.kill(first.process.pid, signal.SIGKILL)
    first.process.wait(10)
    desk.worker(**AGENT)
    go.touch()
    assert desk.wait_for(job, "completed", "stuck", "failed")["state"] == "completed"
    assert ended(desk, job)["id"] == row["id"]
    told = events_of(desk, row["id"])
    assert told[-1]["number"] == len({event["number"] for event in told}), "no number twice, none left out"
    assert words_of(desk, row["id"]) == ["I wait.", "I am done."], (
        "what was told by the first is not told again"
    )


def test_a_plain_command_is_a_session_too(desk: Desk) -> None:
    """It tells no events; that it ran, where, and how it ended is there."""
    desk.worker()
    job = desk.put("exit 3")
    row = ended(desk, job)
    shown = desk.ask("GET", f"/api/sessions/{row['id']}")["session"]
    assert (shown["agent"], shown["exit_code"], shown["left_processes"]) == ("command", 3, [])
