"""The path of 30 days: each item of the sources with its stage, and how the database shows that it is reached.

An item without evidence is unknown, also after its day: a thing that never happened was never proven.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from watchkeeper.domain import stage_proofs
from watchkeeper.domain.evidence_facts import ProjectFacts
from watchkeeper.domain.judging import Judged, all_seen, at_least, every, none_of
from watchkeeper.domain.stage_proofs import CLASSIFIED_SHARE, REQUIRED_PHASES, STUCK_RULES

STAGES = {"D1": 1, "D7": 7, "D14": 14, "D30": 30}


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a source asks for by a stage; `proof` says in words what is looked for."""

    source: str
    stage: str
    sentence: str
    proof: str
    judge: Callable[[ProjectFacts], Judged]


@dataclass(frozen=True, slots=True)
class ItemResult:
    """An item as it stands."""

    item: Item
    judged: Judged
    due_at: datetime
    is_due: bool


def report(facts: ProjectFacts) -> list[ItemResult]:
    """Judge every item for a project, in the order of the stages."""
    results = []
    for item in sorted(ITEMS, key=lambda item: STAGES[item.stage]):
        due = facts.started_at + timedelta(days=STAGES[item.stage])
        results.append(ItemResult(item, item.judge(facts), due, facts.now >= due))
    return results


ITEMS = (
    Item("S0", "D1", "Define lease/queue/artifact gates.", "the watchdog ticks", stage_proofs.in_force),
    Item(
        "S0",
        "D1",
        "Publish watchdog console and runbook.",
        "a verified artifact and a runbook",
        stage_proofs.published,
    ),
    Item(
        "S0",
        "D1",
        "Normalize artifacts_json enum values.",
        "every artifact is of a kind of the closed list",
        lambda facts: every(facts.kinds_known, "artifacts of a known kind"),
    ),
    Item(
        "S0",
        "D7",
        "Detect stuck jobs and missing worker kinds.",
        "incidents of both",
        lambda facts: all_seen(
            {"stuck": facts.seen(*STUCK_RULES), "missing worker kind": facts.seen("missing_worker_kind")}
        ),
    ),
    Item(
        "S0",
        "D7",
        "Generate repair proposal when no eligible task exists.",
        "each no-job loop and missing kind has a proposal",
        lambda facts: every(facts.proposed, "no-job loops and missing kinds with a proposal"),
    ),
    Item(
        "S0",
        "D7",
        "Capture verification output before complete.",
        "each verified completion has a check with the hash of its output",
        lambda facts: every(facts.captured, "verified completions with a kept check"),
    ),
    Item(
        "S0",
        "D7",
        "One simulated stale lease, one no-job loop, and one artifact-gate failure are detected with evidence.",
        "incidents of the three, drills too",
        stage_proofs.acceptance,
    ),
    Item(
        "S0",
        "D14",
        "Auto-touch or release stale leases under policy.",
        "a repair that touched, released or reclaimed",
        lambda facts: all_seen({"repairs": facts.repaired_by("retouch", "release", "reclaim", "mark_stale")}),
    ),
    Item(
        "S0",
        "D14",
        "Route impossible jobs to pause/fail with reason.",
        "a missing kind's jobs were paused or failed with a reason, and no such incident is open",
        stage_proofs.routed,
    ),
    Item(
        "S0",
        "D14",
        "Score worker health by role.",
        "a role with a score",
        lambda facts: all_seen({"roles with a score": facts.scored_roles}),
    ),
    Item("S0", "D30", "Dashboard enters PLS ops console.", "an operator adopted it", stage_proofs.adopted),
    Item(
        "S0",
        "D30",
        "Worker pools have SLO, audit and rollback.",
        "seals, undoable repairs, SLOs",
        stage_proofs.pools,
    ),
    Item(
        "S0",
        "D30",
        "Huber clone capability improves from evidence.",
        "heartbeats of a persona advance more often in the later half",
        stage_proofs.persona,
    ),
    Item("S1", "D1", "定義 watchdog 指標、門檻、自癒行為。", "the watchdog ticks", stage_proofs.in_force),
    Item(
        "S1",
        "D7",
        "交付控制台、runbook、data model、acceptance tests;先用人工 helper output 驗證。",
        "helper output is recorded, and an artifact is verified",
        lambda facts: all_seen(
            {"helper events": facts.helper_events, "verified artifacts": facts.evidence.part}
        ),
    ),
    Item(
        "S1",
        "D14",
        "回填 3 種 incident 證據:fetch failed、lease near expiry、artifact gate fail。",
        "a real incident, no drill's, of each",
        stage_proofs.three_real,
    ),
    Item(
        "S1",
        "D30",
        "決定續行、升級 system/watchdog agent 或換 owner。",
        "a decision record",
        stage_proofs.decided,
    ),
    Item(
        "S1",
        "D30",
        "80% stuck job 自動分類與修復建議覆蓋率。",
        "stuck jobs with a cause and a suggested repair",
        lambda facts: at_least(facts.classified, CLASSIFIED_SHARE, "stuck jobs classified"),
    ),
    Item(
        "S1",
        "D30",
        "0 false green.",
        "no completion that its evidence does not carry",
        lambda facts: none_of(facts.false_completes, "completions were false"),
    ),
    Item(
        "S1",
        "D30",
        "每次 stuck 自動產生 repair action 與 learning memory。",
        "each incident of stuck work has a repair and a lesson",
        stage_proofs.mended_and_learnt,
    ),
    Item(
        "S2",
        "D1",
        "Track doctor, touch, claim, context, progress, artifact publication, and complete result per run.",
        "every phase was recorded",
        lambda facts: all_seen({phase: facts.phases.get(phase, 0) for phase in REQUIRED_PHASES}),
    ),
    Item(
        "S2",
        "D1",
        "All six golden tests have expected status and at least one real worker run is recorded with artifact "
        "evidence.",
        "the six drills and a verified completion",
        stage_proofs.golden_and_real_run,
    ),
    Item(
        "S2",
        "D7",
        "Add stuck detection for lease expiry, repeated no-job claims, incomplete result contracts, missing "
        "deliverable IDs, and complete failures.",
        "an incident of each",
        stage_proofs.complete_rules,
    ),
    Item(
        "S2",
        "D14",
        "Add self-heal runbook actions: re-touch, release/fail with reason, escalate contract gaps, and create repair "
        "proposals when no eligible tasks exist.",
        "one of each, carried out",
        stage_proofs.self_heal,
    ),
    Item(
        "S2",
        "D30",
        "Upgrade into a PLS worker reliability console: per-worker health, queue stuck age, result contract failures, "
        "artifact evidence rate, and project advancement score.",
        "each of the five has a value",
        stage_proofs.reliability,
    ),
)
