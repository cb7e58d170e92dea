"""Leases of a foreign queue as supervisors and reporters change what is known of them; those of the own queue never."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from watchkeeper.domain.errors import Conflict, JobNotFound, OwnLease, UsageError
from watchkeeper.domain.mirrored import LeaseAction
from watchkeeper.domain.principals import Principal
from watchkeeper.domain.rules.names import RepairAction
from watchkeeper.services.mirrored import OWN, MirroredJobs, Reporter
from watchkeeper.services.operations import find_job
from watchkeeper.services.repairs.desk import Repairs, Wish
from watchkeeper.storage.database import Connection, Database, Row, fetch, fetch_one, fetch_row

WORDS = ("attempt_id", "phase", "primary_artifact_ref", "complete_status", "error_code", "error_message")
"""What an attempt says of itself; a report of its lease says none of it."""


class ForeignLeases:
    """The reported leases of one database."""

    def __init__(self, database: Database, mirrored: MirroredJobs, repairs: Repairs) -> None:
        self._database = database
        self._mirrored = mirrored
        self._repairs = repairs

    async def decide(
        self, project_id: str, job: str, action: LeaseAction, reason: str | None, by: Principal
    ) -> dict[str, Any]:
        """Release, reclaim or mark stale by a person's word; give the job, what is left of its lease, and the repair.

        It is carried out and recorded as a repair. Raises JobNotFound, OwnLease for a job of the own queue, UsageError
        without a reason, Conflict where nothing is open to act on, and as `Repairs.carry_out`.
        """
        who = Reporter(project_id, by.actor)
        async with self._database.transaction() as connection:
            row = await self._mirrored_job(connection, who, job)
        words = action.replace("_", " ")
        if not reason:
            raise UsageError(f"'reason': say why you {words} it")
        if row["ended"]:
            raise Conflict(f"the job is {row['ended']}: nothing of it is left to {words}")
        if row["live_epoch"] is None and row["state"] == "pending":
            raise Conflict("no lease is reported of this job: it is pending where it lives")
        wish = Wish(RepairAction(action.value), reason, job=str(row["id"]))
        repair = await self._repairs.carry_out(project_id, wish, by)
        told = {name: repair[name] for name in ("id", "state", "result")}
        async with self._database.transaction() as connection:
            return {**await self._told(connection, project_id, row["seq"]), "repair": told}

    async def report(
        self,
        who: Reporter,
        job: str,
        last_heartbeat_at: datetime | None,
        lease_expires_at: datetime | None,
    ) -> dict[str, Any]:
        """Keep what is reported of an open lease; give job and lease as they stand then.

        Raises JobNotFound, OwnLease, Conflict where no attempt is open, and UsageError where nothing is reported.
        """
        async with self._database.transaction() as connection:
            row = await self._mirrored_job(connection, who, job)
            if not (last_heartbeat_at or lease_expires_at):
                raise UsageError("say 'action' with 'reason', or 'last_heartbeat_at' or 'lease_expires_at'")
            if row["live_epoch"] is None:
                raise Conflict(
                    "no attempt at this job is known to be open",
                    hint="Report the attempt first: POST /api/pls/watchdog/job-attempt.",
                )
            times = {"last_heartbeat_at": last_heartbeat_at, "lease_expires_at": lease_expires_at}
            where = {"project_id": who.project_id, "seq": row["seq"]}
            await fetch(connection, "note_foreign_lease", {**dict.fromkeys(WORDS), **where, **times})
            return await self._told(connection, who.project_id, row["seq"])

    async def _told(self, connection: Connection, project_id: str, seq: int) -> dict[str, Any]:
        where = {"project_id": project_id, "seq": seq}
        row = await fetch_row(connection, "reported_job", where)
        job = {name: row[name] for name in ("id", "origin", "external_id")}
        lease = await fetch_one(connection, "foreign_lease", where)
        return {
            "job": {**job, "state": row["ended"] or row["state"], "attempt": row["epoch"]},
            "lease": lease,
        }

    async def _mirrored_job(self, connection: Connection, who: Reporter, job: str) -> Row:
        found = await find_job(connection, who.project_id, job)
        if found["origin"] == OWN:
            raise OwnLease(job=str(found["id"]))
        row = await self._mirrored.find(connection, who, str(found["id"]), found["origin"])
        if row is None:
            raise JobNotFound
        return row
