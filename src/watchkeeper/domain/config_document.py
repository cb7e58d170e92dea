"""The config document: what a placed document means, or all that is wrong with it.

Its text is read by `watchkeeper.documents`; who loads it anew and keeps the last good one is services/policy.py.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from watchkeeper.domain.config import authority, people, stability, work
from watchkeeper.domain.config.checks import read_checks
from watchkeeper.domain.config.contradictions import check_authority, check_rules, check_times
from watchkeeper.domain.config.helper import read_helper
from watchkeeper.domain.config.reading import Field, Reading, Section, field_of
from watchkeeper.domain.config.sections import split
from watchkeeper.domain.config.slos import read_slos
from watchkeeper.domain.config.thresholds import read_sessions, read_thresholds
from watchkeeper.domain.expressions import GRAMMAR
from watchkeeper.domain.helper_config import HelperConfig
from watchkeeper.domain.placed import DocumentRefused, Place, Placed, Problem
from watchkeeper.domain.policies import Contact, Policy, PolicyMode, RuleChange, Thresholds
from watchkeeper.domain.rules.names import RuleName
from watchkeeper.domain.sessions.limits import SessionLimits
from watchkeeper.domain.slo import SloPolicy

MOST_MINUTES = 1_440.0


@dataclass(frozen=True, slots=True)
class Document:
    """All that a document says; `places` has where each value stands that it says.

    `notes`: what is no error, and that a person should know.
    """

    policy: Policy = field(default_factory=Policy)
    kinds: tuple[work.DeclaredKind, ...] = ()
    channels: tuple[people.ChannelDeclaration, ...] = ()
    helper: HelperConfig | None = None
    retention: Mapping[str, float] = field(default_factory=dict)
    shared_daemons: tuple[str, ...] = ()
    places: Mapping[str, Place] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read_document(placed: Placed, name: str, settings: Collection[str] = ()) -> Document:
    """Read the document of that name, in which keys of `settings` may stand beside the sections.

    Raises DocumentRefused with every error.
    """
    if not isinstance(placed.value, dict):
        raise DocumentRefused(name, [Problem(placed.place, "", "a document is a set of keys and values")])
    sections, _ = split(placed, settings)
    reading = Reading()
    with Section(reading, sections) as section:
        document = _read(section)
        for key in settings:
            section.take(key, lambda _: None)
    if reading.problems:
        raise DocumentRefused(name, reading.problems)
    policy = replace(document.policy, digest=digest_of(sections))
    return replace(document, policy=policy, places=reading.places)


def digest_of(sections: Placed) -> str:
    """Give the SHA-256 of what the sections say, in whichever form, and of the grammar that read their expressions."""
    said: Any = {"grammar": GRAMMAR, "said": sections.plain()}
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _read(section: Section) -> Document:
    version = section.take("version", _version) or "unversioned"
    is_stability = version == stability.VERSION
    policy = Policy(
        version=version,
        owner=section.take("owner", Field.text) or Policy().owner,
        time_zone=section.take("timezone", _time_zone) or Policy().time_zone,
        heartbeat_interval_seconds=_heartbeat(section),
        thresholds=_thresholds(section, is_stability=is_stability),
        sessions=section.take("sessions", read_sessions) or SessionLimits(),
        slos=section.take("slos", read_slos) or SloPolicy(),
        checks=section.take("checks", read_checks) or Policy().checks,
    )
    channels = section.take("channels", people.read_channels)
    # The stability watchdog's document names a channel of its own, and was published without the section.
    is_foreign = is_stability and channels is None
    names = None if is_foreign else [channel.name for channel in channels or ()]
    alerts = section.take("alerts", lambda one: people.read_alerts(one, names)) or people.Alerts()
    known = alerts.channels if names is None else names
    contacts = section.take("contacts", lambda one: people.read_contacts(one, known)) or {}
    policy = _with_people(policy, alerts, contacts, is_stability=is_stability)
    policy = _with_authority(section, policy, alerts, known, is_stability=is_stability)
    helper = section.take("helper", read_helper)
    check_times(section.reading, policy, helper)
    return Document(
        policy,
        section.take("kinds", work.read_kinds) or (),
        channels or (),
        helper,
        section.take("retention", work.read_retention) or {},
        section.take("host", work.read_host) or (),
        notes=_notes(alerts.channels) if is_foreign else (),
    )


def _notes(channels: Collection[str]) -> tuple[str, ...]:
    return tuple(
        f"alerts.channel: '{name}' is declared nowhere in this document; until 'watchkeeper channel on {name}'"
        " alerts go to the channels that are on, the console else"
        for name in channels
        if name != people.CONSOLE
    )


def _thresholds(section: Section, *, is_stability: bool) -> Thresholds:
    """Read the section; the time in the stability document's words is no part of a lease, save of a short one."""
    limits = section.take("thresholds", read_thresholds) or Thresholds()
    told = section.reading.places
    if "thresholds.session_lease_near_expiry_fraction" in told:
        return limits
    is_whole = is_stability or "thresholds.lease_remaining_minutes_warn" in told
    part = 1.0 if is_whole else limits.lease_near_expiry_fraction
    return replace(limits, session_lease_near_expiry_fraction=part)


