"""What is put before people where a rule may only propose."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from watchkeeper.domain.proposals import ProposalDraft, proposal_fingerprint
from watchkeeper.domain.rules.names import RuleName

MOST_EVIDENCE_CHARS = 2_000


@dataclass(frozen=True, slots=True)
class _Question:
    kind: str
    decision: str
    recommendation: str
    options: tuple[str, ...]
    feedback: str


_QUESTIONS: dict[str, _Question] = {
    RuleName.CLAIM_LOOP_IDLE: _Question(
        "backlog",
        "What shall {who} do, which finds no job?",
        "Compare the kinds that it may do with what waits; give it a backlog or a kind, or let it rest.",
        ("Give it work: a backlog, or another kind", "Let it poll less often", "Retire it"),
        "Say what it should wait for.",
    ),
    RuleName.MISSING_WORKER_KIND: _Question(
        "capability",
        "Who shall do the jobs of {kind}, for which there is no worker?",
        "Start a worker that can do {kind}, or decide that these jobs are not done.",
        ("Start a worker for the kind", "Pause the kind", "Fail the jobs that wait, with the reason"),
        "Say until when these jobs may wait.",
    ),
    RuleName.MISSING_DELIVERABLE_ID: _Question(
        "contract",
        "How shall job {job} hand in its files without a deliverable id?",
        "Use the shared store, and give jobs of this sort a deliverable id from now on.",
        ("Use the shared store", "Give the job a deliverable id"),
        "Say where such files belong.",
    ),
    RuleName.SILENT_LOOP: _Question(
        "capability",
        "How shall {who} advance its project again, which is alive and brings nothing?",
        "Look at its last heartbeats; change its backlog, its contract or the worker itself, then resume it.",
        ("Give it another backlog", "Mend the contract that it fails", "Replace the worker"),
        "Say which artifact would show that it advances.",
    ),
}
_ANY = _Question(
    "decision",
    "What shall be done about {rule} of {who}?",
    "Look at the incident's evidence and its runbook, then repair it by hand or say that it is right.",
    ("Repair it by hand", "Accept it as it is"),
    "Say what is missing to decide.",
)


def draft_of(repair: Mapping[str, Any]) -> ProposalDraft:
    """Write the proposal of a repair, from its row and its incident's."""
    rule = str(repair["trigger"])
    question = _QUESTIONS.get(rule, _ANY)
    about = {
        "who": str(repair["worker_id"] or repair["kind"] or repair["job_id"] or "the project"),
        "kind": str(repair["kind"] or "this kind"),
        "job": str(repair["job_id"] or "of this sort"),
        "rule": rule,
    }
    names = [str(repair[name]) for name in ("worker_id", "kind", "job_id") if repair[name]]
    evidence = json.dumps(repair.get("incident_evidence") or {}, sort_keys=True, default=str)
    return ProposalDraft(
        project_id=repair["project_id"],
        kind=question.kind,
        decision=question.decision.format(**about),
        problem=str(repair["reason"]),
        recommendation=question.recommendation.format(**about),
        reasoning=f"It rests on: {evidence[:MOST_EVIDENCE_CHARS]}",
        options=question.options,
        landing_path=f"docs/runbooks/{rule}.md" if rule in _RULES else None,
        feedback_if_rejected=question.feedback,
        fingerprint=proposal_fingerprint(repair["project_id"], rule, *names),
        subject={
            "rule": rule,
            **{name: str(repair[name]) for name in ("worker_id", "kind", "job_id") if repair[name]},
        },
        incident_id=repair["incident_id"],
        job_id=repair["job_id"],
    )


_RULES = {rule.value for rule in RuleName}
