"""The life of an incident as pure decisions: where it begins, what it is a return of, when it flaps, what is kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.domain.incidents import (
    FLAPPING_RETURNS,
    FLAPPING_WINDOW,
    INCIDENT_TRANSITIONS,
    MOST_EVIDENCE_CHARS,
    IncidentState,
    Past,
    capped,
    flaps,
    may_move,
    opening,
    return_of,
    sources_of,
)
from watchkeeper.domain.policies import Contact, Policy, PolicyMode, RuleChange
from watchkeeper.domain.rules.catalogue import RULES
from watchkeeper.domain.rules.names import Closer, Escalation, NextAction, RepairAction, RuleName, Severity

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
STOPPING = {"silent_loop", "multiple_primary_jobs", "secret_exposed", "hidden_failure"}


def ended(ago: timedelta, **fields: object) -> Past:
    return Past(uuid4(), NOW - ago, **fields)  # type: ignore[arg-type]


def test_resolved_is_final_and_everything_else_can_get_there() -> None:
    """Nothing leads out of resolved; each other state may be resolved, and may be moved by a repair."""
    assert not INCIDENT_TRANSITIONS[IncidentState.RESOLVED]
    assert set(INCIDENT_TRANSITIONS) == set(IncidentState)
    for state in set(IncidentState) - {IncidentState.RESOLVED}:
        assert may_move(state, IncidentState.RESOLVED)
        assert not may_move(IncidentState.RESOLVED, state)
        assert state not in sources_of(state)


def test_what_only_a_person_decides_begins_as_needing_one() -> None:
    """Such incidents are shown as needing a human from the first moment; four rules stop the worker."""
    for name, rule in RULES.items():
        begin = opening(name, Policy())
        assert begin is not None
        needs = rule.closer is Closer.PERSON
        assert begin.state == (IncidentState.NEEDS_HUMAN if needs else IncidentState.OPEN)
        assert begin.stops_worker == (name in STOPPING)


@pytest.mark.parametrize(
    ("mode", "stops"),
    [
        (PolicyMode.AUTO, True),
        (PolicyMode.SUPERVISOR, True),
        (PolicyMode.OWNER, True),
        (PolicyMode.OBSERVE, False),
    ],
)
@pytest.mark.parametrize("rule", sorted(STOPPING))
def test_a_stop_condition_stops_whoever_decides_on_its_repair(
    rule: RuleName, mode: PolicyMode, stops: bool
) -> None:
    """The stop is the rule's own meaning: only a rule that is observed, or a stop that a person must order, waits."""
    begin = opening(rule, Policy(rules={rule: RuleChange(mode=mode)}))
    assert begin is not None
    assert begin.stops_worker is stops
    never = opening(rule, Policy(never_without_a_person=frozenset({RepairAction.STOP_WORKER})))
    assert never is not None
    assert not never.stops_worker


def test_a_policy_changes_severity_owner_and_next_action_and_turns_rules_off() -> None:
    """What the config document says of a rule counts instead of the catalogue's word; off makes no incident."""
    change = RuleChange(
        severity=Severity.CRITICAL, escalation=Escalation.POOL_OWNER, next_action=NextAction.RETOUCH
    )
    policy = Policy(
        rules={RuleName.QUEUE_STUCK: change, RuleName.FETCH_FAILED: RuleChange(mode=PolicyMode.OFF)},
        contacts={"pool_owner": Contact("mei@example.org")},
    )
    begin = opening(RuleName.QUEUE_STUCK, policy)
    assert begin is not None
    assert (begin.severity, begin.owner, begin.next_action) == ("critical", "mei@example.org", "retouch")
    assert begin.due == timedelta(minutes=15)
    assert opening(RuleName.FETCH_FAILED, policy) is None


def test_a_return_within_the_days_names_the_last_one_and_later_it_is_new() -> None:
    """Back within 7 days a trouble is a recurrence of its latest incident; a moment after them it is none."""
    week = timedelta(days=7)
    last, older = ended(timedelta(days=1)), ended(timedelta(days=2))
    assert return_of([older, last], NOW, 7).recurrence_of == last.id
    almost = ended(week - timedelta(seconds=1))
    assert return_of([almost], NOW, 7).recurrence_of == almost.id
    assert return_of([ended(week)], NOW, 7).recurrence_of is None
    assert return_of([], NOW, 7) == return_of([ended(2 * week)], NOW, 7)


def test_three_ends_within_an_hour_are_flapping() -> None:
    """The fourth opening within the window flaps; one end less, or one of them older, and it does not."""
    ends = [NOW - timedelta(minutes=10 * n) for n in range(1, FLAPPING_RETURNS + 1)]
    assert flaps(ends, NOW)
    assert not flaps(ends[1:], NOW)
    assert not flaps([*ends[:-1], NOW - FLAPPING_WINDOW], NOW)
    assert flaps([*ends[:-1], NOW - FLAPPING_WINDOW + timedelta(seconds=1)], NOW)


def test_a_silence_that_a_person_ordered_holds_for_returns_until_its_time() -> None:
    """'This silence is right, until T' is obeyed when the trouble ends and comes back before T, and not after."""
    until = NOW + timedelta(hours=1)
    quiet = ended(timedelta(days=9), quiet_until=until, quiet_by="principal:mei")
    again = return_of([quiet, ended(timedelta(days=1))], NOW, 7)
    assert (again.quiet_until, again.quiet_by) == (until, "principal:mei")
    assert return_of([quiet], until, 7).quiet_until is None


def test_long_evidence_is_cut_and_says_so() -> None:
    """An incident keeps the beginning of a long output and a word that the rest was cut."""
    kept = capped({"output": "x" * 1_000_000, "exit_code": 1, "lines": list(range(1_000_000))})
    assert kept["exit_code"] == 1
    assert kept["output"].startswith("xxx")
    assert kept["output"].endswith("[cut]")
    assert len(kept["lines"]) < 100


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


LONG = st.text(min_size=1, max_size=3).map(lambda text: text * 9000)


@given(st.dictionaries(st.text(), JSON | LONG, max_size=8))
def test_any_evidence_is_kept_as_small_valid_json(evidence: dict[str, object]) -> None:
    """Whatever a rule or a caller gives, what is kept is JSON that PostgreSQL takes, within the cap."""
    text = json.dumps(capped(evidence), allow_nan=False)
    assert len(text) <= MOST_EVIDENCE_CHARS
    assert "\\u0000" not in text.replace("\\\\", "")
    text.encode("utf-8")
