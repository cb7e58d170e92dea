"""How long a session may be silent, retry, stand still or live on: the threshold table, in seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """When a session is warned of and when something is done; docs/config.md has a row for each.

    The defaults were drawn from what the agents do by themselves: both recover from a silent stream at 300 s, and one
    was seen to at 405 s; Claude gives up its retries at 180 s, Codex never.
    """

    first_event_warn_seconds: float = 60.0
    first_event_act_seconds: float = 120.0
    silence_warn_seconds: float = 330.0
    silence_act_seconds: float = 660.0
    tool_silence_warn_seconds: float = 600.0
    tool_silence_act_seconds: float = 7_200.0
    retries_warn_seconds: float = 180.0
    retries_act_seconds: float = 600.0
    no_progress_warn_seconds: float = 1_200.0
    no_progress_act_seconds: float = 2_700.0
    same_call_warn: int = 4
    same_call_act: int = 10
    after_end_warn_seconds: float = 30.0
    after_end_act_seconds: float = 600.0
    waiting_act_seconds: float = 60.0
    queue_stuck_act_seconds: float = 600.0
    park_seconds: float = 3_600.0
    settle_seconds: float = 15.0
    interruption_grace_seconds: float = 10.0
    restarts_most: int = 3


WARN_BEFORE_ACT = tuple(
    (f"{name}_warn{unit}", f"{name}_act{unit}")
    for name, unit in (
        ("first_event", "_seconds"),
        ("silence", "_seconds"),
        ("tool_silence", "_seconds"),
        ("retries", "_seconds"),
        ("no_progress", "_seconds"),
        ("same_call", ""),
        ("after_end", "_seconds"),
    )
)
"""Pairs of fields of which the first must be the lesser."""
