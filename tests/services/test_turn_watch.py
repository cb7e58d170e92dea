"""What a supervisor keeps of what an agent's tools were asked and gave: nothing that is secret, and not much of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from secret_examples import SECRETS
from watchkeeper.agents import known
from watchkeeper.agents.output import Line
from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.sessions.rows import MOST_SHOWN
from watchkeeper.domain.sessions.watch import SessionWatch
from watchkeeper.services.supervision.clock import SteadyClock
from watchkeeper.services.supervision.conversation import Conversation
from watchkeeper.services.supervision.session_log import ServerLog
from watchkeeper.services.supervision.turn_watch import TurnWatch

OURS = "plum-tart-with-cream"
"""A value that has no shape of a secret, and that the supervisor knows for one."""


@pytest.fixture
def log() -> ServerLog:
    return ServerLog("j", "lease", {"agent": "codex"})


def told(log: ServerLog, *items: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the rows that become of a stream with these items."""
    stream, conversation = known.stream("codex"), Conversation("codex")
    redactor, clock = Redactor([OURS]), SteadyClock()
    turn = TurnWatch(stream, conversation, SessionWatch(), log, redactor, clock, lambda: None)
    for item in items:
        kind = "completed" if "status" in item else "started"
        data = json.dumps({"type": f"item.{kind}", "item": {"id": "1", "type": "command_execution", **item}})
        turn.line("stdout", Line(data.encode(), 0, len(data), len(data)))
    turn.look()
    batch = log.batch(clock.now())
    assert batch is not None
    return [event["fields"] for event in batch["events"] if event["event"].startswith("tool_")]


def test_secrets_of_commands_and_results_are_taken_out_and_noted(log: ServerLog) -> None:
    """Shapes and known values go, before anything is cut; which kinds they were stands beside; the rest is kept."""
    token = SECRETS["github_token"]
    opened, closed, other, well = told(
        log,
        {"command": f"login --as me {OURS}"},
        {"aggregated_output": f"your token: {token}\nlogged in", "status": "completed", "exit_code": 0},
        {"command": "make"},
        {"aggregated_output": "made\x1e", "status": "completed"},
    )
    assert (opened["shown"], opened["redacted"]) == ("login --as me [redacted:known]", ["known"])
    assert closed["shown"].endswith("\nlogged in")
    assert token[8:] not in closed["shown"]
    assert closed["redacted"] == ["github_token"]
    assert (other["shown"], well["shown"]) == ("make", "made")
    assert "redacted" not in other | well


@pytest.mark.parametrize("secret", [SECRETS["github_token"], SECRETS["private_key"], OURS])
def test_a_secret_where_a_text_is_cut_is_not_cut_in_two(log: ServerLog, secret: str) -> None:
    """Neither half of a secret that stands across the cut of a command or of a result is kept."""
    before, after = "x " * (MOST_SHOWN // 2 - 10), " y" * (MOST_SHOWN // 2 - 10)
    opened, closed = told(
        log,
        {"command": f"{before}{secret}{after}"},
        {"aggregated_output": f"{before}{secret}{after}", "status": "completed"},
    )
    for row in (opened, closed):
        assert len(row["shown"]) <= MOST_SHOWN + 1
        assert not any(secret[at : at + 8] in row["shown"] for at in range(len(secret) - 8))
        assert len(row["redacted"]) == 1
