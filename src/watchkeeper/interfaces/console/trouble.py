"""The watchdog's closed lists in words: rules, incidents, repairs, and what waits for a person."""

from __future__ import annotations

from watchkeeper.interfaces.console.i18n import message
from watchkeeper.interfaces.console.words import IDLE, LEASE_DEAD, UNKNOWN, UNVERIFIED, Badge

RULES: dict[str, str] = {
    "lease_near_expiry": message("A running job's lease is about to end."),
    "lease_expired": message("A running job's lease ended a while ago, and nobody took the job back."),
    "queue_stuck": message("Jobs are due and somebody is free to do them, yet nothing moves."),
    "claim_no_output": message("A claim printed no JSON in time."),
    "fetch_failed": message("A contract command could not reach its server."),
    "claim_loop_idle": message("A worker woke several times in a row and found no job."),
    "missing_worker_kind": message("Jobs wait for a kind that no live worker can do."),
    "artifact_gate_failed": message("The evidence of a job did not pass the gate."),
    "artifact_missing": message(
        "An attempt ended, or its progress deadline passed, without a verified artifact."
    ),
    "complete_rejected": message("A completion was refused for its contract."),
    "job_not_found_after_claim": message("A job that was claimed is not there any more."),
    "missing_deliverable_id": message("An upload had no deliverable id to go to."),
    "silent_loop": message("A worker is alive and well, and no artifact moves its project."),
    "doctor_failed": message("A worker's doctor does not pass."),
    "touch_failed": message("A worker's touch does not pass."),
    "multiple_primary_jobs": message("A worker asked for a second job before its first was done."),
    "secret_exposed": message("A secret stood in an output, a status or an alert."),
    "hidden_failure": message("Success was claimed where the last completion failed."),
    "session_stalled": message("An agent's session is alive and silent."),
    "tool_loop": message("An agent calls the same tool with the same result."),
    "token_budget_exceeded": message("A session used up its tokens or its cost."),
    "session_orphaned": message("Processes are left that could not be proven to be the session's own."),
    "crash_loop": message("One job failed in the same way several times."),
    "artifact_lost": message("A completed job's stored file is gone, or is not what it was."),
    "watchdog_blind": message("The watchdog itself does not see: ticks, facts or seals stay away."),
    "host_orphan_browser": message("Browsers whose sessions are over use up a host's processor."),
    "host_ci_saturation": message("Jobs of CI ask for more than a host has."),
    "host_monitor_missing": message("A host is scraped, and tells nothing of its processes."),
    "host_monitor_stale": message("The last good scan of a host's processes is too old."),
}

CLOSES: dict[str, str] = {
    "lease_near_expiry": message("It closes when the lease was renewed, or its attempt ended well."),
    "lease_expired": message("It closes when the job is claimable, or runs under a new lease."),
    "queue_stuck": message("It closes when the age of the queue falls within one heartbeat."),
    "claim_no_output": message("It closes when a claim answers."),
    "fetch_failed": message("It closes when the command succeeds."),
    "claim_loop_idle": message("It closes when a heartbeat has a job, or the proposal is decided."),
    "missing_worker_kind": message(
        "It closes when a worker can do them, or they are paused or failed with a reason."
    ),
    "artifact_gate_failed": message("It closes when a later check passes."),
    "artifact_missing": message(
        "It closes when an artifact is verified, or the job has failed with a reason."
    ),
    "complete_rejected": message("It closes when a completion is accepted."),
    "job_not_found_after_claim": message("It closes when a person decides."),
    "missing_deliverable_id": message("It closes when the gap is written down."),
    "silent_loop": message("It closes when an artifact is verified."),
    "doctor_failed": message("It closes when doctor passes again."),
    "touch_failed": message("It closes when touch passes again."),
    "multiple_primary_jobs": message("It closes when one job is left."),
    "secret_exposed": message("It closes when a person says that the secret was rotated."),
    "hidden_failure": message("It closes when a person decides."),
    "session_stalled": message("It closes when an event or progress comes."),
    "tool_loop": message("It closes when an event or progress comes."),
    "token_budget_exceeded": message("It closes when a person decides."),
    "session_orphaned": message("It closes when no such process is left."),
    "crash_loop": message("It closes when a person has resumed the job."),
    "artifact_lost": message("It closes when the file is restored, or a person says that it is lost."),
    "watchdog_blind": message("It closes after two good ticks."),
    "host_orphan_browser": message("It closes when its alert is over and its five assets are written."),
    "host_ci_saturation": message("It closes when its alert is over and its five assets are written."),
    "host_monitor_missing": message("It closes when its alert is over."),
    "host_monitor_stale": message("It closes when its alert is over."),
}

