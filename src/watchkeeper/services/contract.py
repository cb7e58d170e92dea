"""The contract's commands that fit one job and ask no gate: context, progress, upload-files, fail, release.

Each proves the lease first, so that nothing done with an old one changes a job. Terminal commands are repeatable
(services/replay.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from watchkeeper.domain.errors import StaleLease
from watchkeeper.domain.jobs import AttemptCause, StateReason
from watchkeeper.domain.redaction import MAX_KEPT_CHARS, Redactor
from watchkeeper.services.gate import Gate
from watchkeeper.services.holding import Caller, Claim, Holding, find_claim, hold
from watchkeeper.services.lessons import hand_out
from watchkeeper.services.queue import AttemptEnd, Queue
from watchkeeper.services.replay import ended_before
from watchkeeper.services.requests import requests_of
from watchkeeper.services.runs import Attempt, record_run, told_by_supervisor
from watchkeeper.storage.database import Connection, Database, Row, fetch, fetch_row
from watchkeeper.storage.jobs import HeldLease


@dataclass(frozen=True, slots=True)
class Failure:
    """How an attempt ended without completion; see services.queue.AttemptEnd for the flags.

    `retry_at` says when to come back, for a cause that is not the agent's; for a quota, or with
    `parks_pool`, it parks the pool.
    `held` keeps the job for a person, whatever its cause, and `detail` with it.
    """

    command: str
    reason: str
    cause: AttemptCause
    lost: bool = False
    cancelled: bool = False
    retry_at: datetime | None = None
    held: StateReason | None = None
    detail: Mapping[str, Any] | None = None
    parks_pool: bool = False


class Contract:
    """What the holder of a job may do with it."""

    def __init__(self, database: Database, queue: Queue, gate: Gate, redactor: Redactor) -> None:
        self._database = database
        self._queue = queue
        self._gate = gate
        self._redactor = redactor

    async def context(self, caller: Caller, job: str) -> dict[str, Any]:
        """Give a job with its contract, what happened to it before, what was learnt, and what it has produced."""
        async with self._database.transaction() as connection:
            claim = await find_claim(connection, caller, job)
            holding = await hold(connection, caller.project_id, claim, phase="context")
            where = {"project_id": caller.project_id, "seq": claim.seq}
            found = await fetch_row(connection, "job_context", where)
            attempts = await fetch(connection, "previous_attempts", {**where, "epoch": claim.epoch})
            artifacts = await fetch(connection, "job_artifacts", {**where, "epoch": claim.epoch})
            lessons = await hand_out(connection, caller.project_id, claim)
            await self._record_run(connection, holding, caller.project_id, "context")
        contract = found.pop("contract")
        return {
            "job": found,
            "contract": contract,
            "previous_attempts": attempts,
            "lessons": lessons,
            "artifacts": artifacts,
            "lease_expires_at": holding.expires_at,
        }

    async def progress(
        self, caller: Caller, job: str, message: str, phase: str, payload: Any
    ) -> dict[str, Any]:
        """Record that the job moves, and renew its lease."""
        async with self._database.transaction() as connection:
            claim = await find_claim(connection, caller, job)
            holding = await hold(connection, caller.project_id, claim, phase=phase[:100], progressed=True)
            # An agent's own word on what was taken out of its output would be no proof, and may be a quote.
            told = [] if caller.principal.job_seq is not None else told_by_supervisor(payload)
            await self._record_run(
                connection, holding, caller.project_id, phase[:100], message, payload, told
            )
        # On its own: a claim locks the worker before its leases, and the two must not wait for each other.
        worker = {"project_id": caller.project_id, "worker_id": holding.worker_id}
        async with self._database.transaction() as connection:
            wishes = await fetch_row(
                connection, "see_worker", {**worker, "profile": "session", "kinds": None}
            )
            requested = await requests_of(connection, caller.project_id, holding.worker_id, claim.job_id)
        return {
            "status": "running",
            "lease_expires_at": holding.expires_at,
            "cancel_requested": holding.cancel_requested,
            "touch_requested": wishes["touch_requested"],
            "requested": requested,
        }

    async def upload(self, caller: Caller, job: str, files: Sequence[tuple[str, Path]]) -> dict[str, Any]:
        """Store files of a job: (name, where its bytes are); the lease is proven before and after."""
        holding = await self._hold(caller, job, "upload", progressed=True)
        artifacts = [
            await self._gate.store_file(caller.project_id, holding.lease, name, path) for name, path in files
        ]
        return {"artifacts": artifacts, "skipped": None}

    async def end(self, caller: Caller, job: str, failure: Failure) -> dict[str, Any]:
        """Fail a job or hand it back; give its new state and when it runs next."""
        claim = await self._find(caller, job)
        if (done := await ended_before(self._database, caller.project_id, claim)) is not None:
            return done
        try:
            async with self._database.transaction() as connection:
                holding = await hold(connection, caller.project_id, claim)
                row = await self._end(connection, caller.project_id, holding, failure)
        except StaleLease:
            if (done := await ended_before(self._database, caller.project_id, claim)) is not None:
                return done
            raise
        return {"status": row["state"], "next_run_at": row["next_run_at"]}

    async def _end(self, connection: Connection, project_id: str, holding: Holding, failure: Failure) -> Row:
        reason = self._text(failure.reason)
        actor = f"worker:{holding.worker_id}"
        delay = 0.0
        if failure.retry_at is not None:
            (clock,) = await fetch(connection, "clock")
            delay = max(0.0, (failure.retry_at - clock["now"]).total_seconds())
            if (failure.parks_pool or failure.cause is AttemptCause.QUOTA) and delay:
                where = {"project_id": project_id, "worker_id": holding.worker_id, "actor": actor}
                await fetch(connection, "park_pool", {**where, "until": failure.retry_at, "reason": reason})
        # Evidence that fails ends the attempt at `complete`: who says so itself was refused for its contract.
        end = AttemptEnd(
            holding.lease,
            failure.cause,
            reason,
            failure.lost,
            failure.cancelled,
            delay,
            StateReason.CONTRACT_REJECTED,
            failure.held,
        )
        detail = self._redactor.redact_data(failure.detail)
        output_hash = hashlib.sha256(reason.encode()).hexdigest()
        rows = await self._queue.end(
            project_id, actor, [end], output_hash=output_hash, detail=detail, connection=connection
        )
        if (row := rows.get(holding.claim.seq)) is None:
            raise StaleLease
        return row

    async def prove(self, caller: Caller, job: str, phase: str | None = None) -> HeldLease:
        """Prove that the caller holds a job, and renew the lease; raise JobNotFound or StaleLease."""
        async with self._database.transaction() as connection:
            claim = await find_claim(connection, caller, job)
            return (await hold(connection, caller.project_id, claim, phase=phase)).lease

    async def _find(self, caller: Caller, job: str) -> Claim:
        async with self._database.transaction() as connection:
            return await find_claim(connection, caller, job)

    async def _hold(self, caller: Caller, job: str, phase: str, *, progressed: bool = False) -> Holding:
        async with self._database.transaction() as connection:
            claim = await find_claim(connection, caller, job)
            holding = await hold(connection, caller.project_id, claim, phase=phase, progressed=progressed)
            await self._record_run(connection, holding, caller.project_id, phase)
            return holding

    async def _record_run(
        self,
        connection: Connection,
        holding: Holding,
        project_id: str,
        phase: str,
        message: str | None = None,
        payload: Any = None,
        told: Sequence[str] = (),
    ) -> None:
        claim = holding.claim
        attempt = Attempt(project_id, holding.worker_id, claim.job_id, claim.epoch)
        await record_run(connection, self._redactor, attempt, phase, message, payload, told=told)

    def _text(self, text: str) -> str:
        return self._redactor.redact(text)[:MAX_KEPT_CHARS]
