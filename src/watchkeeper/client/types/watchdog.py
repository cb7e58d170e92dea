"""Types: How queues and workers stand, and why something does not move.

Written by scripts/python_client.py from docs/reference/openapi.json.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class Watchdog(TypedDict):
    last_tick_at: NotRequired[str | None]
    ok: NotRequired[bool | None]


class WatchdogArtifact(TypedDict):
    at: NotRequired[str | None]
    severity: NotRequired[str | None]
    state: NotRequired[str | None]


class WatchdogChecks(TypedDict):
    artifact: NotRequired[WatchdogArtifact | None]
    claim: NotRequired[WatchdogClaim | None]
    complete: NotRequired[WatchdogComplete | None]
    context: NotRequired[WatchdogContext | None]
    doctor: NotRequired[WatchdogDoctor | None]
    lease: NotRequired[WatchdogLease | None]
    progress: NotRequired[WatchdogProgress | None]
    touch: NotRequired[WatchdogTouch | None]


class WatchdogClaim(TypedDict):
    at: NotRequired[str | None]
    severity: NotRequired[str | None]
    state: NotRequired[str | None]


class WatchdogComplete(TypedDict):
    at: NotRequired[str | None]
    severity: NotRequired[str | None]
    state: NotRequired[str | None]


class WatchdogContext(TypedDict):
    at: NotRequired[str | None]
    severity: NotRequired[str | None]
    state: NotRequired[str | None]


class WatchdogDay(TypedDict):
    failed: NotRequired[int | None]
    unverified: NotRequired[int | None]
    verified: NotRequired[int | None]


class WatchdogDoctor(TypedDict):
    at: NotRequired[str | None]
    severity: NotRequired[str | None]
    state: NotRequired[str | None]


class WatchdogFact(TypedDict):
    age_s: NotRequired[float | None]
    at: NotRequired[str | None]
    fact: NotRequired[str | None]
    said: NotRequired[Any]
    value: NotRequired[str | None]


class WatchdogHour(TypedDict):
    failed: NotRequired[int | None]
    unverified: NotRequired[int | None]
    verified: NotRequired[int | None]


class WatchdogHours(TypedDict):
    report: NotRequired[list[WatchdogReport] | None]


class WatchdogLease(TypedDict):
    at: NotRequired[Any]
    severity: NotRequired[str | None]
    state: NotRequired[str | None]


class WatchdogNeed(TypedDict):
    about: NotRequired[str | None]
    blocks: NotRequired[int | None]
    concern: NotRequired[str | None]
    expires_at: NotRequired[str | None]
    fold: NotRequired[Any]
    id: NotRequired[str | None]
    project_id: NotRequired[str | None]
    reason: NotRequired[str | None]
    since: NotRequired[str | None]


class WatchdogNeedsAnswer(TypedDict):
    count: int
    folded: list[Any]
    more: bool
    needs: list[WatchdogNeed]
    ok: bool
    watchdog: Watchdog


class WatchdogPlsWorkerStatusAnswer(TypedDict):
    checks: WatchdogChecks
    current_job: Any
    health: str
    holding: list[Any]
    last_seen_at: str
    next_action: str
    no_job_count: int
    ok: bool
    origin: str
    session: Any
    stuck_reason: Any
    worker_id: str


class WatchdogPolicy(TypedDict):
    detail: NotRequired[str | None]
    ok: NotRequired[bool | None]


class WatchdogProgress(TypedDict):
    at: NotRequired[str | None]
    severity: NotRequired[str | None]
    state: NotRequired[str | None]


class WatchdogPulseAnswer(TypedDict):
    counted_to: NotRequired[str | None]
    day: WatchdogDay
    generated_at: str
    hour: WatchdogHour
    hours: WatchdogHours
    ok: bool
    pace: str
    signals: WatchdogSignals


class WatchdogQueue(TypedDict):
    capped: NotRequired[bool | None]
    eligible_workers: NotRequired[int | None]
    kind: NotRequired[str | None]
    oldest_ready_age_s: NotRequired[float | None]
    origin: NotRequired[str | None]
    paused: NotRequired[int | None]
    ready: NotRequired[int | None]
    running: NotRequired[int | None]
    scheduled: NotRequired[int | None]
    status: NotRequired[str | None]
    stuck: NotRequired[int | None]
    waiting_reasons: NotRequired[WatchdogWaitingReasons | None]


class WatchdogQueueHealthAnswer(TypedDict):
    generated_at: str
    ok: bool
    policy: WatchdogPolicy
    queues: list[WatchdogQueue]
    watchdog: Watchdog


class WatchdogReport(TypedDict):
    failed: NotRequired[int | None]
    well: NotRequired[int | None]


class WatchdogSignals(TypedDict):
    failed_share: NotRequired[float | None]
    oldest_wait_s: NotRequired[float | None]
    running: NotRequired[int | None]
    slots: NotRequired[int | None]
    wait_p95_s: NotRequired[float | None]
    waiting: NotRequired[int | None]
    waits: NotRequired[int | None]


class WatchdogSubject(TypedDict):
    external_id: NotRequired[Any]
    id: NotRequired[str | None]
    kind: NotRequired[str | None]
    origin: NotRequired[str | None]
    type: NotRequired[str | None]


class WatchdogSuggestedRepair(TypedDict):
    action: NotRequired[str | None]
    next_action: NotRequired[str | None]


class WatchdogTouch(TypedDict):
    at: NotRequired[str | None]
    severity: NotRequired[str | None]
    state: NotRequired[str | None]


class WatchdogWaitingReasons(TypedDict):
    limit_full: NotRequired[int | None]


WatchdogWhyAnswer = TypedDict(
    "WatchdogWhyAnswer",
    {
        "cause": "str",
        "changes": "str",
        "class": "str",
        "facts": "list[WatchdogFact]",
        "generated_at": "str",
        "incidents": "list[Any]",
        "ok": "bool",
        "reason": "str",
        "sentence": "str",
        "state": "str",
        "subject": "WatchdogSubject",
        "suggested_repair": "WatchdogSuggestedRepair",
    },
)


class WatchdogWorkerStatusAnswer(TypedDict):
    checks: WatchdogChecks
    current_job: Any
    health: str
    holding: list[Any]
    last_seen_at: str
    next_action: str
    no_job_count: int
    ok: bool
    origin: str
    session: Any
    stuck_reason: Any
    worker_id: str
