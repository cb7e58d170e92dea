"""F12, F13: queues that stand still, and processes that are left."""

from __future__ import annotations

from typing import Any

from corpus_making.sequences import ENDS_IT, Label, sequence, stuck
from corpus_making.story import Story

HOUR = 3600.0


def _begun(story: Story, steps: int = 2) -> None:
    story.starts()
    story.begin()
    story.works(steps)


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
