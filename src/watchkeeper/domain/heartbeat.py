"""One heartbeat of a foreign helper, from doctor to complete: what to do next, given what happened.

`Heartbeat.run` is a play (see heartbeat_steps); services/relay performs it. Three sentences always hold, whatever the
helper does: no command is retried twice, no second job is worked on, and no success is told where complete failed.
"""

from __future__ import annotations

from watchkeeper.domain.guarded_commands import GuardedCommands
from watchkeeper.domain.heartbeat_memory import Memory
from watchkeeper.domain.heartbeat_steps import (
    Answer,
    Asked,
    Call,
    Check,
    Checked,
    Command,
    Ended,
    Ending,
    GoOn,
    Lease,
    LeaseStanding,
    Play,
    Publish,
    Tell,
    Uploaded,
    Verdict,
    Work,
    Worked,
    answered,
)
from watchkeeper.domain.helper_answers import HelperJob
from watchkeeper.domain.rules.names import RuleName

READING = "reading_context"
BUILDING = "building_artifact"
GATE_ROUNDS = 3
"""How often who does the work may mend what did not pass, while it still works."""

_GIVEN_UP = {Command.FAIL: Verdict.FAILED, Command.RELEASE: Verdict.RELEASED}


def handed_back(commands: GuardedCommands, job: str) -> Play[Ending | None]:
    """Give back a job whose heartbeat was cut off; give how the hold on it ended, None where it goes on."""
    try:
        reply = yield from commands.give_up(Command.RELEASE, job)
    except Ended as ended:
        return ended.ending
    return Ending(Verdict.RELEASED, "the worker was stopped") if reply.is_ok else None


