"""The queue's use cases: enqueue, claim, renew, end attempts. Who may call is decided above; here leases decide."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from watchkeeper.domain.attempts import (
    Ending,
    OnGateFailed,
    after_failure,
    after_gate_failure,
    after_lost_lease,
    ended_by,
    handed_back,
)
from watchkeeper.domain.claims import ClaimedJob
from watchkeeper.domain.jobs import AttemptCause, JobState, StateReason, jitter_of
from watchkeeper.domain.leases import RUNTIME_LEASE_SECONDS, SESSION_LEASE_SECONDS
from watchkeeper.domain.redaction import Redactor
from watchkeeper.services.enqueueing import Enqueuer, JobRequest
from watchkeeper.storage import jobs as store
from watchkeeper.storage.database import Connection, Database, Row
from watchkeeper.storage.jobs import Completion, EndedAttempt, HeldLease
from watchkeeper.storage.new_jobs import Enqueued


@dataclass(frozen=True, slots=True)
class AttemptEnd:
    """How a holder says that its attempt ended without completion.

    `lost` says that the attempt's processes are gone; `cancelled` that it stopped because it was asked to.
    `delay` is in seconds, for causes that say when to come back. `stuck_for` says of the cause `gate` what was refused;
    with `held_for` the job is stuck for that reason, whatever the cause.
    """

    lease: HeldLease
    cause: AttemptCause
    error: str
    lost: bool = False
    cancelled: bool = False
    delay: float = 0.0
    stuck_for: StateReason = StateReason.GATE_FAILED
    held_for: StateReason | None = None


class Queue:
    """Jobs of all projects in one database."""

    def __init__(
        self,
        database: Database,
        *,
        session_seconds: int = SESSION_LEASE_SECONDS,
        runtime_seconds: int = RUNTIME_LEASE_SECONDS,
        redactor: Redactor | None = None,
        on_gate_failed: Callable[[], OnGateFailed] = lambda: OnGateFailed.STUCK,
    ) -> None:
        self._database = database
        self._on_gate_failed = on_gate_failed
        self._session_seconds = session_seconds
        self._runtime_seconds = runtime_seconds
        self._redactor = redactor or Redactor()
        self._enqueuer = Enqueuer(database, self._redactor)

    async def enqueue(
        self,
        project_id: str,
        requests: Sequence[JobRequest],
        *,
        actor: str,
        connection: Connection | None = None,
        is_shadow: bool = False,
    ) -> list[Enqueued]:
        """Add jobs and give them in order; in the caller's transaction where a connection is given.

        Raises UsageError for a payload that is not JSON, or holds a secret where its kind refuses that.
        """
        return await self._enqueuer.enqueue(
            project_id, requests, actor=actor, connection=connection, is_shadow=is_shadow
        )

    async def claim(
        self,
        project_id: str,
        worker_id: str,
        kinds: Sequence[str] | None,
        *,
        limit: int = 1,
        profile: str,
        connection: Connection | None = None,
        at_once: bool = False,
    ) -> list[ClaimedJob]:
        """Take up to `limit` jobs under new leases; `kinds` None takes any.

        With `at_once` the connection that is given is in no transaction: the claim is one of its own.
        """
        request = store.ClaimRequest(
            project_id, worker_id, kinds, limit, profile, self._session_seconds, self._runtime_seconds
        )
        if connection is not None:
            return await (store.claim_at_once if at_once else store.claim)(connection, request)
        async with self._database.transaction() as own:
            return await store.claim(own, request)

    async def renew(self, project_id: str, leases: Sequence[HeldLease]) -> dict[int, Row]:
        """Renew leases in one statement; a lease that is missing from the answer is lost."""
        if not leases:
            return {}
        async with self._database.transaction() as connection:
            rows = await store.renew(connection, project_id, leases)
        return {row["seq"]: row for row in rows}

    async def complete(
        self,
        project_id: str,
        actor: str,
        completions: Sequence[Completion],
        *,
        connection: Connection | None = None,
    ) -> set[int]:
        """Complete jobs whose evidence has passed (or that have no contract); give those whose lease was held."""
        if any(item.summary is not None for item in completions):
            completions = [self._cleaned(item) for item in completions]
        if connection is not None:
            return {row["seq"] for row in await store.complete(connection, project_id, actor, completions)}
        async with self._database.transaction() as own:
            return {row["seq"] for row in await store.complete(own, project_id, actor, completions)}

    async def end(
        self,
        project_id: str,
        actor: str,
        ends: Sequence[AttemptEnd],
        *,
        output_hash: str | None = None,
        detail: Mapping[str, Any] | None = None,
        connection: Connection | None = None,
    ) -> dict[int, Row]:
        """End attempts as their holders say, by the kinds' policies; a missing lease is one that was not held.

        `detail` is kept with a job that is held for a person.
        """
        if connection is not None:
            return await self._end(connection, project_id, actor, ends, output_hash, detail)
        async with self._database.transaction() as own:
            return await self._end(own, project_id, actor, ends, output_hash, detail)

    async def _end(
        self,
        connection: Connection,
        project_id: str,
        actor: str,
        ends: Sequence[AttemptEnd],
        output_hash: str | None,
        detail: Mapping[str, Any] | None,
    ) -> dict[int, Row]:
        by_seq = {end.lease.seq: end for end in ends}
        held = await store.lock_held(connection, project_id, [end.lease for end in ends])
        ended = [self._verdict(by_seq[row["seq"]], row) for row in held]
        if not ended:
            return {}
        rows = await store.end_attempts(
            connection, project_id, actor, ended, detail=detail, output_hash=output_hash
        )
        return {row["seq"]: row for row in rows}

    def _cleaned(self, item: Completion) -> Completion:
        if item.summary is None:
            return item
        taken: set[str] = set()
        summary = self._redactor.kept(storable(item.summary), taken=taken)
        return replace(item, summary=summary, redacted=tuple(sorted(taken)))

    def _verdict(self, end: AttemptEnd, row: Row) -> EndedAttempt:
        taken: set[str] = set()
        error = self._redactor.kept(storable(end.error), taken=taken)
        ending, event = self._ending(end, row)
        return EndedAttempt(end.lease, ending, event, error, tuple(sorted(taken)))

    def _ending(self, end: AttemptEnd, row: Row) -> tuple[Ending, str]:
        """Say where the job goes, and the event that tells of it."""
        policy = store.policy_of(row)
        jitter = jitter_of(row["seq"], row["epoch"])
        if row["cancel_requested"]:
            ending = ended_by(policy, JobState.CANCELLED, AttemptCause.OPERATOR, StateReason.OPERATOR)
            return ending, "job_cancelled"
        if end.lost:
            return after_lost_lease(policy, jitter), "attempt_lost"
        if end.held_for is not None:
            ending = ended_by(policy, JobState.STUCK, end.cause, end.held_for)
            return ending, "attempt_failed"
        if end.cause is AttemptCause.AGENT_ERROR:
            return after_failure(policy, jitter), "attempt_failed"
        if end.cause is AttemptCause.GATE:
            earlier = row["gate_failures"]
            return after_gate_failure(
                policy, end.stuck_for, self._on_gate_failed(), earlier
            ), "complete_failed"
        event = "lease_released" if end.cause is AttemptCause.OPERATOR else "attempt_failed"
        return handed_back(policy, end.cause, end.delay), event


def storable(text: str) -> str:
    """Replace what PostgreSQL's text cannot hold: whatever a program says at its end, the end must be recorded."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
