"""What closes an incident, and that nothing else does: no data is never a pass."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from unit.rules.moments import BEGIN, LIMITS, after
from watchkeeper.domain.heartbeat_checks import CheckState, StepVerdict
from watchkeeper.domain.rules.catalogue import RULES, Closer
from watchkeeper.domain.rules.names import RuleName
from watchkeeper.domain.rules.passing import PASSES, Case, pass_evidence
from watchkeeper.domain.standings import (
    Decision,
    HostStanding,
    JobStanding,
    KindStanding,
    SessionStanding,
    Standing,
    Unresolved,
    WorkerStanding,
)

NOW = after(100)
RUNNING = JobStanding("running", 1, after(900), 900.0, BEGIN)


def passes(rule: str, standing: Standing, *, is_mirrored: bool = False, **evidence: Any) -> bool:
    incident = Unresolved(RuleName(rule), evidence, BEGIN, BEGIN, is_mirrored)
    return bool(pass_evidence(Case(incident, standing, LIMITS, NOW)))


def job(state: str = "running", **facts: Any) -> Standing:
    return Standing(job=replace(RUNNING, state=state, **facts))


def worker(**facts: Any) -> Standing:
    return Standing(worker=WorkerStanding(**facts))


def said(state: CheckState) -> StepVerdict:
    return StepVerdict(state)


def kind(**facts: Any) -> Standing:
    return Standing(kind=KindStanding(**facts))


def session(**facts: Any) -> Standing:
    return Standing(session=SessionStanding(**facts))


def test_every_rule_that_facts_may_close_says_which() -> None:
    """Those that a person alone closes have none."""
    by_facts = {name for name, rule in RULES.items() if rule.closer is not Closer.PERSON}
    assert set(PASSES) == by_facts


@pytest.mark.parametrize("rule", sorted(set(PASSES) - {RuleName.WATCHDOG_BLIND}))
def test_no_data_is_never_a_pass(rule: str) -> None:
    """A subject of which nothing is known any more leaves its incident open."""
    assert not passes(rule, Standing())
    assert not passes(rule, Standing(worker=WorkerStanding(is_stopped=True)))


@pytest.mark.parametrize("rule", [*RULES])
def test_only_a_person_closes_what_a_person_decides(rule: RuleName) -> None:
    """However well everything looks."""
    if RULES[rule].closer is Closer.PERSON:
        well = Standing(
            replace(RUNNING, state="completed", answered="e", passed_check="c", is_resumed=True),
            WorkerStanding(checked=said(CheckState.PASS), answered="e", passed_check="c"),
            KindStanding(has_worker=True),
            SessionStanding(is_over=True, left=0),
            Decision("d", "w", True),
        )
        assert not passes(rule, well)


@pytest.mark.parametrize(
    ("rule", "standing", "closes"),
    [
        ("lease_near_expiry", job(), True),
        ("lease_near_expiry", job(lease_expires_at=after(280)), False),
        ("lease_near_expiry", job(lease_expires_at=after(280.001)), True),
        ("lease_near_expiry", job("pending", ended_as="released"), True),
        ("lease_near_expiry", job("pending", ended_as="lost"), False),
        ("lease_near_expiry", job("completed"), True),
        ("lease_expired", job(lease_expires_at=after(50)), False),
        ("lease_expired", job("pending"), True),
        ("lease_expired", job(epoch=2), True),
        ("lease_expired", job("paused"), False),
        ("queue_stuck", job(), False),
        ("queue_stuck", job(renewed_at=after(90)), True),
        ("queue_stuck", job("pending"), True),
        ("queue_stuck", kind(has_due=True), False),
        ("queue_stuck", kind(has_due=True, claimed_at=after(-1)), False),
        ("queue_stuck", kind(has_due=True, claimed_at=after(1)), True),
        ("queue_stuck", kind(has_due=True, is_paused=True), False),
        ("queue_stuck", kind(has_due=False), True),
        ("missing_worker_kind", kind(has_due=True), False),
        ("missing_worker_kind", kind(has_due=True, has_worker=True), True),
        ("missing_worker_kind", kind(has_due=True, is_paused=True), True),
        ("missing_worker_kind", kind(has_due=False), True),
        ("claim_no_output", worker(), False),
        ("claim_no_output", worker(answered="e"), True),
        ("fetch_failed", job(), False),
        ("fetch_failed", job(answered="e"), True),
        ("fetch_failed", worker(answered="e"), True),
        ("claim_loop_idle", worker(), False),
        ("claim_loop_idle", worker(has_job=True, last_heartbeat="h"), True),
        ("claim_loop_idle", Standing(decision=Decision(written="p")), False),
        ("claim_loop_idle", Standing(decision=Decision(decided="p")), True),
        ("artifact_gate_failed", job("stuck"), False),
        ("artifact_gate_failed", job(passed_check="c"), True),
        ("artifact_gate_failed", job("failed"), True),
        ("artifact_missing", job("completed"), False),
        ("artifact_missing", job("completed", passed_check="c"), True),
        ("complete_rejected", job(), False),
        ("complete_rejected", job(answered="e"), True),
        ("complete_rejected", job("completed"), True),
        ("missing_deliverable_id", Standing(decision=Decision(written="p")), True),
        ("silent_loop", worker(), False),
        ("silent_loop", worker(passed_check="c"), True),
        ("doctor_failed", worker(answered="e"), False),
        ("doctor_failed", worker(checked=said(CheckState.UNKNOWN), checked_ref="h"), False),
        ("doctor_failed", worker(checked=said(CheckState.FAIL), checked_ref="h"), False),
        ("doctor_failed", worker(checked=said(CheckState.PASS), checked_ref="h"), True),
        ("touch_failed", worker(checked=said(CheckState.UNKNOWN), checked_ref="h"), False),
        ("touch_failed", worker(checked=said(CheckState.PASS), checked_ref="h"), True),
        ("session_stalled", session(), False),
        ("session_stalled", session(went_on=after(1)), True),
        ("session_stalled", session(went_on=after(1), failure="F04"), False),
        ("session_stalled", session(found_well=after(1)), True),
        ("session_stalled", session(is_over=True, failure="F02"), True),
        ("session_stalled", session(is_left_behind=True), True),
        ("tool_loop", session(went_on=after(1), failure="F15"), False),
        ("tool_loop", session(went_on=after(1)), True),
        ("session_orphaned", session(is_over=True), False),
        ("session_orphaned", session(left=2), False),
        ("session_orphaned", session(left=0), True),
        ("multiple_primary_jobs", worker(held=1), True),
        ("multiple_primary_jobs", worker(held=1, is_stopped=True), False),
        ("multiple_primary_jobs", worker(held=2), False),
        ("crash_loop", job("paused"), False),
        ("crash_loop", job("pending", is_resumed=True), True),
        ("artifact_lost", Standing(decision=Decision(is_restored=False)), False),
        ("artifact_lost", Standing(decision=Decision(is_restored=True)), True),
        ("watchdog_blind", Standing(), True),
        ("host_monitor_stale", Standing(host=HostStanding()), False),
        ("host_monitor_stale", Standing(host=HostStanding(False, None)), False),
        ("host_monitor_stale", Standing(host=HostStanding(True, BEGIN)), False),
        ("host_monitor_stale", Standing(host=HostStanding(False, BEGIN)), True),
        ("host_orphan_browser", Standing(host=HostStanding(False, BEGIN)), False),
        ("host_orphan_browser", Standing(host=HostStanding(True, BEGIN, BEGIN)), False),
        ("host_ci_saturation", Standing(host=HostStanding(False, BEGIN, BEGIN)), True),
    ],
)
def test_each_incident_closes_on_its_own_evidence(rule: str, standing: Standing, closes: bool) -> None:
    """The rules' table says what alone ends each."""
    assert passes(rule, standing) is closes


def test_a_refused_login_ends_with_a_turn_that_goes_well() -> None:
    """A doctor that passes says nothing of an agent's login, nor a good turn of a doctor that failed."""
    doctor, turn = worker(checked=said(CheckState.PASS), checked_ref="h"), worker(good_turn="e")
    assert not passes("doctor_failed", doctor, trouble="auth")
    assert passes("doctor_failed", turn, trouble="auth")
    assert not passes("doctor_failed", turn)


@pytest.mark.parametrize(("since", "closes"), [(None, False), (-50, False), (50, True)])
def test_a_foreign_queue_moves_when_its_counters_say_so(since: float | None, closes: bool) -> None:
    """A claim that was seen in them since the incident opened."""
    moved = None if since is None else after(since)
    assert passes("queue_stuck", kind(has_due=True, foreign_since=moved), is_mirrored=True) is closes
