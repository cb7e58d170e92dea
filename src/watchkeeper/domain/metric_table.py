"""The stability watchdog's metrics table, as the policy in force fills it; what is pending is the report's to say."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.domain.config.stability import ALERTS
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.rules.catalogue import RULES
from watchkeeper.domain.rules.names import RuleName, Severity

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


@dataclass(frozen=True, slots=True)
class Metric:
    """One line of the table; its state is that of the incidents of `rule`."""

    name: str
    rule: RuleName
    threshold: str
    severity: Severity
    owner: str
    next_action: str


def metrics(policy: Policy) -> tuple[Metric, ...]:
    """Give the lines of the table in its order."""
    return tuple(_metric(name, policy) for name in ALERTS)


def _metric(name: str, policy: Policy) -> Metric:
    alert = ALERTS[name]
    rule, change = RULES[alert.rule], policy.rules.get(alert.rule)
    severity = (change and change.severity) or rule.severity
    owner = policy.contact((change and change.escalation) or rule.escalation).person
    return Metric(name, alert.rule, _threshold(alert.rule, policy), severity, owner, alert.advice)


def _threshold(rule: RuleName, policy: Policy) -> str:
    limits = policy.thresholds
    match rule:
        case RuleName.LEASE_NEAR_EXPIRY:
            return f"less_than_{limits.lease_near_expiry_seconds / 60:g}_minutes"
        case RuleName.COMPLETE_REJECTED:
            change = policy.rules.get(rule)
            after = change.escalate_after if change is not None else None
            usual = RULES[rule].escalate_after or 0
            return _failures(limits.complete_rejections + (usual if after is None else after))
        case RuleName.JOB_NOT_FOUND_AFTER_CLAIM:
            return _failures(limits.jobs_not_found)
        case RuleName.CLAIM_LOOP_IDLE:
            return f"{_number(limits.no_job_heartbeats)}_consecutive_claims"
    return "claimed_job_without_verified_artifact"


def _failures(count: int) -> str:
    return f"{_number(count)}_failure{'s' if count != 1 else ''}"


def _number(count: int) -> str:
    return _NUMBERS[count] if count < len(_NUMBERS) else str(count)
