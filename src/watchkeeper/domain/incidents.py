"""The life of an incident: its states, who may close it, when it has come back, when it flaps, what is kept of it.

docs/state-machines.md is generated from the table here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Any
from uuid import UUID

from watchkeeper.domain.policies import Policy, PolicyMode
from watchkeeper.domain.rules.catalogue import RULES
from watchkeeper.domain.rules.names import Closer, NextAction, RepairAction, RuleName, Severity


class IncidentState(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    REPAIRING = "repairing"
    VERIFYING = "verifying"
    RESOLVED = "resolved"
    ESCALATED = "escalated"
    NEEDS_HUMAN = "needs_human"


_O, _A, _R, _V, _D, _E, _H = IncidentState

INCIDENT_TRANSITIONS: dict[IncidentState, frozenset[IncidentState]] = {
    _O: frozenset({_A, _R, _V, _D, _E, _H}),
    _A: frozenset({_O, _R, _V, _D, _E, _H}),
    _R: frozenset({_O, _V, _D, _E, _H}),
    _V: frozenset({_O, _R, _D, _E, _H}),
    _D: frozenset(),
    _E: frozenset({_A, _R, _V, _D, _H}),
    _H: frozenset({_A, _R, _V, _D, _E}),
}

UNRESOLVED = frozenset(state for state, targets in INCIDENT_TRANSITIONS.items() if targets)
ACKNOWLEDGEABLE = frozenset(state for state, targets in INCIDENT_TRANSITIONS.items() if _A in targets)
"""The others are in the hands of a repair: there an acknowledgement is noted, and the state stays."""

FLAPPING_RETURNS = 3
FLAPPING_WINDOW = timedelta(hours=1)
FLAPPING_HOLD = timedelta(minutes=10)
"""So long what flapped must pass without a new finding before it is closed."""

MOST_EVIDENCE_CHARS = 16_000
MOST_TEXT_CHARS = 2_000
MOST_ITEMS = 50
MOST_DEPTH = 6

DUE: dict[Severity, timedelta | None] = {
    Severity.CRITICAL: timedelta(minutes=15),
    Severity.HIGH: timedelta(hours=1),
    Severity.MEDIUM: timedelta(hours=4),
    Severity.LOW: timedelta(days=1),
    Severity.INFO: None,
}
"""Until when somebody should have looked."""


def may_move(old: IncidentState, new: IncidentState) -> bool:
    """Say whether the table of transitions allows `old` -> `new`."""
    return new in INCIDENT_TRANSITIONS[old]


def sources_of(target: IncidentState) -> list[IncidentState]:
    """Give the states from which an incident may go to `target`."""
    return [state for state in IncidentState if may_move(state, target)]


@dataclass(frozen=True, slots=True)
class Opening:
    """What a new incident of one rule begins with, by the catalogue and the policy."""

    state: IncidentState
    severity: Severity
    owner: str
    next_action: NextAction
    due: timedelta | None
    stops_worker: bool


RETRIED = frozenset(
    {RuleName.QUEUE_STUCK, RuleName.FETCH_FAILED, RuleName.HIDDEN_FAILURE, RuleName.MULTIPLE_PRIMARY_JOBS}
)
"""The supervisor's rules, whose next action is to complete again where a complete was what failed."""


def opening(name: RuleName, policy: Policy, command: str | None = None) -> Opening | None:
    """Decide how an incident of the rule begins; None for a rule that is turned off.

    `command` is the contract command that its finding is about.
    """
    rule, change = RULES[name], policy.rules.get(name)
    if change is not None and change.mode is PolicyMode.OFF:
        return None
    severity = (change and change.severity) or rule.severity
    is_observed = change is not None and change.mode is PolicyMode.OBSERVE
    again = NextAction.RETRY_COMPLETE if name in RETRIED and command == "complete" else None
    asks_first = RepairAction.STOP_WORKER in policy.never_without_a_person
    return Opening(
        state=IncidentState.NEEDS_HUMAN if rule.closer is Closer.PERSON else IncidentState.OPEN,
        severity=severity,
        owner=policy.contact((change and change.escalation) or rule.escalation).person,
        next_action=(change and change.next_action) or again or rule.next_action,
        due=DUE[severity],
        stops_worker=rule.stops_worker and not is_observed and not asks_first,
    )


@dataclass(frozen=True, slots=True)
class Past:
    """A resolved incident of the same fingerprint."""

    id: UUID
    resolved_at: datetime
    quiet_until: datetime | None = None
    quiet_by: str | None = None


@dataclass(frozen=True, slots=True)
class Return:
    """What a new incident has of those before it."""

    recurrence_of: UUID | None = None
    is_flapping: bool = False
    quiet_until: datetime | None = None
    quiet_by: str | None = None


def return_of(past: Iterable[Past], now: datetime, recurrence_days: float) -> Return:
    """Say what a new incident is a return of, whether that flaps, and which person's word for silence still holds."""
    before = sorted(past, key=lambda each: each.resolved_at, reverse=True)
    recent = [each for each in before if each.resolved_at > now - timedelta(days=recurrence_days)]
    quiet_until, quiet_by = next(
        ((each.quiet_until, each.quiet_by) for each in before if each.quiet_until and each.quiet_until > now),
        (None, None),
    )
    return Return(
        recurrence_of=recent[0].id if recent else None,
        is_flapping=flaps([each.resolved_at for each in before], now),
        quiet_until=quiet_until,
        quiet_by=quiet_by,
    )


def flaps(ends: Sequence[datetime], now: datetime) -> bool:
    """Say whether a trouble that is there again had ended, at `ends`, so often lately that its ends mean little."""
    return sum(1 for end in ends if now - FLAPPING_WINDOW < end <= now) >= FLAPPING_RETURNS


CUT = "[cut: too long to be kept]"


def capped(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """Give evidence as JSON of at most 16,000 characters: long texts, long lists and deep parts are cut."""
    kept: dict[str, Any] = _cut(evidence, 0)
    while len(json.dumps(kept)) > MOST_EVIDENCE_CHARS:
        largest = max(kept, key=lambda key: len(json.dumps(kept[key])))
        if kept[largest] == CUT:
            kept.popitem()
        else:
            kept[largest] = CUT
    return kept


def _cut(value: Any, depth: int) -> Any:
    match value:
        case None | bool() | int():
            return value
        case float() if math.isfinite(value):
            return value
        case Mapping() if depth < MOST_DEPTH:
            return {_text(key, 200): _cut(part, depth + 1) for key, part in islice(value.items(), MOST_ITEMS)}
        case list() | tuple() if depth < MOST_DEPTH:
            return [_cut(part, depth + 1) for part in value[:MOST_ITEMS]]
        case Mapping() | list() | tuple():
            return CUT
    return _text(value, MOST_TEXT_CHARS)


def _text(value: object, most: int) -> str:
    text = str(value).replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    return text if len(text) <= most else f"{text[:most]} [cut]"