def _heartbeat(section: Section) -> float:
    minutes = section.take("heartbeat_interval_minutes", field_of(Field.number, 0, MOST_MINUTES))
    return Policy().heartbeat_interval_seconds if minutes is None else minutes * 60


def _version(given: Field) -> str | None:
    text = given.text("a text that names this policy")
    family = stability.VERSION.rpartition("_")[0]
    if text is not None and text.startswith(family) and text != stability.VERSION:
        given.refuse(f"{given.shown()} is unknown", f"did you mean '{stability.VERSION}'?")
        return None
    return text


def _time_zone(given: Field) -> str | None:
    text = given.text("the name of a time zone")
    if text is None:
        return None
    try:
        ZoneInfo(text)
    except (ValueError, OSError, LookupError):
        near = get_close_matches(text, available_timezones(), n=1)
        given.refuse(f"there is no time zone {given.shown()}", f"did you mean '{near[0]}'?" if near else "")
        return None
    return text


def _with_people(
    policy: Policy, alerts: people.Alerts, contacts: Mapping[str, Contact], *, is_stability: bool
) -> Policy:
    """Its own owners stand for themselves where no contact does."""
    owners = [alert.owner for alert in stability.ALERTS.values()] if is_stability else []
    known = {owner: Contact(owner, alerts.channels) for owner in owners} | dict(contacts)
    return replace(
        policy,
        contacts=known,
        alert_channels=alerts.channels,
        notify_on=alerts.notify_on,
        alert_texts=alerts.texts,
    )


def _with_authority(
    section: Section, policy: Policy, alerts: people.Alerts, channels: Collection[str], *, is_stability: bool
) -> Policy:
    decided = section.take("policy", lambda one: authority.read_decided(one, channels)) or authority.Decided()
    healing = section.take("self_heal", authority.read_healing) or authority.Healing()
    rules = section.take("rules", authority.read_rules) or {}
    names = authority.escalation_names(policy.contacts, is_stability=is_stability)
    section.take("rules", lambda one: authority.check_escalations(one, rules, names))
    check_authority(section.reading, decided, healing, rules)
    check_rules(section.reading, rules, alerts)
    kept = PolicyMode.SUPERVISOR if authority.keeps_reclaiming(healing) else None
    return replace(
        policy,
        rules=_changes(section, policy, rules, is_stability=is_stability),
        reclaim=decided.reclaim or kept or policy.reclaim,
        reclaim_mirrored=decided.reclaim_mirrored or policy.reclaim_mirrored,
        on_gate_failed=decided.on_gate_failed,
        queue_stuck_alert=decided.queue_stuck_alert,
        four_eyes=decided.four_eyes or policy.four_eyes,
        allowed=healing.allowed,
        never_without_a_person=healing.never_alone,
    )


CHECKED_RULES = {
    "doctor": RuleName.DOCTOR_FAILED,
    "touch": RuleName.TOUCH_FAILED,
    "artifact": RuleName.ARTIFACT_MISSING,
    "complete": RuleName.COMPLETE_REJECTED,
}
"""The checks whose severity is that of a rule."""


def _changes(
    section: Section, policy: Policy, rules: Mapping[RuleName, RuleChange], *, is_stability: bool
) -> dict[RuleName, RuleChange]:
    """Put what the sections say of a rule over what its check and the stability watchdog's table say of it."""
    changes: dict[RuleName, RuleChange] = {}
    if is_stability:
        for alert in stability.ALERTS.values():
            changes[alert.rule] = RuleChange(
                escalation=alert.owner, next_action=alert.next_action, escalate_after=alert.escalate_after
            )
    for check in policy.checks:
        rule = CHECKED_RULES.get(check.name)
        if rule is not None and f"checks.{check.name}.severity" in section.reading.places:
            changes[rule] = replace(changes.get(rule, RuleChange()), severity=check.severity)
    if "thresholds.complete_rejection_warn_count" in section.reading.places:
        rule = RuleName.COMPLETE_REJECTED
        changes[rule] = replace(changes.get(rule, RuleChange()), escalate_after=0)
    for rule, told in rules.items():
        said = {name: value for name in told.__slots__ if (value := getattr(told, name)) is not None}
        changes[rule] = replace(changes.get(rule, RuleChange()), **said)
    return changes
