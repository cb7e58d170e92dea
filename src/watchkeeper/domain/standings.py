"""How the subjects of open incidents stand now: what `domain/rules/passing` looks at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from watchkeeper.domain.heartbeat_checks import UNJUDGED, StepVerdict
from watchkeeper.domain.rules.names import RuleName


@dataclass(frozen=True, slots=True)
class Unresolved:
    """An incident that is not resolved: what it said when it was last seen."""

    rule: RuleName
    evidence: Mapping[str, Any]
    opened_at: datetime
    last_seen_at: datetime
    is_mirrored: bool = False


@dataclass(frozen=True, slots=True)
class JobStanding:
    """A job now. `ended_as` is the outcome of the attempt that the incident names; None while it runs, or is unknown.

    `passed_check`, `answered` and `is_resumed` are of the time since the incident was last seen.
    """

    state: str
    epoch: int | None = None
    lease_expires_at: datetime | None = None
    lease_seconds: float | None = None
    renewed_at: datetime | None = None
    ended_as: str | None = None
    passed_check: str | None = None
    answered: str | None = None
    is_resumed: bool = False


@dataclass(frozen=True, slots=True)
class WorkerStanding:
    """A worker now, and what it did since the incident was last seen. `has_job`: its last heartbeat brought one.

    `checked`: what the checks make of the newest word on the step that the incident is about, which `checked_ref` has.
    """

    is_stopped: bool = False
    last_heartbeat: str | None = None
    has_job: bool = False
    held: int = 0
    answered: str | None = None
    passed_check: str | None = None
    checked: StepVerdict = UNJUDGED
    checked_ref: str | None = None


@dataclass(frozen=True, slots=True)
class KindStanding:
    """A kind's queue now. `claimed_at`: the newest claim of it that is to be seen.

    `foreign_since`: since when a foreign one waits without a break.
    """

    claimed_at: datetime | None = None
    is_paused: bool = False
    has_due: bool = False
    has_worker: bool = False
    foreign_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What was written down of an incident: a proposal, decided or not; `is_restored`: its file is back."""

    decided: str | None = None
    written: str | None = None
    is_restored: bool | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """All that is known of an incident's subject; None for what it has not, or what is not there any more."""

    job: JobStanding | None = None
    worker: WorkerStanding | None = None
    kind: KindStanding | None = None
    decision: Decision = Decision()