class Heartbeat:
    """One round. `works` False only watches: it never claims. `held` is the job of a round that was cut off by its
    program's death, and that this one is: it claims nothing, and goes on with that.
    """

    def __init__(
        self,
        memory: Memory,
        *,
        works: bool = True,
        held: HelperJob | None = None,
        no_job_limit: int = 3,
        silent_limit: int = 3,
    ) -> None:
        self._memory = memory
        self._works = works
        self._silent_limit = silent_limit
        self._commands = GuardedCommands(memory, no_job_limit)
        self._held = held
        self._deliverable: str | None = None
        self._had_job = False
        self._is_parked = False

    def run(self) -> Play[Ending]:
        """Play the heartbeat to its ending."""
        try:
            if self._held is not None:
                ending = yield from self._done(self._held)
            else:
                self._memory.job = None
                yield from self._healthy()
                yield from self._commands.deliver_kept()
                ending = (yield from self._work()) if self._works else Ending(Verdict.WATCHED)
        except Ended as ended:
            ending = ended.ending
        if not self._had_job:
            return ending
        yield Answer(ending)
        return (yield from self._silence(ending))

    def _healthy(self) -> Play[None]:
        for check, rule in (
            (self._commands.doctor, RuleName.DOCTOR_FAILED),
            (self._commands.touch, RuleName.TOUCH_FAILED),
        ):
            reply = yield from check()
            if not reply.is_ok:
                raise Ended(Verdict.UNHEALTHY, f"{rule}: {reply.why}", rule)

    def _work(self) -> Play[Ending]:
        job = yield from self._commands.claim()
        return Ending(Verdict.NO_JOB) if job is None else (yield from self._done(job))

    def _done(self, job: HelperJob) -> Play[Ending]:
        self._had_job = True
        self._deliverable = yield from self._begun(job)
        for left in reversed(range(GATE_ROUNDS + 1)):
            try:
                yield from self._handed_in()
                break
            except Ended as ended:
                if (
                    ended.ending.verdict is not Verdict.BLOCKED
                    or not left
                    or not (yield Answer(ended.ending))
                ):
                    raise
        return Ending(Verdict.COMPLETED)

    def _handed_in(self) -> Play[None]:
        """Have the work done, and complete it; raises Ended where that does not succeed."""
        worked = yield from self._worked()
        if worked.until is not None:
            yield from self._parked(worked.until, worked.detail)
        if not worked.is_done:
            yield Tell(RuleName.ARTIFACT_MISSING, worked.detail or "the work failed")
            raise Ended(Verdict.WORK_FAILED, worked.detail, RuleName.ARTIFACT_MISSING)
        yield from self._commands.run(Call(Command.PROGRESS, phase=BUILDING))
        if worked.has_files:
            yield from self._hand_over()
        yield from self._commands.complete()

    def _begun(self, job: HelperJob) -> Play[str | None]:
        """Read the context and say so, and give the deliverable; without an answer the claim's own payload counts."""
        context = yield from self._commands.run(Call(Command.CONTEXT))
        if self._held is not None and context.is_ok and context.says_completed:
            self._memory.job = None
            raise Ended(Verdict.COMPLETED, "it was completed before the program's death")
        progress = yield from self._commands.run(Call(Command.PROGRESS, phase=READING))
        standing = yield Lease()
        if standing is LeaseStanding.PAST and not progress.is_ok:
            yield Tell(RuleName.LEASE_EXPIRED, "the lease is in the past, and nothing renewed it", calls=True)
            raise Ended(Verdict.STUCK, "the lease is in the past", RuleName.LEASE_EXPIRED)
        if standing is LeaseStanding.NEAR:
            yield from self._commands.renew()
        return context.deliverable_id or job.deliverable_id

    def _worked(self) -> Play[Worked]:
        happened = yield Work()
        while not isinstance(happened, Worked):
            if isinstance(happened, Asked):
                yield from self._asked(happened.command)
            elif happened is LeaseStanding.NEAR:
                yield from self._commands.renew()
            else:
                raise TypeError(f"the work was expected, not {happened!r}")
            happened = yield GoOn()
        return happened

    def _asked(self, command: Command | None) -> Play[None]:
        """Run what who does the work asks for; a job that is given up so ends the heartbeat."""
        if command is None:
            yield Answer((yield from answered(Checked, Check())))
            return
        if command is Command.UPLOAD:
            yield Answer((yield from self._hand_over()))
            return
        gives_up = _GIVEN_UP.get(command)
        if gives_up is None:
            reply = yield from self._commands.run(Call(command))
        else:
            reply = yield from self._commands.give_up(command, self._memory.job or "")
            if reply.is_ok:
                raise Ended(gives_up, "who did the work gave it up")
        yield Answer(reply)

    def _parked(self, until: float, why: str) -> Play[None]:
        """Hand the job back, and claim none while the agent's provider serves it no more."""
        self._is_parked, self._memory.parked_until = True, until
        reply = yield from self._commands.give_up(Command.RELEASE, self._memory.job or "")
        raise Ended(Verdict.RELEASED if reply.is_ok else Verdict.WORK_FAILED, why)

    def _hand_over(self) -> Play[Uploaded]:
        """Upload the files, or publish them where no deliverable takes them."""
        if self._deliverable is None:
            reason = "upload-files is skipped: the job has no deliverable id"
            yield Tell(RuleName.MISSING_DELIVERABLE_ID, reason)
            return Uploaded((yield from answered(bool, Publish(reason))), reason)
        yield from self._commands.keep_lease()
        reply = yield from self._commands.run(Call(Command.UPLOAD, watches_lease=True))
        if reply.failed_on_the_wire:
            yield Tell(RuleName.ARTIFACT_MISSING, "the upload was broken off", calls=True)
            raise Ended(Verdict.STUCK, "the upload was broken off", RuleName.ARTIFACT_MISSING)
        if not reply.is_ok:
            reason = f"upload-files was refused: {reply.why}"
            yield Tell(RuleName.ARTIFACT_MISSING, reason)
            return Uploaded((yield from answered(bool, Publish(reason))), reason)
        return Uploaded(True)

    def _silence(self, ending: Ending) -> Play[Ending]:
        """Stop a worker whose jobs bring no verified artifact, heartbeat after heartbeat."""
        memory = self._memory
        if self._is_parked:
            return ending
        memory.silent_heartbeats = 0 if self._commands.is_verified else memory.silent_heartbeats + 1
        if memory.silent_heartbeats < self._silent_limit or ending.verdict is Verdict.STOPPED:
            return ending
        detail = f"{memory.silent_heartbeats} heartbeats with a job brought no verified artifact"
        memory.stopped = RuleName.SILENT_LOOP.value
        yield Tell(RuleName.SILENT_LOOP, detail, calls=True)
        return Ending(Verdict.STOPPED, detail, RuleName.SILENT_LOOP)
