"""What a repair is about, as it stands: looked at when it is planned, and again, locked, when it is carried out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from watchkeeper.domain.attempts import after_lost_lease
from watchkeeper.domain.errors import Conflict, JobNotFound, NotFound
from watchkeeper.domain.repair_plans import preconditions
from watchkeeper.domain.repair_words import Image
from watchkeeper.domain.repairs import Plan, Target
from watchkeeper.domain.rules.names import RepairAction
from watchkeeper.services.operations import as_uuid
from watchkeeper.services.repairs.records import Asked
from watchkeeper.storage import jobs as store
from watchkeeper.storage.database import Connection, Row, fetch_one

JOB_IMAGE = (
    "state",
    "state_reason",
    "epoch",
    "agent_errors",
    "lost_leases",
    "worker_id",
    "lease",
    "origin",
    "profile",
    "lease_seconds",
    "expires_at",
    "ready_at",
    "run_at",
    "held_by",
    "held_at",
    "hold_detail",
)
WORKER_IMAGE = ("worker_id", "stopped", "stop_reason", "stopped_by", "stopped_at", "draining")
SESSION_IMAGE = (
    "agent",
    "worker_id",
    "job_id",
    "epoch",
    "number",
    "ended",
    "turns",
    "restarts",
    "interrupted_at",
    "swept_at",
)
KIND_IMAGE = ("kind", "paused", "pause_reason", "paused_by", "paused_at")
BINDING_ARGUMENTS = frozenset({RepairAction.RECLAIM, RepairAction.FAIL_KIND})
"""Actions whose arguments say where it leads: another value is another plan."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A target as it was just seen. `image` is what an undo restores; `row` what acts need besides."""

    target: Target
    image: Image
    row: Row
    arguments: dict[str, Any] = field(default_factory=dict)

    @property
    def pool(self) -> str:
        return str(self.row.get("pool") or "default")

    def completed(self, asked: Asked, note: str | None) -> Asked:
        """Fill in what the target itself says of a repair: its job, its kind, its holder, its pool."""
        holder = self.row.get("worker_id")
        return replace(
            asked,
            job_id=asked.job_id or self.row.get("job_id"),
            kind=asked.kind or self.row.get("kind"),
            worker_id=asked.worker_id or holder,
            pool=self.pool,
            note=note,
        )

    def has_drifted_from(self, plan: Plan) -> bool:
        """Say whether the target is not what the plan was made on any more."""
        if preconditions(self.target, self.image) != dict(plan.preconditions):
            return True
        return plan.action in BINDING_ARGUMENTS and self.arguments != dict(plan.arguments)


async def look(connection: Connection, project_id: str, target: Target, action: RepairAction) -> Seen:
    """Look at a target and lock it; raise NotFound or JobNotFound where it is not there."""
    match target.what:
        case "job":
            return await look_at_job(connection, project_id, target, action)
        case "worker":
            where = {"project_id": project_id, "worker_id": target.id}
            row = await fetch_one(connection, "look_at_worker", where)
            return _seen(target, row, WORKER_IMAGE)
        case "kind":
            where = {"project_id": project_id, "kind": target.id}
            row = await fetch_one(connection, "look_at_kind", where)
            return _seen(target, row, KIND_IMAGE, "waiting")
        case "session":
            asked = {"project_id": project_id, "id": as_uuid(target.id)}
            row = await fetch_one(connection, "look_at_session", asked)
            return _seen(target, row, SESSION_IMAGE)
    return Seen(target, {}, {})


def _seen(target: Target, row: Row | None, keys: Sequence[str], *arguments: str) -> Seen:
    if row is None:
        raise NotFound(f"there is no {target} here")
    image = {key: _plain(row[key]) for key in keys}
    return Seen(target, image, row, {name: row[name] for name in arguments})


async def look_at_job(connection: Connection, project_id: str, target: Target, action: RepairAction) -> Seen:
    """Look at a job wherever it stands; raise JobNotFound, and Conflict while it moves."""
    where = {"project_id": project_id, "id": UUID(target.id)}
    # A job that moves from table to table under the first look stands still under the second, unless it moves again.
    for _ in range(2):
        row = await fetch_one(connection, "look_at_job", where)
        if row is None:
            raise JobNotFound(f"there is no job {target.id} here")
        if row["state"] is not None or row["origin"] != "own":
            image = {key: _plain(row[key]) for key in JOB_IMAGE}
            return Seen(target, image, row, _arguments(action, row))
    raise Conflict(f"job {target.id} is moving just now")


def _arguments(action: RepairAction, row: Row) -> dict[str, Any]:
    if action is RepairAction.RECLAIM and row["state"] == "running" and row["origin"] == "own":
        return {"goes_to": after_lost_lease(store.policy_of(row), 0.0).state.value}
    return {}


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
