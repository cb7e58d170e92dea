"""Whom an incident calls, when, and why nobody is called yet."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.documents import read_file
from watchkeeper.domain.alert_text import escalation_sentence
from watchkeeper.domain.alerting import (
    AlertTimes,
    Dropped,
    Pending,
    Trouble,
    Untold,
    Withheld,
    called_at,
    judged,
    outcome_of,
    stages_of,
    waits_for_repairs,
)
from watchkeeper.domain.config_document import read_document
from watchkeeper.domain.policies import Contact, Policy, PolicyMode, RuleChange
from watchkeeper.domain.quiet_hours import QuietHours
from watchkeeper.domain.rules.catalogue import RULES
from watchkeeper.domain.rules.names import NextAction, RuleName, Severity
from watchkeeper.domain.rules.rule import Rule

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
TIMES = AlertTimes()
STABILITY = Path(__file__).parents[2] / "examples" / "codex_session_watchdog_v1.yaml"
GATE = Trouble(
    RuleName.ARTIFACT_GATE_FAILED,
    Severity.HIGH,
    "open",
    NextAction.REPAIR_CONTRACT,
    NOW - timedelta(seconds=30),
)
SEED = (
    "PLS worker stability alert: worker is alive but project advancement is blocked. State=<state>; job=<job_id>; "
    "evidence=<url_or_log>; next action=<retouch|retry_complete|repair_contract|inspect_queue>; "
    "owner=PLS platform owner; due=<time>."
)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize("action", ["retouch", "retry_complete", "repair_contract", "inspect_queue"])
def test_the_sentence_is_the_sources_to_the_letter(action: str) -> None:
    """People read the very sentence of the source, with the facts in their places."""
    said = escalation_sentence(
        state="lease_expired",
        job="j-1",
        evidence="helper_event:7",
        next_action=NextAction(action),
        owner="PLS platform owner",
        due=datetime(2026, 5, 24, 10, tzinfo=UTC),
        time_zone="Asia/Taipei",
    )
    expected = SEED
    for place, fact in {
        "<state>": "lease_expired",
        "<job_id>": "j-1",
        "<url_or_log>": "helper_event:7",
        "<retouch|retry_complete|repair_contract|inspect_queue>": action,
        "<time>": "2026-05-24 18:00 Asia/Taipei",
    }.items():
        expected = expected.replace(place, fact)
    assert said == expected


def test_a_fact_from_outside_adds_no_fact_of_its_own() -> None:
    """Text that an agent wrote can neither end the sentence nor add another owner to it."""
    said = escalation_sentence(
        state="fetch_failed",
        job=None,
        evidence="x\n; owner=me",
        next_action=NextAction.NONE,
        owner="ann",
        due=None,
    )
    assert "\n" not in said
    assert said.count("owner=ann;") == 1
    assert "; owner=me" not in said
    assert "next action=inspect_queue" in said


CASES: list[tuple[dict[str, Any], Untold | None]] = [
    ({}, None),
    ({"opened_at": NOW - timedelta(seconds=29)}, Untold.SETTLING),
    ({"state": "resolved"}, Untold.RESOLVED),
    ({"is_symptom": True}, Untold.SYMPTOM),
    ({"is_shadow": True}, Untold.SHADOW),
    ({"quiet_until": later(1)}, Untold.QUIET_UNTIL),
    ({"quiet_until": later(0)}, None),
    ({"acknowledged_until": later(1)}, Untold.ACKNOWLEDGED),
    ({"is_waiting": True}, Untold.WAITS_IN_OUTBOX),
    ({"rule": RuleName.LEASE_EXPIRED, "state": "repairing"}, Untold.REPAIR_UNDER_WAY),
    (
        {
            "rule": RuleName.LEASE_EXPIRED,
            "state": "verifying",
            "opened_at": NOW - timedelta(seconds=299),
        },
        Untold.REPAIR_UNDER_WAY,
    ),
    (
        {"rule": RuleName.LEASE_EXPIRED, "state": "repairing", "opened_at": NOW - timedelta(seconds=300)},
        None,
    ),
    ({"state": "repairing"}, None),
    ({"state": "verifying"}, None),
    ({"rule": RuleName.CLAIM_LOOP_IDLE, "cause": "backlog_empty"}, Untold.BACKLOG_EMPTY),
    ({"rule": RuleName.CLAIM_LOOP_IDLE, "cause": "backlog_waits"}, None),
    ({"rule": RuleName.LEASE_EXPIRED, "opened_at": NOW - timedelta(seconds=299)}, Untold.REPAIR_FIRST),
    ({"rule": RuleName.LEASE_EXPIRED, "opened_at": NOW - timedelta(seconds=300)}, None),
    ({"rule": RuleName.LEASE_EXPIRED, "is_held": True}, None),
    ({"next_action": NextAction.NONE}, Untold.NO_PERSON_CAN_ACT),
    ({"rule": RuleName.LEASE_EXPIRED, "failed_repairs": 1}, Untold.REPAIR_FIRST),
    ({"rule": RuleName.LEASE_EXPIRED, "failed_repairs": 2}, None),
    ({"rule": RuleName.LEASE_EXPIRED, "state": "needs_human"}, None),
    ({"rule": RuleName.LEASE_EXPIRED, "awaits_approval": True}, None),
    ({"rule": RuleName.MISSING_DELIVERABLE_ID, "failed_repairs": 9}, Untold.REPAIR_FIRST),
    ({"told": 1, "told_at": NOW - timedelta(seconds=1799)}, Untold.NEXT_STAGE),
    ({"told": 1, "told_at": NOW - timedelta(seconds=1800)}, None),
    ({"told": 3, "told_at": NOW - timedelta(seconds=14_399)}, Untold.NEXT_STAGE),
    ({"told": 3, "told_at": NOW - timedelta(seconds=14_400)}, None),
    ({"told": 3, "told_at": later(-60), "acknowledged_until": later(-1)}, None),
]


@pytest.mark.parametrize(("given_facts", "why"), CASES)
def test_each_reason_for_silence_ends_when_it_should(given_facts: dict[str, Any], why: Untold | None) -> None:
    """An incident is told when nothing speaks against it, and otherwise its reader learns the one reason."""
    verdict = judged(replace(GATE, **given_facts), NOW, TIMES, Policy())
    assert verdict.why is why
    assert (verdict.stage is not None) is (why is None)


WITHHOLDING = [rule for rule in RULES.values() if (rule.escalate_after or 0) > 0]


@pytest.mark.parametrize("rule", WITHHOLDING, ids=lambda rule: rule.name)
@pytest.mark.parametrize("mode", [None, *PolicyMode])
def test_people_wait_for_no_repair_that_the_policy_forbids(rule: Rule, mode: PolicyMode | None) -> None:
    """Only a rule that acts by itself keeps people out of it while its repair may still help."""
    policy = Policy(rules={rule.name: RuleChange(mode=mode)})
    verdict = judged(replace(GATE, rule=rule.name), NOW, TIMES, policy)
    waits = mode in (None, PolicyMode.AUTO)
    assert verdict.why is (Untold.REPAIR_FIRST if waits else None)
    assert verdict.until == (later(270) if waits else None)


def test_people_are_told_of_a_mirrored_lease_that_only_a_person_may_take_back() -> None:
    """What the policy lets the program do with its own jobs it may not do with those of another system."""
    own = replace(GATE, rule=RuleName.LEASE_EXPIRED)
    assert judged(own, NOW, TIMES, Policy()).why is Untold.REPAIR_FIRST
    assert judged(replace(own, is_mirrored=True), NOW, TIMES, Policy()).stage == 0


S2 = read_document(read_file(STABILITY), STABILITY.name).policy


@pytest.mark.parametrize("state", ["open", "repairing", "verifying"])
def test_people_hear_of_the_first_refusal_with_the_stability_document(state: str) -> None:
    """Whose rule calls people at once waits for no repair: `complete_rejection_warn_count: 1` tells of the first."""
    refused = replace(GATE, rule=RuleName.COMPLETE_REJECTED, state=state)
    assert judged(refused, NOW, TIMES, S2).stage == 0
    assert judged(refused, NOW, TIMES, Policy()).why is not None


@pytest.mark.parametrize("state", ["open", "repairing", "verifying"])
@pytest.mark.parametrize(("policy", "is_mirrored"), [(S2, True), (S2, False), (Policy(), True)])
@pytest.mark.parametrize("left", [600, 40, 0, -60])
def test_a_lease_about_to_end_is_told_while_half_of_it_is_left(
    policy: Policy, is_mirrored: bool, state: str, left: float
) -> None:
    """The word comes before the end, whatever repairs do: always for a foreign lease, for any where people ask so."""
    opened = replace(
        GATE,
        rule=RuleName.LEASE_NEAR_EXPIRY,
        state=state,
        opened_at=NOW,
        ends_at=later(left),
        is_mirrored=is_mirrored,
    )
    told_by = later(min(max(left, 0) / 2, 300))
    before = judged(opened, told_by - timedelta(seconds=0.1), TIMES, policy)
    assert judged(opened, told_by, TIMES, policy).stage == 0
    assert before.until is None or before.until <= told_by


def test_an_own_lease_is_left_to_its_reaper() -> None:
    """Where the program itself takes back what ends, nobody is called before its repairs failed."""
    own = replace(GATE, rule=RuleName.LEASE_NEAR_EXPIRY, ends_at=later(1))
    assert judged(own, NOW, TIMES, Policy()).why is Untold.REPAIR_FIRST


@pytest.mark.parametrize(
    ("policy", "is_mirrored", "waits"), [(Policy(), False, True), (Policy(), True, False), (S2, False, False)]
)
def test_a_written_word_of_a_lease_waits_for_no_repair(
    policy: Policy, is_mirrored: bool, waits: bool
) -> None:
    """What was decided to be told before the end is sent before the end."""
    assert waits_for_repairs(RuleName.LEASE_NEAR_EXPIRY, policy, is_mirrored=is_mirrored) is waits


def test_a_critical_incident_is_told_at_once() -> None:
    """It neither settles nor waits for a repair; only a person's own word keeps it silent."""
    critical = replace(GATE, severity=Severity.CRITICAL, opened_at=NOW, state="repairing")
    assert judged(critical, NOW, TIMES, Policy()).stage == 0
    hushed = replace(critical, quiet_until=later(60))
    assert judged(hushed, NOW, TIMES, Policy()).why is Untold.QUIET_UNTIL


