"""What the real agents print when their model or their tools fail, and that it is read for what it is."""

from __future__ import annotations

import pytest

from agents.real_agents import REAL
from agents.real_play import Stage, nobody_listens
from stubmodel.script import TOO_LONG, USED_UP, Fault, Script, Shell
from watchkeeper.agents.adapter import ContractServer
from watchkeeper.domain.sessions.diagnosis import Action, FailureClass
from watchkeeper.domain.sessions.events import Began, Said, Spent, Trouble, TurnEnded
from watchkeeper.domain.sessions.facts import ProcessStarted
from watchkeeper.domain.sessions.watch import SessionWatch

WAITS = "tail -f /dev/null"
"""A command that does not end; Claude Code refuses a bare `sleep`."""

LONG = "The quick brown fox jumps over the lazy dog. " * 4
TOO_LONG_FOR_CLAUDE = "prompt is too long: 250000 tokens > 200000 maximum"
USED_UP_PLAN = "Usage limit reached|1795280400"

FAILURES = [
    ("codex", Fault(status=500), Trouble.SERVER_ERROR),
    ("claude", Fault(status=500, code="api_error"), Trouble.SERVER_ERROR),
    ("codex", Fault(status=429, headers={"Retry-After": "0"}), Trouble.RATE_LIMIT),
    ("claude", Fault(status=429, code="rate_limit_error", headers={"Retry-After": "0"}), Trouble.RATE_LIMIT),
    ("codex", Fault(status=401, code="invalid_api_key"), Trouble.AUTH),
    ("claude", Fault(status=401, code="authentication_error"), Trouble.AUTH),
    ("codex", Fault(refusal=TOO_LONG), Trouble.CONTEXT_OVERFLOW),
    (
        "claude",
        Fault(status=400, code="invalid_request_error", message=TOO_LONG_FOR_CLAUDE),
        Trouble.CONTEXT_OVERFLOW,
    ),
    ("codex", Fault(refusal=USED_UP), Trouble.USAGE_LIMIT),
    ("codex", Fault(status=429, code="usage_limit_reached"), Trouble.USAGE_LIMIT),
    (
        "claude",
        Fault(status=429, code="rate_limit_error", message="Usage limit reached|1795280400"),
        Trouble.USAGE_LIMIT,
    ),
]


@pytest.mark.parametrize(
    ("agent", "fault", "trouble"),
    FAILURES,
    ids=[f"{agent}-{trouble}-{number}" for number, (agent, _, trouble) in enumerate(FAILURES)],
)
def test_a_failure_of_the_model_is_told_as_what_it_is(
    stage: Stage, agent: str, fault: Fault, trouble: Trouble
) -> None:
    """The turn ends as failed with exit code 1, and its trouble is named; retries before it are no end."""
    played = stage.begin(agent, Script([LONG], fault))
    assert played.end().exit_code == 1
    assert [word for word in played.words if word in ("done", "said")] == []
    assert played.words[-1] == f"failed:{trouble}"
    ends = [event for event in played.events if isinstance(event, TurnEnded)]
    assert len(ends) == 1


@pytest.mark.parametrize("agent", REAL)
def test_work_is_told_step_by_step(stage: Stage, agent: str) -> None:
    """A plain turn: begun with its thread, a tool opened and closed, an answer, what it used, done."""
    played = stage.begin(agent, Script([Shell("echo hello > out.txt"), "Done: wrote out.txt."]))
    assert played.end().exit_code == 0
    assert (stage.work / "out.txt").read_text() == "hello\n"
    words = [word for word in played.words if word != "stirred"]
    tool = "command_execution" if agent == "codex" else "Bash"
    assert words == ["began", "turnbegan", f"open:{tool}", "close", "said", "spent", "done"]
    assert played.agent.measured
    (spent,) = [event for event in played.events if isinstance(event, Spent)]
    tally = played.agent.tally()
    assert tally is not None
    counted = [told.tokens for line in played.written.encode().split(b"\n") if (told := tally.take(line))]
    assert len(counted) == 2
    assert counted[-1] == spent.tokens if agent == "codex" else 0 < counted[-1] <= spent.tokens


