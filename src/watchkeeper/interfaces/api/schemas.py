"""The bodies that callers send. Unknown keys are refused, with the one that was probably meant."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    model_validator,
)
from pydantic_core import PydanticCustomError

from watchkeeper.domain.claims import MAX_CLAIM_SECONDS, MAX_CLAIMED_AT_ONCE
from watchkeeper.domain.suggestions import did_you_mean, shown
from watchkeeper.services.identity import MAX_OVERLAP_SECONDS, OVERLAP_SECONDS

MAX_RENEWALS = 10_000
MAX_JOBS = 10_000

WorkerId = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Word = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Key = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Text = Annotated[str, StringConstraints(max_length=1_000_000)]
Cause = Annotated[str, StringConstraints(min_length=1, max_length=1_000_000)]
"""Why an attempt ended: a reason that may quote an agent's output."""
Reason = Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")


def _rfc3339(given: Any) -> Any:
    if not isinstance(given, str) or not _RFC3339.fullmatch(given):
        raise ValueError("a time is written like 2026-11-21T12:00:00Z (RFC 3339)")
    return given


Kinds = Annotated[
    list[Annotated[str, StringConstraints(min_length=1, max_length=100)]], Field(max_length=1000)
]
Time = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_rfc3339)]


class Body(BaseModel):
    """A JSON object of fixed keys; numbers are numbers and texts are texts."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            raise PydanticCustomError("not_an_object", "a JSON object is expected")
        for key in given:
            if key not in cls.model_fields:
                raise PydanticCustomError(
                    "unknown_key",
                    "unknown key {key}; {meant}",
                    {"key": shown(key), "meant": did_you_mean(str(key), cls.model_fields)},
                )
        return given


class DoctorBody(Body):
    worker_id: WorkerId | None = None
    system: bool = False


class TouchBody(Body):
    worker_id: WorkerId
    automation_id: Word | None = None


class ClaimBody(Body):
    """`kinds` empty or left out takes any; `limit` and `held` are for runtime workers.

    `held`: the jobs that the worker knows it holds; an unused lease of another one is handed out again.
    """

    worker_id: WorkerId
    kinds: Kinds | None = None
    wait_seconds: float = Field(0.0, ge=0, le=MAX_CLAIM_SECONDS)
    limit: int = Field(1, ge=1, le=MAX_CLAIMED_AT_ONCE)
    held: list[Key] | None = Field(None, max_length=MAX_RENEWALS)


class RegisterBody(Body):
    worker_id: WorkerId
    profile: Literal["runtime"] = "runtime"
    slots: int = Field(1, ge=1, le=10_000)
    kinds: Kinds | None = None
    role: Word | None = None
    pool: Word = "default"
    persona: Word | None = None
    host_id: Word | None = None
    version: Word | None = None


class HeldLeaseBody(Body):
    job: Key
    token: Key


class RenewBody(Body):
    worker_id: WorkerId
    leases: list[HeldLeaseBody] = Field(max_length=MAX_RENEWALS)


class ProgressBody(Body):
    message: Text
    phase: Word
    payload: Any = None


class VerifyBody(Body):
    """`url` names the primary, or `artifacts` what a completion would; with neither all that was uploaded counts."""

    url: Annotated[str, StringConstraints(min_length=1, max_length=4096)] | None = None
    artifacts: list[Any] | dict[str, Any] | None = None


class CompleteBody(Body):
    """`artifacts` is a list of entries, or an object that holds one as `artifacts`."""

    summary: Text
    artifacts: list[Any] | dict[str, Any] = Field(default_factory=list)


class FailBody(Body):
    """`retry_at` says when to come back; only for causes that are not the agent's. With `parks_pool` the worker's whole
    pool claims nothing until then, as it always does for a quota.

    `gate`: the contract refused the results for good; the job is stuck, for a person. `held`: so it is for this reason
    too, with the class of the failure and what shows it.
    """

    reason: Cause
    cause: Literal["agent_error", "infrastructure", "quota", "gate", "operator"] = "agent_error"
    retry_at: Time | None = None
    parks_pool: bool = False
    held: Literal["agent_stalled", "crash_loop", "budget", "gate_failed"] | None = None
    failure_class: Word | None = None
    evidence: dict[str, Any] | None = None


class ReleaseBody(Body):
    """`lost`: the attempt's processes died. `cancelled`: it stopped because it was asked to."""

    reason: Cause
    lost: bool = False
    cancelled: bool = False


