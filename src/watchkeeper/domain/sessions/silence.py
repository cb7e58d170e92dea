"""Sessions that say nothing: before their first word (F01), in a turn (F02), after it (F03), or to a person (F17)."""

from __future__ import annotations

from typing import NamedTuple

from watchkeeper.domain.sessions.course import Course, Rung, rising
from watchkeeper.domain.sessions.diagnosis import Action, FailureClass
from watchkeeper.domain.sessions.limits import SessionLimits
from watchkeeper.domain.sessions.record import SessionRecord


def silent_before_output(record: SessionRecord, limits: SessionLimits) -> Course | None:
    """F01: started, and no first event; a transcript that grows or work of its processes put the act off."""
    since = _started(record)
    if since is None or record.first_event_at is not None or record.is_over or _is_explained(record):
        return None
    if record.contract.calls > (record.contract.claimed_at is not None) and record.started_at is None:
        return None
    most = since + limits.silence_act_seconds - limits.first_event_act_seconds
    alive = [since, record.transcript_at, _capped(record.processes.busy_at, most), record.contract.called_at]
    quiet = max(at for at in alive if at is not None)
    warn, act = limits.first_event_warn_seconds, limits.first_event_act_seconds
    if record.started_at is None:
        # Only the claim is known; what is made ready before the start takes its time.
        warn, act = limits.silence_warn_seconds, limits.silence_act_seconds
    return Course(
        FailureClass.SILENT_BEFORE_OUTPUT,
        rising(quiet, warn, act, limits.settle_seconds, Action.INTERRUPT_RESUME),
        "The agent was started and has told nothing.",
        {"since": since, "stderr": record.error_text[-300:].strip(), **_sight(record)},
    )


def silent_mid_turn(record: SessionRecord, limits: SessionLimits) -> Course | None:
    """F02: no event, no growth of the transcript and no work of the processes, with a tool open or without."""
    quiet = quiet_mid_turn(record, limits)
    if quiet is None or record.hindered.refusal is not None:
        return None
    because = "In the middle of a turn nothing has come, from the stream, the transcript or the processes."
    if record.tools.open:
        because = "A tool is open and nothing has come for longer than a tool may take."
    rungs = rising(quiet.since, quiet.warn, quiet.act, limits.settle_seconds, Action.INTERRUPT_RESUME)
    return Course(FailureClass.SILENT_MID_TURN, rungs, because, quiet.evidence)


class Quiet(NamedTuple):
    """A silence in a turn: when it is observed and acted on counts from `since`."""

    since: float
    warn: float
    act: float
    evidence: dict[str, object]


def quiet_mid_turn(record: SessionRecord, limits: SessionLimits) -> Quiet | None:
    """Give since when a turn that goes on is silent; None where there is none, or another class tells why."""
    if record.first_event_at is None or record.is_over or _ended(record) or _is_explained(record):
        return None
    since = record.life_at if record.life_at is not None else record.first_event_at
    tools = sorted(one.tool for one in record.tools.open.values())
    evidence: dict[str, object] = {"since": since, "open_tools": tools, **_sight(record)}
    if tools:
        return Quiet(since, limits.tool_silence_warn_seconds, limits.tool_silence_act_seconds, evidence)
    warn, act = limits.silence_warn_seconds, limits.silence_act_seconds
    most = since + max(0.0, limits.tool_silence_act_seconds - act)
    since = max(since, _capped(record.processes.busy_at, most) or since) + _announced(record, limits)
    return Quiet(since, warn, act, evidence)


def limbo_after_result(record: SessionRecord, limits: SessionLimits) -> Course | None:
    """F03: the turn is over by the agent's own word or the job by the contract's, and its process lives on."""
    ended = _ended(record)
    if ended is None or record.is_over:
        return None
    act = (limits.after_end_warn_seconds, limits.after_end_act_seconds, limits.settle_seconds)
    return Course(
        FailureClass.LIMBO_AFTER_RESULT,
        rising(ended, *act, Action.SWEEP),
        "The agent ended its turn, and its process has not ended since.",
        {"ended_at": ended, "ok": record.terminal is None or record.terminal[1].ok, **_sight(record)},
    )


def waits_for_person(record: SessionRecord, limits: SessionLimits) -> Course | None:
    """F17: an approval or an answer is waited for, and nobody is there to give it."""
    if record.hindered.waits is None or record.is_over:
        return None
    at, waits = record.hindered.waits
    return Course(
        FailureClass.WAITS_FOR_PERSON,
        (Rung(at, Action.NONE), Rung(at + limits.waiting_act_seconds, Action.ESCALATE)),
        "The agent waits for a person.",
        {"since": at, "asks": waits.reason[:300]},
    )


def _ended(record: SessionRecord) -> float | None:
    """Give when the session had nothing more to do: its turn ended, or its job, and no work came after it."""
    if record.terminal is not None:
        return record.terminal[0]
    job = record.contract.accepted("complete", "fail", "release")
    if job is None or record.tools.open:
        return None
    return max(job, record.life_at or job)


def _started(record: SessionRecord) -> float | None:
    """Give when the agent was started; a job that was claimed for one has one, whether its start was told or not."""
    return record.started_at if record.started_at is not None else record.lease.held_since


def _is_explained(record: SessionRecord) -> bool:
    """Say whether another class tells why it is silent: a limit, a question, an ignored interruption's end."""
    return record.hindered.limited is not None or record.hindered.waits is not None


def _announced(record: SessionRecord, limits: SessionLimits) -> float:
    """Give how long a retry said that it would wait."""
    return (
        min(record.hindered.retries.delay, limits.silence_warn_seconds)
        if record.hindered.retries is not None
        else 0.0
    )


def _capped(at: float | None, most: float) -> float | None:
    return None if at is None else min(at, most)


def _sight(record: SessionRecord) -> dict[str, object]:
    """Give what the other two sources showed."""
    seen = record.processes
    return {
        "transcript_at": record.transcript_at,
        "busy_at": seen.busy_at,
        "processes": None if seen.sampled_at is None else len(seen.last),
        "sockets": seen.sockets,
    }
