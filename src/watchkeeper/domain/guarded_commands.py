"""Each command of a foreign helper with the handling of docs/helper.md: pure decisions, one step at a time.

Nothing here runs, waits or reads a clock: every method is a play (see heartbeat_steps) that gives the next step and is
sent what became of it. It raises Ended where the heartbeat is over.
"""

from __future__ import annotations

from watchkeeper.domain.heartbeat_memory import Memory
from watchkeeper.domain.heartbeat_steps import (
    AddMissing,
    Call,
    Check,
    Checked,
    Command,
    Ended,
    GoOn,
    KeepCompletion,
    LateAnswer,
    Lease,
    LeaseStanding,
    NextKept,
    Pause,
    Play,
    Propose,
    Settle,
    SwitchToShared,
    Tell,
    Verdict,
    Why,
    answered,
    expected,
)
from watchkeeper.domain.helper_answers import HelperJob, Outcome, Reply
from watchkeeper.domain.rules.names import RuleName

_WITHOUT_JSON = frozenset({Outcome.SILENT, Outcome.NO_JSON})
_RULES = {rule.value: rule for rule in RuleName}
_BEFORE_A_JOB = frozenset({Command.DOCTOR, Command.TOUCH, Command.CLAIM})


class GuardedCommands:
    """The commands of one heartbeat, or of one relayed call of it."""

    def __init__(self, memory: Memory, no_job_limit: int = 3) -> None:
        self.memory = memory
        self._no_job_limit = no_job_limit
        self.is_verified = False

    def doctor(self) -> Play[Reply]:
        """Begin a heartbeat. A doctor that does not pass is asked again once, after a touch."""
        self.memory.begin()
        reply = yield from self.run(Call(Command.DOCTOR))
        if not reply.is_ok:
            yield Tell(RuleName.DOCTOR_FAILED, "doctor does not pass")
            if self.memory.take_retry(Command.DOCTOR):
                yield from self.once(Call(Command.TOUCH, Why.RETOUCH))
                reply = yield from self.once(Call(Command.DOCTOR, Why.RETRY))
        return reply

    def touch(self) -> Play[Reply]:
        reply = yield from self.run(Call(Command.TOUCH))
        if not reply.is_ok:
            yield Tell(RuleName.TOUCH_FAILED, "touch does not pass")
        return reply

    def claim(self) -> Play[HelperJob | None]:
        """Ask for the one job of this heartbeat; None where there is none."""
        if self.memory.stopped is not None:
            why = self.memory.stopped
            raise Ended(Verdict.STOPPED, f"this worker was stopped: {why}", _RULES.get(why))
        if self.memory.job is not None or self.memory.has_claimed:
            held = self.memory.job or "of this heartbeat"
            yield from self._stop(RuleName.MULTIPLE_PRIMARY_JOBS, f"a claim beside the job {held}")
        reply, jobs = yield from self._claimed()
        if len(jobs) > 1:
            self.memory.has_claimed = True
            named = ", ".join(job.id for job in jobs)
            yield from self._stop(RuleName.MULTIPLE_PRIMARY_JOBS, f"one claim gave several jobs: {named}")
        if jobs:
            self.memory.job, self.memory.has_claimed, self.memory.no_job_heartbeats = jobs[0].id, True, 0
            return jobs[0]
        if not reply.is_ok:
            raise Ended(Verdict.NO_CLAIM, f"claim gave no job: {reply.why}")
        yield from self._no_job()
        return None

    def deliver_kept(self) -> Play[None]:
        """Deliver what earlier heartbeats could not: in order, and before any claim."""
        while (yield NextKept()):
            reply = yield from self.once(Call(Command.CONTEXT, Why.KEPT))
            if not (reply.is_ok and reply.says_completed):
                reply = yield from self.once(Call(Command.COMPLETE, Why.KEPT))
            if reply.failed_on_the_wire or reply.outcome is Outcome.QUEUED:
                raise Ended(Verdict.UNDELIVERED, "a kept completion is not delivered yet")
            is_completed = reply.is_ok and reply.says_completed
            if not is_completed:
                why = f"a kept completion was refused: {reply.why}"
                yield Tell(RuleName.COMPLETE_REJECTED, why, calls=True)
            yield Settle(is_completed)

    def complete(self, *, checks: bool = True) -> Play[Reply]:
        """Complete the job that is held, once its primary artifact passed; gives the answer that says so."""
        if checks:
            yield from self._checked()
        yield from self.keep_lease()
        reply = yield from self.once(Call(Command.COMPLETE))
        if reply.failed_on_the_wire and self.memory.take_retry(Command.COMPLETE):
            yield from self._before_retry(Command.COMPLETE)
            look = yield from self.once(Call(Command.CONTEXT, Why.LOOK))
            if look.is_ok and look.says_completed:
                return self._completed(look)
            reply = yield from self.once(Call(Command.COMPLETE, Why.RETRY))
        elif reply.outcome is Outcome.REJECTED:
            reply = yield from self._mended(reply, checks=checks)
        if reply.is_ok and reply.says_completed:
            return self._completed(reply)
        return (yield from self._not_completed(reply))

    def give_up(self, command: Command, job: str) -> Play[Reply]:
        """Hand a job back by `fail` or `release`; where that is granted none is held, and another may be claimed."""
        reply = yield from self.run(Call(command))
        if reply.is_ok and self.memory.job == job:
            self.memory.job, self.memory.has_claimed = None, False
        return reply

    def run(self, call: Call) -> Play[Reply]:
        """Run a command; where it fails on the wire: touch, pause, and run it once more if it may be."""
        reply = yield from self.once(call)
        if not reply.failed_on_the_wire or not self.memory.take_retry(call.command):
            return reply
        yield from self._before_retry(call.command)
        again = yield from self.once(Call(call.command, Why.RETRY, call.phase, call.watches_lease))
        if again.failed_on_the_wire:
            yield from self._failed_retry(call.command)
        return again

    def keep_lease(self) -> Play[None]:
        """Send a progress heartbeat where the lease is near its end."""
        if (yield from answered(LeaseStanding, Lease())) in (LeaseStanding.NEAR, LeaseStanding.PAST):
            yield from self.renew()

    def renew(self) -> Play[Reply]:
        yield Tell(RuleName.LEASE_NEAR_EXPIRY, "a progress heartbeat is sent for it")
        return (yield from self.run(Call(Command.PROGRESS, Why.RENEWAL)))

    def _claimed(self) -> Play[tuple[Reply, tuple[HelperJob, ...]]]:
        """Claim, at most twice; give the last answer, and every job that any of the answers handed out."""
        first = yield from self.once(Call(Command.CLAIM))
        if not first.failed_on_the_wire:
            return first, first.handed_out
        if not self.memory.take_retry(Command.CLAIM):
            yield from self._no_claim(first)
        if first.outcome in _WITHOUT_JSON:
            yield Tell(RuleName.CLAIM_NO_OUTPUT, "claim printed no JSON in time: touch, and once more")
            yield from self.once(Call(Command.TOUCH, Why.RETOUCH))
        else:
            yield from self._before_retry(Command.CLAIM)
        late = yield from self._late()
        if late is not None and late.handed_out:
            return late, late.handed_out
        again = yield from self.once(Call(Command.CLAIM, Why.RETRY))
        late = yield from self._late()
        jobs = {job.id: job for reply in (late, again) if reply is not None for job in reply.handed_out}
        if again.failed_on_the_wire and not jobs:
            yield from self._no_claim(again)
        return again, tuple(jobs.values())

    def _late(self) -> Play[Reply | None]:
        happened = yield LateAnswer()
        if happened is None:
            return None
        late = expected(Reply, happened)
        yield from self._obey(Call(Command.CLAIM), late)
        return late

    def _no_claim(self, reply: Reply) -> Play[None]:
        is_silent = reply.outcome in _WITHOUT_JSON
        rule = RuleName.CLAIM_NO_OUTPUT if is_silent else RuleName.FETCH_FAILED
        yield Tell(rule, "claim failed twice", calls=True)
        raise Ended(Verdict.NO_CLAIM, f"claim failed twice: {reply.why}", rule)

    def _no_job(self) -> Play[None]:
        self.memory.begin()
        self.memory.no_job_heartbeats += 1
        if self.memory.no_job_heartbeats == self._no_job_limit:
            yield Tell(RuleName.CLAIM_LOOP_IDLE, f"{self._no_job_limit} heartbeats in a row had no job")
            yield Propose(self.memory.no_job_heartbeats)

    def once(self, call: Call) -> Play[Reply]:
        """Run a command with no retry; raises Ended where its answer ends the heartbeat."""
        happened = yield call
        while happened is LeaseStanding.NEAR:
            yield from self.renew()
            happened = yield GoOn()
        reply = expected(Reply, happened)
        yield from self._obey(call, reply)
        return reply

    def _obey(self, call: Call, reply: Reply) -> Play[None]:
        """End the heartbeat where an answer ends it, whatever was asked."""
        is_kept = call.command is Command.COMPLETE and call.why is not Why.KEPT
        if reply.outcome is Outcome.NOT_STARTED and not is_kept:
            raise Ended(Verdict.NOT_STARTED, f"the helper cannot be started: {reply.complaint}")
        if reply.claims_success:
            yield from self._stop(RuleName.HIDDEN_FAILURE, "success is claimed where complete failed")
        if reply.exposes_secret:
            if _ends_hold(call.command, reply):
                self.memory.job = None
            yield from self._stop(RuleName.SECRET_EXPOSED, f"the output of {call.command} shows a secret")
        if call.command in _BEFORE_A_JOB or call.why is Why.KEPT:
            return
        if reply.outcome is Outcome.NOT_FOUND:
            self.memory.job = None
            detail = f"{call.command} no longer finds the job that was claimed"
            yield Tell(RuleName.JOB_NOT_FOUND_AFTER_CLAIM, detail, calls=True)
            raise Ended(Verdict.JOB_GONE, detail, RuleName.JOB_NOT_FOUND_AFTER_CLAIM)
        if reply.outcome is Outcome.LEASE_LOST:
            self.memory.job = None
            yield Tell(RuleName.LEASE_EXPIRED, f"{call.command} says that the lease is lost")
            raise Ended(Verdict.LEASE_LOST, "the lease is lost", RuleName.LEASE_EXPIRED)

    def _stop(self, rule: RuleName, detail: str) -> Play[None]:
        self.memory.stopped = rule.value
        yield Tell(rule, detail, calls=True)
        raise Ended(Verdict.STOPPED, detail, rule)

    def _before_retry(self, command: Command) -> Play[None]:
        yield Tell(RuleName.FETCH_FAILED, f"{command} failed: touch, a pause, and once more")
        yield from self.once(Call(Command.TOUCH, Why.RETOUCH))
        yield Pause()

    def _failed_retry(self, command: Command) -> Play[None]:
        """Count a retry that failed; the second on one job makes it stuck."""
        yield Tell(RuleName.FETCH_FAILED, f"{command} failed again", calls=True)
        if command in _BEFORE_A_JOB or self.memory.job is None:
            return
        if self.memory.count_failed_retry(self.memory.job) >= 2:
            self.memory.job = None
            detail = f"a second retry failed on this job: {command}"
            raise Ended(Verdict.STUCK, detail, RuleName.FETCH_FAILED)

    def _checked(self) -> Play[None]:
        """Let the primary pass the gate; a local one may be switched to its shared address, once."""
        checked = yield from answered(Checked, Check())
        if not checked.passed and checked.is_local_only and (yield from answered(bool, SwitchToShared())):
            checked = yield from answered(Checked, Check())
        if not checked.passed:
            yield Tell(RuleName.ARTIFACT_GATE_FAILED, checked.detail or "the primary artifact did not pass")
            raise Ended(Verdict.BLOCKED, checked.detail, RuleName.ARTIFACT_GATE_FAILED)
        self.is_verified = True

    def _mended(self, reply: Reply, *, checks: bool) -> Play[Reply]:
        """Mend a completion that was refused for its contract, and send it once more; else give the refusal."""
        yield Tell(RuleName.COMPLETE_REJECTED, _refusal(reply))
        if reply.is_local_only and not reply.missing_kinds:
            is_mended = yield from answered(bool, SwitchToShared())
        else:
            kinds = reply.missing_kinds
            is_mended = bool(kinds) and (yield from answered(bool, AddMissing(kinds)))
        if not is_mended or not self.memory.take_retry(Command.COMPLETE):
            return reply
        if checks:
            yield from self._checked()
        return (yield from self.once(Call(Command.COMPLETE, Why.RETRY)))

    def _completed(self, reply: Reply) -> Reply:
        self.memory.job = None
        return reply

    def _not_completed(self, reply: Reply) -> Play[Reply]:
        if reply.failed_on_the_wire or reply.outcome is Outcome.NOT_STARTED:
            yield KeepCompletion()
            detail = f"complete failed and is kept, the job is stuck: {reply.why}"
            yield Tell(RuleName.FETCH_FAILED, detail, calls=True)
            self.memory.job = None
            raise Ended(Verdict.STUCK, detail, RuleName.FETCH_FAILED)
        if reply.outcome is Outcome.QUEUED:
            raise Ended(Verdict.QUEUED, "the helper keeps the completion and will deliver it")
        if reply.is_ok:
            detail = "complete was taken and does not say completed"
            yield Tell(RuleName.HIDDEN_FAILURE, detail, calls=True)
            raise Ended(Verdict.STUCK, detail, RuleName.HIDDEN_FAILURE)
        local = reply.is_local_only and not reply.missing_kinds
        verdict = Verdict.BLOCKED if local else Verdict.REJECTED
        yield Tell(RuleName.COMPLETE_REJECTED, _refusal(reply), calls=True)
        raise Ended(verdict, _refusal(reply), RuleName.COMPLETE_REJECTED)


def _ends_hold(command: Command, reply: Reply) -> bool:
    gives_up = command in (Command.FAIL, Command.RELEASE)
    return reply.is_ok and (gives_up or (command is Command.COMPLETE and reply.says_completed))


def _refusal(reply: Reply) -> str:
    if reply.missing_kinds:
        return f"complete was refused for missing kinds: {', '.join(reply.missing_kinds)}"
    if reply.is_local_only:
        return "complete was refused for a primary that is local to one machine"
    return f"complete was refused: {reply.why}"
