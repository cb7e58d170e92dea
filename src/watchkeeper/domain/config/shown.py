"""The policy in force as a list: each value, and the line of the document that it comes from, if it does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from watchkeeper.domain.config import stability
from watchkeeper.domain.config.units import SECONDS
from watchkeeper.domain.config_document import Document
from watchkeeper.domain.placed import Place
from watchkeeper.domain.policies import Policy, PolicyMode, Thresholds
from watchkeeper.domain.rules.catalogue import RULES
from watchkeeper.domain.rules.names import Escalation, RuleName
from watchkeeper.domain.sessions.limits import SessionLimits


@dataclass(frozen=True, slots=True)
class Shown:
    """One value of the policy; `place` is None where it is the default."""

    key: str
    value: Any
    place: Place | None


def shown_policy(document: Document) -> list[Shown]:
    """Give all that the policy says, in the order of docs/config.md."""
    return [
        Shown(key, value, _place(document.places, sources))
        for key, value, sources in _values(document.policy)
    ]


Value = tuple[str, Any, tuple[str, ...]]
"""A key, its value, and the begins of the paths that may have said it."""


def _values(policy: Policy) -> Iterator[Value]:
    yield "version", policy.version, ("version",)
    yield "owner", policy.owner, ("owner",)
    yield "timezone", policy.time_zone, ("timezone",)
    minutes = policy.heartbeat_interval_seconds / 60
    yield "heartbeat_interval_minutes", minutes, ("heartbeat_interval_minutes",)
    for name in ("reclaim", "reclaim_mirrored", "queue_stuck_alert", "four_eyes"):
        kept = ("self_heal.requires_human", "self_heal.allowed") if name == "reclaim" else ()
        yield f"policy.{name}", _plain(getattr(policy, name)), (f"policy.{name}", *kept)
    for limit in fields(Thresholds):
        yield f"thresholds.{limit.name}", getattr(policy.thresholds, limit.name), _limit_paths(limit.name)
    for limit in fields(SessionLimits):
        yield (
            f"sessions.{limit.name}",
            getattr(policy.sessions, limit.name),
            _unit_paths("sessions", limit.name),
        )
    for name, objective in {"": policy.slos.usual, **policy.slos.pools}.items():
        place = f"slos.pools.{name}" if name else "slos"
        yield f"{place}.target", objective.target, (f"{place}.target",)
        yield f"{place}.period_days", objective.period_days, (f"{place}.period_days",)
    for check in policy.checks:
        yield f"checks.{check.name}", check.passes.text, (f"checks.{check.name}",)
    for rule in RuleName:
        yield f"rules.{rule}", _rule(policy, rule), _rule_paths(policy, rule)
    yield "self_heal.allowed", _plain(policy.allowed), ("self_heal.allowed",)
    yield "self_heal.requires_human", _plain(policy.never_without_a_person), ("self_heal.requires_human",)
    yield "alerts.channel", _plain(policy.alert_channels), ("alerts.channel",)
    yield "alerts.notify_on", _plain(policy.notify_on), ("alerts.notify_on",)
    for name in dict.fromkeys([*(one.value for one in Escalation), *policy.contacts]):
        contact = policy.contact(name)
        yield f"contacts.{name}", _listed([contact.person, *contact.channels]), (f"contacts.{name}", "owner")


def _rule(policy: Policy, name: RuleName) -> str:
    rule, change = RULES[name], policy.rules.get(name)
    own = policy.mode(name, rule.action, is_mirrored=False)
    mirrored = policy.mode(name, rule.action, is_mirrored=True)
    mode = own.value if own is mirrored else f"{own} (mirrored: {mirrored})"
    severity = (change and change.severity) or rule.severity
    calls = policy.contact((change and change.escalation) or rule.escalation).person
    return f"{rule.action}: {mode}; {severity}; calls {calls}"


def _rule_paths(policy: Policy, name: RuleName) -> tuple[str, ...]:
    """A rule's own section, what else changed it, and what keeps its plan for a person."""
    of_checks = {
        RuleName.DOCTOR_FAILED: "checks.doctor.severity",
        RuleName.TOUCH_FAILED: "checks.touch.severity",
    }
    paths = [f"rules.{name}", *([of_checks[name]] if name in of_checks else [])]
    if name in policy.rules:
        paths.append("version")
    if policy.mode(name, RULES[name].action, is_mirrored=False) is PolicyMode.SUPERVISOR:
        paths += ["self_heal.requires_human", "self_heal.allowed"]
    return tuple(paths)


def _limit_paths(name: str) -> tuple[str, ...]:
    words = [word for word, same in stability.THRESHOLDS.items() if same.startswith(_subject(name))]
    return (*_unit_paths("thresholds", name), *(f"thresholds.{word}" for word in words))


def _unit_paths(section: str, name: str) -> tuple[str, ...]:
    return (f"{section}.{name}", *(f"{section}.{_subject(name)}_{unit}" for unit in SECONDS))


def _subject(name: str) -> str:
    return name.rpartition("_")[0] if name.endswith(("_seconds", "_days")) else name


def _place(places: Mapping[str, Place], sources: Iterable[str]) -> Place | None:
    for source in sources:
        for path, place in places.items():
            if path == source or path.startswith((f"{source}.", f"{source}[")):
                return place
    return None


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | frozenset):
        return _listed(sorted(value) if isinstance(value, frozenset) else value)
    return value


def _listed(values: Iterable[str]) -> str:
    return ", ".join(str(value) for value in values) or "none"