class NothingBody(Body):
    """No keys."""


class WhyBody(Body):
    """Why, where somebody says so."""

    reason: Reason | None = None


class JobBody(Body):
    kind: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    payload: Any = None
    contract: dict[str, Any] | None = None
    priority: int | None = Field(None, ge=-32_768, le=32_767)
    run_at: Time | None = None
    unique_key: Key | None = None
    external_id: Key | None = None
    deliverable_id: Key | None = None
    reason: Reason | None = None


def _one_or_list(given: Any) -> str:
    return "list[JobBody]" if isinstance(given, list) else "JobBody"


JobOrJobs = Annotated[
    Annotated[JobBody, Tag("JobBody")] | Annotated[list[JobBody], Tag("list[JobBody]")],
    Discriminator(_one_or_list),
]
"""What is no list is meant as one job: without a word on which of the two it is, faults of both would be told."""


class ReasonBody(Body):
    reason: Reason


class VerdictBody(Body):
    """`accept`: the results are used. `discard`: they are not."""

    verdict: Literal["accept", "discard"]
    reason: Reason


class JobActBody(Body):
    """`force` ends a running job without asking its holder first."""

    reason: Reason
    force: bool = False


class ProjectBody(Body):
    project_id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$")]
    title: Annotated[str, StringConstraints(max_length=200)] = ""
    reason: Reason | None = None


class TokenBody(Body):
    """`project_id` null makes a token of the whole installation; left out, the request's project counts.

    `kind` is that of the principal; left out, a worker is an agent and everybody else a person.
    """

    name: Word
    kind: Literal["person", "service", "agent"] | None = None
    role: Literal["viewer", "worker", "supervisor", "owner"]
    project_id: Annotated[str, StringConstraints(max_length=63)] | None = None
    lifetime_seconds: float | None = Field(None, gt=0, le=10 * 366 * 86_400)
    reason: Reason | None = None


class RotationBody(Body):
    """`overlap_seconds`: how long the old token lives on; 0 ends it at once."""

    reason: Reason
    overlap_seconds: float = Field(OVERLAP_SECONDS, ge=0, le=MAX_OVERLAP_SECONDS)


class ScheduleBody(Body):
    name: Word
    cron: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    kind: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    payload: Any = None
    time_zone: Annotated[str, StringConstraints(min_length=1, max_length=100)] = "UTC"
    reason: Reason | None = None


class SwitchBody(Body):
    on: bool
    reason: Reason


class ChannelBody(Body):
    """Secrets and a `url` that are left out stay as they are; `quiet` is `HH:MM-HH:MM` in the time zone.

    `settings` and `secrets` are those that `GET /api/channels/kinds` names for the kind.
    """

    name: Word
    kind: Annotated[str, StringConstraints(min_length=1, max_length=50)] = "webhook"
    url: Annotated[str, StringConstraints(min_length=1, max_length=4096)] | None = None
    quiet: Annotated[str, StringConstraints(max_length=20)] | None = None
    time_zone: Annotated[str, StringConstraints(min_length=1, max_length=100)] = "UTC"
    settings: dict[Word, Annotated[str, StringConstraints(min_length=1, max_length=4096)]] = {}
    secrets: dict[Word, Annotated[str, StringConstraints(min_length=1, max_length=4096)]] = {}
    language: Annotated[str, StringConstraints(max_length=20)] = "en"
    per_hour: Annotated[int, Field(ge=1, le=10_000)] = 30
    reason: Reason
