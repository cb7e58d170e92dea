"""Why a job stands still: a total function of its reason, its attempts and its incidents.

The classes are data for programs and reports; the sentences are for people. docs/reference/lists.md has the classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from watchkeeper.domain.jobs import AttemptCause, JobState, StateReason
from watchkeeper.domain.rules.catalogue import RULES
from watchkeeper.domain.rules.names import NextAction, RepairAction, RuleName, Severity


class StuckClass(StrEnum):
    """The classes of a job that stands still. `unexplained` is what no fact explains: it counts as not classified."""

    EVIDENCE = "evidence"
    CONTRACT = "contract"
    LEASE_LOST = "lease_lost"
    SIDE_EFFECTS = "side_effects"
    CRASH_LOOP = "crash_loop"
    COMMAND = "command"
    RESTORED = "restored"
    STALLED = "stalled"
    BUDGET = "budget"
    CAPABILITY = "capability"
    QUEUE = "queue"
    OPERATOR = "operator"
    AGENT_ERROR = "agent_error"
    INFRASTRUCTURE = "infrastructure"
    QUOTA = "quota"
    VANISHED = "vanished"
    SECRET = "secret"  # noqa: S105 - a class's name
    FALSE_SUCCESS = "false_success"
    SECOND_JOB = "second_job"
    WATCH = "watch"
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is the matter, where that is known from (`cause`), what repairs it, and what would change it by itself."""

    stuck_class: StuckClass
    cause: str
    sentence: str
    repair: RepairAction
    next_action: NextAction
    changes: str

    @property
    def is_classified(self) -> bool:
        return self.stuck_class is not StuckClass.UNEXPLAINED


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """An unresolved incident of the job; `is_symptom` says that another one explains it.

    `next_action` is what the incident itself says; None leaves that to its rule.
    """

    rule: RuleName
    severity: Severity
    is_symptom: bool = False
    next_action: NextAction | None = None

    @property
    def asks_for(self) -> NextAction:
        return self.next_action or RULES[self.rule].next_action


@dataclass(frozen=True, slots=True)
class JobFacts:
    """What a diagnosis rests on. `causes` are those of the attempts' ends, the last one first."""

    state: JobState
    state_reason: StateReason | None = None
    causes: Sequence[AttemptCause] = ()
    incidents: Sequence[OpenIncident] = ()


_T, _A, _X = StuckClass, RepairAction, NextAction
_Known = tuple[StuckClass, str, RepairAction, NextAction, str]

REASONS: dict[StateReason, _Known] = {
    StateReason.GATE_FAILED: (
        _T.EVIDENCE,
        "the evidence did not pass the gate",
        *(_A.PUBLISH_ARTIFACT, _X.REPAIR_CONTRACT),
        "a check of the artifact that passes, then a requeue; its last check names what failed",
    ),
    StateReason.CONTRACT_REJECTED: (
        _T.CONTRACT,
        "the results do not fit the job's contract",
        *(_A.REPAIR_CONTRACT, _X.REPAIR_CONTRACT),
        "an artifact of the missing kind, or a contract that asks for what can be made; then a requeue",
    ),
    StateReason.QUARANTINED: (
        _T.LEASE_LOST,
        "its leases were lost so often that it is given to nobody any more",
        *(_A.REQUEUE, _X.INSPECT_QUEUE),
        "a requeue, once it is known why its workers died",
    ),
    StateReason.HELD_SIDE_EFFECTS: (
        _T.SIDE_EFFECTS,
        "its worker died, and what it did outside may have happened",
        *(_A.REQUEUE, _X.INSPECT_QUEUE),
        "a person who looks whether it happened, and resumes or fails the job; or on_lost: requeue for its kind",
    ),
    StateReason.CRASH_LOOP: (
        _T.CRASH_LOOP,
        "it failed in the same way several times",
        *(_A.PAUSE, _X.INSPECT_QUEUE),
        "a person who mends the cause and resumes it",
    ),
    StateReason.COMMAND_FAILED_TWICE: (
        _T.COMMAND,
        "a command of its worker failed, and its one retry too",
        *(_A.RECLAIM, _X.RETRY_COMPLETE),
        "a supervisor who releases or reclaims it; the kept output says what the command met",
    ),
    StateReason.RESTORED: (
        _T.RESTORED,
        "it ran when the backup was taken that this database came from",
        *(_A.REQUEUE, _X.INSPECT_QUEUE),
        "'watchkeeper db resume', then a person who resumes it, or decides that it was done",
    ),
    StateReason.AGENT_STALLED: (
        _T.STALLED,
        "its agent was there and did nothing any more",
        *(_A.RECLAIM, _X.RETOUCH),
        "progress by its holder, or a supervisor who gives it to another",
    ),
    StateReason.BUDGET: (
        _T.BUDGET,
        "it used up its tokens, its cost or its time",
        *(_A.PAUSE, _X.INSPECT_QUEUE),
        "a larger limit of its kind, or a smaller job; then a resume",
    ),
    StateReason.NO_ELIGIBLE_WORKER: (
        _T.CAPABILITY,
        "no live worker can do its kind",
        *(_A.PROPOSE, _X.INSPECT_QUEUE),
        "a worker of its kind that registers; then a resume",
    ),
    StateReason.OPERATOR: (
        _T.OPERATOR,
        "a person decided so",
        *(_A.REQUEUE, _X.NONE),
        "a person who resumes or requeues it; the trail says who decided, and why",
    ),
    StateReason.QUEUE_PAUSED: (
        _T.QUEUE,
        "its project is paused",
        *(_A.REQUEUE, _X.INSPECT_QUEUE),
        "a person who resumes the project",
    ),
    StateReason.KIND_PAUSED: (
        _T.QUEUE,
        "its kind is paused",
        *(_A.REQUEUE, _X.INSPECT_QUEUE),
        "a person who resumes the kind",
    ),
    StateReason.ATTEMPTS_USED_UP: (
        _T.AGENT_ERROR,
        "its agent failed as often as its kind allows",
        *(_A.REQUEUE, _X.INSPECT_QUEUE),
        "a requeue, once what the last attempt said is mended",
    ),
}