def test_stages_go_from_the_rules_own_name_to_the_platform_owner() -> None:
    """Contacts say who a name is; one without a contact falls to the owner."""
    policy = Policy(
        owner="lou",
        contacts={"worker_maintainer": Contact("mia", ("line",)), "supervisor": Contact("sam")},
        alert_channels=("ops",),
        queue_stuck_alert=("console",),
        rules={RuleName.FETCH_FAILED: RuleChange(escalation="pls_ops")},
    )
    rule = RuleName.ARTIFACT_GATE_FAILED
    assert stages_of(rule, policy) == ("worker_maintainer", "supervisor", "platform_owner")
    assert [called_at(rule, stage, policy) for stage in range(4)] == [
        Contact("mia", ("line",)),
        Contact("sam", ("ops",)),
        Contact("lou", ("ops",)),
        Contact("lou", ("ops",)),
    ]
    assert stages_of(RuleName.SECRET_EXPOSED, policy) == ("platform_owner",)
    assert called_at(RuleName.QUEUE_STUCK, 0, policy) == Contact("sam", ("console",))
    assert stages_of(RuleName.FETCH_FAILED, policy)[0] == "pls_ops"


OUTCOMES: list[tuple[dict[str, Any], Dropped | Withheld | None]] = [
    ({}, None),
    ({"state": "resolved"}, Dropped.RESOLVED),
    ({"is_symptom": True}, Dropped.SYMPTOM),
    ({"acknowledged_until": later(1)}, Dropped.ACKNOWLEDGED),
    ({"channel_is_on": False}, Dropped.CHANNEL_OFF),
    ({"quiet_until": later(1)}, Withheld.QUIET_UNTIL),
    ({"state": "verifying"}, Withheld.REPAIR_UNDER_WAY),
    ({"state": "verifying", "written_at": later(-300)}, None),
    ({"state": "verifying", "waits_for_repairs": False}, None),
    ({"quiet_hours_over": later(1)}, Withheld.QUIET_HOURS),
    ({"group_told_at": later(-299)}, Withheld.GROUPED),
    ({"group_told_at": later(-300)}, None),
    ({"severity": Severity.CRITICAL, "state": "verifying", "quiet_hours_over": later(1)}, None),
]


