"""The vocabulary of a heartbeat: what may be done next, what became of it, how it ends, what outlives it."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias, TypeVar

from watchkeeper.domain.helper_answers import Reply
from watchkeeper.domain.rules.names import RuleName


class Command(StrEnum):
    DOCTOR = "doctor"
    TOUCH = "touch"
    CLAIM = "claim"
    CONTEXT = "context"
    PROGRESS = "progress"
    UPLOAD = "upload-files"
    COMPLETE = "complete"
    FAIL = "fail"
    RELEASE = "release"


class Why(StrEnum):
    """Why a command is run: as its turn, once more after its failure, or on the way to such a retry."""

    TURN = "turn"
    RETRY = "retry"
    RETOUCH = "retouch"
    LOOK = "look"
    RENEWAL = "renewal"
    KEPT = "kept"


class LeaseStanding(StrEnum):
    UNKNOWN = "unknown"
    FINE = "fine"
    NEAR = "near_expiry"
    PAST = "expired"


@dataclass(frozen=True, slots=True)
class Call:
    """Run one command of the helper; answered by a Reply.

    With `watches_lease` it may also be answered by `LeaseStanding.NEAR` while it runs; then GoOn waits further.
    """

    command: Command
    why: Why = Why.TURN
    phase: str | None = None
    watches_lease: bool = False


@dataclass(frozen=True, slots=True)
class GoOn:
    """Wait further for the call or the work that runs; answered as that is."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait before a retry; answered by None."""


@dataclass(frozen=True, slots=True)
class LateAnswer:
    """Look again at what the first claim has printed by now; answered by a Reply, or None where it printed nothing."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Look at the lease; answered by a LeaseStanding."""


@dataclass(frozen=True, slots=True)
class Work:
    """Do the job; answered by Worked, or by `LeaseStanding.NEAR` while it goes on."""


@dataclass(frozen=True, slots=True)
class Worked:
    """How the work ended; `has_files` says that there is something to upload."""

    is_done: bool
    has_files: bool = True
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Publish:
    """Put the results into the shared store, since no deliverable takes them; answered by whether they are there."""

    reason: str


@dataclass(frozen=True, slots=True)
class Check:
    """Open the primary artifact and judge it; answered by Checked."""


@dataclass(frozen=True, slots=True)
class Checked:
    passed: bool
    is_local_only: bool = False
    detail: str = ""


@dataclass(frozen=True, slots=True)
class SwitchToShared:
    """Name the primary by its shared address instead of its local one; answered by whether there is one."""


@dataclass(frozen=True, slots=True)
class AddMissing:
    """Add artifacts of these kinds that exist and pass the gate, relabelling none; answered by whether all are in."""

    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeepCompletion:
    """Put the completion into the outbox; answered by None once it is durable."""


@dataclass(frozen=True, slots=True)
class NextKept:
    """Take up the oldest completion of the outbox, which `Why.KEPT` calls are about; answered by how many wait."""


@dataclass(frozen=True, slots=True)
class Settle:
    """Take that completion out of the outbox: it is completed, or set aside for a person; answered by None."""

    is_completed: bool


@dataclass(frozen=True, slots=True)
class Propose:
    """Write a proposal on backlog and capabilities after so many heartbeats without a job; answered by None."""

    heartbeats: int


@dataclass(frozen=True, slots=True)
class Tell:
    """Say what a rule would want to know; answered by None. `calls` asks for a person at once."""

    rule: RuleName
    detail: str
    calls: bool = False


Step: TypeAlias = (
    Call
    | GoOn
    | Pause
    | LateAnswer
    | Lease
    | Work
    | Publish
    | Check
    | SwitchToShared
    | AddMissing
    | KeepCompletion
    | NextKept
    | Settle
    | Propose
    | Tell
)
Happened: TypeAlias = Reply | LeaseStanding | Worked | Checked | bool | int | None

_T = TypeVar("_T")
Play: TypeAlias = Generator[Step, Happened, _T]
"""Decisions, one at a time: gives what to do next, is sent what became of it, and returns in the end."""


