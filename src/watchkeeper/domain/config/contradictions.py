"""What each part of a document may say, but not together; and what could never come to pass."""

from __future__ import annotations

from collections.abc import Mapping

from watchkeeper.domain.config.authority import Decided, Healing
from watchkeeper.domain.config.people import Alerts
from watchkeeper.domain.config.reading import Reading
from watchkeeper.domain.helper_config import HelperConfig
from watchkeeper.domain.placed import Place
from watchkeeper.domain.policies import PROTECTING, Policy, PolicyMode, RuleChange
from watchkeeper.domain.rules.catalogue import RULES
from watchkeeper.domain.rules.names import RepairAction, RuleName
from watchkeeper.domain.sessions.limits import WARN_BEFORE_ACT

RECLAIMING = frozenset({RepairAction.RELEASE, RepairAction.RECLAIM})


def check_authority(
    reading: Reading, decided: Decided, healing: Healing, rules: Mapping[RuleName, RuleChange]
) -> None:
    """Refuse `auto` for what a person keeps, or what no list allows."""
    for name in ("reclaim", "reclaim_mirrored"):
        if getattr(decided, name) is PolicyMode.AUTO:
            for action in sorted(RECLAIMING):
                if (why := _kept(action, healing)) is not None:
                    _note(reading, f"policy.{name}", f"it is auto, and {why}", "write supervisor")
                    break
    for rule, change in rules.items():
        action = RULES[rule].action
        if change.mode is PolicyMode.AUTO and (why := _kept(action, healing)) is not None:
            _note(
                reading,
                _mode_path(reading, rule),
                f"it is auto, its plan is to {action}, and {why}",
                "write supervisor",
            )


def _kept(action: RepairAction, healing: Healing) -> str | None:
    if action in healing.never_alone:
        return "'self_heal.requires_human' keeps that for a person"
    if healing.allowed is not None and action not in healing.allowed | PROTECTING:
        return f"'self_heal.allowed' does not name {action}"
    return None


def check_rules(reading: Reading, rules: Mapping[RuleName, RuleChange], alerts: Alerts) -> None:
    """Refuse to turn off what a stop condition needs, and what people want to be told of."""
    for rule, change in rules.items():
        if change.mode is not PolicyMode.OFF:
            continue
        path = _mode_path(reading, rule)
        if RULES[rule].stops_worker:
            _note(
                reading,
                path,
                "it is a stop condition, which needs its rule",
                "write observe, supervisor or owner",
            )
        elif rule is RuleName.WATCHDOG_BLIND:
            _note(reading, path, "off, the watchdog could not tell that it does not see", "leave it on")
        elif alerts.notify_on is not None and rule in alerts.notify_on:
            _note(
                reading,
                path,
                "it is off, and 'alerts.notify_on' wants to be told of it",
                "leave one of the two",
            )


def check_times(reading: Reading, policy: Policy, helper: HelperConfig | None) -> None:
    """Refuse thresholds behind a point that is never reached."""
    limits, beat = policy.thresholds, policy.heartbeat_interval_seconds
    if limits.claim_no_output_seconds >= beat:
        _note(
            reading,
            _path(reading, "thresholds.claim_no_output_", "heartbeat_interval_minutes"),
            f"a claim is waited for {limits.claim_no_output_seconds:g} s, and every {beat:g} s a heartbeat begins: it"
            " could never fire",
            "a claim is waited for less than the time between two heartbeats",
        )
    for warn, act in WARN_BEFORE_ACT:
        if getattr(policy.sessions, warn) >= getattr(policy.sessions, act):
            _note(
                reading,
                _path(reading, f"sessions.{_subject(warn)}", f"sessions.{_subject(act)}"),
                f"'{warn}' is no less than '{act}': nobody would be warned",
                "warn before acting",
            )
    if helper is not None and helper.renewal_gap_seconds > limits.lease_near_expiry_seconds / 3:
        _note(
            reading,
            _path(reading, "helper.renewal_gap_seconds", "thresholds.lease_"),
            f"a lease that ends within {limits.lease_near_expiry_seconds:g} s is renewed every"
            f" {helper.renewal_gap_seconds:g} s at most: a renewal that is lost could end it",
            "a third of 'lease_near_expiry_seconds' at most",
        )


def _subject(name: str) -> str:
    return name.removesuffix("_seconds")


def _mode_path(reading: Reading, rule: RuleName) -> str:
    return _path(reading, f"rules.{rule}.mode", f"rules.{rule}")


def _path(reading: Reading, *begins: str) -> str:
    """Give the first path of the document that begins so; it exists, as what it says is refused."""
    for begin in begins:
        for path in reading.places:
            if path.startswith(begin):
                return path
    return ""


def _note(reading: Reading, path: str, message: str, suggestion: str) -> None:
    reading.note(path, reading.places.get(path, Place(1, 1)), message, suggestion)