SEVERITIES: dict[str, Badge] = {
    "info": Badge("stopped", "square", message("Info")),
    "low": Badge("wait", "clock", message("Low")),
    "medium": Badge("warn", "alert", message("Medium")),
    "high": Badge("bad", "alert", message("High")),
    "critical": Badge("bad", "cross", message("Critical")),
}

INCIDENTS: dict[str, Badge] = {
    "open": Badge("warn", "alert", message("Open")),
    "acknowledged": Badge("wait", "clock", message("In hand")),
    "repairing": Badge("run", "play", message("Being repaired")),
    "verifying": Badge("run", "clock", message("Being verified")),
    "resolved": Badge("ok", "check", message("Resolved")),
    "escalated": Badge("bad", "alert", message("Escalated")),
    "needs_human": Badge("bad", "cross", message("Needs a person")),
}

REPAIRS: dict[str, Badge] = {
    "proposed": Badge("warn", "alert", message("Waits for a word")),
    "approved": Badge("wait", "clock", message("Approved")),
    "executing": Badge("run", "play", message("Under way")),
    "succeeded": Badge("ok", "check", message("Succeeded")),
    "failed": Badge("bad", "cross", message("Did not help")),
    "needs_human": Badge("bad", "alert", message("Needs a person")),
    "rolled_back": Badge("stopped", "square", message("Undone")),
    "rejected": Badge("stopped", "cross", message("Rejected")),
    "expired": Badge("stopped", "clock", message("Out of date")),
}

PROPOSALS: dict[str, Badge] = {
    "proposed": Badge("warn", "alert", message("Waits for a word")),
    "accepted": Badge("ok", "check", message("Accepted")),
    "rejected": Badge("stopped", "cross", message("Rejected")),
    "withdrawn": Badge("stopped", "clock", message("Withdrawn")),
    "undone": Badge("stopped", "square", message("Undone")),
}

LESSONS: dict[str, Badge] = {
    "proposed": Badge("warn", "alert", message("Waits for a word")),
    "published": Badge("ok", "check", message("Handed out")),
    "retired": Badge("stopped", "square", message("Retired")),
}

ACTIONS: dict[str, str] = {
    "retouch": message("Ask the worker for touch and doctor"),
    "ask_renewal": message("Ask the worker to renew"),
    "retry_command": message("Ask the holder to try the command again"),
    "release": message("Take the job from its holder, and make it claimable"),
    "reclaim": message("End the lost lease, and move the job on"),
    "mark_stale": message("Let the lease expire now"),
    "requeue": message("Make the job pending again"),
    "resume": message("Resume the job"),
    "pause": message("Pause the job"),
    "fail": message("Fail the job"),
    "pause_kind": message("Pause the kind"),
    "fail_kind": message("Fail all waiting jobs of the kind"),
    "propose": message("Put a decision before people"),
    "publish_artifact": message("Ask the holder to publish the artifact"),
    "block_complete": message("Keep the job from being completed"),
    "repair_contract": message("Ask the holder to mend what it hands in"),
    "stop_worker": message("Stop the worker"),
    "resume_worker": message("Let the worker claim again"),
    "interrupt_session": message("Interrupt the agent's turn, and resume it"),
    "sweep_session": message("Look for the session's left processes"),
    "freeze_verdicts": message("Freeze all verdicts"),
    "alert": message("Tell a person"),
    "end_orphan": message("Ask a proven orphan's process to end"),
    "reap": message("Reap the lost lease"),
}

_JOB_STAYS = message("The files of its workspace, its artifacts, and every other job.")
_NOTHING = message("Everything: it asks, and changes nothing by itself.")

STAYS: dict[str, str] = {
    **dict.fromkeys(("release", "reclaim", "mark_stale", "requeue", "resume", "pause", "fail"), _JOB_STAYS),
    **dict.fromkeys(("retouch", "ask_renewal", "retry_command", "publish_artifact"), _NOTHING),
    **dict.fromkeys(("repair_contract", "propose", "alert", "freeze_verdicts"), _NOTHING),
    "block_complete": _JOB_STAYS,
    "pause_kind": message("Jobs of the kind that run go on, and every other kind."),
    "fail_kind": message("Jobs of the kind that run go on, and every other kind."),
    "stop_worker": message("The jobs that it holds it keeps, and every other worker."),
    "resume_worker": message("The jobs that it holds it keeps, and every other worker."),
    "interrupt_session": message("The session's workspace and its job's lease."),
    "sweep_session": message("Every process that is not proven to be the session's own."),
    "end_orphan": message("Every process that is not proven to be left over from a session that ended."),
}
"""What each action leaves alone."""