def answered(kind: type[_T], step: Step) -> Generator[Step, Happened, _T]:
    """Take a step whose answer is of this kind."""
    happened: Any = yield step
    return expected(kind, happened)


def expected(kind: type[_T], happened: object) -> _T:
    """Give what happened if it is of this kind; raises TypeError for another."""
    if not isinstance(happened, kind):
        raise TypeError(f"{kind.__name__} was expected, not {happened!r}")
    return happened


class Verdict(StrEnum):
    COMPLETED = "completed"
    FAILED = "failed"
    RELEASED = "released"
    NO_JOB = "no_job"
    WATCHED = "watched"
    UNHEALTHY = "unhealthy"
    NOT_STARTED = "not_started"
    NO_CLAIM = "no_claim"
    UNDELIVERED = "undelivered"
    WORK_FAILED = "work_failed"
    BLOCKED = "blocked"
    REJECTED = "rejected"
    QUEUED = "queued"
    STUCK = "stuck"
    LEASE_LOST = "lease_lost"
    JOB_GONE = "job_gone"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a heartbeat ended, or why a relayed command was not run; `rule` names the one that ended it."""

    verdict: Verdict
    detail: str = ""
    rule: RuleName | None = None


class Ended(Exception):
    """The heartbeat is over here."""

    def __init__(self, verdict: Verdict, detail: str = "", rule: RuleName | None = None) -> None:
        super().__init__(detail)
        self.ending = Ending(verdict, detail, rule)


@dataclass
class Memory:
    """What a heartbeat leaves to the next one, and one relayed command to the next.

    `retried` and `has_claimed` are of the present heartbeat. `failed_retries` counts by job. `stopped` says why
    nothing may be claimed; `stop_is_told` that our server knows, whose word then resumes it.
    """

    job: str | None = None
    has_claimed: bool = False
    retried: set[str] = field(default_factory=set)
    failed_retries: dict[str, int] = field(default_factory=dict)
    no_job_heartbeats: int = 0
    silent_heartbeats: int = 0
    stopped: str | None = None
    stop_is_told: bool = False

    def hear(self, is_stopped: bool, reason: str) -> None:
        """Take in the server's word on this worker."""
        if is_stopped:
            self.stopped, self.stop_is_told = self.stopped or reason, True
        elif self.stop_is_told:
            self.resume()

    def resume(self) -> None:
        """Go on after a stop: a person decided so."""
        self.stopped, self.stop_is_told, self.silent_heartbeats = None, False, 0

    def begin(self) -> None:
        """Begin a heartbeat."""
        self.retried = set()
        self.has_claimed = False

    def take_retry(self, command: Command) -> bool:
        """Say whether a command may be run once more in this heartbeat, and remember that it was."""
        if command in self.retried:
            return False
        self.retried.add(command)
        return True

    def count_failed_retry(self, job: str) -> int:
        self.failed_retries[job] = self.failed_retries.get(job, 0) + 1
        while len(self.failed_retries) > 100:
            self.failed_retries.pop(next(iter(self.failed_retries)))
        return self.failed_retries[job]

    def to_json(self) -> dict[str, Any]:
        return {
            "job": self.job,
            "has_claimed": self.has_claimed,
            "retried": sorted(self.retried),
            "failed_retries": self.failed_retries,
            "no_job_heartbeats": self.no_job_heartbeats,
            "silent_heartbeats": self.silent_heartbeats,
            "stopped": self.stopped,
            "stop_is_told": self.stop_is_told,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Memory:
        """Read what `to_json` gave; raises KeyError or TypeError for else."""
        return cls(
            job=kept["job"],
            has_claimed=bool(kept["has_claimed"]),
            retried=set(kept["retried"]),
            failed_retries=dict(kept["failed_retries"]),
            no_job_heartbeats=int(kept["no_job_heartbeats"]),
            silent_heartbeats=int(kept["silent_heartbeats"]),
            stopped=kept["stopped"],
            stop_is_told=bool(kept["stop_is_told"]),
        )
