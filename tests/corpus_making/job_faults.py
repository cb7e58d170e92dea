"""F05, F10, F11, F12, F13, F18: what goes wrong around the job, its lease, its queue and its processes."""

from __future__ import annotations

from typing import Any

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


@sequence("F12")
def nothing_given_out(story: Story) -> Label:
    """Tick after tick ready, none running, none given out, none declined (kube-agents#1879, 174 ticks)."""
    onset = story.t
    _ticks(story, 60, every=15.0, ready=4, running=0)
    return stuck(onset, 2 * HOUR, "escalate", *ENDS_IT)


@sequence("F12")
def slots_lost(story: Story) -> Label:
    """The dispatcher counts slots that nobody uses, and says nothing of it (kube-agents#1880)."""
    _ticks(story, 4, every=60.0, ready=3, running=1, declined=[{"job": "j1", "reason": "limit_full"}])
    onset = story.t
    _ticks(story, 16, every=60.0, ready=3, running=0)
    return stuck(onset, 2 * HOUR, "escalate", *ENDS_IT)


@sequence("F12")
def spawning_fails(story: Story) -> Label:
    """Every job is declined because it could not be started: no reason to wait for."""
    onset = story.t
    declined = [{"job": f"j{n}", "reason": "spawn_failed"} for n in range(3)]
    _ticks(story, 25, every=30.0, ready=3, running=0, declined=declined)
    return stuck(onset, 2 * HOUR, "escalate", *ENDS_IT)


@sequence("F12")
def half_a_tick(story: Story) -> Label:
    """Ticks that tell only how many are ready."""
    onset = story.t
    for _ in range(13):
        story.fact("queue", "tick", ready=2)
        story.wait(60.0)
    story.end()
    return stuck(onset, 2 * HOUR, "escalate", *ENDS_IT)


def _ticks(story: Story, count: int, *, every: float, **tick: Any) -> None:
    for _ in range(count):
        story.fact("queue", "tick", spawned=0, **({"declined": []} | tick))
        story.wait(every)


@sequence("F13")
def outlives_a_good_end(story: Story) -> Label:
    """A completed job, and a child of its own session that lives on (codex#18881)."""
    _begun(story, 3)
    story.hands_in()
    story.says("Handed in.")
    story.ends_turn("Handed in.")
    story.exits(0)
    onset = story.t
    story.wait(0.3)
    story.fact("proc", "left", processes=[_process(4190, 1, "R", 12.0, "node server.js")])
    story.end(20.0)
    return stuck(onset, HOUR, "sweep", "block_complete", *ENDS_IT)


@sequence("F13")
def outlives_a_kill(story: Story) -> Label:
    """The agent was killed during a tool; shell and child are somebody else's children now."""
    _begun(story, 1)
    story.opens("npm test")
    story.wait(4.0)
    story.exits(None, 9)
    onset = story.t
    story.wait(0.2)
    left = [_process(4191, 1, "S", 0.1, "/bin/bash -c npm test"), _process(4192, 4191, "R", 3.0, "node")]
    story.fact("proc", "left", processes=left)
    story.end(20.0)
    return stuck(onset, HOUR, "sweep", "block_complete", "kill", "fresh_session")


@sequence("F13")
def seen_after_the_end(story: Story) -> Label:
    """Nobody told what was left; a look at the processes after the end shows a browser (codex#34178)."""
    _begun(story, 2)
    story.hands_in()
    story.ends_turn("Handed in.")
    story.exits(0)
    story.wait(10.0)
    onset = story.t
    story.fact("proc", "sample", processes=[_process(4193, 1, "R", 40.0, "chrome --headless")], sockets=0)
    story.wait(30.0)
    story.fact("proc", "sample", processes=[_process(4193, 1, "R", 70.0, "chrome --headless")], sockets=0)
    story.end(10.0)
    return stuck(onset, HOUR, "sweep", "block_complete", *ENDS_IT)


@sequence("F13", "codex", "claude", "command")
def burns_a_core(story: Story) -> Label:
    """A child without a parent burns a core for a quarter of an hour beside a session that works on."""
    _begun(story, 1)
    story.fact("proc", "sample", processes=[_process(4194, 1, "R", 1.0, "chrome")])
    onset = story.t
    for n in range(1, 16):
        story.wait(60.0)
        story.runs(f"cat src/file_{n}.py", 0.2, f"content {n}")
        story.fact("proc", "sample", processes=[_process(4194, 1, "R", 1.0 + 58.0 * n, "chrome")])
    story.end(5.0)
    return stuck(onset, HOUR, "sweep", "block_complete", *ENDS_IT)


def _process(pid: int, ppid: int, state: str, cpu: float, command: str) -> dict[str, Any]:
    return {"pid": pid, "ppid": ppid, "state": state, "cpu_seconds": cpu, "command": command}


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
