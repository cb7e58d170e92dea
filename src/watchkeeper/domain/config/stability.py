"""The words of the stability watchdog's document (`version: codex_session_watchdog_v1`), and what they mean here."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.domain.rules.names import NextAction, RepairAction, RuleName

VERSION = "codex_session_watchdog_v1"

THRESHOLDS = {
    "lease_remaining_minutes_warn": "lease_near_expiry_minutes",
    "repeated_no_job_warn_count": "no_job_heartbeats",
    "complete_rejection_warn_count": "complete_rejections",
    "job_not_found_after_claim_critical_count": "jobs_not_found",
    "missing_deliverable_id_warn_count": "missing_deliverable_ids",
}
"""Its thresholds, and the keys of ours that say the same."""

HEALING: dict[str, frozenset[RepairAction]] = {
    "retouch_worker": frozenset({RepairAction.RETOUCH}),
    "write_progress": frozenset({RepairAction.ASK_RENEWAL}),
    "publish_shared_cloud_artifact": frozenset({RepairAction.PUBLISH_ARTIFACT}),
    "complete_with_required_artifacts": frozenset({RepairAction.REPAIR_CONTRACT, RepairAction.RETRY_COMMAND}),
    "produce_no_job_repair_proposal": frozenset({RepairAction.PROPOSE}),
}

NEEDS_A_PERSON: dict[str, frozenset[RepairAction]] = {
    "force_release_running_job": frozenset({RepairAction.RELEASE, RepairAction.RECLAIM}),
    # No plan does these two, with a person's word or without: they are taken note of, and change nothing.
    "delete_or_mutate_user_data": frozenset(),
    "claim_more_than_one_primary_job": frozenset(),
}


@dataclass(frozen=True, slots=True)
class Alert:
    """A line of its metrics table: the rule that it is, whom it calls there, and what is to be done, in its words.

    `escalate_after`: people are told beside the repair, not after it (`alert_and_retouch`).
    """

    rule: RuleName
    owner: str
    next_action: NextAction
    advice: str
    escalate_after: int | None = None


ALERTS = {
    "lease_expiring_with_claimed_job": Alert(
        RuleName.LEASE_NEAR_EXPIRY,
        "pls_platform_owner",
        NextAction.RETOUCH,
        "alert_and_retouch",
        escalate_after=0,
    ),
    "complete_rejected": Alert(
        RuleName.COMPLETE_REJECTED,
        "codex_worker_maintainer",
        NextAction.REPAIR_CONTRACT,
        "add_missing_kind_or_escalate",
    ),
    "job_not_found_after_claim": Alert(
        RuleName.JOB_NOT_FOUND_AFTER_CLAIM,
        "pls_platform_owner",
        NextAction.INSPECT_QUEUE,
        "preserve_artifact_and_alert",
    ),
    "artifact_missing": Alert(
        RuleName.ARTIFACT_MISSING,
        "codex_worker_maintainer",
        NextAction.REPAIR_CONTRACT,
        "publish_or_fail_with_reason",
    ),
    "repeated_no_job": Alert(
        RuleName.CLAIM_LOOP_IDLE, "pls_ops", NextAction.INSPECT_QUEUE, "inspect_backlog_capabilities"
    ),
}
"""Its alerts by its own names; the order is that of its table."""
