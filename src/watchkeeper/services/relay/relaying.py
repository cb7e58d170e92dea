"""`relay`: one command of a foreign helper, with the handling that a whole heartbeat gives it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from watchkeeper.domain.errors import EXIT_CODE, UsageError
from watchkeeper.domain.guarded_commands import GuardedCommands
from watchkeeper.domain.handover import Handover
from watchkeeper.domain.heartbeat_steps import (
    Answer,
    Call,
    Command,
    Ended,
    Ending,
    LeaseStanding,
    Play,
    Verdict,
    Why,
    Worked,
)
from watchkeeper.domain.helper_answers import HelperAnswers, HelperRun, Reply
from watchkeeper.domain.helper_requests import GIVING_UP, HelperRequest, as_asked, read_requests
from watchkeeper.domain.json_in_text import last_object
from watchkeeper.domain.rules.names import RepairAction, RuleName
from watchkeeper.logs import log
from watchkeeper.services.relay.guard import Guard, Guarded, artifacts_json
from watchkeeper.services.relay.guarded import HelperGuard, hear_server, parts_of
from watchkeeper.services.relay.held import HeldJob
from watchkeeper.services.relay.outbox import Completion
from watchkeeper.services.relay.reports import Reports

REFUSALS = {
    Verdict.BLOCKED: "gate_failed",
    Verdict.UNDELIVERED: "queued",
    Verdict.NO_CLAIM: "server_unreachable",
    Verdict.NOT_STARTED: "usage",
    Verdict.STUCK: "queued",
    Verdict.LEASE_LOST: "stale_lease",
    Verdict.JOB_GONE: "job_not_found",
    Verdict.REJECTED: "contract_rejected",
}
_NEVER_PASSED_ON = frozenset({RuleName.MULTIPLE_PRIMARY_JOBS, RuleName.HIDDEN_FAILURE})
"""Where an answer is not given to the agent: it would work on a second job, or believe a success."""


@dataclass(frozen=True, slots=True)
class Relayed:
    """What to print, None for nothing, and the exit code."""

    text: str | None
    exit_code: int


async def relay(guard: HelperGuard, command: str, arguments: Sequence[str]) -> Relayed:
    """Run one command of the helper; give its last JSON object and its exit code as they are.

    Where nothing may be run, or nothing was answered, the text is an error of ours. Raises UsageError, Conflict or
    SettingError where it cannot begin, SessionError where the helper's program cannot be run.
    """
    with parts_of(guard) as (means, reports):
        try:
            return await _Relay(means, reports, command, list(arguments)).run(guard.report_seconds)
        finally:
            await reports.close()


class _Relay:
    def __init__(self, means: Guarded, reports: Reports, command: str, arguments: list[str]) -> None:
        self._means = means
        self._reports = reports
        self._command = command
        self._arguments = arguments
        self._memory = means.place.memory()
        self._held = self._held_job()

    async def run(self, report_seconds: float) -> Relayed:
        if self._command not in {*Command}:
            return await self._unguarded(report_seconds)
        if self._command == Command.CLAIM and self._held is not None and not self._held.was_used:
            # Before its first use a job is handed out again: the answer may have been lost.
            last = last_object(self._held.claim)
            return Relayed(None if last is None else last[0], 0)
        if self._command == Command.CLAIM:
            await hear_server(self._means, self._reports, self._memory, report_seconds)
        desk = _AgentsDesk(self._arguments)
        guard = Guard(self._means, desk, self._memory, self._held)
        try:
            ending = await guard.play(self._play(GuardedCommands(self._memory, self._limit), guard))
            self._tell(guard, ending)
        finally:
            await self._reports.deliver(report_seconds)
        await self._do_as_asked(report_seconds)
        return self._printed(guard, ending)

    @property
    def _limit(self) -> int:
        return self._means.config.no_job_heartbeats

    def _held_job(self) -> HeldJob | None:
        """Give the job that earlier commands hold; one whose lease is over is held no more."""
        kept = self._means.place.record("job")
        held = None if kept is None else HeldJob.from_json(kept, self._means.config)
        if held is None or self._memory.job != held.id:
            self._memory.job = None
            return None
        is_over = held.lease.standing(datetime.now(UTC)) in (LeaseStanding.PAST, LeaseStanding.UNKNOWN)
        if is_over and self._command == Command.DOCTOR:
            self._memory.job = None
            return None
        return held

    def _play(self, commands: GuardedCommands, guard: Guard) -> Play[Ending | None]:
        try:
            match self._command:
                case Command.DOCTOR:
                    yield from commands.doctor()
                case Command.TOUCH:
                    yield from commands.touch()
                case Command.CLAIM:
                    yield from commands.deliver_kept()
                    yield from commands.claim()
                case Command.COMPLETE:
                    self._hand_over(guard)
                    yield from commands.complete()
                    return Ending(Verdict.COMPLETED)
                case Command.PROGRESS:
                    yield from commands.run(Call(Command.PROGRESS))
                case Command.FAIL | Command.RELEASE:
                    return (yield from self._give_up(commands, guard))
                case other:
                    if self._held is not None:
                        yield from commands.keep_lease()
                    is_upload = other == Command.UPLOAD
                    yield from commands.run(Call(Command(other), watches_lease=is_upload))
        except Ended as ended:
            return ended.ending
        return None

    def _give_up(self, commands: GuardedCommands, guard: Guard) -> Play[Ending | None]:
        if not self._arguments:
            raise UsageError(f"{self._command} takes a job")
        job = self._named_job(guard)
        reply = yield from commands.give_up(Command(self._command), job.id)
        if not reply.is_ok:
            return None
        return Ending(Verdict.FAILED if self._command == Command.FAIL else Verdict.RELEASED)

    def _hand_over(self, guard: Guard) -> None:
        """Read the agent's artifacts; a job that was not claimed here is completed all the same."""
        if len(self._arguments) < 3:
            raise UsageError("complete takes a job, a summary and artifacts")
        held = self._named_job(guard)
        self._memory.job = held.id
        held.handover = Handover.parse(self._arguments[2], held.shared)

    def _named_job(self, guard: Guard) -> HeldJob:
        """Let the command be about the job that its first argument names, held or not."""
        if guard.held is None or guard.held.id != self._arguments[0]:
            guard.held = HeldJob.named(self._arguments[0], self._means.config)
        return guard.held

    async def _do_as_asked(self, report_seconds: float) -> None:
        """Carry out what repairs ask of this worker, each once; of the rest the agent reads on standard error."""
        requests = [
            each for each in read_requests(self._reports.requested) if self._memory.hears(each.repair)
        ]
        for request in requests:
            held = self._held_job()
            is_ours = request.is_for_guard(None if held is None else held.id)
            facts = {"repair": request.repair, "action": request.action.value, "job": request.job}
            log("repair_asks", **facts, done=is_ours)
            if is_ours:
                await self._carry_out(request, held)
        if requests:
            self._means.place.keep_memory(self._memory)
            await self._reports.deliver(report_seconds)

    async def _carry_out(self, request: HelperRequest, held: HeldJob | None) -> None:
        words = [request.job or "", f"asked for by repair {request.repair}"]
        desk = _AgentsDesk(words if request.action in GIVING_UP else [])
        guard = Guard(self._means, desk, self._memory, held)
        commands = GuardedCommands(self._memory, self._limit)
        ending = await guard.play(as_asked(commands, request))
        if request.action is RepairAction.RETOUCH:
            self._means.telling.beat(held, is_round=False)
        if ending is not None:
            self._means.telling.ended(ending, held, None)

    def _tell(self, guard: Guard, ending: Ending | None) -> None:
        if self._command == Command.CLAIM:
            self._means.telling.beat(guard.held, "ok" if ending is None else ending.verdict.value)
        if ending is not None and self._command != Command.CLAIM:
            self._means.telling.ended(ending, guard.held, guard.primary_url)

    def _printed(self, guard: Guard, ending: Ending | None) -> Relayed:
        asked = [
            (run, reply)
            for call, run, reply in guard.runs
            if (call.command == self._command and call.why in (Why.TURN, Why.RETRY)) or call.why is Why.LOOK
        ]
        is_withheld = ending is not None and ending.rule in _NEVER_PASSED_ON
        for run, reply in reversed([] if is_withheld else asked):
            if (last := last_object(run.stdout)) is not None:
                return Relayed(last[0], _exit_code(run, reply))
        why = f"the helper printed no JSON: {guard.runs[-1][2].why}" if guard.runs else "nothing was run"
        return _refusal(ending or Ending(Verdict.NO_CLAIM, why))

    async def _unguarded(self, report_seconds: float) -> Relayed:
        """Run a command that the contract's table says nothing of: once, and recorded."""
        running = await self._means.calls.start(self._command, self._arguments)
        run = await running.wait()
        if run is None:
            raise RuntimeError("a call without a lease to watch ended early")
        held = self._held if self._held is not None and self._held.id in self._arguments[:1] else None
        if self._means.telling.ran_unguarded(run, HelperAnswers(self._means.config), held):
            self._memory.stopped = RuleName.SECRET_EXPOSED.value
            self._means.place.keep_memory(self._memory)
        await self._reports.deliver(report_seconds)
        if run.start_error:
            why = self._means.redactor.redact(run.start_error)
            return _refusal(Ending(Verdict.NOT_STARTED, f"the helper cannot be started: {why}"))
        last = last_object(run.stdout)
        if last is not None:
            return Relayed(last[0], 4 if run.exit_code is None else run.exit_code)
        return _refusal(Ending(Verdict.NO_CLAIM, "the helper printed no JSON"))


