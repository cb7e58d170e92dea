"""Sessions that work in ways that look like loops, limits, failures and ends."""

from __future__ import annotations

from corpus_making.sequences import ENDS_IT, SPEAKING, Label, sequence, well
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


@sequence("healthy", *SPEAKING)
def long_reasoning(story: Story) -> Label:
    """Forty minutes of thought, a sign of it each four minutes, and nothing written."""
    _begun(story, 1)
    for _ in range(10):
        story.wait(240.0)
        story.thinks()
    return _ended(story)


@sequence("healthy", *SPEAKING)
def reads_for_an_hour(story: Story) -> Label:
    """An hour of reading one file after another: no progress of the job, and no loop."""
    _begun(story, 1)
    for n in range(70):
        story.wait(50.0)
        story.runs(f"cat src/module_{n}.py", 0.3, f"content {n}")
    return _ended(story)


@sequence("healthy", *SPEAKING)
def alike_and_different(story: Story) -> Label:
    """A dozen times the tests, with an edit between each: the same call, and another result."""
    _begun(story, 1)
    for n in range(12):
        story.runs("pytest -q", 4.0, f"{12 - n} failed", code=1 if n < 11 else 0)
        story.pause()
        story.runs(f"sed -i {n}d src/part.py", 0.2)
        story.fact("workspace", "change", files=1)
        story.pause()
    return _ended(story)


@sequence("healthy", *SPEAKING)
def polls_nine_times(story: Story) -> Label:
    """It waits for a build elsewhere: nine times the same answer, then another."""
    _begun(story, 1)
    for n in range(10):
        story.runs("gh run view 17", 1.0, "in_progress" if n < 9 else "success")
        story.wait(30.0)
    return _ended(story)


@sequence("healthy", "codex", "claude")
def retries_and_recovers(story: Story) -> Label:
    """Nine minutes of retries, then the provider answers."""
    _begun(story, 1)
    for n in range(9):
        story.retries("stream disconnected before completion", 500, 1 + n % 5)
        story.wait(60.0)
    return _ended(story)


@sequence("healthy", "claude")
def almost_limited(story: Story) -> Label:
    """A warning that the limit is near is no limit."""
    _begun(story, 1)
    info = {"status": "allowed_warning", "resetsAt": 1795316400, "utilization": 0.91}
    for _ in range(3):
        story.line({"type": "rate_limit_event", "rate_limit_info": info})
        story.works(1)
    return _ended(story)


@sequence("healthy", "claude", "codex", "command")
def parked_and_back(story: Story) -> Label:
    """A limit with a time of reset; it is waited for, and the session goes on."""
    _begun(story, 1)
    if story.agent == "claude":
        info = {"status": "rejected", "resetsAt": 1795309200, "rateLimitType": "five_hour"}
        story.line({"type": "rate_limit_event", "rate_limit_info": info})
    elif story.agent == "codex":
        story.line({"type": "error", "message": "You've hit your usage limit. Try again in 50 minutes."})
    else:
        story.says("usage limit reached, resets in 50 minutes")
    story.renews(3000.0, 300.0)
    if story.agent != "command":
        story.works(1)
    story.hands_in()
    story.finishes()
    story.end(30.0)
    return well(*ENDS_IT, "block_complete", action="park")


@sequence("healthy", *SPEAKING)
def mended_in_a_gate_round(story: Story) -> Label:
    """A hollow artifact is refused, mended in another turn, and then taken."""
    _begun(story)
    story.calls("upload-files", artifacts=1)
    story.checked(bytes_=0, failed=("empty_body",))
    story.calls("complete", ok=False, error_code="gate_failed")
    story.wait(1.0)
    return _ended(story)


@sequence("healthy", *SPEAKING)
def a_failed_command_and_the_truth(story: Story) -> Label:
    """Its last command failed; it says so, and gives the job back as failed."""
    _begun(story)
    story.runs("make deploy", 3.0, "permission denied", code=1)
    story.says("The deployment failed: permission denied. I give the job back.")
    story.calls("fail")
    story.ends_turn("The deployment failed: permission denied.")
    story.exits(0)
    story.end(60.0)
    return well()


@sequence("healthy", *SPEAKING)
def one_failed_call(story: Story) -> Label:
    """One contract call fails; three seconds later it comes through."""
    _begun(story, 1)
    story.calls("progress", ok=False, error_code="server_unreachable", phase="build")
    story.wait(3.0)
    story.calls("progress", phase="build")
    return _ended(story)


@sequence("healthy", *SPEAKING)
def completed_by_its_supervisor(story: Story) -> Label:
    """The agent ends; its supervisor gathers, checks and completes within seconds."""
    _begun(story, 3)
    story.says("All parts are written.")
    story.ends_turn("All parts are written.")
    story.exits(0)
    story.wait(0.3)
    story.fact("proc", "left", processes=[])
    story.hands_in()
    story.end(60.0)
    return well()


@sequence("healthy", *SPEAKING)
def an_approval_by_a_hook(story: Story) -> Label:
    """It waits for an approval, which a hook gives at once."""
    _begun(story, 1)
    if story.agent == "claude":
        story.line({"type": "system", "subtype": "session_state_changed", "state": "requires_action"})
    story.wait(4.0)
    story.runs("npm install", 9.0, "added 1 package")
    return _ended(story)


@sequence("healthy", *SPEAKING)
def a_slow_end(story: Story) -> Label:
    """Twenty seconds between its last word and its end: hooks."""
    _begun(story, 2)
    story.hands_in()
    story.says("Done.")
    story.ends_turn("Done.")
    story.wait(20.0)
    story.exits(0)
    story.end(30.0)
    return well()


@sequence("healthy", *SPEAKING)
def resumed_after_a_kill(story: Story) -> Label:
    """The same thread goes on in a second process, within a tick of the first one's death."""
    _begun(story, 1)
    story.opens("sleep 8")
    story.exits(None, 9)
    story.wait(5.0)
    story.fact("proc", "start", pid=4300)
    story.pause(0.2, 0.6)
    story.begin()
    story.works(2)
    return _ended(story)


@sequence("healthy", "codex")
def no_end(story: Story) -> Label:
    """The recording stops in the middle; nothing was wrong until then."""
    _begun(story, 5)
    return well()
