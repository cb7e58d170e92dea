"""What people do to jobs: cancel, pause, resume, requeue, fail; each with actor and reason, each audited."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from watchkeeper.domain.attempts import ended_by
from watchkeeper.domain.errors import Conflict, JobNotFound
from watchkeeper.domain.jobs import TERMINAL, AttemptCause, JobState, StateReason, may_move
from watchkeeper.storage import jobs as store
from watchkeeper.storage import new_jobs
from watchkeeper.storage.database import Connection, Database, Row, fetch, fetch_one, fetch_row
from watchkeeper.storage.jobs import EndedAttempt, HeldLease, Move
from watchkeeper.storage.new_jobs import Enqueued, NewJob

MOVES: dict[str, tuple[JobState, StateReason | None, str]] = {
    "cancel": (JobState.CANCELLED, StateReason.OPERATOR, "job_cancelled"),
    "pause": (JobState.PAUSED, StateReason.OPERATOR, "job_paused"),
    "resume": (JobState.PENDING, None, "job_resumed"),
    "fail": (JobState.FAILED, StateReason.OPERATOR, "job_failed"),
}


@dataclass(frozen=True, slots=True)
class Moved:
    """What an act on a job came to. `state` is still `running` when its holder was asked to stop."""

    job_id: UUID
    state: JobState
    cancel_requested: bool = False


class Operations:
    """Acts of operators on single jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, project_id: str, job: str) -> Row:
        """Give a job by its id or its foreign id; raise JobNotFound."""
        async with self._database.transaction() as connection:
            return await find_job(connection, project_id, job)

    async def move(
        self, project_id: str, job: str, act: str, *, actor: str, reason: str, force: bool = False
    ) -> Moved:
        """Cancel, pause, resume or fail a job.

        Cancelling a running job asks its holder first, unless `force`. Raises Conflict where the job's state does not
        allow the act, or changed while it was asked for.
        """
        target, state_reason, event = MOVES[act]
        async with self._database.transaction() as connection:
            row = await _own_job(connection, project_id, job)
            state = JobState(row["state"])
            if not may_move(state, target) or (act == "resume" and state is JobState.RUNNING):
                raise Conflict(f"a job that is {state} cannot be moved by {act!r}")
            if state is JobState.RUNNING:
                if act == "cancel" and not force:
                    asked = {"project_id": project_id, "seq": row["seq"], "actor": actor, "reason": reason}
                    if not await fetch(connection, "request_cancel", asked):
                        raise Conflict
                    return Moved(row["id"], state, cancel_requested=True)
                await self._end_attempt(connection, project_id, row["seq"], act, actor, reason)
            else:
                move = Move(row["seq"], [state.value], target.value, event, state_reason, reason)
                if await store.move_waiting(connection, project_id, actor, move) is None:
                    raise Conflict
        return Moved(row["id"], target)

    async def _end_attempt(
        self, connection: Connection, project_id: str, seq: int, act: str, actor: str, reason: str
    ) -> None:
        target, state_reason, event = MOVES[act]
        lease = await fetch_one(connection, "lock_lease_of_job", {"project_id": project_id, "seq": seq})
        if lease is None:
            raise Conflict
        policy = store.policy_of(lease)
        ending = ended_by(policy, target, AttemptCause.OPERATOR, state_reason or StateReason.OPERATOR)
        held = HeldLease(seq, lease["epoch"], lease["token_hash"])
        await store.end_attempts(connection, project_id, actor, [EndedAttempt(held, ending, event, reason)])

    async def requeue(self, project_id: str, job: str, *, actor: str, reason: str) -> Enqueued:
        """Try a job again: an ended one as a new job with `retry_of`, a stuck or paused one in its own place."""
        async with self._database.transaction() as connection:
            row = await _own_job(connection, project_id, job)
            state = JobState(row["state"])
            if state in (JobState.STUCK, JobState.PAUSED):
                move = Move(row["seq"], [state.value], "pending", "job_requeued", None, reason)
                if await store.move_waiting(connection, project_id, actor, move) is None:
                    raise Conflict
                return Enqueued(str(row["id"]), row["seq"], existing=True)
            if state not in TERMINAL:
                raise Conflict(f"a job that is {state} need not be requeued")
            spec = await fetch_row(
                connection, "job_spec_texts", {"project_id": project_id, "seq": row["seq"]}
            )
            again = NewJob(
                spec["kind"],
                spec["payload"],
                spec["contract"],
                spec["priority"],
                unique_key=spec["unique_key"],
                deliverable_id=spec["deliverable_id"],
                secret_suspected=spec["secret_suspected"],
                retry_of=row["id"],
            )
            return await new_jobs.enqueue_keyed(
                connection, project_id, actor, again, is_shadow=spec["is_shadow"]
            )


async def _own_job(connection: Connection, project_id: str, job: str) -> Row:
    """Give a job that may be moved here; raise Conflict for one of a foreign queue."""
    row = await find_job(connection, project_id, job)
    if row["origin"] != "own":
        raise Conflict(
            f"this job lives in the queue {row['origin']!r}, and is moved there",
            hint="Here its reported lease can be released, reclaimed or marked stale: "
            "PATCH /api/watchdog/job-leases/JOB.",
        )
    return row


async def find_job(connection: Connection, project_id: str, job: str) -> Row:
    """Give a job by its id or its foreign id, as readers see it; raise JobNotFound."""
    row = None
    if (job_id := as_uuid(job)) is not None:
        row = await fetch_one(connection, "find_job", {"project_id": project_id, "id": job_id})
    if row is None:
        row = await fetch_one(
            connection, "find_job_by_external_id", {"project_id": project_id, "external_id": job}
        )
    if row is None:
        raise JobNotFound(f"there is no job {job[:100]!r} here")
    return row


def as_uuid(text: str) -> UUID | None:
    """Read an id; None for text that is none, which may still be a foreign id."""
    try:
        return UUID(text)
    except ValueError:
        return None