class _AgentsDesk:
    """Arguments and artifacts as the agent gave them."""

    def __init__(self, arguments: list[str]) -> None:
        self._arguments = arguments

    def arguments(self, call: Call, held: HeldJob | None) -> list[str]:
        job = [held.id] if held is not None else self._arguments[:1]
        match call:
            case Call(why=Why.RETOUCH):
                return []
            case Call(why=Why.LOOK):
                return job
            case Call(why=Why.RENEWAL):
                return [*job, "still at work", "progress"]
            case Call(command=Command.TOUCH) if not self._arguments:
                return []
            case Call(command=Command.COMPLETE) if held is not None and held.handover is not None:
                return [self._arguments[0], self._arguments[1], artifacts_json(held), *self._arguments[3:]]
        return self._arguments

    def completion(self, held: HeldJob) -> Completion:
        return Completion(held.id, self._arguments[1], artifacts_json(held), held.kind, held.attempt_id)

    async def work(self, _held: HeldJob) -> Worked | None:
        return Worked(is_done=True)

    def is_at_work(self) -> bool:
        return True

    def answer(self, _answer: Answer) -> bool:
        return False

    async def stop_work(self) -> None:
        """Nothing runs here but the helper."""

    async def publish(self, _held: HeldJob) -> bool:
        return False


def _exit_code(run: HelperRun, reply: Reply) -> int:
    if run.exit_code is not None:
        return run.exit_code
    return 0 if reply.is_ok else EXIT_CODE["server_unreachable"]


def _refusal(ending: Ending) -> Relayed:
    code = REFUSALS.get(ending.verdict, "worker_stopped")
    if ending.rule is RuleName.MULTIPLE_PRIMARY_JOBS:
        code = "multiple_primary_jobs"
    error = {"code": code, "message": ending.detail, "hint": "docs/helper.md tells what happens now."}
    return Relayed(json.dumps({"ok": False, "error": error}), EXIT_CODE[code])
