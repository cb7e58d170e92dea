"""What people and workers do about repairs: ask for them, look at them, decide them, undo them, reset breakers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from watchkeeper.domain.errors import Conflict, NotFound, PermissionDenied
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.principals import Principal
from watchkeeper.domain.repairs import Plan, RepairState, may_decide
from watchkeeper.domain.rules.names import RepairAction
from watchkeeper.services.operations import find_job
from watchkeeper.services.repairs.acting import Acting
from watchkeeper.services.repairs.approving import Approving, authority_of
from watchkeeper.services.repairs.planning import Planning, target_asked, waits_for
from watchkeeper.services.repairs.records import Asked, Change, RepairRecords
from watchkeeper.services.repairs.undoing import Undoing, check_undoable
from watchkeeper.storage.database import Connection, Database, Row, fetch, fetch_one

MOST_UNDECIDED = 1_000
"""So many asked-for repairs may wait in a project: more would be nobody's reading."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A repair as it is asked for: the action and the one thing it is done to."""

    action: RepairAction
    reason: str
    job: str | None = None
    worker: str | None = None
    kind: str | None = None
    incident: UUID | None = None
    on_behalf_of: str | None = None


@dataclass(frozen=True, slots=True)
class Repairs:
    """The repairs of one database, for those who have a say in them. Each act is one transaction."""

    database: Database
    policy: Callable[[], Policy]
    records: RepairRecords
    planning: Planning
    acting: Acting
    approving: Approving
    undoing: Undoing

    async def ask(
        self, project_id: str, wish: Wish, by: Principal, *, dry_run: bool = False
    ) -> dict[str, Any]:
        """Plan what is asked for, and let it wait for another person's word; a dry run shows the plan.

        A worker's token suggests only. Raises UsageError without exactly one target, NotFound, JobNotFound, Conflict.
        """
        async with self.database.transaction() as connection:
            asked, plan = await self._planned(connection, project_id, wish, by)
            if dry_run:
                return {"dry_run": True, "plan": plan.to_json(), "plan_digest": plan.digest}
            waiting = await fetch(connection, "count_undecided_asked", {"project_id": project_id})
            if waiting[0]["undecided"] >= MOST_UNDECIDED:
                raise Conflict("too many repairs wait for a word already", hint="Decide those first.")
            row = await self.records.propose(connection, asked, plan, self.policy())
        return shown(row)

    async def carry_out(self, project_id: str, wish: Wish, by: Principal) -> dict[str, Any]:
        """Do at once what a person's own role allows, recorded as a repair like any other.

        Raises PermissionDenied where the plan needs a higher authority, and as `ask`.
        """
        async with self.database.transaction() as connection:
            asked, plan = await self._planned(connection, project_id, wish, by)
            if plan.authority is None or not may_decide(by.role, plan.authority):
                raise PermissionDenied(f"this needs the word of a {plan.authority or 'person'}")
            row = await self.records.propose(connection, asked, plan, self.policy())
            locked = await self._locked(connection, project_id, row["id"])
            done = await self.acting.act(connection, locked, word_of=by.actor)
            if done["state"] in (RepairState.PROPOSED, RepairState.EXPIRED, RepairState.FAILED):
                # Raised inside the transaction: what could not be done leaves nothing behind.
                note = await fetch_one(connection, "find_repair", {"project_id": project_id, "id": row["id"]})
                raise Conflict(str(note and note["note"]))
        return shown(done)

    async def _planned(
        self, connection: Connection, project_id: str, wish: Wish, by: Principal
    ) -> tuple[Asked, Plan]:
        job = None if wish.job is None else (await find_job(connection, project_id, wish.job))["id"]
        trigger = "asked"
        if wish.incident is not None:
            where = {"project_id": project_id, "id": wish.incident}
            if (found := await fetch_one(connection, "rule_of_incident", where)) is None:
                raise NotFound("there is no such incident here")
            trigger = found["rule"]
        target = target_asked(wish.action, None if job is None else str(job), wish.worker, wish.kind)
        asked = Asked(
            project_id,
            trigger,
            wish.reason,
            actor=by.actor,
            on_behalf_of=wish.on_behalf_of,
            asker=by.id,
            asker_minted_by=by.minted_by,
            incident_id=wish.incident,
            job_id=job,
            worker_id=wish.worker,
            kind=wish.kind,
        )
        plan, seen = await self.planning.asked(connection, asked, wish.action, target)
        return seen.completed(asked, waits_for(plan.authority)), plan

    async def approve(
        self, project_id: str, repair_id: UUID, by: Principal, *, digest: str | None, reason: str
    ) -> dict[str, Any]:
        """Approve a repair, and carry it out at once unless something holds it up.

        Where its target has moved on, the answer says `expired`. Raises as `Approving.approve`, and NotFound.
        """
        async with self.database.transaction() as connection:
            row = await self._locked(connection, project_id, repair_id)
            after = await self.approving.approve(connection, row, by, digest=digest, reason=reason)
            if after["state"] == RepairState.APPROVED:
                after = await self.acting.act(connection, after)
        return await self.show(project_id, after["id"])

    async def reject(self, project_id: str, repair_id: UUID, by: Principal, reason: str) -> dict[str, Any]:
        """Refuse a repair for good."""
        async with self.database.transaction() as connection:
            row = await self._locked(connection, project_id, repair_id)
            await self.approving.reject(connection, row, by, reason)
        return await self.show(project_id, repair_id)

    async def withdraw(self, project_id: str, repair_id: UUID, by: Principal, reason: str) -> dict[str, Any]:
        """Take one's own word back before it is used."""
        async with self.database.transaction() as connection:
            row = await self._locked(connection, project_id, repair_id)
            await self.approving.withdraw(connection, row, by, reason)
        return await self.show(project_id, repair_id)

    async def roll_back(
        self, project_id: str, repair_id: UUID, by: Principal, reason: str, *, dry_run: bool = False
    ) -> dict[str, Any]:
        """Undo a repair that succeeded; raise Conflict, with the reason in words, where that cannot be."""
        async with self.database.transaction() as connection:
            row = await self._locked(connection, project_id, repair_id)
            if row["plan"] is not None and not may_decide(by.role, authority_of(row)):
                raise PermissionDenied(f"this repair is for a {authority_of(row)} to undo")
            check_undoable(row)
            if dry_run:
                return {"dry_run": True, "would": row["plan"]["undo"], "id": repair_id, "state": row["state"]}
            await self.undoing.undo(connection, row, actor=by.actor, reason=reason)
        return await self.show(project_id, repair_id)

    async def show(self, project_id: str, repair_id: UUID) -> dict[str, Any]:
        """Give one repair with its plan and everything that was said on it; raise NotFound."""
        where = {"project_id": project_id, "id": repair_id}
        if (row := await self.database.fetch_one("find_repair", where)) is None:
            raise NotFound("there is no such repair here")
        said = await self.database.fetch("approvals_of", {"project_id": project_id, "repair_id": repair_id})
        return {**shown(row), "approvals": said}

    async def asked_of(self, project_id: str, worker_id: str) -> list[Row]:
        """Give what a worker was asked for and has not shown yet, for the supervisor on its machine."""
        where = {"project_id": project_id, "worker_id": worker_id}
        return await self.database.fetch("asked_of_worker", where)

    async def breakers(self, project_id: str) -> list[Row]:
        """Give the breakers of a project, the tripped ones first."""
        return await self.database.fetch("list_breakers", {"project_id": project_id})

    async def reset_breaker(
        self, project_id: str, rule: str, pool: str, by: Principal, *, drop: bool, reason: str
    ) -> int:
        """Let a rule act in a pool again, and run or drop what waited; give how many that were.

        Raises Conflict for a breaker that is not tripped.
        """
        where = {"project_id": project_id, "rule": rule, "pool": pool}
        async with self.database.transaction() as connection:
            waiting = await fetch(connection, "lock_waiting_repairs", where)
            said = {"actor": by.actor, "reason": self.records.kept(reason)}
            choice = "drop" if drop else "run"
            if not await fetch(connection, "reset_breaker", {**where, **said, "waiting": choice}):
                raise Conflict(f"the breaker of {rule} in pool {pool} is not tripped")
            for row in waiting if drop else ():
                note = "dropped when its breaker was reset"
                await self.records.move(
                    connection, row, RepairState.EXPIRED, Change(by.actor, reason, note=note)
                )
        return len(waiting)

    async def _locked(self, connection: Connection, project_id: str, repair_id: UUID) -> Row:
        row = await fetch_one(connection, "lock_repair", {"project_id": project_id, "id": repair_id})
        if row is None:
            raise NotFound("there is no such repair here")
        return row

    async def list(
        self,
        project_id: str,
        *,
        state: str | None = None,
        action: str | None = None,
        before: UUID | None = None,
        limit: int = 100,
    ) -> tuple[list[Row], UUID | None]:
        """Give a page, the newest first, and the cursor of the next page; reapings only under their own action."""
        asked = {"project_id": project_id, "state": state, "action": action, "before": before}
        rows = await self.database.fetch("list_repairs", {**asked, "limit": limit + 1})
        return rows[:limit], rows[limit - 1]["id"] if len(rows) > limit else None


def shown(row: Row) -> dict[str, Any]:
    """Give of a repair's row what people see."""
    hidden = {"asked_by_id", "asker_minted_by", "project_id", "now"}
    return {
        name: value for name, value in row.items() if name not in hidden and not name.startswith("incident_r")
    }
