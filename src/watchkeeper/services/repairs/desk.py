"""What people and workers do about repairs: ask for them, look at them, decide them, undo them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from watchkeeper.domain.errors import Conflict, NotFound, PermissionDenied, UsageError
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.principals import Principal
from watchkeeper.domain.repairs import Plan, RepairState, may_decide
from watchkeeper.domain.rules.names import RepairAction
from watchkeeper.domain.suggestions import shown
from watchkeeper.services.operations import find_job
from watchkeeper.services.repairs.acting import Acting
from watchkeeper.services.repairs.approving import Approving, authority_of
from watchkeeper.services.repairs.planning import Planning, target_asked, waits_for
from watchkeeper.services.repairs.records import Asked, RepairRecords
from watchkeeper.services.repairs.undoing import Undoing, check_undoable
from watchkeeper.storage.database import Connection, Database, Row, fetch, fetch_one

MOST_UNDECIDED = 1_000
"""So many asked-for repairs may wait in a project: more would be nobody's reading."""

MOST_UNDECIDED_OF_ONE = 100
"""So many of one asker, who so keeps nobody else from asking."""


SHOWN = (
    "id",
    "state",
    "result",
    "trigger",
    "action",
    "authority",
    "actor",
    "on_behalf_of",
    "reason",
    "note",
    "job_id",
    "worker_id",
    "kind",
    "pool",
    "incident_id",
    "plan",
    "plan_digest",
    "old_state",
    "new_state",
    "output",
    "output_hash",
    "policy_version",
    "policy_digest",
    "created_at",
    "expires_at",
    "attempted_at",
    "due_at",
    "ended_at",
    "undone_by",
    "undone_at",
    "undo_reason",
    "undo_state",
)


@dataclass(frozen=True, slots=True)
class Wish:
    """A repair as it is asked for: the action and the one thing it is done to."""

    action: RepairAction
    reason: str
    job: str | None = None
    worker: str | None = None
    kind: str | None = None
    session: str | None = None
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
        """Plan what is asked for, and let it wait for another person's word.

        A worker's token suggests only. Raises UsageError without exactly one target, NotFound, JobNotFound, Conflict.
        """
        async with self._act(dry_run) as connection:
            asked, plan = await self._planned(connection, project_id, wish, by)
            waiting = await fetch(
                connection, "count_undecided_asked", {"project_id": project_id, "asker": by.id}
            )
            if waiting[0]["of_asker"] >= MOST_UNDECIDED_OF_ONE:
                raise Conflict(
                    "too many of your repairs wait for a word already", hint="Withdraw some first."
                )
            if waiting[0]["undecided"] >= MOST_UNDECIDED:
                raise Conflict("too many repairs wait for a word already", hint="Decide those first.")
            row = await self.records.propose(connection, asked, plan, self.policy())
            return await _shown(connection, row)

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
            return await _shown(connection, done)

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
        named = {"job": job and str(job), "worker": wish.worker, "kind": wish.kind, "session": wish.session}
        target = target_asked(wish.action, named)
        asked = Asked(
            project_id,
            trigger,
            wish.reason,
            actor=by.actor,
            on_behalf_of=await self._behalf(connection, project_id, wish),
            asker=by.id,
            asker_minted_by=by.minted_by,
            incident_id=wish.incident,
            job_id=job,
            worker_id=wish.worker,
            kind=wish.kind,
        )
        plan, seen = await self.planning.asked(connection, asked, wish.action, target)
        return seen.completed(asked, waits_for(plan.authority)), plan

    async def _behalf(self, connection: Connection, project_id: str, wish: Wish) -> str | None:
        """Give the one name by which he is known who wants a repair; raise UsageError for a name of nobody here."""
        if wish.on_behalf_of is None:
            return None
        name = wish.on_behalf_of.removeprefix("principal:")
        names = {"project_id": project_id, "names": [f"{project_id}/{name}", name]}
        found = await fetch_one(connection, "principal_named", names)
        if found is None:
            raise UsageError(
                f"nobody here is called {shown(name)}", hint="Name somebody who has a token here."
            )
        return str(found["name"])

    async def approve(
        self,
        project_id: str,
        repair_id: UUID,
        by: Principal,
        *,
        digest: str | None,
        reason: str,
        dry_run: bool = False,
    ) -> dict[str, Any]:
        """Approve a repair, and carry it out at once unless something holds it up.

        Where its target has moved on, the answer says `expired`. Raises as `Approving.approve`, and NotFound.
        """
        async with self._act(dry_run) as connection:
            row = await self._locked(connection, project_id, repair_id)
            after = await self.approving.approve(connection, row, by, digest=digest, reason=reason)
            if after["state"] == RepairState.APPROVED:
                after = await self.acting.act(connection, after)
            return await _shown(connection, after)

    async def reject(
        self, project_id: str, repair_id: UUID, by: Principal, reason: str, *, dry_run: bool = False
    ) -> dict[str, Any]:
        """Refuse a repair for good."""
        async with self._act(dry_run) as connection:
            row = await self._locked(connection, project_id, repair_id)
            return await _shown(connection, await self.approving.reject(connection, row, by, reason))

    async def withdraw(
        self, project_id: str, repair_id: UUID, by: Principal, reason: str, *, dry_run: bool = False
    ) -> dict[str, Any]:
        """Take one's own word back before it is used."""
        async with self._act(dry_run) as connection:
            row = await self._locked(connection, project_id, repair_id)
            return await _shown(connection, await self.approving.withdraw(connection, row, by, reason))

    async def roll_back(
        self, project_id: str, repair_id: UUID, by: Principal, reason: str, *, dry_run: bool = False
    ) -> dict[str, Any]:
        """Undo a repair that succeeded; raise Conflict, with the reason in words, where that cannot be."""
        async with self._act(dry_run) as connection:
            row = await self._locked(connection, project_id, repair_id)
            if row["plan"] is not None and not may_decide(by.role, authority_of(row)):
                raise PermissionDenied(f"this repair is for a {authority_of(row)} to undo")
            check_undoable(row)
            undone = await self.undoing.undo(connection, row, actor=by.actor, reason=reason)
            return await _shown(connection, undone)

    @asynccontextmanager
    async def _act(self, dry_run: bool) -> AsyncIterator[Connection]:
        """Lend a transaction; a dry run goes the same way to its end, and is taken back there."""
        try:
            async with self.database.transaction() as connection:
                yield connection
                _take_back(dry_run)
        except _OnlyRehearsed:
            return

    async def show(self, project_id: str, repair_id: UUID) -> dict[str, Any]:
        """Give one repair with its plan and everything that was said on it; raise NotFound."""
        async with self.database.transaction() as connection:
            where = {"project_id": project_id, "id": repair_id}
            if (row := await fetch_one(connection, "find_repair", where)) is None:
                raise NotFound("there is no such repair here")
            return await _shown(connection, row)

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


async def _shown(connection: Connection, row: Row) -> dict[str, Any]:
    """Give what people see of a repair, with everything that was said on it."""
    where = {"project_id": row["project_id"], "repair_id": row["id"]}
    seen = {name: row[name] for name in SHOWN}
    return {**seen, "approvals": await fetch(connection, "approvals_of", where)}


class _OnlyRehearsed(Exception):
    """Takes a dry run back."""


def _take_back(dry_run: bool) -> None:
    if dry_run:
        raise _OnlyRehearsed
