"""Sessions that are well, and look as if they were not."""

from __future__ import annotations

from typing import Any

from corpus_making.sequences import ANY, ENDS_IT, SPEAKING, Label, sequence, well
from corpus_making.story import Story


def _begun(story: Story, steps: int = 2) -> None:
    story.starts()
    story.begin()
    story.works(steps)


def _ended(story: Story) -> Label:
    story.works(1)
    story.hands_in()
    story.finishes()
    story.end(30.0)
    return well()


@sequence("healthy", *ANY)
def plain_work(story: Story) -> Label:
    """Nothing special: work, evidence, completion, end."""
    _begun(story, 4)
    return _ended(story)


@sequence("healthy", *SPEAKING)
def recovers_at_300(story: Story) -> Label:
    """A silent stream for 300 s, then the agent's own retry succeeds."""
    _begun(story)
    story.watched(300.0, 30.0)
    return _ended(story)


@sequence("healthy", *SPEAKING)
def recovers_at_405(story: Story) -> Label:
    """405 s of silence, which one version shows again and again (claude-code#83859)."""
    _begun(story)
    story.renews(405.0, 45.0)
    return _ended(story)


@sequence("healthy", *SPEAKING)
def recovers_at_650(story: Story) -> Label:
    """Almost eleven minutes without a word, and nothing recorded beside it."""
    _begun(story)
    story.wait(650.0)
    return _ended(story)


@sequence("healthy", *SPEAKING)
def ten_minutes_of_tests(story: Story) -> Label:
    """One tool runs for ten minutes, its processes work."""
    _begun(story)
    name = story.opens("pytest -q tests")
    story.watched(620.0, 30.0, busy=0.8)
    story.closes(name, "pytest -q tests", "812 passed")
    return _ended(story)


@sequence("healthy", "claude", "codex")
def two_hours_of_a_tool(story: Story) -> Label:
    """A training run of almost two hours; nobody looked at its processes."""
    _begun(story)
    name = story.opens("make train")
    story.wait(7000.0)
    story.closes(name, "make train", "loss 0.02")
    return _ended(story)


@sequence("healthy", *ANY)
def transcript_goes_on(story: Story) -> Label:
    """stdout stands still for a quarter of an hour while the transcript grows (claude-code#17248)."""
    _begun(story)
    for n in range(18):
        story.wait(50.0)
        story.line(f'{{"type":"assistant","n":{n}}}', source="transcript")
    return _ended(story)


@sequence("healthy", *ANY)
def children_work(story: Story) -> Label:
    """No event for a quarter of an hour, but a child of its own works."""
    _begun(story)
    story.watched(900.0, 30.0, busy=0.6)
    return _ended(story)


@sequence("healthy", *ANY)
def slow_start(story: Story) -> Label:
    """100 s until the first event."""
    story.starts()
    story.wait(100.0)
    story.begin()
    story.works(2)
    return _ended(story)


@sequence("healthy", "command", "codex", "claude")
def a_full_queue(story: Story) -> Label:
    """All slots are taken, for half an hour: what waits is declined for it."""
    return _ticks(story, 60, {"reason": "limit_full"}, running=4)


@sequence("healthy", "command")
def a_paused_kind(story: Story) -> Label:
    """A person paused the kind."""
    return _ticks(story, 60, {"reason": "kind_paused"}, running=0)


@sequence("healthy", "command")
def a_cooling_provider(story: Story) -> Label:
    """The pool waits for its rate limit (hermes-agent#91941: 986 false ticks)."""
    return _ticks(story, 90, {"reason": "rate_limited"}, running=0)


@sequence("healthy", "command")
def a_queue_that_moves(story: Story) -> Label:
    """Ready jobs are never none, but they are given out elsewhere: their number falls and rises."""
    for n in range(60):
        story.fact("queue", "tick", ready=5 + n % 3, running=2, spawned=0, declined=[])
        story.wait(30.0)
    story.end()
    return well()


def _ticks(story: Story, count: int, declined: dict[str, Any], *, running: int) -> Label:
    for _ in range(count):
        told = [{"job": f"j{n}"} | declined for n in range(3)]
        story.fact("queue", "tick", ready=3, running=running, spawned=0, declined=told)
        story.wait(30.0)
    story.end()
    return well("escalate", *ENDS_IT)


@sequence("healthy", *SPEAKING)
def the_machine_slept(story: Story) -> Label:
    """The machine slept for three hours in the middle of a turn."""
    _begun(story)
    story.wait(10_800.0)
    story.fact("clock", "jump", seconds=10_790)
    story.wait(2.0)
    return _ended(story)


@sequence("healthy", *SPEAKING)
def the_clock_was_set(story: Story) -> Label:
    """The clock was set forward; nothing happened."""
    _begun(story)
    story.wait(300.0)
    story.fact("clock", "jump", seconds=3600)
    story.wait(500.0)
    return _ended(story)


@sequence("healthy", "codex", "command")
def a_flood(story: Story) -> Label:
    """Hundreds of lines in a second, unknown ones among them."""
    _begun(story, 1)
    for n in range(300):
        story.wait(0.01)
        story.line({"type": "debug.trace", "n": n} if story.agent == "codex" else f"compiled {n}")
    return _ended(story)
