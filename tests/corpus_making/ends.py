"""F07, F08, F09: ends that are none."""

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
