"""What to do on day 30, and how mature the operation is: judged by evidence, and silent without it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from watchkeeper.domain.evidence_facts import ProjectFacts
from watchkeeper.domain.judging import Judged, Result, all_seen, at_least, none_of, passed, unknown
from watchkeeper.domain.stage_proofs import CLASSIFIED_SHARE, STUCK_RULES

LEAST_INCIDENTS = 3
"""[S1]: "After 3 real incident evidence records, implement PLS watchdog cron or workflow app"."""

DECISION_AFTER = timedelta(days=30)
ANSWERED_SHARE = 0.5
PROVEN_DAYS = 30
PROVEN_REPAIRS = 3


class Recommendation(StrEnum):
    CONTINUE = "continue"
    UPGRADE = "upgrade"
    CHANGE_OWNER = "change_owner"
    NOT_ENOUGH_EVIDENCE = "not_enough_evidence"


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is recommended, and the reasons. `provisional_until` stands where its day has not come."""

    recommendation: Recommendation
    reasons: tuple[str, ...]
    provisional_until: datetime | None = None


def d30(facts: ProjectFacts) -> Outlook:
    """Recommend continuing, upgrading or another owner from three real incidents on, provisionally before day 30."""
    found, due = _recommended(facts), facts.started_at + DECISION_AFTER
    if facts.now >= due or found.recommendation is Recommendation.NOT_ENOUGH_EVIDENCE:
        return found
    return replace(found, provisional_until=due)


def _recommended(facts: ProjectFacts) -> Outlook:
    if facts.real_incidents < LEAST_INCIDENTS:
        reason = f"{facts.real_incidents} real incidents, {LEAST_INCIDENTS} are needed"
        return Outlook(Recommendation.NOT_ENOUGH_EVIDENCE, (reason,))
    share = facts.answered.value
    if share is not None and facts.answered.n >= LEAST_INCIDENTS and share < ANSWERED_SHARE:
        reason = f"of those who were called, {facts.answered} answered before the incident was due"
        return Outlook(Recommendation.CHANGE_OWNER, (reason,))
    asked = {
        "stuck jobs classified": at_least(facts.classified, CLASSIFIED_SHARE, "stuck jobs classified"),
        "false completions": none_of(facts.false_completes, "completions were false"),
        "repairs": all_seen({"repairs that succeeded": sum(facts.repairs.values())}),
    }
    lacking = tuple(
        f"{name}: {judged.because}" for name, judged in asked.items() if judged.result is not Result.PASS
    )
    if lacking:
        return Outlook(Recommendation.CONTINUE, lacking)
    met = (f"{name}: {judged.because}" for name, judged in asked.items())
    reasons = (f"{facts.real_incidents} real incidents", *met)
    return Outlook(Recommendation.UPGRADE, reasons)


@dataclass(frozen=True, slots=True)
class Level:
    """A level of maturity, and whether what it asks for is there."""

    number: int
    sentence: str
    judged: Judged


def levels(facts: ProjectFacts) -> list[Level]:
    """Judge each level of maturity by itself."""
    phases = {phase: facts.phases.get(phase, 0) for phase in ("doctor", "touch", "claim")}
    found = all_seen(
        {
            "stuck states": facts.seen(*STUCK_RULES),
            "contract failures": facts.seen("complete_rejected", "artifact_gate_failed"),
        }
    )
    measured = all_seen(
        {
            "workers with a health score": facts.scored_workers,
            "stuck jobs classified": facts.classified.n,
            "completions for the evidence rate": facts.evidence.n,
            "completions for the contract failure rate": facts.contract_failures.n,
        }
    )
    return [
        Level(1, "Nothing is known.", passed("this program runs")),
        Level(
            2,
            "Doctor, touch and claim are recorded, and artifacts are made.",
            all_seen({**phases, "artifacts": facts.evidence.part}),
        ),
        Level(3, "Stuck states and contract failures are detected.", found),
        Level(
            4,
            "Health of each worker, classification, evidence rate, contract failure rate, and runbooks.",
            measured
            if measured.result is not Result.PASS
            else at_least(facts.classified, CLASSIFIED_SHARE, "stuck jobs classified"),
        ),
        Level(5, "Repairs are proven over 30 days.", _proven(facts)),
    ]


def maturity(facts: ProjectFacts) -> int:
    """Give the highest level that is reached with all those below it."""
    reached = 1
    for level in levels(facts):
        if level.judged.result is not Result.PASS:
            break
        reached = level.number
    return reached


def _proven(facts: ProjectFacts) -> Judged:
    days = (facts.now - facts.started_at) / timedelta(days=1)
    if days < PROVEN_DAYS:
        return unknown(f"the project is {days:.0f} days old, {PROVEN_DAYS} are needed")
    done = sum(facts.repairs.values())
    if done < PROVEN_REPAIRS:
        return unknown(f"{done} repairs succeeded, {PROVEN_REPAIRS} are needed")
    return none_of(facts.false_completes, "completions were false")
