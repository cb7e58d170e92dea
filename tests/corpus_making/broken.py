"""F14, F15, F16: sessions that broke off, that go round, and that somebody ended."""

from __future__ import annotations

from corpus_making.sequences import SPEAKING, Label, sequence, stuck
from corpus_making.story import Story

HOUR = 3600.0
SUCCESS = "Task complete. I created the report and all tests pass."


@sequence("F14")
def killed_in_a_tool(story: Story) -> Label:
    """SIGKILL in the middle of a tool: no closing event; the thread can be resumed."""
    story.starts()
    story.begin()
    story.works(2)
    story.opens("sleep 8; echo two")
    onset = story.wait(3.0).t
    story.exits(None, 9)
    story.end(30.0)
    return stuck(onset, HOUR, "interrupt_resume", "fresh_session", "kill", "block_complete")


@sequence("F14")
def gone_without_an_end(story: Story) -> Label:
    """The machine went down: no exit is known, the processes are gone, the lease ran out (vibe-kanban#1571)."""
    story.starts()
    story.begin()
    story.works(2)
    story.sample()
    onset = story.wait(30.0).t
    story.fact("proc", "sample", processes=[])
    story.wait(60.0)
    story.fact("lease", "expired", epoch=1)
    story.end(60.0)
    return stuck(onset, HOUR, "interrupt_resume", "fresh_session", "kill", "block_complete")


@sequence("F14")
def nobody_took_in_its_end(story: Story) -> Label:
    """The supervisor died too: an end without a code (paperclip#2912)."""
    story.starts()
    story.begin()
    story.works(3)
    onset = story.t
    story.exits(None, None)
    story.end(90.0)
    return stuck(onset, HOUR, "interrupt_resume", "fresh_session", "kill", "block_complete")


@sequence("F14", *SPEAKING)
def no_such_session(story: Story) -> Label:
    """The session that was to be resumed is not there (emdash#1229)."""
    story.starts()
    onset = story.wait(0.3).t
    text = "Error: no rollout found for thread id 0197-5"
    if story.agent == "claude":
        text = "No conversation found with session ID: 5e55-1"
    story.line(text, source="stderr")
    story.exits(1)
    story.end(30.0)
    return stuck(onset, HOUR, "fresh_session", "interrupt_resume", "kill")


@sequence("F14")
def crashed(story: Story) -> Label:
    """The agent crashed in the middle of a turn, with a trace on stderr."""
    story.starts()
    story.begin()
    story.works(2)
    onset = story.t
    story.line("FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory", "stderr")
    story.exits(134)
    story.end(30.0)
    return stuck(onset, HOUR, "interrupt_resume", "fresh_session", "kill", "block_complete")


@sequence("F15", *SPEAKING)
def one_call(story: Story) -> Label:
    """The same call with the same result, dozens of times (prime-agent#1326)."""
    story.starts()
    story.begin()
    story.works(1)
    onset = story.t
    for _ in range(30):
        story.runs("cat status.txt", 0.3, "pending")
        story.wait(4.0)
    story.end()
    return stuck(onset, HOUR, "interrupt_resume", "kill", "fresh_session")


@sequence("F15", *SPEAKING)
def ping_pong(story: Story) -> Label:
    """Two calls in turn, each with its same result (zeroclaw#2152)."""
    story.starts()
    story.begin()
    onset = story.t
    for _ in range(14):
        story.runs("git status --short", 0.2, "")
        story.wait(2.0)
        story.runs("pytest -q", 3.0, "1 failed", code=1)
        story.wait(2.0)
    story.end()
    return stuck(onset, HOUR, "interrupt_resume", "kill", "fresh_session")


@sequence("F15", *SPEAKING)
def talks_in_between(story: Story) -> Label:
    """It explains itself each time, and does the same again (open-design PR #3375)."""
    story.begin()
    onset = story.t
    for n in range(20):
        story.says(f"Let me try that once more, attempt {n}.")
        story.wait(5.0)
        story.runs("npm run build", 8.0, "error TS2304", code=2)
        story.wait(5.0)
    story.end()
    return stuck(onset, HOUR, "interrupt_resume", "kill", "fresh_session")


@sequence("F15", *SPEAKING)
def fails_each_time(story: Story) -> Label:
    """One failure after the other, each worded anew, and no file moved for an hour."""
    story.starts()
    story.begin()
    onset = story.t
    for n in range(30):
        story.wait(110.0)
        story.runs("curl -s http://localhost:3000/health", 1.0, f"connection refused at {n}", code=7)
    story.end()
    return stuck(onset, 2 * HOUR, "interrupt_resume", "kill", "fresh_session")


@sequence("F15", "claude", "claude", "codex", "codex")
def heartbeats_alone(story: Story) -> Label:
    """For an hour only heartbeats: events come, work does not (nielsgl/symphony#258)."""
    story.starts()
    story.begin()
    story.works(1)
    onset = story.t
    for n in range(66):
        story.wait(50.0)
        kind = {"claude": {"type": "system", "subtype": "status"}, "codex": {"type": "turn.heartbeat"}}
        story.line(kind[story.agent] | {"n": n})
    story.end()
    return stuck(onset, 2 * HOUR, "interrupt_resume", "kill", "fresh_session")


@sequence("F16")
def ended_by_a_check(story: Story) -> Label:
    """A check of 30 s ended a session whose processes worked (orca#18368)."""
    story.starts()
    story.begin()
    story.works(3)
    story.sample(busy=0.4)
    story.watched(30.0, 10.0, busy=0.4)
    onset = story.t
    story.exits(None, 15)
    story.wait(2.0)
    story.end(60.0)
    return stuck(onset, HOUR, "hold", "kill", "fresh_session", "block_complete")


@sequence("F16")
def ended_in_its_tests(story: Story) -> Label:
    """300 s of tests were called a stall (untether#105)."""
    story.starts()
    story.begin()
    story.works(1)
    story.opens("pytest -q tests")
    story.watched(300.0, 30.0, busy=0.9)
    onset = story.t
    story.exits(143)
    story.end(30.0)
    return stuck(onset, HOUR, "hold", "kill", "fresh_session", "block_complete")


@sequence("F16")
def interrupted_while_well(story: Story) -> Label:
    """The recording tells the interruption itself: SIGTERM to a session that had spoken a second before."""
    story.starts()
    story.begin()
    story.works(2)
    onset = story.wait(1.0).t
    story.fact("proc", "signal", signal=15)
    story.exits(None, 9)
    story.end(30.0)
    return stuck(onset, HOUR, "hold", "fresh_session", "block_complete", "kill")


@sequence("F16", "claude", "claude", "codex")
def ended_before_its_turn(story: Story) -> Label:
    """A first turn that took 40 s was taken for none (multica, 30 s then 60 s)."""
    story.starts()
    story.watched(40.0, 10.0, busy=0.2)
    onset = story.t
    story.exits(None, 15)
    story.end(30.0)
    return stuck(onset, HOUR, "hold", "fresh_session", "block_complete", "kill")


@sequence("F16")
def its_work_refused(story: Story) -> Label:
    """Ended while it was well, and what it had made was refused as stale: a person reconciles it."""
    story.starts()
    story.begin()
    story.works(3)
    story.calls("upload-files", artifacts=1)
    onset = story.wait(2.0).t
    story.exits(None, 15)
    story.wait(4.0)
    story.calls("complete", ok=False, error_code="stale_lease")
    story.end(30.0)
    return stuck(onset, HOUR, "reconcile", "fresh_session", "block_complete", "kill")
