"""Every rule of the watchdog with its sentence, its weight, what it may propose and what alone closes it.

The functions that decide stand beside this page, one file a subject; runbooks in docs/runbooks are held to this table.
"""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.domain.rules.names import Closer, Escalation, NextAction, RepairAction, RuleName, Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as people know it.

    `escalate_after` repairs that failed a person is called; 0 calls at once, None never by itself. `stops_worker`:
    the worker's claims are refused until a supervisor resumes it.
    """

    name: RuleName
    sentence: str
    severity: Severity
    action: RepairAction
    escalation: Escalation
    next_action: NextAction
    closes_when: str
    escalate_after: int | None = 0
    stops_worker: bool = False
    closer: Closer = Closer.EVIDENCE

    @property
    def runbook(self) -> str:
        return f"docs/runbooks/{self.name}.md"


_N, _S, _E, _A, _X = RuleName, Severity, Escalation, RepairAction, NextAction

RULES: dict[RuleName, Rule] = {
    rule.name: rule
    for rule in (
        Rule(
            _N.LEASE_NEAR_EXPIRY,
            "A running job's lease is about to end.",
            _S.HIGH,
            _A.ASK_RENEWAL,
            _E.JOB_OWNER,
            _X.RETOUCH,
            "the lease was renewed, or its attempt ended well",
            escalate_after=2,
        ),
        Rule(
            _N.LEASE_EXPIRED,
            "A running job's lease ended a while ago, and nobody took the job back.",
            _S.HIGH,
            _A.RECLAIM,
            _E.JOB_OWNER,
            _X.RETOUCH,
            "the job is claimable, or runs under a new lease",
            escalate_after=2,
        ),
        Rule(
            _N.QUEUE_STUCK,
            "Jobs are due and somebody is free to do them, yet nothing moves.",
            _S.HIGH,
            _A.RELEASE,
            _E.SUPERVISOR,
            _X.INSPECT_QUEUE,
            "the age of the queue fell within one heartbeat",
        ),
        Rule(
            _N.CLAIM_NO_OUTPUT,
            "A claim printed no JSON in time.",
            _S.MEDIUM,
            _A.RETRY_COMMAND,
            _E.JOB_OWNER,
            _X.RETOUCH,
            "a claim answers",
            escalate_after=2,
        ),
        Rule(
            _N.FETCH_FAILED,
            "A contract command could not reach its server.",
            _S.MEDIUM,
            _A.RETRY_COMMAND,
            _E.SUPERVISOR,
            _X.INSPECT_QUEUE,
            "the command succeeds",
            escalate_after=1,
        ),
        Rule(
            _N.CLAIM_LOOP_IDLE,
            "A worker woke several times in a row and found no job.",
            _S.MEDIUM,
            _A.PROPOSE,
            _E.POOL_OWNER,
            _X.INSPECT_QUEUE,
            "a heartbeat has a job, or the proposal is decided",
            closer=Closer.EITHER,
        ),
        Rule(
            _N.MISSING_WORKER_KIND,
            "Jobs wait for a kind that no live worker can do.",
            _S.HIGH,
            _A.PROPOSE,
            _E.POOL_OWNER,
            _X.INSPECT_QUEUE,
            "a worker can do them, or they are paused or failed with a reason",
            closer=Closer.EITHER,
        ),
        Rule(
            _N.ARTIFACT_GATE_FAILED,
            "The evidence of a job did not pass the gate.",
            _S.HIGH,
            _A.BLOCK_COMPLETE,
            _E.WORKER_MAINTAINER,
            _X.REPAIR_CONTRACT,
            "a later check passes",
        ),
        Rule(
            _N.ARTIFACT_MISSING,
            "An attempt ended, or its progress deadline passed, without a verified artifact.",
            _S.HIGH,
            _A.PUBLISH_ARTIFACT,
            _E.WORKER_MAINTAINER,
            _X.REPAIR_CONTRACT,
            "an artifact is verified, or the job failed with a reason",
        ),
        Rule(
            _N.COMPLETE_REJECTED,
            "A completion was refused for its contract.",
            _S.HIGH,
            _A.REPAIR_CONTRACT,
            _E.WORKER_MAINTAINER,
            _X.REPAIR_CONTRACT,
            "a completion is accepted",
            escalate_after=1,
        ),
        Rule(
            _N.JOB_NOT_FOUND_AFTER_CLAIM,
            "A job that was claimed is not there any more.",
            _S.CRITICAL,
            _A.ALERT,
            _E.PLATFORM_OWNER,
            _X.INSPECT_QUEUE,
            "a person decides",
            closer=Closer.PERSON,
        ),
        Rule(
            _N.MISSING_DELIVERABLE_ID,
            "An upload had no deliverable id to go to.",
            _S.LOW,
            _A.PROPOSE,
            _E.WORKER_MAINTAINER,
            _X.REPAIR_CONTRACT,
            "the gap is written down",
            escalate_after=None,
            closer=Closer.EITHER,
        ),
        Rule(
            _N.SILENT_LOOP,
            "A worker is alive and well, and no artifact moves its project.",
            _S.HIGH,
            _A.PROPOSE,
            _E.POOL_OWNER,
            _X.INSPECT_QUEUE,
            "an artifact is verified",
            stops_worker=True,
        ),
        Rule(
            _N.DOCTOR_FAILED,
            "A worker's doctor does not pass.",
            _S.HIGH,
            _A.RETOUCH,
            _E.JOB_OWNER,
            _X.RETOUCH,
            "doctor passes again",
            escalate_after=2,
        ),
        Rule(
            _N.TOUCH_FAILED,
            "A worker's touch does not pass.",
            _S.HIGH,
            _A.RETOUCH,
            _E.JOB_OWNER,
            _X.RETOUCH,
            "touch passes again",
            escalate_after=2,
        ),
        Rule(
            _N.MULTIPLE_PRIMARY_JOBS,
            "A worker asked for a second job before its first was done.",
            _S.CRITICAL,
            _A.STOP_WORKER,
            _E.SUPERVISOR,
            _X.INSPECT_QUEUE,
            "one job is left",
            stops_worker=True,
        ),
        Rule(
            _N.SECRET_EXPOSED,
            "A secret stood in an output, a status or an alert.",
            _S.CRITICAL,
            _A.STOP_WORKER,
            _E.PLATFORM_OWNER,
            _X.INSPECT_QUEUE,
            "a person says that it was rotated",
            stops_worker=True,
            closer=Closer.PERSON,
        ),
        Rule(
            _N.HIDDEN_FAILURE,
            "Success was claimed where the last completion failed.",
            _S.CRITICAL,
            _A.BLOCK_COMPLETE,
            _E.SUPERVISOR,
            _X.RETRY_COMPLETE,
            "a person decides",
            stops_worker=True,
            closer=Closer.PERSON,
        ),
        Rule(
            _N.SESSION_STALLED,
            "An agent's session is alive and silent.",
            _S.HIGH,
            _A.INTERRUPT_SESSION,
            _E.JOB_OWNER,
            _X.RETOUCH,
            "an event or progress came",
            escalate_after=2,
        ),
        Rule(
            _N.TOOL_LOOP,
            "An agent calls the same tool with the same result.",
            _S.HIGH,
            _A.INTERRUPT_SESSION,
            _E.JOB_OWNER,
            _X.RETOUCH,
            "an event or progress came",
            escalate_after=2,
        ),
        Rule(
            _N.TOKEN_BUDGET_EXCEEDED,
            "A session used up its tokens or its cost.",
            _S.HIGH,
            _A.PAUSE,
            _E.JOB_OWNER,
            _X.RETOUCH,
            "a person decides",
            closer=Closer.PERSON,
        ),
        Rule(
            _N.SESSION_ORPHANED,
            "Processes are left that could not be proven to be the session's own.",
            _S.HIGH,
            _A.SWEEP_SESSION,
            _E.PLATFORM_OWNER,
            _X.INSPECT_QUEUE,
            "none is left",
            closer=Closer.EITHER,
        ),
        Rule(
            _N.CRASH_LOOP,
            "One job failed in the same way several times.",
            _S.HIGH,
            _A.PAUSE,
            _E.JOB_OWNER,
            _X.INSPECT_QUEUE,
            "a person resumed it",
            closer=Closer.EITHER,
        ),
        Rule(
            _N.ARTIFACT_LOST,
            "A completed job's stored file is gone, or is not what it was.",
            _S.CRITICAL,
            _A.ALERT,
            _E.WORKER_MAINTAINER,
            _X.REPAIR_CONTRACT,
            "it is restored, or a person said that it is lost",
            closer=Closer.EITHER,
        ),
        Rule(
            _N.WATCHDOG_BLIND,
            "The watchdog itself does not see: ticks, facts or seals stay away.",
            _S.CRITICAL,
            _A.FREEZE_VERDICTS,
            _E.PLATFORM_OWNER,
            _X.INSPECT_QUEUE,
            "two good ticks",
        ),
        Rule(
            _N.HOST_ORPHAN_BROWSER,
            "Browsers whose sessions are over use up a host's processor.",
            _S.HIGH,
            _A.ALERT,
            _E.PLATFORM_OWNER,
            _X.INSPECT_QUEUE,
            "its alert is over and its five assets are written",
            closer=Closer.EITHER,
        ),
        Rule(
            _N.HOST_CI_SATURATION,
            "Jobs of CI ask for more than a host has.",
            _S.LOW,
            _A.ALERT,
            _E.PLATFORM_OWNER,
            _X.INSPECT_QUEUE,
            "its alert is over and its five assets are written",
            closer=Closer.EITHER,
        ),
        Rule(
            _N.HOST_MONITOR_MISSING,
            "A host is scraped, and tells nothing of its processes.",
            _S.MEDIUM,
            _A.ALERT,
            _E.PLATFORM_OWNER,
            _X.INSPECT_QUEUE,
            "its alert is over",
            closer=Closer.EITHER,
        ),
        Rule(
            _N.HOST_MONITOR_STALE,
            "The last good scan of a host's processes is too old.",
            _S.MEDIUM,
            _A.ALERT,
            _E.PLATFORM_OWNER,
            _X.INSPECT_QUEUE,
            "its alert is over",
            closer=Closer.EITHER,
        ),
    )
}
