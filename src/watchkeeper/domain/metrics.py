"""[S2]'s metrics table as a report: each of its five lines with what it comes to now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from watchkeeper.domain.policies import Policy
from watchkeeper.domain.rules.catalogue import RULES
from watchkeeper.domain.rules.names import RuleName


class MetricStatus(StrEnum):
    """`pending` until something was seen that the metric could be about; no data is not ok."""

    OK = "ok"
    FIRING = "firing"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Metric:
    """One line of the table. `n` is what was looked at, `open` how many incidents there are now."""

    metric: str
    threshold: str
    severity: str
    owner: str
    status: MetricStatus
    next_action: str
    open: int
    seen: int
    n: int


@dataclass(frozen=True, slots=True)
class _Line:
    metric: str
    rule: RuleName
    next_action: str
    phase: str


LINES = (
    _Line("lease_expiring_with_claimed_job", RuleName.LEASE_NEAR_EXPIRY, "alert_and_retouch", "claim"),
    _Line("complete_rejected", RuleName.COMPLETE_REJECTED, "add_missing_kind_or_escalate", "complete"),
    _Line(
        "job_not_found_after_claim",
        RuleName.JOB_NOT_FOUND_AFTER_CLAIM,
        "preserve_artifact_and_alert",
        "claim",
    ),
    _Line("artifact_missing", RuleName.ARTIFACT_MISSING, "publish_or_fail_with_reason", "claim"),
    _Line("repeated_no_job", RuleName.CLAIM_LOOP_IDLE, "inspect_backlog_capabilities", "claim"),
)
"""Names and next actions are the source's; `phase` is what must have been seen before silence means anything."""


def metrics(
    policy: Policy, open_now: Mapping[str, int], seen: Mapping[str, int], phases: Mapping[str, int]
) -> list[Metric]:
    """Give the five lines by the policy in force."""
    return [_metric(line, policy, open_now, seen, phases) for line in LINES]


def _metric(
    line: _Line,
    policy: Policy,
    open_now: Mapping[str, int],
    seen: Mapping[str, int],
    phases: Mapping[str, int],
) -> Metric:
    change, rule = policy.rules.get(line.rule), RULES[line.rule]
    n = phases.get(line.phase, 0)
    status = MetricStatus.OK if n else MetricStatus.PENDING
    if open_now.get(line.rule):
        status = MetricStatus.FIRING
    return Metric(
        line.metric,
        _threshold(line.rule, policy),
        (change and change.severity) or rule.severity,
        policy.contact((change and change.escalation) or rule.escalation).person,
        status,
        line.next_action,
        open_now.get(line.rule, 0),
        seen.get(line.rule, 0),
        n,
    )


def _threshold(rule: RuleName, policy: Policy) -> str:
    limits = policy.thresholds
    match rule:
        case RuleName.LEASE_NEAR_EXPIRY:
            return f"less_than_{limits.lease_near_expiry_seconds / 60:g}_minutes"
        case RuleName.COMPLETE_REJECTED:
            return _failures(limits.complete_rejections)
        case RuleName.JOB_NOT_FOUND_AFTER_CLAIM:
            return _failures(limits.jobs_not_found)
        case RuleName.CLAIM_LOOP_IDLE:
            return f"{_word(limits.no_job_heartbeats)}_consecutive_claims"
    return "claimed_job_without_verified_artifact"


def _failures(count: int) -> str:
    return f"{_word(count)}_failure{'s' if count > 1 else ''}"


def _word(count: int) -> str:
    words = ("zero", "one", "two", "three", "four", "five")
    return words[count] if count < len(words) else str(count)
