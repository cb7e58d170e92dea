"""How a session ended: by its terminal event, open tools, contract calls, evidence and exit together, never by one.

Done without work (F07), done against the evidence (F08), gone without a word to the contract (F09), broken off (F14),
and ended by somebody while it was well (F16).
"""

from __future__ import annotations

import re

from watchkeeper.domain.sessions.course import NEVER, Course, Rung
from watchkeeper.domain.sessions.diagnosis import Action, FailureClass
from watchkeeper.domain.sessions.events import Trouble
from watchkeeper.domain.sessions.job_seen import is_proven, is_refuted
from watchkeeper.domain.sessions.limits import SessionLimits
from watchkeeper.domain.sessions.provider import PROVIDER, failed_trouble
from watchkeeper.domain.sessions.record import SessionRecord

ADMITS = re.compile(
    r"\bfail|\berror|could ?n.t|can ?not|can.t\b|unable|refused|not able|blocked|not (yet )?(done|complete|finished)"
    r"|incomplete|gave up|giving up|失敗|無法|錯誤|未完成",
    re.IGNORECASE,
)
CLAIMS_TESTS = re.compile(
    r"(tests?|checks?|build|suite|lint)\b.{0,40}\b(pass|passes|passed|passing|green|succeed\w*|ok)\b|全部通過|測試通過",
    re.IGNORECASE,
)
CLAIMS = re.compile(
    r"\b(done|complete[ds]?|finished|created|wrote|written|fixed|implemented|success\w*|ready"
    r"|deployed|published|pushed|merged|shipped|added|updated|resolved|works|working|in place)\b|完成|已建立",
    re.IGNORECASE,
)
TOLD_OTHERWISE = PROVIDER | {
    Trouble.BUDGET,
    Trouble.TURNS_USED_UP,
    Trouble.TOOLS_MISSING,
    Trouble.SESSION_TAKEN,
    Trouble.USAGE_LIMIT,
}
"""Troubles of a failed turn that another class tells."""

LOOKED_SILENT_SECONDS = 25.0
WORKED_SECONDS = 60.0
"""Killed after so long a silence while its processes had worked so shortly before: taken for stalled by somebody."""

REFUSED_BY_GATE = ("gate_failed", "contract_rejected")


def done_against_evidence(record: SessionRecord, limits: SessionLimits) -> Course | None:
    """F08: said to be done, and a command, an open item or the artifact says otherwise."""
    at = _claimed_at(record)
    if at is None:
        return None
    found = _contradictions(record)
    if not found:
        return None
    because = "It is said to be done, and the evidence contradicts it."
    return _verdict(FailureClass.DONE_AGAINST_EVIDENCE, record, limits, Action.BLOCK_COMPLETE, because, found)


def done_without_work(record: SessionRecord, limits: SessionLimits) -> Course | None:
    """F07: said to be done, and nothing was done."""
    if _claimed_at(record) is None or _contradictions(record) or _worked(record):
        return None
    because = "It is said to be done, and nothing was done: no tool, no change, no artifact."
    evidence: dict[str, object] = {"tools": record.tools.closed, "said": record.last_words[:300]}
    return _verdict(FailureClass.DONE_WITHOUT_WORK, record, limits, Action.BLOCK_COMPLETE, because, evidence)


def exit_without_contract_call(record: SessionRecord, limits: SessionLimits) -> Course | None:
    """F09: the agent is gone in good order, and neither completed nor gave up its job."""
    trouble = failed_trouble(record)
    if trouble in (Trouble.BUDGET, Trouble.TURNS_USED_UP) and record.terminal is not None:
        action = Action.ESCALATE if trouble is Trouble.BUDGET else Action.RETRY
        because = "What the session was allowed is used up, and its job is not done."
        return _verdict(
            FailureClass.EXIT_WITHOUT_CONTRACT_CALL,
            record,
            limits,
            action,
            because,
            {"trouble": trouble.value},
        )
    told = record.contract.accepted("complete", "fail", "release") or record.contract.queued_at
    if _claimed_at(record) is None or told is not None:
        return None
    because = "The agent ended in good order and told the contract nothing."
    evidence: dict[str, object] = {"calls": sorted(record.contract.last), "said": record.last_words[:300]}
    return _verdict(FailureClass.EXIT_WITHOUT_CONTRACT_CALL, record, limits, Action.RETRY, because, evidence)


