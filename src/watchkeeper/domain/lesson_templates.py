"""What is learnt when an incident of a rule closes: the sentence, and what the next worker should check.

Rules that say nothing to a worker teach nothing here.
"""

from __future__ import annotations

from watchkeeper.domain.rules.names import RuleName

_R = RuleName

LESSON_TEMPLATES: dict[RuleName, tuple[str, str]] = {
    _R.LEASE_NEAR_EXPIRY: (
        "A lease came close to its end while the work went on.",
        "Send progress before each long step; ask for a longer lease where steps are longer than it.",
    ),
    _R.LEASE_EXPIRED: (
        "A lease ran out, and the job was taken from its worker.",
        "Renew while you work; after a pause of your own, ask for the context again before you go on.",
    ),
    _R.CLAIM_NO_OUTPUT: (
        "A claim printed no JSON in time.",
        "Touch, then claim once more; take a late JSON of the first claim as the job.",
    ),
    _R.FETCH_FAILED: (
        "Fetch failed can often be recovered by touch, short delay, and a single retry.",
        "Touch, wait 3 seconds and retry once; keep both outputs.",
    ),
    _R.ARTIFACT_GATE_FAILED: (
        "The gate refused the evidence of a job.",
        "Run verify before complete: the primary artifact must open, and every file of its list.",
    ),
    _R.ARTIFACT_MISSING: (
        "An attempt ended without a verified artifact.",
        "Publish the artifact to the shared store early, and verify it, before the last steps of the work.",
    ),
    _R.COMPLETE_REJECTED: (
        "A completion was refused, since a required kind of artifact was missing.",
        "Read the contract in the context, and produce each required kind; relabelling does not pass.",
    ),
    _R.JOB_NOT_FOUND_AFTER_CLAIM: (
        "A claimed job was not there any more.",
        "Keep the artifacts and say that the job is gone; claim no success.",
    ),
    _R.MISSING_DELIVERABLE_ID: (
        "An upload had no deliverable id to go to.",
        "Use the shared store instead, and write down that the deliverable id is missing.",
    ),
    _R.SILENT_LOOP: (
        "A worker was alive for several heartbeats and moved no project.",
        "Each heartbeat ends with an artifact or with a proposal that says why there is none.",
    ),
    _R.MULTIPLE_PRIMARY_JOBS: (
        "A worker asked for a second job before its first was done.",
        "Complete, fail or release the job that you hold before the next claim.",
    ),
    _R.SECRET_EXPOSED: (
        "A secret stood in an output.",
        "Print no tokens or environment values; name the variable instead of its value.",
    ),
    _R.HIDDEN_FAILURE: (
        "Success was claimed where the last completion had failed.",
        "Read the answer of complete; only 'completed' is success.",
    ),
    _R.SESSION_STALLED: (
        "An agent's session fell silent.",
        "Report progress before anything that may be silent for minutes.",
    ),
    _R.TOOL_LOOP: (
        "An agent called the same tool with the same result again and again.",
        "After the second equal result, try another way or fail with the reason.",
    ),
    _R.TOKEN_BUDGET_EXCEEDED: (
        "A session used up its tokens or its cost.",
        "Plan the work to the limit of the kind; hand in what is done before it is used up.",
    ),
    _R.CRASH_LOOP: (
        "One job failed in the same way several times.",
        "Read how the earlier attempts ended, and do not repeat what they did.",
    ),
}


def lesson_of(rule: RuleName, *, kind: str | None, topic_key: str | None) -> dict[str, object] | None:
    """Give the document of what an incident of a rule teaches about a kind of job; None where it teaches nothing."""
    if (template := LESSON_TEMPLATES.get(rule)) is None:
        return None
    learned, check = template
    about = {"kind": kind, "topic_key": topic_key}
    return {
        "rule": rule.value,
        **{name: value for name, value in about.items() if value is not None},
        "learned": [learned],
        "next_worker_should_check": [check],
    }
