"""The vocabulary of a heartbeat: what may be done next, what became of it, how it ends."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
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
    """Do the job; answered by Worked, or by `LeaseStanding.NEAR` or an Asked while it goes on."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who does the work asks for one command of the contract meanwhile, and waits for its Answer.

    Without a command it asks for the gate's look at what it has handed over so far.
    """

    command: Command | None


@dataclass(frozen=True, slots=True)
class Worked:
    """How the work ended; `has_files` says that there is something to upload.

    `until` (Unix time): it cannot be gone on with before, by nobody's fault; nothing is claimed until then.
    """

    is_done: bool
    has_files: bool = True
    detail: str = ""
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Uploaded:
    """Whether files stand where everybody can open them, and why they do not."""

    is_there: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """Tell who does the work what became of what it asked or handed in; answered by whether it goes on working."""

    told: Reply | Ending | Uploaded | Checked


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
    | Answer
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
Happened: TypeAlias = Reply | LeaseStanding | Worked | Asked | Checked | bool | int | None

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
