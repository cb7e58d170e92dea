"""When a live lease is trouble, and when it only looks like it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unit.rules.moments import BEGIN, LIMITS, after, assert_fires_after, fires
from watchkeeper.documents import read_file
from watchkeeper.domain.config_document import read_document
from watchkeeper.domain.facts import LeaseFact
from watchkeeper.domain.rules.judging import RuleOf, judge
from watchkeeper.domain.rules.leases import (
    LEASE_RULES,
    artifact_overdue,
    lease_expired,
    lease_near_expiry,
    queue_stuck_running,
    success_disbelieved,
)

SESSION = LeaseFact(
    project_id="p",
    job_id=UUID(int=1),
    epoch=1,
    kind="report",
    worker_id="w",
    lease_seconds=900.0,
    claimed_at=BEGIN,
    renewed_at=BEGIN,
    expires_at=after(900),
    quiet_until=BEGIN - timedelta(days=1),
)
RUNTIME = replace(SESSION, lease_seconds=60.0, expires_at=after(60))
STABILITY = Path(__file__).parents[3] / "examples" / "codex_session_watchdog_v1.yaml"
HOURS_AWAY = after(7200)
TIMED = (lease_near_expiry, lease_expired, queue_stuck_running)


def renewed(lease: LeaseFact, seconds: float) -> LeaseFact:
    return replace(lease, renewed_at=after(seconds), expires_at=after(seconds + lease.lease_seconds))


@pytest.mark.parametrize(("lease", "left"), [(SESSION, 180.0), (RUNTIME, 20.0)])
def test_a_lease_is_near_its_end_with_three_minutes_or_a_third_of_it_left(
    lease: LeaseFact, left: float
) -> None:
    """Whichever is less: a lease of 15 min has 3 min left, one of 60 s has 20 s."""
    assert_fires_after(lease_near_expiry, lease, lease.expires_at - timedelta(seconds=left))


def test_the_older_document_warns_five_minutes_before_the_end() -> None:
    """Five minutes are five minutes, of a session lease of ten minutes and of a foreign one told late as well."""
    limits = read_document(read_file(STABILITY), STABILITY.name).policy.thresholds
    of_session = replace(SESSION, lease_seconds=600.0, expires_at=after(600), is_session=True)
    assert_fires_after(lease_near_expiry, of_session, after(300), limits)
    foreign = replace(SESSION, lease_seconds=400.0, expires_at=after(400), is_mirrored=True)
    assert_fires_after(lease_near_expiry, foreign, after(100), limits)
    short = replace(foreign, lease_seconds=240.0, expires_at=after(240))
    assert_fires_after(lease_near_expiry, short, BEGIN, limits)


def test_a_short_own_lease_is_never_near_its_end_in_health() -> None:
    """Where a lease is no longer than the document's five minutes, a third of it counts, as without the document."""
    limits = read_document(read_file(STABILITY), STABILITY.name).policy.thresholds
    assert_fires_after(lease_near_expiry, RUNTIME, after(40), limits)
    short = replace(SESSION, lease_seconds=300.0, expires_at=after(300), is_session=True)
    assert_fires_after(lease_near_expiry, short, after(200), limits)


def test_a_lease_is_expired_a_minute_after_its_end() -> None:
    """Until then the reaper, or the foreign queue, has time to take the job back."""
    assert_fires_after(lease_expired, SESSION, after(960))
    assert_fires_after(lease_expired, replace(SESSION, is_mirrored=True), after(960))


def test_a_running_job_is_stuck_after_ten_minutes_without_a_renewal() -> None:
    """The lease of a contract worker lives for 15 min; a silence of ten is told before."""
    assert_fires_after(queue_stuck_running, SESSION, after(600))


def test_a_running_job_is_stuck_five_minutes_past_its_lease() -> None:
    """For a short lease that comes first."""
    assert_fires_after(queue_stuck_running, RUNTIME, after(360))


@pytest.mark.parametrize("rule", LEASE_RULES)
@given(renewals=st.integers(0, 400), late=st.floats(0.0, 15.0))
def test_a_short_lease_in_health_never_fires(rule: RuleOf[LeaseFact], renewals: int, late: float) -> None:
    """A lease of 60 s that is renewed every 15 s is never near its end, whatever long tool its agent runs."""
    lease = renewed(RUNTIME, renewals * 15.0)
    assert not fires(rule, lease, after(renewals * 15.0 + late))


@pytest.mark.parametrize("rule", LEASE_RULES)
@given(seconds=st.floats(0.0, 1e6), more=st.floats(0.0, 1e6))
def test_a_lease_that_grows_older_is_never_well_again(
    rule: RuleOf[LeaseFact], seconds: float, more: float
) -> None:
    """Only a renewal takes a finding back, never the time that passes."""
    if fires(rule, SESSION, after(seconds)):
        assert fires(rule, SESSION, after(seconds + more))


@pytest.mark.parametrize("rule", TIMED)
def test_after_a_gap_in_the_watch_a_lease_has_a_whole_period_to_be_renewed(
    rule: RuleOf[LeaseFact],
) -> None:
    """A database that was away, or a clock that jumped two hours on, makes no healthy fleet look dead."""
    lease = replace(SESSION, quiet_until=HOURS_AWAY + timedelta(seconds=900))
    assert not fires(rule, lease, HOURS_AWAY)
    assert not fires(rule, lease, HOURS_AWAY + timedelta(seconds=900))
    back = replace(renewed(SESSION, 7205.0), quiet_until=lease.quiet_until)
    assert not fires(rule, back, after(7205 + 600))
    assert fires(rule, lease, lease.quiet_until + timedelta(seconds=61))


@pytest.mark.parametrize("rule", LEASE_RULES)
def test_a_clock_that_went_back_makes_nothing_fire(rule: RuleOf[LeaseFact]) -> None:
    """What was renewed in a time that is still to come is not late."""
    assert not fires(rule, SESSION, BEGIN - timedelta(hours=1))


def test_a_finding_names_the_job_and_its_facts() -> None:
    """One job is one incident, whichever attempt at it is late."""
    (finding,) = judge([lease_expired], [SESSION], LIMITS, after(1000)).findings
    (again,) = judge([lease_expired], [replace(SESSION, epoch=2)], LIMITS, after(1000)).findings
    assert finding.fingerprint == again.fingerprint
    assert (finding.job_id, finding.worker_id, finding.kind) == (SESSION.job_id, "w", "report")
    assert finding.evidence["lease_expires_at"] == after(900).isoformat()


def test_an_artifact_is_missing_once_the_progress_deadline_has_passed() -> None:
    """The kind says how long; a job that owes none, or has one, has no such deadline."""
    assert_fires_after(artifact_overdue, replace(SESSION, progress_due_at=after(1200)), after(1200))
    assert not fires(artifact_overdue, SESSION, after(10_000))
    quiet = replace(SESSION, progress_due_at=after(1200), quiet_until=after(3000))
    assert_fires_after(artifact_overdue, quiet, after(3000))


def test_a_success_that_was_told_after_a_failed_completion_is_a_hidden_failure() -> None:
    """It fires as soon as it is told, and never for an attempt of which nothing was told."""
    told = replace(SESSION, told_success_at=after(10))
    assert_fires_after(success_disbelieved, told, after(10))
    assert not fires(success_disbelieved, SESSION, after(10_000))
