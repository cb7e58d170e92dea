"""The job beside the conversation: its lease, its contract commands, and the evidence of its artifacts."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from statistics import median

from watchkeeper.domain.sessions.facts import ArtifactChecked, ContractCall, LeaseChanged

REFUSALS = frozenset(
    {
        *(
            "usage",
            "invalid_contract",
            "unauthenticated",
            "permission_denied",
            "job_not_found",
            "stale_lease",
        ),
        *("multiple_primary_jobs", "gate_failed", "contract_rejected", "paused", "worker_stopped"),
        "rate_limited",
    }
)
"""Answers of a server that works; any other error, or none, means that the call did not come through."""

QUEUED = "queued"
"""The call is kept on the worker's side and delivered later: it has neither failed nor come through."""

MOST_PHASES = 200
"""A job has no more phases than that; who names more of them names no progress."""

TERMINAL = frozenset({"complete", "fail", "release"})

GAP_OF_RENEWALS = 3
OPENED = frozenset({200, 204, 301, 302, 304})


@dataclass(slots=True)
class LeaseSeen:
    """What befell the lease; `others` are the holders who came while it was held."""

    held_since: float | None = None
    epoch: int | None = None
    worker: str | None = None
    renewed_at: float | None = None
    gaps: deque[float] = field(default_factory=lambda: deque(maxlen=16))
    expired_at: float | None = None
    taken_at: float | None = None
    doubled_at: float | None = None

    def take(self, at: float, change: LeaseChanged) -> None:
        match change.change:
            case "claimed":
                self._claim(at, change)
            case "renewed":
                if self.renewed_at is not None:
                    self.gaps.append(at - self.renewed_at)
                self.renewed_at = at
                if self.taken_at is None:
                    self.expired_at = None
            case "expired":
                self.expired_at = at
            case "taken_over":
                self._take_over(at)
            case "released":
                self.held_since = None

    def _claim(self, at: float, change: LeaseChanged) -> None:
        is_other = (change.epoch, change.worker) != (self.epoch, self.worker)
        if self.held_since is None or not is_other or change.worker == self.worker:
            # The first one, one handed out again, or a new epoch for the same worker after its end.
            self.held_since, self.epoch, self.worker = at, change.epoch, change.worker
            self.renewed_at, self.expired_at = at, None
        else:
            self._take_over(at)

    def _take_over(self, at: float) -> None:
        """Somebody else holds the job: after the lease had lapsed, or while it was renewed as ever."""
        lapsed = self.expired_at is not None or len(self.gaps) < 2 or self.renewed_at is None
        if not lapsed and self.renewed_at is not None:
            lapsed = at - self.renewed_at > GAP_OF_RENEWALS * median(self.gaps)
        if lapsed:
            self.taken_at = at if self.taken_at is None else self.taken_at
        else:
            self.doubled_at = at if self.doubled_at is None else self.doubled_at


@dataclass(slots=True)
class ContractSeen:
    """The contract commands, as they were answered."""

    calls: int = 0
    claimed_at: float | None = None
    phases: set[str] = field(default_factory=set)
    broken: dict[str, float] = field(default_factory=dict)
    last: dict[str, tuple[float, ContractCall]] = field(default_factory=dict)
    handed_in: int | None = None
    queued_at: float | None = None

    def take(self, at: float, call: ContractCall) -> bool:
        """Take in a call; say whether the job moved by it."""
        self.calls += 1
        command = call.command.replace("_", "-")
        self.last[command] = (at, call)
        if not call.ok:
            if call.error_code == QUEUED:
                self.queued_at = at if self.queued_at is None else self.queued_at
            elif call.error_code not in REFUSALS:
                self.broken.setdefault(command, at)
            return False
        self.broken.pop(command, None)
        if command in TERMINAL:
            self.queued_at = None
        if command == "claim":
            self.claimed_at = at
        if call.artifacts is not None and command in ("upload-files", "complete"):
            self.handed_in = max(call.artifacts, self.handed_in or 0)
        moved = command in ("upload-files", "complete") or (
            command == "progress"
            and call.phase not in {None, *self.phases}
            and len(self.phases) < MOST_PHASES
        )
        if call.phase is not None and len(self.phases) < MOST_PHASES:
            self.phases.add(call.phase)
        return moved

    @property
    def called_at(self) -> float | None:
        """Give when the contract was last called."""
        return max((at for at, _ in self.last.values()), default=None)

    def accepted(self, *commands: str) -> float | None:
        """Give when one of the commands was last accepted."""
        times = [at for name, (at, call) in self.last.items() if name in commands and call.ok]
        return max(times, default=None)

    def refused(self, *codes: str) -> tuple[float, ContractCall] | None:
        """Give the first command whose last answer was one of these errors."""
        found = [one for one in self.last.values() if not one[1].ok and one[1].error_code in codes]
        return min(found, key=lambda one: one[0]) if found else None


def is_refuted(check: ArtifactChecked | None) -> bool:
    """Say whether a look at the artifact contradicts that it is there."""
    if check is None:
        return False
    is_closed = check.http_status is not None and check.http_status not in OPENED
    return bool(check.failed) or is_closed or check.file_count == 0 or check.bytes == 0


def is_proven(check: ArtifactChecked | None) -> bool:
    """Say whether a look at the artifact found it; one that measured nothing proves nothing."""
    measured = check is not None and (check.http_status, check.file_count, check.bytes) != (None, None, None)
    return measured and not is_refuted(check)
