"""What repairs ask of whoever holds a job: it rides on the answers to its worker, until its effect is seen."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from watchkeeper.domain.repair_plans import CARRIED_OUT_BY, OF_THE_LEASE, ON_JOBS, ON_SESSIONS
from watchkeeper.domain.rules.names import RepairAction
from watchkeeper.storage.database import Connection, fetch

OF_SUPERVISORS = [action.value for action in ON_SESSIONS]
ENDING_WITH_LEASE = [action.value for action in OF_THE_LEASE]
OF_HOLDERS = [
    action.value
    for action, hands in CARRIED_OUT_BY.items()
    if hands == "holder" and action not in ON_SESSIONS
]
OF_FOREIGN = [*OF_HOLDERS, RepairAction.RETOUCH.value, *sorted(action.value for action in ON_JOBS)]
"""Of who works at another queue everything is asked that our own hands do to a job of ours."""


async def requests_of(
    connection: Connection,
    project_id: str,
    worker_id: str,
    job_id: UUID | str | None = None,
    *,
    is_foreign: bool = False,
) -> list[dict[str, Any]]:
    """Give what a worker is asked to do and has not shown yet, at one job or at all; the oldest first."""
    actions = OF_FOREIGN if is_foreign else OF_HOLDERS
    where = {"project_id": project_id, "worker_id": worker_id, "job_id": job_id, "actions": actions}
    return await fetch(connection, "asked_of_worker", {**where, "of_the_lease": ENDING_WITH_LEASE})


async def session_requests(connection: Connection, project_id: str, worker_id: str) -> list[dict[str, Any]]:
    """Give what a worker's supervisor is asked to do to its sessions; each comes again until its effect was told."""
    where = {"project_id": project_id, "worker_id": worker_id, "actions": OF_SUPERVISORS}
    return await fetch(connection, "session_requests", where)
