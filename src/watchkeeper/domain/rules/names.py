"""The words of the watchdog: its rules, how grave they are, whom they call, and what a plan may do."""

from __future__ import annotations

from enum import StrEnum


class RuleName(StrEnum):
    LEASE_NEAR_EXPIRY = "lease_near_expiry"
    LEASE_EXPIRED = "lease_expired"
    QUEUE_STUCK = "queue_stuck"
    CLAIM_NO_OUTPUT = "claim_no_output"
    FETCH_FAILED = "fetch_failed"
    CLAIM_LOOP_IDLE = "claim_loop_idle"
    MISSING_WORKER_KIND = "missing_worker_kind"
    ARTIFACT_GATE_FAILED = "artifact_gate_failed"
    ARTIFACT_MISSING = "artifact_missing"
    COMPLETE_REJECTED = "complete_rejected"
    JOB_NOT_FOUND_AFTER_CLAIM = "job_not_found_after_claim"
    MISSING_DELIVERABLE_ID = "missing_deliverable_id"
    SILENT_LOOP = "silent_loop"
    DOCTOR_FAILED = "doctor_failed"
    TOUCH_FAILED = "touch_failed"
    MULTIPLE_PRIMARY_JOBS = "multiple_primary_jobs"
    SECRET_EXPOSED = "secret_exposed"  # noqa: S105 - a rule's name
    HIDDEN_FAILURE = "hidden_failure"
    SESSION_STALLED = "session_stalled"
    TOOL_LOOP = "tool_loop"
    TOKEN_BUDGET_EXCEEDED = "token_budget_exceeded"  # noqa: S105 - a rule's name
    SESSION_ORPHANED = "session_orphaned"
    CRASH_LOOP = "crash_loop"
    ARTIFACT_LOST = "artifact_lost"
    WATCHDOG_BLIND = "watchdog_blind"
    HOST_ORPHAN_BROWSER = "host_orphan_browser"
    HOST_CI_SATURATION = "host_ci_saturation"
    HOST_MONITOR_MISSING = "host_monitor_missing"
    HOST_MONITOR_STALE = "host_monitor_stale"


class Severity(StrEnum):
    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class NextAction(StrEnum):
    NONE = "none"
    RETOUCH = "retouch"
    RETRY_COMPLETE = "retry_complete"
    REPAIR_CONTRACT = "repair_contract"
    INSPECT_QUEUE = "inspect_queue"


class Escalation(StrEnum):
    """Whom a rule calls; the config document's contacts say which person that is."""

    JOB_OWNER = "job_owner"
    SUPERVISOR = "supervisor"
    POOL_OWNER = "pool_owner"
    WORKER_MAINTAINER = "worker_maintainer"
    PLATFORM_OWNER = "platform_owner"


class Closer(StrEnum):
    """Whose word closes an incident: facts that pass, a person's decision, or either."""

    EVIDENCE = "evidence"
    PERSON = "person"
    EITHER = "either"


class RepairAction(StrEnum):
    """What a plan does. Those that only tell, ask or write down change no job."""

    RETOUCH = "retouch"
    ASK_RENEWAL = "ask_renewal"
    RETRY_COMMAND = "retry_command"
    RELEASE = "release"
    RECLAIM = "reclaim"
    MARK_STALE = "mark_stale"
    REQUEUE = "requeue"
    RESUME = "resume"
    PAUSE = "pause"
    FAIL = "fail"
    PAUSE_KIND = "pause_kind"
    FAIL_KIND = "fail_kind"
    PROPOSE = "propose"
    PUBLISH_ARTIFACT = "publish_artifact"
    BLOCK_COMPLETE = "block_complete"
    REPAIR_CONTRACT = "repair_contract"
    STOP_WORKER = "stop_worker"
    RESUME_WORKER = "resume_worker"
    INTERRUPT_SESSION = "interrupt_session"
    SWEEP_SESSION = "sweep_session"
    FREEZE_VERDICTS = "freeze_verdicts"
    ALERT = "alert"
    END_ORPHAN = "end_orphan"