@pytest.mark.parametrize("agent", REAL)
def test_a_stream_that_is_cut_is_taken_up_again(stage: Stage, agent: str) -> None:
    """One retry for a reason of the network, then the answer: no end in between."""
    played = stage.begin(agent, Script([LONG], Fault(cut_after=4, times=1)))
    assert played.end().exit_code == 0
    assert [word for word in played.words if word.startswith(("retrying", "said", "done"))] == [
        "retrying:network",
        "said",
        "done",
    ]


@pytest.mark.parametrize("agent", REAL)
def test_a_refused_connection_is_told_as_unreachable(stage: Stage, agent: str) -> None:
    """Codex tries for ever and says so; Claude Code gives up and says why."""
    played = stage.begin(agent, None)
    if agent == "codex":
        played.until(lambda _: "retrying:unreachable" in played.words, "a retry")
        played.session.interrupt("test")
        assert played.end().signal == 15
        assert not [word for word in played.words if word.startswith("failed")]
    else:
        assert played.end().exit_code == 1
        assert played.words[-1] == "failed:unreachable"


def test_codex_waits_out_a_long_refusal_without_a_word(stage: Stage) -> None:
    """One line tells of the 429 and none of its Retry-After: the silence that follows is parked, not resumed."""
    script = Script([LONG], Fault(status=429, headers={"Retry-After": "7200"}))
    played = stage.begin("codex", script)
    played.until(lambda _: "retrying:rate_limit" in played.words, "the refusal")
    watch = SessionWatch()
    for event in [ProcessStarted(7), *played.look()]:
        watch.take(0.0, event)
    played.session.interrupt("test")
    played.end()
    assert played.words.count("retrying:rate_limit") == 1
    limits = watch.limits
    held = watch.look(limits.silence_act_seconds + limits.settle_seconds)
    assert (held.failure, held.action) == (FailureClass.USAGE_LIMIT, Action.PARK)


@pytest.mark.parametrize("agent", REAL)
def test_a_model_that_falls_silent_is_a_silent_agent(stage: Stage, agent: str) -> None:
    """Half an answer and no more: nothing is said after the turn began, and an interruption ends it without a word."""
    script = Script([LONG], Fault(hang_after=4))
    played = stage.begin(agent, script)
    played.until(lambda _: "turnbegan" in played.words, "the turn")
    stage.until_asked(script)
    played.session.interrupt("test")
    end = played.end()
    assert end.signal == 15 or end.exit_code == 143
    assert not [event for event in played.events if isinstance(event, Said | TurnEnded)]


def test_codex_does_not_begin_without_the_contracts_server(stage: Stage) -> None:
    """It is required: no turn, no work without evidence, and stderr says which server is missing."""
    contract = ContractServer(f"{nobody_listens()}/mcp", "CONTRACT_TOKEN")
    played = stage.begin("codex", Script(["Done."]), contract=contract)
    assert played.end().exit_code == 1
    assert played.events == []
    (first, *_) = played.complaints
    assert isinstance(first, TurnEnded)
    assert first.trouble is Trouble.TOOLS_MISSING


def test_claude_names_the_contracts_server_as_failed(stage: Stage) -> None:
    """Claude Code begins all the same; its first line tells what is missing."""
    contract = ContractServer(f"{nobody_listens()}/mcp", "CONTRACT_TOKEN")
    played = stage.begin("claude", Script(["Done."]), contract=contract)
    played.end()
    began = next(event for event in played.events if isinstance(event, Began))
    assert began.failed_servers == ("watchkeeper",)


def test_a_thread_that_is_in_use_is_not_resumed_by_another_session(stage: Stage) -> None:
    """Claude Code would let both go on; the lock of the thread does not."""
    first = stage.begin("claude", Script([Shell(WAITS)]))
    first.until(lambda _: any(word.startswith("open:") for word in first.words), "the command")
    second = stage.begin("claude", Script(["Me too."]), thread=first.thread)
    assert "in use" in second.end().error
    assert second.events == []
    first.session.interrupt("test")
    first.end()


@pytest.mark.parametrize("agent", REAL)
def test_a_thread_that_is_not_known_is_told_as_such(stage: Stage, agent: str) -> None:
    """No new conversation is begun in its place."""
    played = stage.begin(agent, Script(["Who?"]), thread="11111111-1111-4111-8111-111111111111")
    assert played.end().exit_code == 1
    told = [event.trouble for event in (*played.events, *played.complaints) if isinstance(event, TurnEnded)]
    assert set(told) == {Trouble.SESSION_UNKNOWN}
