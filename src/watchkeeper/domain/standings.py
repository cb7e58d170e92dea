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
    is_session: bool = False
    is_mirrored: bool = False
    renewed_at: datetime | None = None
    ended_as: str | None = None
    passed_check: str | None = None
    answered: str | None = None
    is_resumed: bool = False


@dataclass(frozen=True, slots=True)
class WorkerStanding:
    """A worker now, and what it did since the incident was last seen. `has_job`: its last heartbeat brought one.

    `good_turn`: a turn of an agent's that ended well. `checked`: what the checks make of the newest word on the step
    that the incident is about, which `checked_ref` has.
    """

    is_stopped: bool = False
    last_heartbeat: str | None = None
    has_job: bool = False
    held: int = 0
    answered: str | None = None
    passed_check: str | None = None
    good_turn: str | None = None
    checked: StepVerdict = UNJUDGED
    checked_ref: str | None = None


@dataclass(frozen=True, slots=True)
class SessionStanding:
    """A session now. `went_on` is its newest event, `found_well` when it was last held for healthy; both since the
    incident was last seen. `is_left_behind`: its job runs under another epoch, or not at all. `left`: processes that
    its last sweep could not prove; None before one.
    """

    is_over: bool = False
    is_left_behind: bool = False
    went_on: datetime | None = None
    found_well: datetime | None = None
    failure: str | None = None
    left: int | None = None


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
class HostStanding:
    """The alerts of a host's incident now: whether one fires, when the last ended, and when its assets were written."""

    is_firing: bool = True
    over_at: datetime | None = None
    assets_written_at: datetime | None = None


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
    session: SessionStanding | None = None
    decision: Decision = Decision()
    host: HostStanding | None = None
