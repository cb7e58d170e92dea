"""How an attempt's end is told: one row for each way in which a session can be over."""

from __future__ import annotations

import pytest

from watchkeeper.agents.command import judge
from watchkeeper.agents.session import End, EndReason
from watchkeeper.services.supervision.endings import Command, Ending, Why, ending_of, sendable


def end(
    reason: EndReason = EndReason.EXITED,
    exit_code: int | None = None,
    signal: int | None = None,
    oom_kills: int | None = None,
) -> End:
    return End(reason, exit_code, signal, "", "", 0.0, 1.0, 1.0, 0.1, oom_kills)


INTERRUPTED = end(EndReason.INTERRUPTED, signal=15)
SUCCESS = end(exit_code=0)

ROWS = [
    ("success", SUCCESS, None, Command.COMPLETE, {}),
    ("success before the cancel came", SUCCESS, Why.CANCELLED, Command.COMPLETE, {}),
    ("success after the lease was lost", SUCCESS, Why.LEASE_LOST, Command.COMPLETE, {}),
    ("success after the agent's own word", SUCCESS, Why.ENDED_BY_AGENT, Command.NOTHING, {}),
    ("exit code", end(exit_code=3), None, Command.FAIL, {"cause": "agent_error"}),
    ("crash of its own", end(signal=11), None, Command.FAIL, {"cause": "agent_error"}),
    ("killed from outside", end(signal=9), None, Command.RELEASE, {"lost": True}),
    ("killed for its memory", end(signal=9, oom_kills=1), None, Command.FAIL, {"cause": "agent_error"}),
    ("shim gone", None, None, Command.RELEASE, {"lost": True}),
    ("shim ended by somebody", INTERRUPTED, None, Command.RELEASE, {"lost": True}),
    ("hard cap", end(EndReason.HARD_CAP, signal=15), None, Command.FAIL, {"cause": "agent_error"}),
    ("cancel", INTERRUPTED, Why.CANCELLED, Command.RELEASE, {"cancelled": True}),
    ("shutdown", INTERRUPTED, Why.SHUTDOWN, Command.RELEASE, {}),
    ("server away", INTERRUPTED, Why.UNCONFIRMED, Command.FAIL, {"cause": "infrastructure"}),
    ("no progress", INTERRUPTED, Why.NO_PROGRESS, Command.FAIL, {"cause": "agent_error"}),
    ("lease lost", INTERRUPTED, Why.LEASE_LOST, Command.NOTHING, {}),
]


@pytest.mark.parametrize(("name", "over", "why", "command", "body"), ROWS, ids=[row[0] for row in ROWS])
def test_each_end_is_told_by_its_command(
    name: str, over: End | None, why: Why | None, command: Command, body: dict[str, object]
) -> None:
    """Agent's errors use up attempts; what others did to the agent does not."""
    ending = ending_of(judge(over), over, why, "as asked", "last words")
    assert ending.command is command
    assert body.items() <= ending.body.items()
    assert Ending.from_record(ending.record()) == ending


def test_a_reason_can_always_be_sent() -> None:
    """NUL characters, half characters and endless texts do not keep an end from being told."""
    assert sendable("a\0b\ud800c") == "a\ufffdb?c"
    assert len(sendable("x" * 100_000)) == 15_000
