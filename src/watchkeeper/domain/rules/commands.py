"""Rules about contract commands that did not go well: each looks at one execution, when it is written down."""

from __future__ import annotations

from typing import Any

from watchkeeper.domain.facts import CommandFact
from watchkeeper.domain.findings import Finding, of_worker_and_job
from watchkeeper.domain.heartbeat_checks import CheckState
from watchkeeper.domain.policies import Thresholds
from watchkeeper.domain.rules.judging import ALWAYS, Moment, RuleOf
from watchkeeper.domain.rules.names import RuleName
from watchkeeper.domain.rules.workers import told_of

NO_OUTPUT = frozenset({"no_output", "silent", "no_json", "hung"})
OF_THE_WIRE = frozenset({"fetch_failed", "server_unreachable", "database_unavailable", "internal_error"})
NOT_FOUND = frozenset({"job_not_found", "not_found"})
REFUSED = frozenset({"contract_rejected", "rejected"})
AFTER_CLAIM = frozenset({"context", "progress", "upload-files", "verify", "complete", "fail", "release"})
"""The codes and commands by which helpers and our own server tell of each trouble."""

NO_REFUSAL = OF_THE_WIRE | NO_OUTPUT | NOT_FOUND | {"queued", "rate_limited", "stale_lease", "lease_lost"}
"""Codes of a completion that nobody refused for what it says: it was not heard, must wait, or came too late."""

OF_RULES = frozenset(rule.value for rule in RuleName)
"""Codes that name another rule's trouble, as a guard tells it."""

CHECKED = {"doctor": RuleName.DOCTOR_FAILED, "touch": RuleName.TOUCH_FAILED}
"""The steps whose checks open an incident of the worker, and the rule of each."""


def claim_no_output(run: CommandFact, _limits: Thresholds) -> Moment | None:
    """Fire when a claim printed no JSON in the time that its caller gave it."""
    if run.command != "claim" or run.error_code not in NO_OUTPUT:
        return None
    return _moment(run, RuleName.CLAIM_NO_OUTPUT, _of_worker(run), run.error_code)


def fetch_failed(run: CommandFact, _limits: Thresholds) -> Moment | None:
    """Fire when a command could not reach its server, or the server failed."""
    is_silent = run.error_code in NO_OUTPUT and run.command != "claim"
    if run.error_code not in OF_THE_WIRE and not is_silent:
        return None
    return _moment(run, RuleName.FETCH_FAILED, (*_of_job(run), run.command), str(run.error_code))


def complete_rejected(run: CommandFact, limits: Thresholds) -> Moment | None:
    """Fire when a completion was refused, so often in a row as the policy bears: a foreign helper in whatever words."""
    if run.command != "complete" or run.error_code is None:
        return None
    is_foreign_word = run.is_mirrored and run.error_code not in NO_REFUSAL | OF_RULES
    if run.error_code not in REFUSED and not is_foreign_word:
        return None
    if run.refusals < limits.complete_rejections:
        return None
    cause = "refused_once" if run.refusals == 1 else "refused_again"
    return _moment(run, RuleName.COMPLETE_REJECTED, _of_job(run), cause, refusals=run.refusals)


def job_not_found_after_claim(run: CommandFact, limits: Thresholds) -> Moment | None:
    """Fire when a job that was known here, and claimed, is not there for its holder's next command."""
    is_after_claim = run.command in AFTER_CLAIM and run.job_id is not None
    if not is_after_claim or run.error_code not in NOT_FOUND or run.refusals < limits.jobs_not_found:
        return None
    return _moment(run, RuleName.JOB_NOT_FOUND_AFTER_CLAIM, _of_job(run), "gone_after_claim")


def missing_deliverable_id(run: CommandFact, limits: Thresholds) -> Moment | None:
    """Fire when an upload had nowhere to go."""
    if run.error_code != "missing_deliverable_id" or run.refusals < limits.missing_deliverable_ids:
        return None
    return _moment(run, RuleName.MISSING_DELIVERABLE_ID, _of_job(run), "no_deliverable_id")


def check_failed(run: CommandFact, _limits: Thresholds) -> Moment | None:
    """Fire when `doctor` or `touch` answered, and the checks fail on it; what never answered is `fetch_failed`."""
    rule = CHECKED.get(run.command)
    if rule is None or run.worker_id is None or run.verdict.state is not CheckState.FAIL:
        return None
    if run.error_code in OF_THE_WIRE | NO_OUTPUT or (run.is_stopped and run.command == "doctor"):
        return None
    return _moment(run, rule, _of_worker(run), run.error_code or "not_ok", **told_of(run.verdict))


def second_job_claimed(run: CommandFact, _limits: Thresholds) -> Moment | None:
    """Fire when a claim brought a second job to a worker that holds one, or several at once."""
    if run.error_code != "multiple_primary_jobs" or run.is_own_word:
        return None
    return _moment(run, RuleName.MULTIPLE_PRIMARY_JOBS, _of_worker(run), "second_claim")


def secret_in_output(run: CommandFact, _limits: Thresholds) -> Moment | None:
    """Fire when a known shape, or a known value, was taken out of what a command printed, or of what was said to it."""
    if not run.secrets:
        return None
    return _moment(
        run,
        RuleName.SECRET_EXPOSED,
        of_worker_and_job(run.worker_id, run.job_id),
        "in_command_output",
        secrets=list(run.secrets),
    )


COMMAND_RULES: tuple[RuleOf[CommandFact], ...] = (
    claim_no_output,
    fetch_failed,
    complete_rejected,
    job_not_found_after_claim,
    missing_deliverable_id,
    check_failed,
    second_job_claimed,
    secret_in_output,
)


def _of_worker(run: CommandFact) -> tuple[str, ...]:
    return ("worker", run.worker_id) if run.worker_id is not None else _of_job(run)


def _of_job(run: CommandFact) -> tuple[str, ...]:
    return ("job", str(run.job_id)) if run.job_id is not None else ("worker", run.worker_id or "")


def _moment(run: CommandFact, rule: RuleName, identity: tuple[str, ...], cause: str, **more: Any) -> Moment:
    evidence = {
        "command": run.command,
        "exit_code": run.exit_code,
        "error_code": run.error_code,
        "received_at": run.received_at.isoformat(),
        **more,
    }
    finding = Finding(
        run.project_id,
        rule,
        identity,
        run.received_at,
        cause,
        evidence=evidence,
        evidence_ref=run.ref or f"helper_event:{run.id}",
        job_id=run.job_id,
        worker_id=run.worker_id,
        kind=run.kind,
        is_mirrored=run.is_mirrored,
    )
    return Moment(ALWAYS, finding)
