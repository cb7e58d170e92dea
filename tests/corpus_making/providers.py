"""F04, F06: what the provider of the model refuses."""

from __future__ import annotations

from corpus_making.sequences import ENDS_IT, SPEAKING, Label, sequence, stuck
from corpus_making.story import Story

HOUR = 3600.0
DEMAND = "We’re currently experiencing high demand, which may cause temporary errors."
REFUSED = "waiting for network (Connection failed: error sending request)"


@sequence("F04", *SPEAKING)
def server_errors_without_end(story: Story) -> Label:
    """Only retries of a server that fails, for longer than either agent has patience (openai/codex#19440)."""
    story.starts()
    story.begin()
    story.pause()
    onset = story.t
    for n in range(22):
        story.retries(DEMAND, 500, 1 + n % 5)
        story.wait(40.0)
    story.end()
    return stuck(onset, HOUR, "interrupt_resume", "kill", "fresh_session")


@sequence("F04", *SPEAKING)
def given_up_after_retries(story: Story) -> Label:
    """A handful of retries, then the turn fails and the agent ends."""
    story.starts()
    story.begin()
    story.works(1)
    onset = story.t
    for n in range(5):
        story.retries(DEMAND, 529 if story.agent == "claude" else 500, n + 1)
        story.wait(4.0)
    story.fails_turn(DEMAND, terminal_reason="api_error", api_error_status=500)
    story.exits(1)
    story.end(60.0)
    return stuck(onset, HOUR, "retry", "fresh_session", "kill", "block_complete")


@sequence("F04", *SPEAKING)
def too_many_requests(story: Story) -> Label:
    """429 to the end, and no time of reset: no restart helps, the session is kept."""
    story.starts()
    story.begin()
    onset = story.t
    for n in range(5):
        story.retries("exceeded retry limit, last status: 429 Too Many Requests", 429, n + 1)
        story.wait(2.0)
    text = "exceeded retry limit, last status: 429 Too Many Requests"
    story.fails_turn(text, terminal_reason="api_error", api_error_status=429)
    story.exits(1)
    story.end(30.0)
    return stuck(onset, HOUR, "park", *ENDS_IT)


@sequence("F04", "codex")
def nobody_listens(story: Story) -> Label:
    """The server is not reachable; Codex waits for ever. The session is kept, the server probed."""
    story.starts()
    story.begin()
    onset = story.t
    for n, gap in enumerate((0.3, 5, 10, 20, 40, *(60,) * 14)):
        story.wait(gap)
        if n % 3 == 0:
            story.fact("lease", "renewed", epoch=1, worker="w1")
        story.line({"type": "error", "message": f"Reconnecting... {REFUSED}"})
    story.end(10.0)
    return stuck(onset, HOUR, "park", *ENDS_IT)


@sequence("F04", "claude")
def connection_refused(story: Story) -> Label:
    """The same with Claude: nothing listens, retries go on."""
    story.begin()
    onset = story.t + 50.0
    for n in range(16):
        story.wait(50.0)
        told = {"type": "system", "subtype": "api_retry", "attempt": n + 1, "max_retries": 30}
        story.line(told | {"retry_delay_ms": 40000, "error_status": None, "error": "connect ECONNREFUSED"})
    story.end(10.0)
    return stuck(onset, HOUR, "park", *ENDS_IT)


@sequence("F04", *SPEAKING)
def thread_too_long(story: Story) -> Label:
    """The thread outgrew the model: resuming it would fail again."""
    story.starts()
    story.begin()
    story.works(4)
    onset = story.t
    text = "Codex ran out of room in the model's context window. Start a new thread."
    if story.agent == "claude":
        text = "Prompt is too long"
    story.fails_turn(text, terminal_reason="prompt_too_long")
    story.exits(1)
    story.end(20.0)
    return stuck(onset, HOUR, "fresh_session", "interrupt_resume", "kill")


