"""F03, F17: sessions that are done and live on, and those that wait for a person."""

from __future__ import annotations

import json

from corpus_making.sequences import ANY, SPEAKING, Label, sequence, stuck
from corpus_making.story import Story

HOUR = 3600.0


@sequence("F03", *SPEAKING)
def done_and_alive(story: Story) -> Label:
    """The job is completed and the turn over; the process never ends (claude-code#25629)."""
    _done(story)
    onset = story.t
    story.watched(1200.0, 60.0)
    story.end()
    return stuck(onset, HOUR, "sweep", "block_complete", "kill")


@sequence("F03", *SPEAKING)
def done_alone(story: Story) -> Label:
    """Only the stream: a result, then silence for most of an hour (untether#333, 36 min)."""
    story.begin()
    story.works(3)
    story.says("Everything is written.")
    story.ends_turn("Everything is written.")
    onset = story.t
    story.end(2160.0)
    return stuck(onset, HOUR, "sweep", "block_complete", "kill")


@sequence("F03", *SPEAKING)
def done_with_servers(story: Story) -> Label:
    """Children live on beside it, busy with nothing (hive-mind PR #1281)."""
    _done(story)
    onset = story.t
    for n in range(14):
        story.wait(60.0)
        server = {
            "pid": 4150,
            "ppid": 4100,
            "state": "S",
            "cpu_seconds": 1.0 + n / 100,
            "command": "mcp-server",
        }
        agent = {"pid": 4100, "ppid": 4000, "state": "S", "cpu_seconds": 0.5, "command": story.agent}
        story.fact("proc", "sample", processes=[agent, server], sockets=2)
    story.end()
    return stuck(onset, HOUR, "sweep", "block_complete")


@sequence("F03", *SPEAKING)
def done_and_renewed(story: Story) -> Label:
    """The supervisor renews the lease of a session that is over (paperclip#4266)."""
    _done(story)
    onset = story.t
    story.renews(900.0, 60.0)
    story.end()
    return stuck(onset, HOUR, "sweep", "block_complete")


@sequence("F03", "claude")
def done_and_reported(story: Story) -> Label:
    """After the result only notices of its background tasks (untether#470)."""
    _done(story)
    onset = story.t
    for n in range(5):
        story.wait(100.0)
        story.line(
            {"type": "system", "subtype": "task_notification", "task_id": f"b{n}", "status": "stopped"}
        )
    story.end(600.0)
    return stuck(onset, HOUR, "sweep", "block_complete")


def _done(story: Story) -> None:
    story.starts()
    story.begin()
    story.works(3)
    story.hands_in()
    story.says("All of it is handed in.")
    story.ends_turn("All of it is handed in.")


@sequence("F03", *SPEAKING)
def done_without_a_contract(story: Story) -> Label:
    """A session that ended its turn hours ago; its sockets are still open (claude-code#1935)."""
    story.starts()
    story.begin()
    story.works(2)
    story.ends_turn("Done.")
    onset = story.t
    story.watched(7200.0, 600.0)
    story.end()
    return stuck(onset, HOUR, "sweep", "kill")


@sequence("F03", *SPEAKING)
def done_in_a_second_turn(story: Story) -> Label:
    """The first turn was refused by the gate, the second was taken; then it never ended."""
    story.starts()
    story.begin()
    story.works(2)
    story.calls("complete", ok=False, error_code="gate_failed")
    story.ends_turn("Done.")
    story.wait(2.0)
    story.begin()
    story.works(1)
    story.hands_in()
    story.ends_turn("Mended.")
    onset = story.t
    story.watched(900.0, 90.0)
    story.end()
    return stuck(onset, HOUR, "sweep", "block_complete", "kill")


@sequence("F17", "claude")
def requires_action(story: Story) -> Label:
    """It waits for an approval that nobody gives (agentwire-dev#274, 11 h)."""
    story.starts()
    story.begin()
    story.works(2)
    story.line({"type": "system", "subtype": "session_state_changed", "state": "requires_action"})
    onset = story.t
    story.watched(1800.0, 120.0)
    story.end(HOUR)
    return stuck(onset, HOUR, "escalate", "kill", "fresh_session")


@sequence("F17", "claude")
def permission_is_asked(story: Story) -> Label:
    """A control request for a tool that is not allowed stays open."""
    story.begin()
    story.works(1)
    request = {"subtype": "can_use_tool", "tool_name": "Bash", "input": {"command": "rm -rf build"}}
    story.line({"type": "control_request", "request_id": "r1", "request": request})
    onset = story.t
    story.end(2400.0)
    return stuck(onset, HOUR, "escalate")


@sequence("F17", *ANY)
def a_prompt_on_stdout(story: Story) -> Label:
    """A program asks on stdout and waits for a key."""
    story.starts()
    story.begin()
    story.pause()
    story.line("Do you want to continue? [y/N]")
    onset = story.t
    story.watched(900.0, 60.0)
    story.end(900.0)
    return stuck(onset, HOUR, "escalate")


@sequence("F17", *ANY)
def a_prompt_on_stderr(story: Story) -> Label:
    """A question on stderr."""
    story.starts()
    story.begin()
    story.pause()
    asks = {
        "codex": "Do you trust the files in this folder? (y/n)",
        "claude": "Do you want to trust this folder? (y/n)",
    }
    story.line(asks.get(story.agent, "Overwrite existing files? (yes/no)"), source="stderr")
    onset = story.t
    story.renews(600.0, 60.0)
    story.end(600.0)
    return stuck(onset, HOUR, "escalate")


@sequence("F17", "claude", "command")
def asks_before_it_begins(story: Story) -> Label:
    """The first thing that it says is a question."""
    story.starts()
    story.line("Press Enter to continue")
    onset = story.t
    story.watched(600.0, 60.0)
    story.end(1200.0)
    return stuck(onset, HOUR, "escalate")


@sequence("F17", "claude", "claude")
def asks_twice(story: Story) -> Label:
    """One question was answered by a hook; the next is answered by nobody."""
    story.begin()
    waits = json.dumps({"type": "system", "subtype": "session_state_changed", "state": "requires_action"})
    story.line(waits)
    story.wait(3.0)
    story.works(2)
    story.line(waits)
    onset = story.t
    story.end(1500.0)
    return stuck(onset, HOUR, "escalate")
