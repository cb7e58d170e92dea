"""Tells the server how an attempt ended: kept on disk first, sent until it is taken or refused for good."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from watchkeeper.agents.artifacts import ArtifactRefused
from watchkeeper.domain.errors import ServerUnreachable, UsageError, WatchkeeperError
from watchkeeper.domain.jobs import AttemptCause
from watchkeeper.domain.redaction import TAKEN_OUT
from watchkeeper.logs import log
from watchkeeper.services.supervision.contract_host import ContractSession
from watchkeeper.services.supervision.desk import Held
from watchkeeper.services.supervision.endings import Command, Ending, failed, sendable
from watchkeeper.services.supervision.records import AttemptRecords
from watchkeeper.services.supervision.results import Results
from watchkeeper.services.supervision.server_link import Json, Refused, ServerLink, one_line

FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 15.0
FOUND = "take_files_found"
VERIFY_SECONDS = 600.0
"""How long the server may need to look at all files and addresses of one attempt."""

STILL_CHECKING = 202
STILL_CHECKING_SECONDS = 2.0
TIMES_AN_ERROR_COUNTS = 20
"""A server that answers, but with an error of its own, is asked so often; then the lease is left to expire."""


class Delivery:
    """Our own server's desk (see desk.JobDesk). One for all attempts; each call is for one attempt."""

    def __init__(self, link: ServerLink, worker_id: str, artifact_limit_bytes: int) -> None:
        self._link = link
        self._worker_id = worker_id
        self._limit = artifact_limit_bytes

    def task(self, job: Mapping[str, Any]) -> str:
        """Give the job's `payload.prompt`; raises UsageError where it is missing."""
        payload = job.get("payload")
        task = payload.get("prompt") if isinstance(payload, dict) else None
        if not isinstance(task, str) or not task.strip():
            raise UsageError(
                "the job's payload.prompt is missing or empty", hint="Put the agent's task there, as a text."
            )
        return task

    def is_gated(self, job: Mapping[str, Any]) -> bool:
        return job.get("contract") is not None

    def guest(self, session: ContractSession) -> ContractSession:
        return session

    async def context(self, job: str, lease: str) -> Json:
        return await self._link.context(job, lease)

    async def job_token(self, job: str, lease: str) -> str:
        answer = await self._link.on_job(job, "token", {}, lease)
        return str(answer["token"])

    async def deliver(
        self, records: AttemptRecords, held: Held, ending: Ending, output: Json | None = None
    ) -> Json:
        """Send an end, and keep the answer; returns when the server knows, or never will.

        `output` is noted as the attempt's last progress. Cancelled, it can be called again later, by another
        process too: terminal commands are idempotent.
        """
        pause = FIRST_PAUSE_SECONDS
        errors = 0
        while True:
            await _keep(records.write_end, ending.record(), held)
            answer = await self._try(records, ending, held, output)
            if isinstance(answer, Ending):
                ending = answer
                continue
            if isinstance(answer, dict):
                break
            errors += isinstance(answer, Refused)
            if errors >= TIMES_AN_ERROR_COUNTS:
                answer = {"status": "unreported"}
                break
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        await _keep(records.write_reported, answer, held)
        log("attempt_reported", job=held.id, status=answer.get("status"), command=ending.command.value)
        return answer

    async def _try(
        self, records: AttemptRecords, ending: Ending, held: Held, output: Json | None
    ) -> Json | Ending | WatchkeeperError:
        """Give the answer, or the end that is to be told in this one's place, or what stands in the way for now."""
        try:
            return await self._send(records, ending, held, output)
        except ArtifactRefused as refused:
            return failed(f"the results cannot be taken: {refused.message}")
        except Refused as refused:
            if refused.definite:
                return _refused_for_good(refused, ending, held)
            problem: WatchkeeperError = refused
        except ServerUnreachable as error:
            problem = error
        except OSError as error:
            problem = ServerUnreachable(f"a result cannot be read: {error}")
        log("report_waits", job=held.id, command=ending.command.value, detail=problem.message)
        return problem

    async def _send(self, records: AttemptRecords, ending: Ending, held: Held, output: Json | None) -> Json:
        if ending.command is Command.NOTHING:
            return {"status": "over", **ending.body}
        if ending.command is Command.COMPLETE:
            return await self._complete(records, ending, held, output)
        # An output that held secrets is noted whatever the end.
        if output is not None and TAKEN_OUT in output:
            await self._note_output(held, output)
        return await self._link.on_job(held.id, ending.command.value, ending.body, held.lease)

    async def _complete(
        self, records: AttemptRecords, ending: Ending, held: Held, output: Json | None
    ) -> Json:
        if (ended := await self.how_it_ended(held)) is not None:
            return {"status": ended}
        if output is not None:
            await self._note_output(held, output)
        summary: str | None = None
        claimed: list[Json] = []
        if held.workspace is not None:
            try:
                named = ending.body.get("artifacts")
                summary, claimed = await self._results(records, held, held.workspace, named)
            except Refused as refused:
                # Over already: the completion itself learns how, or is kept for a person as too late.
                if not refused.stale:
                    raise
        body = {"summary": sendable(summary or ending.body["summary"]), "artifacts": claimed}
        while True:
            answer = await self._link.on_job(held.id, "complete", body, held.lease)
            if answer["status_code"] != STILL_CHECKING:
                return answer
            await asyncio.sleep(STILL_CHECKING_SECONDS)

    async def _results(
        self, records: AttemptRecords, held: Held, workspace: Path, named: Sequence[Json] | None
    ) -> tuple[str | None, list[Json]]:
        results = Results(self._link, held.job, held.lease, self._limit)
        stored = await results.stored()
        if FOUND not in held.notes:
            # Decided before anything is sent: later our own uploads could not be told from the agent's.
            held.notes[FOUND] = not stored
            await _keep(lambda decided: records.note(**decided), {FOUND: not stored}, held)
        return await results.hand_in(workspace, stored, found=held.notes[FOUND], named=named)

    async def failed_checks(
        self, records: AttemptRecords, held: Held, claimed: Ending, output: Json | None
    ) -> list[Json]:
        """Hand in the results of a success that is claimed; give the checks that they would fail, as `verify` does.

        Waits for a server that is away. Nothing is told of results that pass, nor where only `complete` can tell:
        the job is over, or the server answers with errors of its own.
        """
        pause = FIRST_PAUSE_SECONDS
        errors = 0
        while errors < TIMES_AN_ERROR_COUNTS:
            try:
                return await self._verify(records, held, claimed.body.get("artifacts"), output)
            except ArtifactRefused as refused:
                return [{"check": refused.problem, "detail": refused.message}]
            except Refused as refused:
                if refused.definite:
                    return [] if refused.stale else [{"check": refused.refusal, "detail": refused.message}]
                errors += 1
                detail = refused.message
            except (ServerUnreachable, OSError) as error:
                detail = str(error)
            log("report_waits", job=held.id, command="verify", detail=detail)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        return []

    async def _verify(
        self, records: AttemptRecords, held: Held, named: Sequence[Json] | None, output: Json | None
    ) -> list[Json]:
        if held.workspace is None or await self.how_it_ended(held) is not None:
            return []
        _, claimed = await self._results(records, held, held.workspace, named)
        body = {"artifacts": claimed} if claimed else {}
        answer = await self._link.on_job(held.id, "verify", body, held.lease, VERIFY_SECONDS)
        failed: list[Json] = answer["failed"]
        if failed:
            told = {"failed": failed, **(output or {})}
            await self._note(held, f"the gate would not pass: {one_line(failed)}", "verify", told)
        return failed

    async def _note_output(self, held: Held, output: Json) -> None:
        await self._note(held, "the command ended", "output", output)

    async def _note(self, held: Held, message: str, phase: str, payload: Json) -> None:
        body = {"message": sendable(message), "phase": phase, "payload": payload}
        try:
            await self._link.on_job(held.id, "progress", body, held.lease)
        except Refused as refused:
            log("output_not_noted", job=held.id, detail=refused.message)

    async def how_it_ended(self, held: Held) -> str | None:
        """Say to which state the holder of a lease that is over has ended the job; None where it was taken away.

        Raises ServerUnreachable and Refused. A lease that is held after all is renewed.
        """
        lease = {"job": held.id, "token": held.lease}
        answer = await self._link.post("renew", {"worker_id": self._worker_id, "leases": [lease]})
        ended = answer.get("ended") or {}
        return ended.get(held.id)


def _refused_for_good(refused: Refused, ending: Ending, held: Held) -> Json | Ending:
    """Say what a refusal means for the job: its end, or another end that is to be told."""
    checks = refused.failed_checks
    if refused.refusal == "gate_failed":
        return {"status": refused.details.get("status", "stuck"), "failed": checks}
    if not refused.stale and ending.command is Command.COMPLETE:
        if refused.refusal == "contract_rejected":
            return failed(
                f"the contract rejected the results: {checks or refused.message}", AttemptCause.GATE
            )
        text = "the command ended with exit code 0, but the completion was refused"
        return failed(f"{text}: {checks or refused.message}")
    log("report_rejected", job=held.id, command=ending.command.value, detail=refused.message)
    return {"status": refused.refusal}


async def _keep(write: Callable[[Json], None], record: Json, held: Held) -> None:
    """Write a record; a disk that is full must not keep the end from the server."""
    try:
        await asyncio.to_thread(write, record)
    except OSError as error:
        log("report_not_kept", job=held.id, detail=str(error))
