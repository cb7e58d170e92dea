"""Rules about what jobs produced and what was said of them: checks, ended attempts, told successes, stored files."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from uuid import UUID

from watchkeeper.domain.facts import AttemptFact, CheckFact, LostArtifactFact, RunFact
from watchkeeper.domain.findings import Finding, of_worker_and_job
from watchkeeper.domain.heartbeat_checks import CheckState
from watchkeeper.domain.policies import Thresholds
from watchkeeper.domain.rules.commands import CHECKED
from watchkeeper.domain.rules.judging import ALWAYS, Moment, RuleOf
from watchkeeper.domain.rules.names import RuleName
from watchkeeper.domain.rules.workers import told_of

_SAID_IN = {"output": "in_agent_output", "verify": "in_agent_output", "end": "in_last_words"}
_VARIABLE = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|0x[0-9a-f]+|\d+", re.IGNORECASE)


def artifact_gate_failed(check: CheckFact, _limits: Thresholds) -> Moment | None:
    """Fire when the evidence on which a completion hangs did not pass; a look beforehand changes nothing."""
    if not check.decides:
        return None
    cause = check.failed[0] if check.failed else "not_passed"
    told = {"failed": list(check.failed), "primary_url": check.primary_url}
    return _moment(check, RuleName.ARTIFACT_GATE_FAILED, cause, f"artifact_check:{check.id}", told)


def crash_loop(attempt: AttemptFact, limits: Thresholds) -> Moment | None:
    """Fire when a job failed so often in the same way; a failure of another sort between them does not excuse it."""
    mine = failure_fingerprint(attempt.cause, attempt.error)
    alike = sum(1 for cause, error in attempt.failures if failure_fingerprint(cause, error) == mine)
    if alike < limits.crash_loop_failures:
        return None
    told = {"cause": attempt.cause, "error": attempt.error, "failures": alike, "epoch": attempt.epoch}
    return _moment(
        attempt, RuleName.CRASH_LOOP, attempt.cause, f"attempt:{attempt.job_id}/{attempt.epoch}", told
    )


def failure_fingerprint(cause: str, error: str | None) -> tuple[str, str]:
    """Give what makes two failures the same: their cause and text, but for numbers, ids and addresses in it."""
    return cause, _VARIABLE.sub("#", error or "")[:500]


def hidden_failure(run: RunFact, _limits: Thresholds) -> Moment | None:
    """Fire when a success is told of a job whose last completion failed."""
    if not run.is_done or run.failed_complete is None:
        return None
    told = {"phase": run.phase, "failed_complete": f"helper_event:{run.failed_complete}"}
    return _moment(run, RuleName.HIDDEN_FAILURE, "success_told_after_a_failure", run.ref, told)


def artifact_missing(run: RunFact, _limits: Thresholds) -> Moment | None:
    """Fire when a job that owes an artifact is told as done, or its attempt just ends, and none was verified."""
    if not run.is_done or not run.owes_artifact or run.failed_complete is not None:
        return None
    cause = "ended_without_artifact" if run.phase == "end" else "done_without_artifact"
    return _moment(run, RuleName.ARTIFACT_MISSING, cause, run.ref, {"phase": run.phase})


def secret_in_words(run: RunFact, _limits: Thresholds) -> Moment | None:
    """Fire when a known shape, or a known value, was taken out of what a worker said, or its agent printed."""
    if not run.secrets:
        return None
    told = {"phase": run.phase, "secrets": list(run.secrets)}
    return _moment(
        run,
        RuleName.SECRET_EXPOSED,
        _SAID_IN.get(run.phase, "in_progress_message"),
        run.ref,
        told,
        identity=of_worker_and_job(run.worker_id, run.job_id),
    )


def told_check_failed(run: RunFact, _limits: Thresholds) -> Moment | None:
    """Fire when a phase was told that is a step of the heartbeat, and the policy's checks fail on what it answered."""
    rule = CHECKED.get(run.phase)
    if rule is None or run.verdict.state is not CheckState.FAIL:
        return None
    return _moment(run, rule, "not_ok", run.ref, told_of(run.verdict), identity=("worker", run.worker_id))


def artifact_lost(artifact: LostArtifactFact, _limits: Thresholds) -> Moment | None:
    """Fire when a stored file is gone or differs."""
    told = {"name": artifact.name, "sha256": artifact.sha256}
    return _moment(
        artifact,
        RuleName.ARTIFACT_LOST,
        "gone_or_changed",
        f"artifact:{artifact.id}",
        told,
        identity=("artifact", str(artifact.id)),
    )


CHECK_RULES: tuple[RuleOf[CheckFact], ...] = (artifact_gate_failed,)
ATTEMPT_RULES: tuple[RuleOf[AttemptFact], ...] = (crash_loop,)
RUN_RULES: tuple[RuleOf[RunFact], ...] = (
    hidden_failure,
    artifact_missing,
    secret_in_words,
    told_check_failed,
)
ARTIFACT_RULES: tuple[RuleOf[LostArtifactFact], ...] = (artifact_lost,)


def _moment(
    fact: CheckFact | AttemptFact | RunFact | LostArtifactFact,
    rule: RuleName,
    cause: str,
    ref: str,
    told: dict[str, Any],
    *,
    identity: tuple[str, ...] | None = None,
) -> Moment:
    job_id: UUID | None = fact.job_id
    received_at: datetime = fact.received_at
    finding = Finding(
        fact.project_id,
        rule,
        identity or ("job", str(job_id)),
        received_at,
        cause,
        evidence={**told, "received_at": received_at.isoformat()},
        evidence_ref=ref,
        job_id=job_id,
        worker_id=getattr(fact, "worker_id", None),
        kind=fact.kind,
        is_mirrored=getattr(fact, "is_mirrored", False),
    )
    return Moment(ALWAYS, finding)
