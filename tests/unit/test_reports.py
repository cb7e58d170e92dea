"""Reports judge by evidence: no data is never a pass."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from watchkeeper.domain.evidence_facts import ProjectFacts
from watchkeeper.domain.judging import Result, Share
from watchkeeper.domain.metrics import MetricStatus, metrics
from watchkeeper.domain.outlook import Recommendation, d30, levels, maturity
from watchkeeper.domain.policies import Policy, Thresholds
from watchkeeper.domain.scores import WorkerFacts, scores
from watchkeeper.domain.stage_proofs import GOLDEN, REQUIRED_PHASES
from watchkeeper.domain.stages import ITEMS, STAGES, report

BEGIN = datetime(2026, 5, 24, tzinfo=UTC)
NOTHING_KNOWN = ProjectFacts(BEGIN, BEGIN + timedelta(days=40))
ALL = Share(10, 10)
PROVEN = replace(
    NOTHING_KNOWN,
    ticks=True,
    incidents=dict.fromkeys(
        (
            "lease_expired",
            "claim_loop_idle",
            "artifact_gate_failed",
            "queue_stuck",
            "missing_worker_kind",
            "complete_rejected",
            "missing_deliverable_id",
            "fetch_failed",
        ),
        1,
    ),
    real={"fetch_failed": 1, "lease_expired": 1, "artifact_gate_failed": 1},
    repairs={"retouch": 2, "release": 1},
    phases=dict.fromkeys(REQUIRED_PHASES, 3),
    golden=dict.fromkeys(GOLDEN, True),
    classified=ALL,
    retries=ALL,
    gate=ALL,
    false_completes=Share(0, 10),
    stuck_age_seconds=0.0,
    contract_failures=Share(1, 10),
    evidence=ALL,
    advancement=Share(5, 10),
    earlier=Share(2, 10),
    later=Share(6, 10),
    repaired=ALL,
    learnt=ALL,
    proposed=ALL,
    routed=ALL,
    answered=ALL,
    kinds_known=ALL,
    captured=ALL,
    escalations=1,
    scored_workers=2,
    scored_roles=1,
    helper_events=4,
    runbooks=1,
    seals=1,
    undoable=1,
    d30_decided=1,
    adopted=1,
)


def by_sentence(facts: ProjectFacts) -> dict[str, Result]:
    return {found.item.sentence: found.judged.result for found in report(facts)}


def test_without_evidence_nothing_passes() -> None:
    """A project in which nothing happened has no item passed and none failed, though all are due."""
    found = report(NOTHING_KNOWN)
    assert {one.judged.result for one in found} == {Result.UNKNOWN}
    assert all(one.is_due and one.judged.because.startswith("not enough evidence") for one in found)
    assert maturity(NOTHING_KNOWN) == 1
    assert d30(NOTHING_KNOWN).recommendation is Recommendation.NOT_ENOUGH_EVIDENCE


def test_every_source_has_items_at_every_stage() -> None:
    """D1, D7, D14 and D30 of each of the three sources are judged."""
    assert {(item.source, item.stage) for item in ITEMS} == {
        (source, stage) for source in ("S0", "S1", "S2") for stage in STAGES
    }


def test_with_evidence_all_pass_but_what_is_not_kept_yet() -> None:
    """Each item can pass; the SLO of pools is not kept yet, and says so."""
    lacking = {sentence for sentence, result in by_sentence(PROVEN).items() if result is not Result.PASS}
    assert lacking == {"Worker pools have SLO, audit and rollback."}


D14 = "回填 3 種 incident 證據:fetch failed、lease near expiry、artifact gate fail。"
D1_THRESHOLD = next(item.sentence for item in ITEMS if item.sentence.startswith("All six golden tests"))


@pytest.mark.parametrize("missing", ["fetch_failed", "lease_expired", "artifact_gate_failed"])
def test_d14_wants_a_real_incident_of_each(missing: str) -> None:
    """Incidents of drills do not stand in for real ones."""
    real = {rule: count for rule, count in PROVEN.real.items() if rule != missing}
    assert by_sentence(replace(PROVEN, real=real))[D14] is Result.UNKNOWN
    near = {**real, "lease_near_expiry": 1}
    expected = Result.PASS if missing == "lease_expired" else Result.UNKNOWN
    assert by_sentence(replace(PROVEN, real=near))[D14] is expected


def test_the_threshold_of_d1_wants_golden_tests_and_a_real_run() -> None:
    """One golden test that went wrong fails it; one that was not run, or no verified run, leaves it unknown."""
    wrong = {**PROVEN.golden, "near_expiry": False}
    assert by_sentence(replace(PROVEN, golden=wrong))[D1_THRESHOLD] is Result.FAIL
    fewer = dict.fromkeys(GOLDEN[1:], True)
    assert by_sentence(replace(PROVEN, golden=fewer))[D1_THRESHOLD] is Result.UNKNOWN
    assert by_sentence(replace(PROVEN, evidence=Share(0, 9)))[D1_THRESHOLD] is Result.UNKNOWN


@pytest.mark.parametrize(
    ("change", "recommended"),
    [
        ({}, Recommendation.UPGRADE),
        ({"real": {"fetch_failed": 2}}, Recommendation.NOT_ENOUGH_EVIDENCE),
        ({"answered": Share(1, 4)}, Recommendation.CHANGE_OWNER),
        ({"answered": Share(0, 2)}, Recommendation.UPGRADE),
        ({"classified": Share(7, 10)}, Recommendation.CONTINUE),
        ({"classified": Share(4, 4)}, Recommendation.CONTINUE),
        ({"false_completes": Share(1, 10)}, Recommendation.CONTINUE),
        ({"repairs": {}}, Recommendation.CONTINUE),
    ],
)
def test_day_30_recommends_by_real_incidents(change: dict[str, object], recommended: Recommendation) -> None:
    """From three real incidents on it says continue, upgrade or another owner, each with its reasons."""
    found = d30(replace(PROVEN, **change))  # type: ignore[arg-type]
    assert found.recommendation is recommended
    assert found.reasons


def test_before_its_day_a_recommendation_is_provisional() -> None:
    """A project that is ten minutes old is told so; each reason names what it is about."""
    found = d30(replace(PROVEN, now=BEGIN + timedelta(minutes=10)))
    assert (found.recommendation, found.provisional_until) == (
        Recommendation.UPGRADE,
        BEGIN + timedelta(days=30),
    )
    assert d30(replace(PROVEN, now=BEGIN + timedelta(days=30))).provisional_until is None
    assert d30(replace(NOTHING_KNOWN, now=BEGIN)).provisional_until is None
    assert [reason for reason in found.reasons if reason.startswith("false completions: none of")]


@pytest.mark.parametrize(
    ("routed", "result"),
    [
        (Share(0, 0), Result.UNKNOWN),
        (Share(0, 1), Result.UNKNOWN),
        (Share(1, 2), Result.UNKNOWN),
        (Share(2, 2), Result.PASS),
    ],
)
def test_only_a_pause_or_a_fail_routes_impossible_jobs(routed: Share, result: Result) -> None:
    """Where nothing was impossible, or something still is, nothing is shown."""
    assert (
        by_sentence(replace(PROVEN, routed=routed))["Route impossible jobs to pause/fail with reason."]
        is result
    )


def test_maturity_counts_levels_in_order() -> None:
    """A level counts only with all below it; the fifth needs repairs over 30 days."""
    assert maturity(PROVEN) == 5
    assert maturity(replace(PROVEN, now=BEGIN + timedelta(days=29))) == 4
    assert maturity(replace(PROVEN, classified=Share(3, 3))) == 3
    assert maturity(replace(PROVEN, incidents={})) == 2
    assert maturity(replace(PROVEN, phases={})) == 1
    assert [level.number for level in levels(PROVEN)] == [1, 2, 3, 4, 5]


def test_the_metrics_table_is_the_sources() -> None:
    """The five lines carry the source's words; a status is pending until something was seen."""
    policy = Policy(thresholds=Thresholds(lease_near_expiry_seconds=300))
    found = metrics(policy, {"complete_rejected": 1}, {"complete_rejected": 2}, {"claim": 7})
    assert [(line.metric, line.threshold, line.severity, line.next_action) for line in found] == [
        ("lease_expiring_with_claimed_job", "less_than_5_minutes", "high", "alert_and_retouch"),
        ("complete_rejected", "one_failure", "high", "add_missing_kind_or_escalate"),
        ("job_not_found_after_claim", "one_failure", "critical", "preserve_artifact_and_alert"),
        ("artifact_missing", "claimed_job_without_verified_artifact", "high", "publish_or_fail_with_reason"),
        ("repeated_no_job", "three_consecutive_claims", "medium", "inspect_backlog_capabilities"),
    ]
    assert [line.status for line in found][:3] == [MetricStatus.OK, MetricStatus.FIRING, MetricStatus.OK]
    assert {line.status for line in metrics(policy, {}, {}, {})} == {MetricStatus.PENDING}


def test_a_score_is_the_mean_of_the_parts_that_are_known() -> None:
    """Workers, roles and personas are scored; parts with too few observations do not count, and none is no score."""
    well = WorkerFacts(
        "w1", "writer", "huber", {"gate": Share(5, 10), "doctor": Share(10, 10), "claim": Share(0, 4)}
    )
    new = WorkerFacts("w2", "writer", None, {"gate": Share(1, 1)}, open_incidents=2)
    found = {(score.subject, score.name): score for score in scores([well, new])}
    assert found["worker", "w1"].value == 75.0
    assert found["worker", "w2"].value is None
    assert found["persona", "huber"].value == 75.0
    role = found["role", "writer"]
    assert (role.parts["gate"], role.open_incidents) == (Share(6, 11), 2)
