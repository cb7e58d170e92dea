"""The sections `policy`, `rules` and `self_heal`: how far plans go by themselves."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from watchkeeper.domain.attempts import OnGateFailed
from watchkeeper.domain.config import stability
from watchkeeper.domain.config.people import known_channels
from watchkeeper.domain.config.reading import Field, field_of
from watchkeeper.domain.policies import FourEyes, PolicyMode, RuleChange
from watchkeeper.domain.rules.names import Escalation, NextAction, RepairAction, RuleName, Severity
from watchkeeper.domain.suggestions import did_you_mean

MOST_FAILED_REPAIRS = 100


@dataclass(frozen=True, slots=True)
class Decided:
    """The section `policy`; None where it says nothing."""

    reclaim: PolicyMode | None = None
    reclaim_mirrored: PolicyMode | None = None
    on_gate_failed: OnGateFailed | None = None
    queue_stuck_alert: tuple[str, ...] | None = None
    four_eyes: FourEyes | None = None


@dataclass(frozen=True, slots=True)
class Healing:
    """The section `self_heal`: what may be done alone (None: no list), and what never."""

    allowed: frozenset[RepairAction] | None = None
    never_alone: frozenset[RepairAction] = frozenset()
    paths: Mapping[RepairAction, str] = field(default_factory=dict)


def read_decided(given: Field, channels: Collection[str]) -> Decided:
    section = given.section()
    if section is None:
        return Decided()
    with section:
        return Decided(
            section.take("reclaim", field_of(Field.one_of, PolicyMode)),
            section.take("reclaim_mirrored", field_of(Field.one_of, PolicyMode)),
            section.take("on_gate_failed", field_of(Field.one_of, OnGateFailed)),
            section.take("queue_stuck_alert", lambda one: known_channels(one, channels)),
            section.take("four_eyes", field_of(Field.one_of, FourEyes)),
        )


def read_rules(given: Field) -> dict[RuleName, RuleChange]:
    """Read the section: under a rule's name its mode alone, or what else changes."""
    section = given.section()
    found: dict[RuleName, RuleChange] = {}
    if section is None:
        return found
    with section:
        for name, one in section.fields():
            if name in {*RuleName}:
                found[RuleName(name)] = _change(one)
            else:
                one.refuse("there is no such rule", did_you_mean(name, [*RuleName]), at=one.placed.key)
    return found


def _change(given: Field) -> RuleChange:
    if not isinstance(given.placed.value, dict):
        return RuleChange(mode=given.one_of(PolicyMode))
    section = given.section()
    if section is None:
        return RuleChange()
    with section:
        return RuleChange(
            section.take("mode", field_of(Field.one_of, PolicyMode)),
            section.take("severity", field_of(Field.one_of, Severity)),
            section.take("escalation", Field.text),
            section.take("next_action", field_of(Field.one_of, NextAction)),
            section.take("escalate_after", field_of(Field.whole, 0, MOST_FAILED_REPAIRS)),
        )


def check_escalations(given: Field, changes: Mapping[RuleName, RuleChange], known: Collection[str]) -> None:
    """Refuse an escalation name that nobody stands for."""
    section = given.section()
    for rule, change in changes.items():
        if section is not None and change.escalation is not None and change.escalation not in known:
            path = f"{given.path}.{rule}.escalation"
            told = f"nobody stands for '{change.escalation}': 'contacts' does not name it"
            given.reading.note(path, given.reading.places[path], told, did_you_mean(change.escalation, known))


def escalation_names(contacts: Collection[str], *, is_stability: bool) -> set[str]:
    """Give the names that an escalation may have."""
    owners = {alert.owner for alert in stability.ALERTS.values()} if is_stability else set()
    return {*(name.value for name in Escalation), *contacts, *owners}


def read_healing(given: Field) -> Healing:
    """Read the section; both lists take the names of our repairs and those of the stability watchdog."""
    section = given.section()
    if section is None:
        return Healing()
    paths: dict[RepairAction, str] = {}
    with section:
        allowed = section.take("allowed", lambda one: _actions(one, stability.HEALING, paths))
        never = section.take("requires_human", lambda one: _actions(one, stability.NEEDS_A_PERSON, {}))
    for action in sorted((allowed or frozenset()) & (never or frozenset())):
        given.reading.note(
            paths[action],
            given.reading.places[paths[action]],
            f"it allows {action}, which 'requires_human' keeps for a person",
            "take it out of one of the two",
        )
    return Healing(allowed, never or frozenset(), paths)


def _actions(
    given: Field, words: Mapping[str, frozenset[RepairAction]], paths: dict[RepairAction, str]
) -> frozenset[RepairAction]:
    found: set[RepairAction] = set()
    known = {**{action.value: frozenset({action}) for action in RepairAction}, **words}
    for one in given.items():
        word = one.among(known, "repair")
        if word is not None:
            given.reading.places[one.path] = one.place
            paths |= dict.fromkeys(known[word], one.path)
            found |= known[word]
    return frozenset(found)


def keeps_reclaiming(healing: Healing) -> bool:
    """Say whether taking a job back waits for a person, since the document keeps it or does not allow it."""
    taking = {RepairAction.RELEASE, RepairAction.RECLAIM}
    return bool(taking & healing.never_alone) or (
        healing.allowed is not None and not taking <= healing.allowed
    )
