"""Undoes repairs: what an action changed is put back, where nothing has moved on since; no old token lives again."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from watchkeeper.domain.errors import Conflict
from watchkeeper.domain.leases import hash_secret, new_secret
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.repair_plans import preconditions
from watchkeeper.domain.repairs import Plan, RepairState
from watchkeeper.domain.rules.names import RepairAction
from watchkeeper.services.maintenance import MaintenanceConfig
from watchkeeper.services.proposals import withdraw
from watchkeeper.services.repairs.breaker import ACTIONS_OFF
from watchkeeper.services.repairs.incident_moves import follow
from watchkeeper.services.repairs.records import Change, RepairRecords
from watchkeeper.services.repairs.targets import Seen, look
from watchkeeper.storage.database import Connection, Row, fetch, fetch_one, fetch_row

MOVED_ON = "what was repaired has moved on since: nothing was undone"


class Undoing:
    """Undoes repairs that succeeded, in the caller's transaction, on a row that the caller has locked."""

    def __init__(self, records: RepairRecords, policy: Callable[[], Policy]) -> None:
        self._records = records
        self._policy = policy

    async def undo(self, connection: Connection, row: Row, *, actor: str, reason: str) -> Row:
        """Undo a repair; raise Conflict with the reason in words where that cannot be."""
        check_undoable(row)
        plan = Plan.from_json(row["plan"])
        switch = await fetch_row(connection, "actions_switch")
        if not switch["is_on"]:
            raise Conflict(ACTIONS_OFF)
        seen = await look(connection, row["project_id"], plan.target, plan.action)
        if preconditions(plan.target, seen.image) != preconditions(plan.target, row["new_state"]):
            raise Conflict(MOVED_ON, present=dict(seen.image))
        said = await _UNDO[plan.action](_Undo(connection, row, seen, actor, reason, self._policy()))
        after = await look(connection, row["project_id"], plan.target, plan.action)
        change = Change(actor, reason, note=said, undo_state=dict(after.image))
        undone = await self._records.move(connection, row, RepairState.ROLLED_BACK, change)
        await follow(connection, undone, self._policy())
        return undone


def check_undoable(row: Row) -> None:
    """Raise Conflict, with the reason in words, where a repair is not one that can be undone."""
    if row["plan"] is None:
        raise Conflict("a reaping is not undone: its lease had run out; 'watchkeeper jobs' moves the job on")
    if row["state"] != RepairState.SUCCEEDED:
        raise Conflict(f"only a repair that succeeded is undone; this one is {row['state']}")
    if row["plan"]["undo"] is None:
        raise Conflict(f"this repair cannot be undone: {row['plan']['no_undo_because']}")


class _Undo:
    """An undo in hand."""

    def __init__(
        self, connection: Connection, repair: Row, seen: Seen, actor: str, reason: str, policy: Policy
    ) -> None:
        self.policy = policy
        self.connection = connection
        self.repair = repair
        self.seen = seen
        self.actor = actor
        self.reason = f"{reason} (repair {repair['id']} undone)"
        self.before: Mapping[str, Any] = repair["old_state"]
        self.after: Mapping[str, Any] = repair["new_state"]
        self.where = {"project_id": repair["project_id"]}

    async def put(self, to: str, event: str | None, image: Mapping[str, Any]) -> None:
        """Put a job that does not run to a state, with counters and times as `image` has them."""
        now = await look(self.connection, self.repair["project_id"], self.seen.target, RepairAction.RESUME)
        arguments = {
            **self.where,
            "seq": now.row["seq"],
            "epoch": now.row["epoch"],
            "from_state": now.row["state"],
            "to_state": to,
            "event": event,
            "actor": self.actor,
            "reason": self.reason,
            "agent_errors": image["agent_errors"],
            "lost_leases": image["lost_leases"],
            "ready_at": _time(image.get("ready_at")),
            "run_at": _time(image.get("run_at")),
            "state_reason": image.get("state_reason"),
            "detail": json.dumps(image.get("hold_detail")),
            "held_by": image.get("held_by"),
            "held_at": _time(image.get("held_at")),
        }
        if not await fetch(self.connection, "restore_waiting_job", arguments):
            raise Conflict(MOVED_ON)


