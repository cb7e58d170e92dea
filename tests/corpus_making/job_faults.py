"""F05, F10, F11, F18: what goes wrong between a session and its job."""

from __future__ import annotations

from corpus_making.sequences import ENDS_IT, SPEAKING, Label, sequence, stuck
from corpus_making.story import Story

HOUR = 3600.0


def _begun(story: Story, steps: int = 2) -> None:
    story.starts()
    story.begin()
    story.works(steps)


@sequence("F05")
def fetch_failed(story: Story) -> Label:
    """`complete` dies with `TypeError: fetch failed`, and so does its repetition (multica#8529)."""
    _begun(story)
    onset = story.t
    story.calls("complete", ok=False, error_code="server_unreachable")
    story.wait(3.2)
    story.calls("complete", ok=False, error_code="server_unreachable")
    story.wait(1.0)
    story.says("The server could not be reached: TypeError: fetch failed")
    story.end(120.0)
    return stuck(onset, 900.0, "retry", "block_complete", *ENDS_IT)


@sequence("F05")
def server_error_and_exit(story: Story) -> Label:
    """The report is dropped on a 500, and the worker ends as if all were well."""
    _begun(story)
    onset = story.t
    story.calls("progress", ok=False, error_code="internal_error", phase="build")
    story.pause()
    story.calls("complete", ok=False, error_code="internal_error")
    story.says("Could not report the result.")
    story.ends_turn("Could not report the result.")
    story.exits(0)
    story.end(30.0)
    return stuck(onset, 900.0, "retry", "kill", "fresh_session")


@sequence("F05", "command", "codex", "claude")
def database_away(story: Story) -> Label:
    """The database is away: context and progress fail with 503 again and again (taskcluster#5666)."""
    story.starts()
    onset = story.t
    for command in ("context", "context", "progress", "progress"):
        story.calls(command, ok=False, error_code="database_unavailable")
        story.wait(6.0)
    story.begin()
    story.end(20.0)
    return stuck(onset, 900.0, "retry", *ENDS_IT)


@sequence("F05", "codex", "claude", "command")
def no_code_at_all(story: Story) -> Label:
    """Half a record: the call failed, and nobody wrote down how."""
    story.fact("contract", "claim", ok=True)
    story.wait(5.0)
    onset = story.t
    story.fact("contract", "upload-files", ok=False)
    story.wait(30.0)
    story.fact("contract", "upload-files", ok=False)
    story.end(10.0)
    return stuck(onset, 900.0, "retry", *ENDS_IT)


@sequence("F05", "codex")
def tools_are_missing(story: Story) -> Label:
    """The contract's MCP server does not start, and the agent ends before its first turn."""
    story.starts()
    onset = story.t
    text = "Error: required MCP servers failed to initialize: watchkeeper: connection refused"
    story.line(text, source="stderr")
    story.exits(1)
    story.end(30.0)
    return stuck(onset, 900.0, "retry", "kill", "fresh_session", "block_complete")


@sequence("F10")
def refused_after_a_gap(story: Story) -> Label:
    """Renewals stop, the lease runs out, another worker claims, and the completion is refused (harness#1878)."""
    _begun(story)
    story.renews(45.0)
    story.wait(75.0)
    onset = story.t
    story.fact("lease", "expired", epoch=1, worker="w1")
    story.wait(8.0)
    story.fact("lease", "taken_over", epoch=2, worker="w2")
    story.pause()
    story.says("Writing the last part.")
    story.wait(40.0)
    story.calls("complete", ok=False, error_code="stale_lease")
    story.end(20.0)
    return stuck(onset, 600.0, "reconcile", "block_complete", *ENDS_IT)


@sequence("F10")
def only_the_refusal(story: Story) -> Label:
    """Of the loss itself nothing was recorded: the completion is refused as stale."""
    story.begin()
    story.works(3)
    story.says("Handing in.")
    onset = story.t
    story.calls("complete", ok=False, error_code="stale_lease")
    story.pause()
    story.ends_turn("Handed in.")
    story.exits(0)
    story.end(20.0)
    return stuck(onset, 600.0, "reconcile", *ENDS_IT)


@sequence("F10")
def goes_on_after_errors(story: Story) -> Label:
    """It works on for minutes after its renewals fail (bytedance/deer-flow#4414)."""
    _begun(story)
    onset = story.wait(70.0).t
    story.fact("lease", "expired", epoch=1)
    story.works(3)
    story.fact("lease", "taken_over", epoch=2, worker="w9")
    story.works(2)
    story.calls("upload-files", ok=False, error_code="stale_lease")
    story.end(15.0)
    return stuck(onset, 600.0, "reconcile", *ENDS_IT)


