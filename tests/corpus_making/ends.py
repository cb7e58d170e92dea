"""F07, F08, F09, F14, F15, F16: ends that are none, ends by others, and rounds without an end."""

from __future__ import annotations

from corpus_making.sequences import SPEAKING, Label, sequence, stuck
from corpus_making.story import Story

HOUR = 3600.0
SUCCESS = "Task complete. I created the report and all tests pass."


@sequence("F07", *SPEAKING)
def nothing_at_all(story: Story) -> Label:
    """A turn that is over in half a second: no tool, no word, exit 0 (harness#1477)."""
    story.starts()
    story.begin()
    onset = story.wait(0.5).t
    story.ends_turn("")
    story.exits(0)
    story.end(20.0)
    return stuck(onset, 600.0, "block_complete", "kill", "sweep")


@sequence("F07", *SPEAKING)
def words_alone(story: Story) -> Label:
    """It says that it is done, and did nothing; no look at an artifact was recorded."""
    story.begin()
    story.pause()
    story.thinks()
    story.says("Done! I created report.txt and all tests pass.")
    onset = story.t
    story.ends_turn("Done! I created report.txt and all tests pass.")
    story.exits(0)
    story.end(5.0)
    return stuck(onset, 600.0, "block_complete", "kill")


@sequence("F07", *SPEAKING)
def completed_empty(story: Story) -> Label:
    """A completion is taken though nothing was done or handed in (multica PR #2507)."""
    story.starts()
    story.begin()
    onset = story.pause().t
    story.calls("complete", artifacts=0)
    story.ends_turn("")
    story.exits(0)
    story.end(30.0)
    return stuck(onset, 600.0, "block_complete", "kill")


@sequence("F07", *SPEAKING)
def read_and_gone(story: Story) -> Label:
    """It fetched the job's context, and ended without a step (compozy#144)."""
    story.starts()
    story.calls("context")
    story.begin()
    onset = story.wait(1.2).t
    story.ends_turn("")
    story.exits(0)
    story.wait(0.2)
    story.fact("proc", "left", processes=[])
    story.end(60.0)
    return stuck(onset, 600.0, "block_complete", "kill")


@sequence("F07", "command", "command", "command", "command")
def silent_success(story: Story) -> Label:
    """A command that ends with 0, said nothing and changed nothing (ruflo#1423: a record, and no process)."""
    story.starts()
    onset = story.wait(0.3).t
    story.exits(0)
    story.end(30.0)
    return stuck(onset, 600.0, "block_complete", "kill")


@sequence("F08", *SPEAKING)
def failed_command(story: Story) -> Label:
    """The last command failed, and the last word is success."""
    story.starts()
    story.begin()
    story.works(2)
    story.runs("pytest -q", 3.0, "3 failed, 14 passed", code=1)
    onset = story.t
    story.says(SUCCESS)
    story.ends_turn(SUCCESS)
    story.exits(0)
    story.end(30.0)
    return stuck(onset, 600.0, "block_complete", "kill")


@sequence("F08", *SPEAKING)
def open_item(story: Story) -> Label:
    """The turn is over while a command of it is still open (codex: the tool yielded, and was killed)."""
    story.starts()
    story.begin()
    story.works(1)
    story.opens("make release")
    story.wait(10.0)
    story.says("The release is built and ready.")
    onset = story.t
    story.ends_turn("The release is built and ready.")
    story.exits(0)
    story.end(30.0)
    return stuck(onset, 600.0, "block_complete", "kill")


@sequence("F08")
def hollow_artifact(story: Story) -> Label:
    """The artifact opens and holds nothing (claude-code#70234)."""
    story.starts()
    story.begin()
    story.works(3)
    story.calls("upload-files", artifacts=1)
    story.pause()
    onset = story.t
    story.checked(bytes_=0, files=1, failed=("empty_body",))
    story.says("The report is complete.")
    story.ends_turn("The report is complete.")
    story.exits(0)
    story.end(30.0)
    return stuck(onset, 600.0, "block_complete", "kill")


@sequence("F08")
def missing_artifact(story: Story) -> Label:
    """The artifact that was named is not there (claude_skills#3314)."""
    story.starts()
    story.begin()
    story.works(2)
    onset = story.t
    story.calls("complete", artifacts=1)
    story.wait(2.0)
    story.checked(status=404, files=0, bytes_=0, failed=("http_status", "no_file_list"))
    story.ends_turn("Done.")
    story.exits(0)
    story.end(30.0)
    return stuck(onset, 600.0, "block_complete", "kill")


@sequence("F08", "codex", "claude", "command")
def refused_by_the_gate(story: Story) -> Label:
    """The gate refuses, and the agent calls itself done all the same."""
    story.starts()
    story.begin()
    story.works(2)
    onset = story.t
    story.calls("complete", ok=False, error_code="gate_failed")
    story.pause()
    story.says("The job is complete.")
    story.ends_turn("The job is complete.")
    story.exits(0)
    story.end(60.0)
    return stuck(onset, 600.0, "block_complete", "kill")


@sequence("F09")
def worked_and_went(story: Story) -> Label:
    """Work was done, the agent ended well, and the contract heard nothing (hermes-agent#27178)."""
    story.starts()
    story.begin()
    story.works(4)
    story.says("I have written the three parts.")
    onset = story.t
    story.ends_turn("I have written the three parts.")
    story.exits(0)
    story.wait(0.4)
    story.fact("proc", "left", processes=[])
    story.end(120.0)
    return stuck(onset, HOUR, "retry", "fresh_session", "kill")


@sequence("F09")
def stream_and_exit(story: Story) -> Label:
    """The same with nothing but the stream and an exit code."""
    story.begin()
    story.works(3)
    story.says("Writing the summary next.")
    onset = story.t
    story.ends_turn("Writing the summary next.")
    story.exits(0)
    story.end(1.0)
    return stuck(onset, HOUR, "retry", "fresh_session", "kill")


@sequence("F09")
def uploaded_and_went(story: Story) -> Label:
    """It uploaded what it made, and forgot to complete."""
    story.starts()
    story.begin()
    story.calls("context")
    story.works(3)
    story.calls("progress", phase="building_artifact")
    story.calls("upload-files", artifacts=2)
    onset = story.pause().t
    story.says("Uploaded.")
    story.ends_turn("Uploaded.")
    story.exits(0)
    story.end(90.0)
    return stuck(onset, HOUR, "retry", "fresh_session", "kill")


@sequence("F09", "claude", "claude")
def turns_used_up(story: Story) -> Label:
    """It ran out of turns before it could report."""
    story.starts()
    story.begin()
    story.works(4)
    onset = story.t
    story._result(subtype="error_max_turns", is_error=True, terminal_reason="max_turns", errors=[])
    story.exits(1)
    story.end(30.0)
    return stuck(onset, HOUR, "retry", "fresh_session", "kill")


@sequence("F09", "claude")
def budget_used_up(story: Story) -> Label:
    """It spent what it was allowed: more money is a person's decision (hermes-agent#23216)."""
    story.starts()
    story.begin()
    story.works(3)
    onset = story.t
    story._result(subtype="error_max_budget_usd", is_error=True, terminal_reason="budget_exhausted")
    story.exits(1)
    story.end(30.0)
    return stuck(onset, HOUR, "escalate", "fresh_session", "kill")


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
    """A check each 30 s ended a session that worked (orca#18368); its completion is then refused."""
    story.starts()
    story.begin()
    story.works(3)
    story.sample(busy=0.4)
    onset = story.wait(3.0).t
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
    story.wait(40.0)
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