@pytest.mark.parametrize(("given_facts", "what"), OUTCOMES)
def test_what_is_due_is_sent_held_or_dropped(
    given_facts: dict[str, Any], what: Dropped | Withheld | None
) -> None:
    """What has changed since an alert was written decides whether it still goes out."""
    outcome = outcome_of(Pending(**{"severity": Severity.HIGH, "written_at": NOW, **given_facts}), NOW, TIMES)
    assert (outcome.drop or outcome.wait) == what
    assert (outcome.until is not None) == isinstance(what, Withheld)


@given(
    st.times(),
    st.times(),
    st.sampled_from(["UTC", "Asia/Taipei", "Europe/Berlin", "America/St_Johns"]),
    st.integers(0, 2 * 366 * 86_400).map(lambda second: NOW + timedelta(seconds=second)),
)
def test_quiet_hours_end_on_the_clock_of_the_wall(begins: time, ends: time, zone: str, now: datetime) -> None:
    """Whenever one asks within quiet hours, they end later, within a day, and are over then."""
    hours = QuietHours(begins.replace(second=0, microsecond=0), ends.replace(second=0, microsecond=0), zone)
    over = hours.over_at(now)
    if over is not None:
        assert now < over <= now + timedelta(hours=26)
        if hours.begins != hours.ends:
            assert hours.over_at(over) is None or hours.over_at(over) > over


def test_quiet_hours_may_span_midnight() -> None:
    """22:00 to 07:00 in Taipei is quiet at 23:30 and at 06:59 there, and not at 07:00."""
    hours = QuietHours(time(22), time(7), "Asia/Taipei")
    over = datetime(2026, 11, 21, 23, tzinfo=UTC)
    assert hours.over_at(datetime(2026, 11, 21, 15, 30, tzinfo=UTC)) == over
    assert hours.over_at(datetime(2026, 11, 21, 22, 59, tzinfo=UTC)) == over
    assert hours.over_at(over) is None