@sequence("F10", "codex", "claude", "command")
def told_by_progress(story: Story) -> Label:
    """A progress call learns that the lease is another's."""
    _begun(story, 3)
    story.renews(30.0)
    story.wait(200.0)
    onset = story.t
    story.calls("progress", ok=False, error_code="stale_lease", phase="build")
    story.says("The lease seems to be gone.")
    story.end(60.0)
    return stuck(onset, 600.0, "reconcile", *ENDS_IT)


@sequence("F11")
def two_holders(story: Story) -> Label:
    """While the lease is renewed as ever, somebody else gets the same job (beads#3570)."""
    story.starts()
    story.begin()
    story.renews(60.0)
    story.works(1)
    story.fact("lease", "renewed", epoch=1, worker="w1")
    story.wait(5.0)
    onset = story.t
    story.fact("lease", "claimed", epoch=2, worker="w2")
    story.renews(60.0)
    story.works(1)
    story.end(10.0)
    return stuck(onset, 600.0, "hold", "kill", "fresh_session", "block_complete")


@sequence("F11")
def two_processes(story: Story) -> Label:
    """A second process is started at the job while the first still works (hermes-agent#21141)."""
    _begun(story)
    story.sample(busy=0.3)
    onset = story.wait(4.0).t
    story.fact("proc", "start", pid=4777)
    story.begin()
    story.works(2)
    story.end(10.0)
    return stuck(onset, 600.0, "hold", "fresh_session", "block_complete")


@sequence("F11", "codex", "claude", "command")
def second_primary(story: Story) -> Label:
    """The server refuses a second primary job."""
    _begun(story, 1)
    onset = story.t
    story.calls("claim", ok=False, error_code="multiple_primary_jobs")
    story.works(1)
    story.end(60.0)
    return stuck(onset, 600.0, "hold", "fresh_session", "block_complete")


@sequence("F11", *SPEAKING)
def active_writer(story: Story) -> Label:
    """A resume meets a session that somebody else writes."""
    story.starts()
    onset = story.wait(0.4).t
    text = "Error: thread 0197-5 already has an active writer"
    if story.agent == "claude":
        text = "Error: Session ID 5e55-1 is already in use."
    story.line(text, source="stderr")
    story.exits(1)
    story.end(30.0)
    return stuck(onset, 600.0, "hold", "fresh_session", "kill")


@sequence("F11", "codex")
def two_threads(story: Story) -> Label:
    """Two threads speak in one stream."""
    story.begin()
    story.works(2)
    onset = story.t
    story.begin()
    story.works(2)
    story.end(30.0)
    return stuck(onset, 600.0, "hold", "fresh_session", "block_complete")


@sequence("F18")
def unknown_to_context(story: Story) -> Label:
    """The job was given out, and its context is not found (gastown#3800)."""
    story.starts()
    story.begin()
    onset = story.pause().t
    story.calls("context", ok=False, error_code="job_not_found")
    story.wait(20.0)
    story.says("I cannot find the job.")
    story.end(40.0)
    return stuck(onset, 600.0, "escalate", "block_complete", *ENDS_IT)


@sequence("F18")
def unknown_to_complete(story: Story) -> Label:
    """All the work is done, and the job is not there any more: claim no success, keep the evidence."""
    _begun(story, 3)
    story.calls("upload-files", artifacts=1)
    story.checked()
    onset = story.pause().t
    story.calls("complete", ok=False, error_code="job_not_found")
    story.ends_turn("Done.")
    story.exits(0)
    story.end(20.0)
    return stuck(onset, 600.0, "escalate", *ENDS_IT)


@sequence("F18")
def asks_for_ever(story: Story) -> Label:
    """The worker asks for the same job again and again, and never ends."""
    story.fact("contract", "claim", ok=True)
    onset = story.pause().t
    for _ in range(12):
        story.calls("context", ok=False, error_code="job_not_found")
        story.wait(30.0)
    story.end()
    return stuck(onset, 600.0, "escalate", *ENDS_IT)


@sequence("F18", "codex", "claude", "command")
def unknown_to_progress(story: Story) -> Label:
    """The first progress call learns that there is no such job."""
    _begun(story, 1)
    onset = story.t
    story.calls("progress", ok=False, error_code="job_not_found", phase="reading_context")
    story.works(1)
    story.end(30.0)
    return stuck(onset, 600.0, "escalate", *ENDS_IT)
