"""What stands still though something moves: a loop (F15), a queue (F12), and processes that were left (F13)."""

from __future__ import annotations

from watchkeeper.domain.sessions.course import Course, Rung
from watchkeeper.domain.sessions.diagnosis import Action, FailureClass
from watchkeeper.domain.sessions.limits import SessionLimits
from watchkeeper.domain.sessions.processes_seen import INIT
from watchkeeper.domain.sessions.record import SessionRecord

FAILURES_IN_A_ROW = 10


def loop_without_progress(record: SessionRecord, limits: SessionLimits) -> Course | None:
    """F15: the same call with the same result again and again, or much said and the job not moved."""
    if (
        record.is_over
        or record.terminal is not None
        or record.hindered.limited is not None
        or record.hindered.waits is not None
    ):
        return None
    same, last = record.tools.repeated(), record.tools.last_closed_at
    evidence: dict[str, object] = {"same_call_and_result": same, "same_call": record.tools.repeated_call()}
    if same >= limits.same_call_act and last is not None:
        because = "The same call gave the same result again and again."
        return _loop((Rung(last, Action.INTERRUPT_RESUME),), because, evidence)
    rungs = [Rung(last, Action.NONE)] if same >= limits.same_call_warn and last is not None else []
    since = record.progress_at if record.progress_at is not None else record.first_event_at
    goes_round = _goes_round(record, limits)
    is_told = record.moved or record.contract.calls > 0
    if since is not None and not record.tools.open and (goes_round or is_told):
        rungs.append(Rung(since + limits.no_progress_warn_seconds, Action.NONE))
        if goes_round:
            rungs.append(Rung(since + limits.no_progress_act_seconds, Action.INTERRUPT_RESUME))
    because = "The session is busy and its job does not move."
    return _loop(tuple(sorted(rungs)), because, {**evidence, "progress_at": since}) if rungs else None


def _loop(rungs: tuple[Rung, ...], because: str, evidence: dict[str, object]) -> Course:
    return Course(FailureClass.LOOP_WITHOUT_PROGRESS, rungs, because, evidence)


def _goes_round(record: SessionRecord, limits: SessionLimits) -> bool:
    """Say whether there is evidence of a loop: the same call or the same words, failures in a row, heartbeats."""
    only_heartbeats = (
        record.work_at is not None
        and record.event_at is not None
        and record.event_at - record.work_at >= limits.no_progress_warn_seconds
    )
    return (
        only_heartbeats
        or record.tools.repeated_call() >= limits.same_call_warn
        or record.tools.failed_in_a_row() >= FAILURES_IN_A_ROW
        or record.tools.words_again >= limits.same_call_warn
    )


def queue_stuck(record: SessionRecord, limits: SessionLimits) -> Course | None:
    """F12: work is ready, nothing is given out, and no reason is told."""
    since = record.queue.stuck_since
    if since is None or record.queue.before is None:
        return None
    act = limits.queue_stuck_act_seconds
    return Course(
        FailureClass.QUEUE_STUCK,
        (Rung(since + act / 2, Action.NONE), Rung(since + act, Action.ESCALATE)),
        "Jobs are ready, none is given out, and nothing says why.",
        {
            "since": since,
            "ticks": record.queue.ticks,
            "ready": record.queue.before.ready,
            "declined": dict(record.queue.reasons),
        },
    )


def orphaned_processes(record: SessionRecord, limits: SessionLimits) -> Course | None:
    """F13: processes outlive what began them."""
    found = _left(record) or _holds_a_pipe(record, limits)
    if found is None:
        runaways = {} if record.tools.open else record.processes.runaways
        if not runaways:
            return None
        found = (min(runaways.values()) + limits.tool_silence_warn_seconds, sorted(runaways))
    at, pids = found
    because = "Processes of the session outlive it."
    return Course(FailureClass.ORPHANED_PROCESSES, (Rung(at, Action.SWEEP),), because, {"pids": pids})


def _holds_a_pipe(record: SessionRecord, limits: SessionLimits) -> tuple[float, list[int]] | None:
    """Say whether a tool stays open only for those whose parent is gone: its own processes have ended."""
    root, seen, quiet = record.processes.root, record.processes.last, record.life_at
    if not record.tools.open or record.is_over or root is None or quiet is None:
        return None
    others = [one for one in seen if one.pid != root]
    busy = record.processes.busy_at is not None and record.processes.busy_at > quiet
    if not others or busy or any(one.ppid != INIT for one in others):
        return None
    return quiet + limits.tool_silence_warn_seconds, sorted(one.pid for one in others)


def _left(record: SessionRecord) -> tuple[float, list[int]] | None:
    """Give who was left after the end, and since when; an empty answer of the sweep ends it."""
    if record.left is not None:
        at, processes = record.left
        living = sorted(one.pid for one in processes if not one.state.upper().startswith(("Z", "X")))
        return (at, living) if living else None
    seen, ended = record.processes, record.exited
    if ended is None or seen.sampled_at is None or seen.sampled_at <= ended[0]:
        return None
    living = sorted(one.pid for one in seen.last if one.pid != seen.root)
    return (seen.sampled_at, living) if living else None