async def _back_to_worker(undo: _Undo) -> str:
    """Give the former worker a new lease, unless it is gone or was told; else pause the job with the reason."""
    before, row = undo.before, undo.seen.row
    why = await _why_not_handed_back(undo)
    counters = {"agent_errors": before["agent_errors"], "lost_leases": before["lost_leases"]}
    if why is not None:
        detail = {"reason": f"{undo.reason}: {why}"}
        image = {**counters, "state_reason": "operator", "hold_detail": detail, "held_by": undo.actor}
        await undo.put("paused", None if row["state"] == "paused" else "job_paused", image)
        return f"the job is paused: {why}"
    if row["state"] != "pending":
        await undo.put("pending", "job_resumed", counters)
    # Nobody knows this secret: the lease is unused, so that the worker's next claim hands it out under another one.
    arguments = {
        **undo.where,
        **counters,
        "seq": row["seq"],
        "epoch": row["epoch"],
        "worker_id": before["worker_id"],
        "token_hash": hash_secret(new_secret()),
        "profile": before["profile"],
        "lease_seconds": before["lease_seconds"],
        "actor": undo.actor,
        "reason": undo.reason,
    }
    if (leased := await fetch_one(undo.connection, "hand_back_lease", arguments)) is None:
        raise Conflict(MOVED_ON)
    return f"{before['worker_id']} has a new lease under epoch {leased['epoch']}"


async def _why_not_handed_back(undo: _Undo) -> str | None:
    switch = await fetch_row(undo.connection, "claims_switch")
    if not switch["is_on"]:
        return "all claims are switched off"
    free = await fetch_one(
        undo.connection,
        "may_be_handed_back",
        {
            **undo.where,
            "kind": undo.seen.row["kind"],
            "worker_id": undo.before["worker_id"],
            "acted_at": undo.repair["attempted_at"],
            "job_id": undo.seen.target.id,
            "silence_seconds": MaintenanceConfig().worker_silence_seconds,
            "session_silence_seconds": undo.policy.absent_seconds,
        },
    )
    if free is None:
        return f"its former worker {undo.before['worker_id']} is gone, was told already, or may not claim"
    return None


async def _unmark_stale(undo: _Undo) -> str:
    row = undo.seen.row
    ends = {"expires_at": _time(undo.before["expires_at"]), "marked_at": _time(undo.after["expires_at"])}
    where = {**undo.where, "seq": row["seq"], "epoch": row["epoch"]}
    if not await fetch(undo.connection, "unexpire_lease", {**where, **ends}):
        raise Conflict(MOVED_ON)
    return "the lease ends when it would have ended"


async def _unpause(undo: _Undo) -> str:
    if undo.before["state"] == "running":
        return await _back_to_worker(undo)
    await undo.put("pending", "job_resumed", undo.before)
    return "the job is pending as it was"


async def _pause_again(undo: _Undo) -> str:
    await undo.put("paused", "job_paused", undo.before)
    return "the job is paused as it was"


async def _unstop(undo: _Undo) -> str:
    worker = undo.seen.target.id
    said = {"worker_id": worker, "actor": undo.actor, "reason": undo.reason}
    await fetch(undo.connection, "unstop_worker", {**undo.where, **said})
    return f"{worker} may claim again"


async def _restop(undo: _Undo) -> str:
    worker, before = undo.seen.target.id, undo.before
    said = {"worker_id": worker, "actor": undo.actor, "reason": undo.reason}
    stopped = {"stopped_by": before["stopped_by"], "stop_reason": before["stop_reason"]}
    stopped_at = _time(before["stopped_at"])
    await fetch(undo.connection, "restop_worker", {**undo.where, **said, **stopped, "stopped_at": stopped_at})
    return f"{worker} is stopped again"


async def _unpause_kind(undo: _Undo) -> str:
    said = {"kind": undo.seen.target.id, "paused": False, "actor": undo.actor, "reason": undo.reason}
    await fetch(undo.connection, "set_kind_paused", {**undo.where, **said})
    return f"{undo.seen.target} is claimed again"


async def _withdraw(undo: _Undo) -> str:
    if not undo.after["is_new"]:
        raise Conflict("the proposal stood there before this repair: it is not taken back with it")
    project, fingerprint = undo.repair["project_id"], undo.after["fingerprint"]
    if not await withdraw(undo.connection, project, fingerprint, actor=undo.actor, reason=undo.reason):
        raise Conflict("somebody has decided the proposal already")
    return "the proposal is withdrawn"


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


_UNDO: dict[RepairAction, Callable[[_Undo], Awaitable[str]]] = {
    RepairAction.RELEASE: _back_to_worker,
    RepairAction.RECLAIM: _back_to_worker,
    RepairAction.BLOCK_COMPLETE: _back_to_worker,
    RepairAction.MARK_STALE: _unmark_stale,
    RepairAction.PAUSE: _unpause,
    RepairAction.REQUEUE: _pause_again,
    RepairAction.RESUME: _pause_again,
    RepairAction.STOP_WORKER: _unstop,
    RepairAction.RESUME_WORKER: _restop,
    RepairAction.PAUSE_KIND: _unpause_kind,
    RepairAction.PROPOSE: _withdraw,
}