CONCERNS: dict[str, Badge] = {
    "repair": Badge("bad", "check", message("Approve")),
    "incident": Badge("bad", "alert", message("Incident")),
    "lease_dead": LEASE_DEAD,
    "stuck": Badge("bad", "alert", message("Stuck")),
    "failed": Badge("bad", "cross", message("Failed")),
    "paused": Badge("warn", "pause", message("Paused")),
    "late": Badge("warn", "clock", message("Came too late")),
    "proposal": Badge("wait", "unknown", message("Decide")),
    "question": Badge("warn", "unknown", message("Unanswered")),
}

FOLDS: dict[str, str] = {
    "quiet": message("called right for now"),
    "acknowledged": message("in somebody's hands"),
    "paused": message("paused by a person"),
}

PACES: dict[str, tuple[Badge, str]] = {
    "advancing": (
        Badge("ok", "check", message("Advancing")),
        message("Jobs end well at the day's own pace, or faster."),
    ),
    "unverified": (
        UNVERIFIED,
        message("Jobs end, but none of the last hour brought evidence that passed the gate."),
    ),
    "slower": (
        Badge("warn", "clock", message("Slower")),
        message("In the last hour less than half of the day's own pace ended well."),
    ),
    "working": (
        Badge("run", "play", message("At work")),
        message("Nothing ended in the last hour; what runs goes on."),
    ),
    "standing": (
        Badge("bad", "alert", message("Standing still")),
        message("There is work, nothing of it ended well in the last hour, and nothing told of progress."),
    ),
    "idle": (IDLE, message("There is nothing to do.")),
    "unknown": (UNKNOWN, message("The watch has not counted lately; nobody knows whether work advances.")),
}

INDICATORS: dict[str, str] = {
    "stuck_classification_rate": message("Stuck jobs with a known cause"),
    "retry_success_rate": message("Retries that succeeded"),
    "gate_pass_rate": message("Checks that passed the gate"),
    "false_completes": message("False completions"),
    "queue_stuck_age_s": message("Oldest stuck work"),
    "result_contract_failures": message("Contract failures"),
    "artifact_evidence_rate": message("Completions with evidence"),
}

UNTOLD: dict[str, str] = {
    "resolved": message("It is over."),
    "symptom": message("Its cause is told instead."),
    "shadow": message("It is about a rehearsal."),
    "not_notified": message("The policy tells nobody of this rule."),
    "quiet_until": message("A person called this silence right for now."),
    "acknowledged": message("Somebody has it in hand."),
    "waits_in_outbox": message("A message waits in the outbox."),
    "repair_under_way": message("A repair is under way."),
    "no_person_can_act": message("No person can do anything about it now."),
    "backlog_empty": message("Only jobs are missing; a proposal says so."),
    "repair_first": message("A repair comes first."),
    "settling": message("It is young: it may pass by itself."),
    "next_stage": message("Somebody was told; the next one is told later."),
    "no_channel": message("No channel carries this project's alerts."),
}

NEXT_ACTIONS: dict[str, str] = {
    "none": message("Nothing is to be done."),
    "retouch": message("Let the worker touch again."),
    "retry_complete": message("Complete the job again."),
    "repair_contract": message("Mend what is handed in."),
    "inspect_queue": message("Look at the queue."),
}

WAITING_CHANGES: dict[str, str] = {
    "paused": message("A person resumes it."),
    "not_due": message("Its time comes."),
    "no_eligible_worker": message("A worker registers for this kind."),
    "limit_full": message("A running job of the kind ends, or its limit is raised."),
    "unique_blocked": message("The other job of its key ends."),
    "lease_dead": message("The watchdog gives it back at its next tick."),
    "quota_parked": message("The quota is reset, or a person logs in."),
    "quarantined": message("A person finds out why its workers died, and tries it again."),
    "worker_stopped": message("A supervisor resumes a worker."),
    "claims_off": message("An owner turns claiming on."),
}

PARTS: dict[str, str] = {
    "doctor": message("Doctor passed"),
    "touch": message("Touch passed"),
    "claim": message("Claim went well"),
    "attempts": message("Attempts completed"),
    "gate": message("Evidence passed"),
    "advanced": message("Heartbeats that led to evidence"),
}

CHECKS: dict[str, Badge] = {
    "ok": Badge("ok", "check", message("Passed")),
    "failed": Badge("bad", "cross", message("Failed")),
    "none": Badge("stopped", "square", message("None")),
    "unknown": UNKNOWN,
    "normal": Badge("run", "play", message("Running")),
    "near_expiry": Badge("warn", "clock", message("Ends soon")),
    "expired": LEASE_DEAD,
    "stale": Badge("bad", "alert", message("Holder is gone")),
}

STORY: dict[str, str] = {
    "alert_sent": message("Somebody was told"),
    "alert_dropped": message("A message was not sent"),
    "alert_waiting": message("A message waits"),
}
"""What stands in the story of an incident beside the rows of the audit trail."""
