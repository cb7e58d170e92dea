"""The clocks of a session as people see them: for how long each runs, and what is left until it warns and acts.

They are reckoned from what the supervisor told last and the time since; the classifier beside the agent knows more, and
what it decides stands in the diagnosis.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from watchkeeper.domain.sessions.limits import SessionLimits


@dataclass(frozen=True, slots=True)
class Clock:
    """One clock, in seconds. What is left is negative once it is past, and None where nothing follows."""

    clock: str
    runs_s: float
    warn_left_s: float | None = None
    act_left_s: float | None = None

    @classmethod
    def since(cls, name: str, runs: float, warn: float | None, act: float | None) -> Clock:
        return cls(name, runs, None if warn is None else warn - runs, None if act is None else act - runs)


def clocks_of(session: Mapping[str, Any], limits: SessionLimits) -> list[Clock]:
    """Give the clocks that run for a session as it stands; none for one that has ended."""
    if session["ended_at"] is not None:
        return []
    return [*_of_the_stream(session, limits), *_of_the_job(session, limits)]


def _of_the_stream(session: Mapping[str, Any], limits: SessionLimits) -> Iterator[Clock]:
    now, standing = session["now"], session["standing"] or {}
    unheard = _seconds(session["heard_at"], now)
    if (left := standing.get("park_left_s")) is not None and left - unheard > 0:
        yield Clock("parked", unheard, None, left - unheard)
        return
    if standing.get("retrying_s") is not None:
        runs = standing["retrying_s"] + unheard
        yield Clock.since("retries", runs, limits.retries_warn_seconds, limits.retries_act_seconds)
    if session["last_event_at"] is None:
        runs = _seconds(session["started_at"], now)
        yield Clock.since(
            "first event", runs, limits.first_event_warn_seconds, limits.first_event_act_seconds
        )
        return
    runs = _seconds(session["last_event_at"], now)
    if standing.get("open_tools"):
        act = tool_silence_act(session["tool_limit_minutes"], limits)
        yield Clock.since("silence, a tool open", runs, min(limits.tool_silence_warn_seconds, act), act)
    else:
        yield Clock.since("silence", runs, limits.silence_warn_seconds, limits.silence_act_seconds)


def _of_the_job(session: Mapping[str, Any], limits: SessionLimits) -> Iterator[Clock]:
    now, claimed_at = session["now"], session["claimed_at"]
    if claimed_at is None:
        return
    still = _seconds(session["progress_at"] or claimed_at, now)
    yield Clock.since(
        "project progress", still, limits.no_progress_warn_seconds, limits.no_progress_act_seconds
    )
    if (minutes := session["progress_deadline_minutes"]) is not None:
        yield Clock.since("progress deadline", still, None, minutes * 60)
    if (minutes := session["hard_cap_minutes"]) is not None:
        yield Clock.since("hard cap", _seconds(claimed_at, now), None, minutes * 60)
    if (ends_at := session["lease_expires_at"]) is not None:
        yield Clock("lease", _seconds(claimed_at, now), None, _seconds(now, ends_at))


def first_to_end(clocks: Iterable[Clock]) -> Clock | None:
    """Give the clock that acts first; None where nothing follows from any."""
    acting = [(clock.act_left_s, clock.clock, clock) for clock in clocks if clock.act_left_s is not None]
    return min(acting)[2] if acting else None


def tool_silence_act(tool_limit_minutes: float | None, limits: SessionLimits) -> float:
    """Give how long an open tool may be silent: what its job's kind declares, else the table's limit."""
    return limits.tool_silence_act_seconds if tool_limit_minutes is None else tool_limit_minutes * 60


def _seconds(begin: datetime, end: datetime) -> float:
    return (end - begin).total_seconds()
