"""What is reported of a guarded helper, thing by thing, in the words of the recording routes."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from watchkeeper.domain.heartbeat_steps import Call, Command, Ending, Tell, Verdict, Why
from watchkeeper.domain.helper_answers import HelperAnswers, HelperRun, Reply
from watchkeeper.domain.json_in_text import last_object, spans_of_objects
from watchkeeper.domain.redaction import MAX_KEPT_CHARS, Redactor
from watchkeeper.domain.rules.names import RuleName
from watchkeeper.logs import log
from watchkeeper.services.relay.checking import Look
from watchkeeper.services.relay.held import HeldJob
from watchkeeper.services.relay.outbox import Completion
from watchkeeper.services.relay.reports import ATTEMPTS, CHECKS, EVENTS, HEALTH, PROPOSALS, RUNS, Reports, now

ENDED_CODE = 143
"""The exit code reported of a command that had to be ended: 128 + SIGTERM, as a shell tells it."""

STDERR = "\n[stderr]\n"

_STUCK = {
    Verdict.BLOCKED: "gate_failed",
    Verdict.REJECTED: "contract_rejected",
    Verdict.STUCK: "command_failed_twice",
    Verdict.STOPPED: "agent_stalled",
}
_END_PHASES = {Verdict.FAILED: "fail", Verdict.RELEASED: "release"}
_PHASES = {"upload-files": "upload", "context": "context", "progress": "progress"}


class Telling:
    """Reports for one worker; everything is redacted before it is kept."""

    def __init__(self, reports: Reports, redactor: Redactor, worker_id: str) -> None:
        self._reports = reports
        self._redactor = redactor
        self._worker_id = worker_id
        self._checks: dict[str, bool] = {}
        self._answers: dict[str, Any] = {}

    def shown(self, run: HelperRun, answers: HelperAnswers) -> str:
        """Give a run's output without what only its caller may have, not yet redacted."""
        pieces, position = [], 0
        for begin, end, found in spans_of_objects(run.stdout):
            pieces += [
                run.stdout[position:begin],
                json.dumps(answers.without_secrets(found), ensure_ascii=False),
            ]
            position = end
        pieces.append(run.stdout[position:])
        if run.stderr:
            pieces.append(f"{STDERR}{run.stderr}")
        return "".join(pieces)

    def ran(self, call: Call, run: HelperRun, reply: Reply, shown: str, held: HeldJob | None) -> None:
        """Report one execution of a command, and the phase that it was."""
        about = self._about(None if call.command in (Command.DOCTOR, Command.TOUCH) else held)
        code = RuleName.SECRET_EXPOSED.value if reply.exposes_secret else reply.error_code
        exit_code = ENDED_CODE if run.exit_code is None else run.exit_code
        self._event(call.command.value, exit_code, shown, code, held if about else None)
        status = "failed" if not reply.is_ok else "retried" if call.why is Why.RETRY else "ok"
        phase = call.phase or _PHASES.get(call.command, call.command.value)
        self._reports.keep(
            RUNS,
            worker_id=self._worker_id,
            phase=phase,
            status=status,
            ended_at=now(),
            attempt_id=held.attempt_id if held is not None and about else None,
            **about,
        )
        if call.why is Why.LOOK and reply.is_ok and reply.says_completed:
            # The completion that seemed to fail was taken: without this its failure would stand as the last word.
            said = "complete was taken after all: context says that the job is completed"
            self._event(Command.COMPLETE.value, 0, said, None, held)
        if call.command in (Command.DOCTOR, Command.TOUCH, Command.CLAIM) and call.why is not Why.RETOUCH:
            self._checks[call.command] = reply.is_ok
            self._answers.pop(call.command.value, None)
            if (found := last_object(shown.partition(STDERR)[0])) is not None:
                self._answers[call.command.value] = self._redactor.redact_data(found[1])

    def ran_unguarded(self, run: HelperRun, answers: HelperAnswers, held: HeldJob | None) -> bool:
        """Report one execution of a command of which the contract says nothing: it need not say that it is ok.

        Give whether its output shows a secret.
        """
        reply, shown = answers.read(run), self.shown(run, answers)
        has_failed = run.exit_code != 0 or reply.answer is None or answers.value(reply.answer, "ok") is False
        code = reply.error_code if has_failed else None
        exposes_secret = self._redactor.suspects(shown)
        if exposes_secret:
            code = RuleName.SECRET_EXPOSED.value
        exit_code = ENDED_CODE if run.exit_code is None else run.exit_code
        self._event(run.command, exit_code, shown, code, held)
        return exposes_secret

    def claimed(self, held: HeldJob) -> None:
        """Report a job that was claimed: the first report of it makes it known."""
        self._attempt(held, phase="claim", started_at=now())

    def checked(self, held: HeldJob, look: Look) -> None:
        self._reports.keep(
            CHECKS,
            primary_url=self._redactor.redact(look.primary_url)[:4096],
            http_status=look.http_status,
            file_count=len(look.files),
            files=self._redactor.redact_data(list(look.files)),
            failed=self._redactor.redact_data(list(look.failed)),
            checked_at=now(),
            **self._about(held),
        )

    def skipped_upload(self, held: HeldJob, reason: str) -> None:
        """Write down that files went to no deliverable, and why."""
        skipped = json.dumps({"ok": True, "artifacts": [], "skipped": {"reason": reason}})
        self._event(Command.UPLOAD, 0, skipped, RuleName.MISSING_DELIVERABLE_ID.value, held)

    def tell(self, said: Tell, held: HeldJob | None) -> None:
        """Log a rule's news; what the server makes of it rests on the commands that were reported.

        A second job is in no command's answer alone, so it is reported as a claim that was refused.
        """
        if said.rule is RuleName.MULTIPLE_PRIMARY_JOBS:
            self._event(Command.CLAIM, 3, said.detail, said.rule.value, None)
        log(
            "helper_trouble",
            rule=said.rule.value,
            detail=said.detail,
            calls=said.calls,
            job=None if held is None else held.id,
        )

    def propose(self, heartbeats: int) -> None:
        """Write a proposal on backlog and capabilities: a decision record, here and for the server."""
        record: dict[str, Any] = {
            "kind": "backlog_or_capability",
            "decision": "Give this worker jobs that it can do, or let it do the jobs that wait.",
            "problem": f"{self._worker_id} found no job in {heartbeats} heartbeats in a row.",
            "options": [
                "The backlog is empty: leave the worker asleep until there is work.",
                "Jobs wait that it may not claim: add their kinds to this worker.",
                "Jobs wait that it could claim: look at the queue's pauses, limits and sources.",
            ],
            "recommendation": "Compare the kinds that this worker may claim with those that wait.",
            "reasoning": "doctor, touch and claim answered well; the claims gave no job.",
            "fingerprint": f"helper_backlog:{self._worker_id}"[:200],
            "feedback_if_rejected": "Say which kinds this worker is for, and that its silence is right.",
        }
        self._reports.place.new_record(self._reports.place.proposals, {**record, "proposed_at": now()})
        self._reports.keep(PROPOSALS, with_id=False, **record)

    def counters(self, queues: list[dict[str, Any]]) -> None:
        """Report the foreign queue's counters."""
        self._reports.keep(HEALTH, with_id=False, queues=queues, generated_at=now())

    def delivered(self, completion: Completion, is_completed: bool) -> None:
        """Report what became of a completion that was kept."""
        self._reports.keep(
            ATTEMPTS,
            worker_id=self._worker_id,
            job_id=completion.job,
            kind=completion.kind,
            attempt_id=completion.attempt_id,
            phase="complete",
            complete_status="completed" if is_completed else "stuck",
            error_code=None if is_completed else "contract_rejected",
            completed_at=now(),
        )

    def beat(self, held: HeldJob | None, status: str = "ok", *, is_round: bool = True) -> None:
        """Report the heartbeat so far; one that is no round says nothing of the claim."""
        self._reports.keep(
            HEALTH,
            worker_id=self._worker_id,
            status=status,
            doctor_ok=self._checks.get(Command.DOCTOR),
            touch_ok=self._checks.get(Command.TOUCH),
            claim_ok=self._checks.get(Command.CLAIM) if is_round else None,
            answers=self._answers,
            current_job_id=None if held is None else held.id,
            lease_expires_at=None if held is None else _time(held.lease.expires_at),
            kind=None if held is None else held.kind,
            attempt_id=None if held is None else held.attempt_id,
            created_at=now(),
        )

    def ended(self, ending: Ending, held: HeldJob | None, primary_url: str | None) -> None:
        """Report how a heartbeat with a job ended; a stuck one is for a person."""
        if held is None:
            return
        code = _STUCK.get(ending.verdict)
        is_completed = ending.verdict is Verdict.COMPLETED
        taken: set[str] = set()
        detail = self._redactor.redact(ending.detail, taken) if ending.detail else None
        self._attempt(
            held,
            phase=_END_PHASES.get(ending.verdict, "complete"),
            complete_status="completed" if is_completed else "stuck" if code else ending.verdict.value,
            error_code=code or (None if is_completed else ending.rule and ending.rule.value),
            error_message=detail,
            redacted=sorted(taken) or None,
            primary_artifact_ref=primary_url and self._redactor.redact(primary_url)[:4096],
            completed_at=now(),
        )

    def _event(
        self, command: str, exit_code: int, shown: str, code: str | None, held: HeldJob | None
    ) -> None:
        taken: set[str] = set()
        output = self._redactor.redact(shown, taken)[-MAX_KEPT_CHARS:]
        self._reports.keep(
            EVENTS,
            worker_id=self._worker_id,
            command=command,
            exit_code=exit_code,
            output=output,
            redacted=sorted(taken) or None,
            error_code=code,
            created_at=now(),
            **self._about(held),
        )

    def _attempt(self, held: HeldJob, **facts: Any) -> None:
        ends = _time(held.lease.expires_at)
        self._reports.keep(
            ATTEMPTS,
            worker_id=self._worker_id,
            attempt_id=held.attempt_id,
            lease_expires_at=ends,
            **self._about(held),
            **facts,
        )

    def _about(self, held: HeldJob | None) -> dict[str, Any]:
        if held is None:
            return {}
        if held.lease_token is not None:
            self._reports.leases[held.id] = held.lease_token
        return {"job_id": held.id, "kind": held.kind}


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
