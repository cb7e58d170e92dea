"""How an attempt's end is to be told: from what the session said and who interrupted it, to one command."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from watchkeeper.agents.command import Claim, Verdict
from watchkeeper.agents.session import End, EndReason
from watchkeeper.domain.jobs import AttemptCause, StateReason

MAX_REASON_CHARS = 15_000

KILLED_FROM_OUTSIDE = frozenset({signal.SIGKILL, signal.SIGTERM})
"""An agent does not end itself by these; who sent them ended the attempt, not the agent."""


class Why(StrEnum):
    """Why the supervisor interrupted a session."""

    CANCELLED = "cancelled"
    LEASE_LOST = "lease_lost"
    ENDED_BY_AGENT = "ended_by_agent"
    UNCONFIRMED = "unconfirmed"
    NO_PROGRESS = "no_progress"
    SHUTDOWN = "shutdown"


class Command(StrEnum):
    COMPLETE = "complete"
    FAIL = "fail"
    RELEASE = "release"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Ending:
    """One terminal command, as it is kept on disk until the server has taken it.

    A completion gathers and uploads when it is sent: the workspace stays as it was. NOTHING: the server
    knows the end already.
    """

    command: Command
    body: dict[str, Any] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        return {"command": self.command.value, "body": self.body}

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Ending:
        return cls(Command(record["command"]), dict(record["body"]))


def nothing(reason: str) -> Ending:
    """The server knows the end already."""
    return Ending(Command.NOTHING, {"reason": reason})


def completed(summary: str) -> Ending:
    return Ending(Command.COMPLETE, {"summary": summary})


def failed(reason: str, cause: AttemptCause = AttemptCause.AGENT_ERROR) -> Ending:
    return Ending(Command.FAIL, {"reason": sendable(reason), "cause": cause.value})


def held(failure: str, reason: str, state_reason: StateReason, evidence: Mapping[str, Any]) -> Ending:
    """The job goes to a person at once, with the class of what went wrong and what it rests on."""
    body = {"reason": sendable(f"{failure}: {reason}"), "cause": AttemptCause.AGENT_ERROR.value}
    return Ending(
        Command.FAIL,
        body | {"held": state_reason.value, "failure_class": failure, "evidence": dict(evidence)},
    )


def parked(reason: str, until: float) -> Ending:
    """The job is back when the provider's limit ends (Unix time), and no sooner; nothing is used up."""
    at = datetime.fromtimestamp(until, UTC).isoformat()
    return Ending(
        Command.FAIL, {"reason": sendable(reason), "cause": AttemptCause.QUOTA.value, "retry_at": at}
    )


def logged_out(reason: str, until: float) -> Ending:
    """The job is back when the login is tried again (Unix time), and so are all others of the pool."""
    at = datetime.fromtimestamp(until, UTC).isoformat()
    body = {"cause": AttemptCause.INFRASTRUCTURE.value, "retry_at": at, "parks_pool": True}
    return Ending(Command.FAIL, {"reason": sendable(f"login_refused: {reason}"), **body})


def released(reason: str, **flags: bool) -> Ending:
    return Ending(Command.RELEASE, {"reason": sendable(reason), **flags})


def ending_of(verdict: Verdict, end: End | None, why: Why | None, detail: str, tail: str) -> Ending:
    """Choose the command for a session that is over and proven gone.

    `why` and `detail` tell of our own interruption. A success that came before it is still a success: whether it
    counts is for the server to say, which keeps a completion that comes too late for a person.
    """
    if verdict.claim is Claim.SUCCESS and why is not Why.ENDED_BY_AGENT:
        return completed(verdict.reason)
    match why:
        case Why.LEASE_LOST | Why.ENDED_BY_AGENT:
            return nothing(detail)
        case Why.CANCELLED:
            return released(detail, cancelled=True)
        case Why.SHUTDOWN:
            return released(detail)
        case Why.UNCONFIRMED:
            return failed(detail, AttemptCause.INFRASTRUCTURE)
        case Why.NO_PROGRESS:
            return failed(_with_tail(detail, tail))
    if verdict.claim is Claim.FAILURE and not _was_killed(end):
        return failed(verdict.reason)
    return released(_with_tail(_loss(verdict, end), tail), lost=True)


def ending_of_unstarted(why: Why, detail: str) -> Ending:
    """Give the end of an attempt that was interrupted while no agent ran."""
    if why is Why.CANCELLED:
        return released(detail, cancelled=True)
    if why is Why.UNCONFIRMED:
        return failed(detail, AttemptCause.INFRASTRUCTURE)
    return released(detail)


def sendable(text: str) -> str:
    """Make a text that the server can keep: bounded, Unicode, without NUL."""
    text = text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    return text if len(text) <= MAX_REASON_CHARS else f"{text[: MAX_REASON_CHARS - 4]} ..."


def _was_killed(end: End | None) -> bool:
    if end is None or end.reason is not EndReason.EXITED or end.oom_kills:
        return False
    return end.signal in KILLED_FROM_OUTSIDE


def _loss(verdict: Verdict, end: End | None) -> str:
    if _was_killed(end) and end is not None and end.signal is not None:
        return f"the agent was killed from outside by {signal.Signals(end.signal).name}"
    return verdict.reason


def _with_tail(text: str, tail: str) -> str:
    return f"{text}; stderr ends with:\n{tail}" if tail else text