def state_lost(record: SessionRecord, limits: SessionLimits) -> Course | None:
    """F14: broken off: a crash, a process that is gone, a session or a supervisor that nobody finds again."""
    if failed_trouble(record) is Trouble.SESSION_UNKNOWN and record.terminal is not None:
        because = "The session that was to be resumed is not there."
        told = {"text": record.terminal[1].text[:300]}
        fresh = Rung(record.terminal[0], Action.FRESH_SESSION)
        return Course(FailureClass.STATE_LOST, (fresh,), because, told)
    at, evidence = _broken_off(record, limits)
    if at is None or record.contract.accepted("complete", "fail", "release") is not None:
        return None
    because = "The session broke off in the middle of its work."
    rungs = (Rung(at, Action.NONE), Rung(at + limits.settle_seconds, Action.INTERRUPT_RESUME))
    return Course(FailureClass.STATE_LOST, rungs, because, evidence, is_verdict=record.is_over)


def false_stall(record: SessionRecord, limits: SessionLimits) -> Course | None:
    """F16: a healthy session was ended from outside: a fault of a watchdog, not of the session."""
    if record.exited is None or not ended_while_well(record, limits):
        return None
    because = "A session that was well was ended from outside."
    evidence = {
        "signal": _signal(record),
        "interrupted_at": record.interrupted_at,
        "event_at": record.event_at,
    }
    at, late = record.exited[0], record.contract.refused("stale_lease")
    rungs: tuple[Rung, ...] = (Rung(at, Action.NONE), Rung(at + limits.settle_seconds, Action.HOLD))
    if late is not None and late[0] >= at:
        rungs = (Rung(late[0], Action.RECONCILE),)
    return Course(FailureClass.FALSE_STALL, rungs, because, evidence, is_verdict=True)


def ended_while_well(record: SessionRecord, limits: SessionLimits) -> bool:
    """Say whether the session was ended from outside though it gave no reason for it, and before its job ended."""
    is_told = record.contract.accepted("complete", "fail", "release") is not None
    return not is_told and record.is_over and _was_well(record, limits) and _was_ended(record)


def _verdict(
    failure: FailureClass,
    record: SessionRecord,
    limits: SessionLimits,
    action: Action,
    because: str,
    evidence: dict[str, object],
) -> Course:
    """Wait a tick for what may still come in: a completion by the supervisor, a later check, a late result."""
    at = _claimed_at(record)
    at = at if at is not None else record.terminal[0] if record.terminal is not None else 0.0
    rungs = (Rung(at, Action.NONE), Rung(at + limits.settle_seconds, action))
    return Course(failure, rungs, because, evidence, is_verdict=True)


def _claimed_at(record: SessionRecord) -> float | None:
    """Give when the session was last said to be done for good: by its end in good order, or by a completion."""
    completed, given_up = record.contract.accepted("complete"), record.contract.accepted("fail", "release")
    if given_up is not None and (completed is None or given_up > completed):
        return None
    if completed is not None and record.exited is None:
        checked = record.evidence[0] if record.evidence is not None else completed
        return max(completed, checked)
    if record.exited is None:
        if record.terminal is None or not record.terminal[1].ok:
            return None
        if record.processes.is_told:
            # A recording that ends with the turn tells no exit.
            return NEVER
        # Nobody tells of its process: the turn's end is the last that can be known.
        return max(record.terminal[0], record.evidence[0] if record.evidence is not None else 0.0)
    ended = record.terminal[1] if record.terminal is not None else None
    if _signal(record) is not None and completed is None and (ended is None or not ended.ok):
        return None
    in_order = record.exited[1].code == 0 if ended is None or not ended.ok else True
    is_claim = completed is not None or (in_order and (ended is None or ended.ok))
    times = [record.exited[0], completed, record.evidence[0] if record.evidence else None]
    return max(at for at in times if at is not None) if is_claim else None


def _contradictions(record: SessionRecord) -> dict[str, object]:
    """Give what contradicts that the session is done; a look at the artifact that found it settles all but tests."""
    found: dict[str, object] = {}
    check = record.evidence[1] if record.evidence is not None else None
    says, proven = record.last_words, is_proven(check)
    if is_refuted(check) and check is not None:
        found["artifact"] = list(check.failed) or "hollow"
    if record.unmatched and not proven:
        found["open_items"] = len(record.unmatched)
    claims = not says or bool((CLAIMS.search(says) or CLAIMS_TESTS.search(says)) and not ADMITS.search(says))
    if record.tools.unchecked and CLAIMS_TESTS.search(says) and not proven:
        found["last_command"] = "failed, and was not tried again"
    if record.tools.last_failed and (CLAIMS_TESTS.search(says) or (claims and not proven)):
        found["last_command"] = "failed"
    refused = record.contract.refused(*REFUSED_BY_GATE)
    if refused is not None and not proven and refused[1].command in ("complete", "verify"):
        found["gate"] = refused[1].error_code
    missing = record.contract.handed_in == 0 and record.contract.accepted("complete") is not None
    if missing and not proven and _worked(record):
        found["artifacts"] = "none handed in"
    return found


