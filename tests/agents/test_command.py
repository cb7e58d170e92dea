"""Which command a job means, and what its end says."""

from __future__ import annotations

from typing import Any

import pytest

from watchkeeper.agents.command import Claim, command_of, judge
from watchkeeper.agents.session import End, EndReason
from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.jobs import AttemptCause

AGENT = AttemptCause.AGENT_ERROR


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"command": ["make", "all"]}, ["make", "all"]),
        ({"command": "a | b"}, ["/bin/sh", "-c", "a | b"]),
        ({"prompt": "x"}, ["default", "--flag"]),
        (None, ["default", "--flag"]),
        (["command"], ["default", "--flag"]),
    ],
)
def test_the_payload_comes_before_the_workers_own_command(payload: Any, expected: list[str]) -> None:
    """A list is taken as it is, a text goes to the shell, and without either the worker's command runs."""
    assert command_of(payload, ["default", "--flag"]) == expected


@pytest.mark.parametrize(
    "payload", [None, {}, {"command": []}, {"command": " "}, {"command": 5}, {"command": ["a", 1]}]
)
def test_a_job_without_a_command_is_refused(payload: Any) -> None:
    """Neither a command in the payload nor one of the worker: a text says what to give."""
    with pytest.raises(UsageError, match=r"payload\.command"):
        command_of(payload)


@pytest.mark.parametrize("payload", [{"command": ["a\0b"]}, {"command": "a\0b"}])
def test_a_nul_in_a_command_is_refused(payload: Any) -> None:
    """A NUL character cannot be an argument, and is said before anything is started."""
    with pytest.raises(UsageError, match="NUL"):
        command_of(payload)


def test_a_wrong_command_is_not_replaced_by_the_default() -> None:
    """A payload with a malformed command is refused, though the worker has a command of its own."""
    with pytest.raises(UsageError):
        command_of({"command": 5}, ["default"])


@pytest.mark.parametrize(
    ("end", "claim", "cause", "said"),
    [
        ({"exit_code": 0}, Claim.SUCCESS, None, "exit code 0"),
        ({"exit_code": 2}, Claim.FAILURE, AGENT, "exit code 2"),
        ({"signal": 9}, Claim.FAILURE, AGENT, "signal 9"),
        ({"signal": 9, "oom_kills": 1}, Claim.FAILURE, AGENT, "memory"),
        ({"reason": EndReason.HARD_CAP, "exit_code": 0}, Claim.FAILURE, AGENT, "hard cap"),
        ({"reason": EndReason.OUTPUT_LIMIT, "signal": 15}, Claim.FAILURE, AGENT, "output"),
        ({"reason": EndReason.NOT_STARTED, "error": "no file"}, Claim.FAILURE, AGENT, "no file"),
        ({"reason": EndReason.INTERRUPTED, "request": "cancel"}, Claim.INTERRUPTED, None, "cancel"),
        ({"reason": EndReason.SHIM_FAILED, "error": "x"}, Claim.LOST, AttemptCause.INFRASTRUCTURE, "x"),
    ],
)  # fmt: skip
def test_the_verdict_follows_the_end(
    end: dict[str, Any], claim: Claim, cause: AttemptCause | None, said: str
) -> None:
    """Only exit code 0 of an uninterrupted command claims success; the rest is named with its cause."""
    facts: dict[str, Any] = {"reason": EndReason.EXITED, "exit_code": None, "signal": None, "request": ""}
    facts |= {"error": "", "started_at": 1.0, "ended_at": 2.0, "wall_seconds": 1.0, "cpu_seconds": 0.1}
    verdict = judge(End(**(facts | {"oom_kills": 0} | end)), "the last words")
    assert (verdict.claim, verdict.cause) == (claim, cause)
    assert said in verdict.reason
    if claim is Claim.FAILURE and end.get("reason") is not EndReason.NOT_STARTED:
        assert verdict.reason.endswith("the last words")


def test_a_session_without_an_end_is_lost() -> None:
    """A shim that was killed leaves no record, and the attempt is infrastructure's fault, not the agent's."""
    verdict = judge(None)
    assert (verdict.claim, verdict.cause) == (Claim.LOST, AttemptCause.INFRASTRUCTURE)