@sequence("F04", *SPEAKING)
def not_let_in(story: Story) -> Label:
    """A credential that is no longer good: the pool is parked, no attempt is used up."""
    story.starts()
    story.begin()
    onset = story.t
    for n in range(3):
        story.retries("unexpected status 401 Unauthorized: bad key", 401, n + 1)
        story.wait(2.0)
    text = "unexpected status 401 Unauthorized: bad key"
    story.fails_turn(text, terminal_reason="api_error", api_error_status=401)
    story.exits(1)
    story.end(20.0)
    return stuck(onset, HOUR, "park", *ENDS_IT)


@sequence("F06", "claude")
def five_hours(story: Story) -> Label:
    """A rejected rate limit with a time of reset, then silence until long after (claude-code#92418)."""
    story.starts()
    story.begin()
    story.works(2)
    info = {"status": "rejected", "resetsAt": 1795316400, "rateLimitType": "five_hour"}
    story.line({"type": "rate_limit_event", "rate_limit_info": info})
    onset = story.t
    story.watched(2 * HOUR, 600.0)
    story.end()
    return stuck(onset, 60.0, "park", *ENDS_IT)


@sequence("F06", "codex")
def plan_used_up(story: Story) -> Label:
    """The plan's limit, told with a span; the turn fails at once."""
    story.starts()
    story.begin()
    story.works(1)
    onset = story.t
    story.fails_turn("You've hit your usage limit. Try again in 3 hours 12 minutes.")
    story.exits(1)
    story.end(4 * HOUR)
    return stuck(onset, 60.0, "park", *ENDS_IT)


@sequence("F06", "codex", "codex")
def no_time_told(story: Story) -> Label:
    """A limit without a time: it is waited for an hour."""
    story.begin()
    story.pause()
    onset = story.t
    story.fails_turn("You’ve hit your usage limit. Try again later.")
    story.exits(1)
    story.end(300.0)
    return stuck(onset, 60.0, "park", *ENDS_IT)


@sequence("F06", "claude", "claude")
def resets_at_three(story: Story) -> Label:
    """The reset stands in words, in the result."""
    story.starts()
    story.begin()
    story.works(1)
    onset = story.t
    text = "You've hit your limit · resets 3pm (UTC)"
    story.fails_turn(text, api_error_status=429, terminal_reason="api_error")
    story.exits(1)
    story.end(HOUR)
    return stuck(onset, 60.0, "park", *ENDS_IT)


@sequence("F06", "claude")
def credit_is_gone(story: Story) -> Label:
    """No credit is left: a limit without a time of reset."""
    story.begin()
    onset = story.t
    story.fails_turn("Credit balance is too low", terminal_reason="api_error", api_error_status=400)
    story.exits(1)
    story.end(30.0)
    return stuck(onset, 60.0, "park", *ENDS_IT)


@sequence("F06", "codex", "codex")
def quota(story: Story) -> Label:
    """The quota of a key, with a process that stays."""
    story.starts()
    story.begin()
    onset = story.t
    story.line({"type": "error", "message": "Quota exceeded. Check your plan and billing details."})
    story.renews(900.0, 60.0)
    story.end(1800.0)
    return stuck(onset, 60.0, "park", *ENDS_IT)


@sequence("F06", "command", "command", "command")
def a_command_hits_its_limit(story: Story) -> Label:
    """A plain command tells its limit in words and sleeps."""
    story.starts()
    story.begin()
    story.says("reading the sources")
    onset = story.wait(4.0).t
    story.says("Claude usage limit reached. Your limit will reset in 2 hours.")
    story.watched(HOUR, 600.0)
    story.end()
    return stuck(onset, 60.0, "park", *ENDS_IT)


@sequence("F06", "claude", "claude")
def retry_after_hours(story: Story) -> Label:
    """429 with a delay of more than an hour is a limit, whatever it is called."""
    story.starts()
    story.begin()
    onset = story.t
    told = {"type": "system", "subtype": "api_retry", "attempt": 1, "max_retries": 10}
    story.line(told | {"retry_delay_ms": 5_400_000, "error_status": 429, "error": "rate_limit"})
    story.watched(HOUR, 600.0)
    story.end()
    return stuck(onset, 60.0, "park", *ENDS_IT)