def _worked(record: SessionRecord) -> bool:
    """Say whether there is any trace of work; a plain command shows no tools, what it prints has to do."""
    if record.moved or record.contract.handed_in:
        return True
    if is_proven(record.evidence[1] if record.evidence is not None else None):
        return True
    if record.unmoved:
        return False
    if record.tools.closed:
        return True
    return not record.speaks and record.event_at is not None


def _broken_off(record: SessionRecord, limits: SessionLimits) -> tuple[float | None, dict[str, object]]:
    if record.exited is not None:
        return _died(record)
    gone = record.processes.gone_at
    if gone is not None and (record.event_at is None or gone >= record.event_at):
        return gone, {"processes": 0}
    expired = record.lease.expired_at
    if expired is None or record.lease.taken_at is not None or record.started_at is None:
        return None, {}
    quiet = expired + limits.first_event_act_seconds
    return (None, {}) if (record.life_at or 0.0) > expired else (quiet, {"lease_expired_at": expired})


def _died(record: SessionRecord) -> tuple[float | None, dict[str, object]]:
    if record.exited is None:
        return None, {}
    at, end = record.exited
    if record.terminal is not None and record.terminal[1].ok:
        return None, {}
    cause = record.contract.broken or record.hindered.retries is not None
    if failed_trouble(record) in TOLD_OTHERWISE or (cause and end.code):
        return None, {}
    evidence: dict[str, object] = {"code": end.code, "signal": end.signal, "stderr": record.error_text[-300:]}
    return (None, {}) if end.code == 0 and record.terminal is None else (at, evidence)


def _signal(record: SessionRecord) -> int | None:
    """Give the signal that the agent died of; shells and agents tell some of them as 128 and the number."""
    if record.exited is None:
        return None
    code, signal = record.exited[1].code, record.exited[1].signal
    if signal is not None:
        return abs(signal)
    if code is not None and code < 0:
        return -code
    return code - 128 if code in (129, 130, 137, 143) else None


def _was_ended(record: SessionRecord) -> bool:
    """Say whether somebody took it for stalled: an interruption is told, it looked silent, or its job was given away.

    A signal alone tells not who sent it: machines that shut down and a restarted supervisor send the same.
    """
    is_stopped = _signal(record) is not None or failed_trouble(record) is Trouble.INTERRUPTED
    is_given_away = record.lease.taken_at is not None or record.contract.refused("stale_lease") is not None
    return record.interrupted_at is not None or (is_stopped and (is_given_away or _looked_silent(record)))


def _looked_silent(record: SessionRecord) -> bool:
    """Say whether its stream was silent when it was killed, and its processes worked all the same."""
    busy, end = record.processes.busy_at, record.exited
    heard = record.event_at if record.event_at is not None else record.started_at
    if busy is None or heard is None or end is None:
        return False
    return end[0] - heard >= LOOKED_SILENT_SECONDS and end[0] - busy <= WORKED_SECONDS


def _was_well(record: SessionRecord, limits: SessionLimits) -> bool:
    """Say whether the session gave no reason to be ended: no threshold was reached when it was asked to."""
    if record.exited is None or record.hindered.limited is not None or record.hindered.waits is not None:
        return False
    if record.terminal is not None and record.terminal[1].ok:
        return False
    asked = record.interrupted_at if record.interrupted_at is not None else record.exited[0]
    seen = [record.life_at, record.processes.busy_at, record.started_at]
    quiet = asked - max((at for at in seen if at is not None and at <= asked), default=asked)
    allowed = limits.tool_silence_act_seconds if record.tools.open else limits.silence_act_seconds
    if record.first_event_at is None:
        allowed = limits.first_event_act_seconds
    retried = (
        record.hindered.retries is not None
        and asked - record.hindered.retries.since >= limits.retries_act_seconds
    )
    looped = record.tools.repeated() >= limits.same_call_act
    return quiet < allowed and not retried and not looped