CAUSES: dict[AttemptCause, _Known] = {
    AttemptCause.AGENT_ERROR: REASONS[StateReason.ATTEMPTS_USED_UP],
    AttemptCause.INFRASTRUCTURE: (
        _T.INFRASTRUCTURE,
        "the machine or the network failed its last attempt",
        *(_A.REQUEUE, _X.INSPECT_QUEUE),
        "a machine that works; then a requeue",
    ),
    AttemptCause.LEASE_LOST: (
        _T.LEASE_LOST,
        "the worker of its last attempt was not heard of any more",
        *(_A.REQUEUE, _X.INSPECT_QUEUE),
        "a requeue, once it is known why the worker died",
    ),
    AttemptCause.QUOTA: (
        _T.QUOTA,
        "its last attempt met the limit of a provider",
        *(_A.REQUEUE, _X.NONE),
        "the limit's reset; then a requeue",
    ),
    AttemptCause.GATE: REASONS[StateReason.GATE_FAILED],
    AttemptCause.OPERATOR: REASONS[StateReason.OPERATOR],
}

OF_RULES: dict[RuleName, StuckClass] = {
    RuleName.LEASE_NEAR_EXPIRY: _T.LEASE_LOST,
    RuleName.LEASE_EXPIRED: _T.LEASE_LOST,
    RuleName.QUEUE_STUCK: _T.QUEUE,
    RuleName.CLAIM_NO_OUTPUT: _T.COMMAND,
    RuleName.FETCH_FAILED: _T.COMMAND,
    RuleName.CLAIM_LOOP_IDLE: _T.CAPABILITY,
    RuleName.MISSING_WORKER_KIND: _T.CAPABILITY,
    RuleName.ARTIFACT_GATE_FAILED: _T.EVIDENCE,
    RuleName.ARTIFACT_MISSING: _T.EVIDENCE,
    RuleName.COMPLETE_REJECTED: _T.CONTRACT,
    RuleName.JOB_NOT_FOUND_AFTER_CLAIM: _T.VANISHED,
    RuleName.MISSING_DELIVERABLE_ID: _T.CONTRACT,
    RuleName.SILENT_LOOP: _T.STALLED,
    RuleName.DOCTOR_FAILED: _T.INFRASTRUCTURE,
    RuleName.TOUCH_FAILED: _T.INFRASTRUCTURE,
    RuleName.MULTIPLE_PRIMARY_JOBS: _T.SECOND_JOB,
    RuleName.SECRET_EXPOSED: _T.SECRET,
    RuleName.HIDDEN_FAILURE: _T.FALSE_SUCCESS,
    RuleName.SESSION_STALLED: _T.STALLED,
    RuleName.TOOL_LOOP: _T.STALLED,
    RuleName.TOKEN_BUDGET_EXCEEDED: _T.BUDGET,
    RuleName.SESSION_ORPHANED: _T.INFRASTRUCTURE,
    RuleName.CRASH_LOOP: _T.CRASH_LOOP,
    RuleName.ARTIFACT_LOST: _T.EVIDENCE,
    RuleName.WATCHDOG_BLIND: _T.WATCH,
    RuleName.HOST_ORPHAN_BROWSER: _T.INFRASTRUCTURE,
    RuleName.HOST_CI_SATURATION: _T.INFRASTRUCTURE,
    RuleName.HOST_MONITOR_MISSING: _T.WATCH,
    RuleName.HOST_MONITOR_STALE: _T.WATCH,
}

_WEIGHT = {severity: weight for weight, severity in enumerate(Severity)}


def diagnose(facts: JobFacts) -> Diagnosis:
    """Say why a stuck, paused or failed job stands still, and what repairs it.

    The state's own reason speaks first, for it was written by who moved the job; then the gravest incident that no
    other explains; then the end of the last attempt. A person's word is no reason where an incident knows a better one.
    """
    incident = worst(facts.incidents)
    reason = facts.state_reason
    if reason is not None and not (reason is StateReason.OPERATOR and incident is not None):
        return _known(REASONS[reason], f"state_reason:{reason}")
    if incident is not None:
        rule = RULES[incident.rule]
        said = rule.sentence.rstrip(".")
        sentence = said[0].lower() + said[1:]
        known = (OF_RULES[incident.rule], sentence, rule.action, incident.asks_for, rule.closes_when)
        return _known(known, f"incident:{incident.rule}")
    if facts.causes:
        return _known(CAUSES[facts.causes[0]], f"attempt:{facts.causes[0]}")
    unexplained = (
        _T.UNEXPLAINED,
        "nothing that is recorded explains it",
        *(_A.ALERT, _X.INSPECT_QUEUE),
        "a person who looks at its timeline",
    )
    return _known(unexplained, "none")


def worst(incidents: Sequence[OpenIncident]) -> OpenIncident | None:
    """Give the gravest incident, a cause before a symptom; None where there is none."""
    return max(incidents, key=lambda one: (not one.is_symptom, _WEIGHT[one.severity]), default=None)


def _known(known: _Known, cause: str) -> Diagnosis:
    stuck_class, sentence, repair, next_action, changes = known
    return Diagnosis(stuck_class, cause, sentence, repair, next_action, changes)
