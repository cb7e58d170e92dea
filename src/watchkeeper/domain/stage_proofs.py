"""How the database shows that an item of the path is reached: one small function for each kind of proof."""

from __future__ import annotations

from datetime import timedelta

from watchkeeper.domain.evidence_facts import ProjectFacts
from watchkeeper.domain.judging import Judged, Result, Share, all_seen, every, failed, passed, unknown

LEASE_RULES = ("lease_near_expiry", "lease_expired")
STUCK_RULES = ("queue_stuck", *LEASE_RULES, "claim_no_output", "session_stalled", "silent_loop")
GOLDEN = (
    "healthy_no_job",
    "normal_path",
    "missing_deliverable_id",
    "complete_rejected",
    "job_not_found",
    "near_expiry",
)
"""[S2]'s six golden tests, by the names of their drills."""

REQUIRED_PHASES = ("doctor", "touch", "claim", "context", "progress", "verify", "complete")
CLASSIFIED_SHARE = 0.8
"""[S1]: 80 % of stuck jobs are classified, with a repair suggested."""


def three_real(facts: ProjectFacts) -> Judged:
    """Judge D14: a real incident, no drill's, of each of the three kinds."""
    return all_seen(
        {
            "fetch failed": facts.seen("fetch_failed", real=True),
            "lease near expiry or expired": facts.seen(*LEASE_RULES, real=True),
            "gate failure": facts.seen("artifact_gate_failed", real=True),
        }
    )


def routed(facts: ProjectFacts) -> Judged:
    """Judge what became of impossible jobs; a worker that appeared made them possible, and shows nothing."""
    said = f"{facts.routed} missing kinds paused or failed with a reason"
    is_shown = facts.routed.n > 0 and facts.routed.part == facts.routed.n
    return passed(said) if is_shown else unknown(said)


def in_force(facts: ProjectFacts) -> Judged:
    """Judge whether the rules are in force."""
    return passed("the watchdog judges by its rules") if facts.ticks else unknown("no watchdog ticks")


def published(facts: ProjectFacts) -> Judged:
    """Judge whether there is something to open, and something to go by."""
    return all_seen({"verified artifacts": facts.evidence.part, "runbooks": facts.runbooks})


def acceptance(facts: ProjectFacts) -> Judged:
    """Judge [S0]'s acceptance."""
    return all_seen(
        {
            "stale lease": facts.seen("lease_expired"),
            "no-job loop": facts.seen("claim_loop_idle"),
            "gate failure": facts.seen("artifact_gate_failed"),
        }
    )


def pools(facts: ProjectFacts) -> Judged:
    """Judge what a pool of workers has."""
    seen = all_seen(
        {
            "audit seals": facts.seals,
            "repairs with an undo": facts.undoable,
            "pools measured against their SLO": facts.slos.part,
        }
    )
    if facts.slos.part < facts.slos.n and seen.result is Result.PASS:
        return unknown(f"{facts.slos} pools that had work are measured against their SLO")
    return seen


def persona(facts: ProjectFacts) -> Judged:
    """Judge whether a persona's heartbeats advance more often than before."""
    change = facts.persona_change
    if change is None:
        return unknown("too few heartbeats to compare both halves")
    return (passed if change > 0 else failed)(f"advancing heartbeats: {facts.earlier}, then {facts.later}")


def adopted(facts: ProjectFacts) -> Judged:
    """Judge what operators answered."""
    if facts.adopted:
        return passed("an operator adopted it")
    return failed("an operator asked to revise it") if facts.revised else unknown("no operator answered")


def decided(facts: ProjectFacts) -> Judged:
    """Judge whether day 30 was decided."""
    if facts.d30_decided:
        return passed("it was decided")
    is_late = facts.now >= facts.started_at + timedelta(days=30)
    if is_late and facts.real_incidents >= 3:
        return failed("there is evidence, and nobody has decided")
    return unknown(f"{facts.real_incidents} real incidents, 3 are needed")


def golden_and_real_run(facts: ProjectFacts) -> Judged:
    """Judge [S2]'s threshold of D1."""
    if wrong := [name for name in GOLDEN if facts.golden.get(name) is False]:
        return failed(f"golden tests without their expected status: {', '.join(wrong)}")
    if missing := [name for name in GOLDEN if name not in facts.golden]:
        return unknown(f"golden tests that were not run: {', '.join(missing)}")
    if not facts.evidence.part:
        return unknown("no worker run with artifact evidence")
    return passed(f"six golden tests, and {facts.evidence.part} runs with artifact evidence")


def complete_rules(facts: ProjectFacts) -> Judged:
    """Judge whether each trouble that [S2] names was found."""
    return all_seen(
        {
            "lease expiry": facts.seen(*LEASE_RULES),
            "repeated no-job": facts.seen("claim_loop_idle"),
            "result contract": facts.seen("complete_rejected", "artifact_gate_failed"),
            "missing deliverable id": facts.seen("missing_deliverable_id"),
            "complete failure": facts.seen("fetch_failed", "hidden_failure"),
        }
    )


def self_heal(facts: ProjectFacts) -> Judged:
    """Judge whether each action that [S2] names was carried out."""
    return all_seen(
        {
            "re-touch": facts.repaired_by("retouch"),
            "release or fail with reason": facts.repaired_by("release", "reclaim", "fail", "mark_stale"),
            "contract gaps escalated": facts.escalations,
            "proposals": facts.proposed.part,
        }
    )


def reliability(facts: ProjectFacts) -> Judged:
    """Judge whether each figure of [S2]'s console has a value."""
    return all_seen(
        {
            "per-worker health": facts.scored_workers,
            "queue stuck age": int(facts.stuck_age_seconds is not None),
            "result contract failures": facts.contract_failures.n,
            "artifact evidence rate": facts.evidence.n,
            "project advancement score": facts.advancement.n,
        }
    )


def mended_and_learnt(facts: ProjectFacts) -> Judged:
    """Judge whether each incident of stuck work has a repair and a lesson."""
    both = Share(min(facts.repaired.part, facts.learnt.part), facts.repaired.n)
    return every(both, "incidents of stuck work with a repair and a lesson")
