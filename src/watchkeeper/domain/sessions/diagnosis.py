"""What may be wrong with a session, and what may be done about it: the closed lists, and one answer made of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class FailureClass(StrEnum):
    """The classes of the truth corpus (docs/corpus.md)."""

    SILENT_BEFORE_OUTPUT = "F01"
    SILENT_MID_TURN = "F02"
    LIMBO_AFTER_RESULT = "F03"
    PROVIDER_RETRY_LOOP = "F04"
    CONTROL_PLANE_FAILED = "F05"
    USAGE_LIMIT = "F06"
    DONE_WITHOUT_WORK = "F07"
    DONE_AGAINST_EVIDENCE = "F08"
    EXIT_WITHOUT_CONTRACT_CALL = "F09"
    LEASE_LOST = "F10"
    DUPLICATE_WORK = "F11"
    QUEUE_STUCK = "F12"
    ORPHANED_PROCESSES = "F13"
    STATE_LOST = "F14"
    LOOP_WITHOUT_PROGRESS = "F15"
    FALSE_STALL = "F16"
    WAITS_FOR_PERSON = "F17"
    TARGET_INVALID = "F18"


class Action(StrEnum):
    """What may be done; `kill` only to a session that ignored its interruption."""

    NONE = "none"
    TOUCH = "touch"
    RETRY = "retry"
    INTERRUPT_RESUME = "interrupt_resume"
    FRESH_SESSION = "fresh_session"
    PARK = "park"
    BLOCK_COMPLETE = "block_complete"
    RECONCILE = "reconcile"
    SWEEP = "sweep"
    HOLD = "hold"
    ESCALATE = "escalate"
    KILL = "kill"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The answer at one moment. Without a `failure` the session is held for healthy, and `action` is none.

    `because` is for people, `evidence` holds the facts that it rests on. `next_at` is the next moment at which the
    answer could be another if nothing is told meanwhile; `until` is how long to park.
    """

    failure: FailureClass | None
    action: Action
    because: str
    evidence: dict[str, Any] = field(default_factory=dict)
    next_at: float | None = None
    until: float | None = None
