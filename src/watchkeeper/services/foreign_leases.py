"""Leases of a foreign queue as supervisors and reporters change what is known of them; those of the own queue never."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from watchkeeper.domain.errors import Conflict, JobNotFound, OwnLease, UsageError
from watchkeeper.domain.mirrored import HELPER, LeaseAction
from watchkeeper.services.mirrored import OWN, MirroredJobs, Reporter
from watchkeeper.services.operations import find_job
from watchkeeper.storage.database import Connection, Database, Row, fetch, fetch_one


class ForeignLeases:
    """The reported leases of one database."""

    def __init__(self, database: Database, mirrored: MirroredJobs) -> None:
        self._database = database
        self._mirrored = mirrored

    async def change(
        self,
        who: Reporter,
        job: str,
        *,
        action: LeaseAction | None = None,
        reason: str | None = None,
        last_heartbeat_at: datetime | None = None,
        lease_expires_at: datetime | None = None,
        origin: str = HELPER,
    ) -> dict[str, Any]:
        """Act on a reported lease, or keep what is reported of it; give job and lease as they stand then.

        Raises JobNotFound, OwnLease for a job of the own queue, Conflict where nothing is open to act on, and
        UsageError where neither or both are asked for.
        """
        async with self._database.transaction() as connection:
            row = await self._mirrored_job(connection, who, job, origin)
            if action is not None:
                if last_heartbeat_at or lease_expires_at:
                    raise UsageError(
                        "either 'action' with 'reason', or what is reported of the lease; not both"
                    )
                if not reason:
                    raise UsageError(f"'reason': say why you {action.replace('_', ' ')} it")
                row = await self._act(connection, who, row, action, reason)
            else:
                if not (last_heartbeat_at or lease_expires_at):
                    raise UsageError(
                        "say 'action' with 'reason', or 'last_heartbeat_at' or 'lease_expires_at'"
                    )
                row = await self._report(connection, who, row, last_heartbeat_at, lease_expires_at)
            where = {"project_id": who.project_id, "seq": row["seq"]}
            lease = await fetch_one(connection, "foreign_lease", where)
        state = row["ended"] or row["state"]
        told = {name: row[name] for name in ("id", "origin", "external_id")}
        return {"job": {**told, "state": state, "attempt": row["epoch"]}, "lease": lease}

    async def _mirrored_job(self, connection: Connection, who: Reporter, job: str, origin: str) -> Row:
        # Under its foreign id a job of any origin is meant: one that is not told apart must not be missed.
        found = await find_job(connection, who.project_id, job)
        if found["origin"] == OWN:
            raise OwnLease(job=str(found["id"]))
        row = await self._mirrored.find(connection, who, str(found["id"]), origin)
        if row is None:
            raise JobNotFound
        return row

    async def _act(
        self, connection: Connection, who: Reporter, row: Row, action: LeaseAction, reason: str
    ) -> Row:
        if row["ended"]:
            raise Conflict(f"the job is {row['ended']}: nothing of it is left to {action.replace('_', ' ')}")
        if row["live_epoch"] is None and row["state"] == "pending":
            raise Conflict("no lease is reported of this job: it is pending where it lives")
        return await self._mirrored.decide(connection, who, row, action, reason)

    async def _report(
        self,
        connection: Connection,
        who: Reporter,
        row: Row,
        last_heartbeat_at: datetime | None,
        lease_expires_at: datetime | None,
    ) -> Row:
        if row["live_epoch"] is None:
            raise Conflict(
                "no attempt at this job is known to be open",
                hint="Report the attempt first: POST /api/pls/watchdog/job-attempt.",
            )
        said = dict.fromkeys(
            ("attempt_id", "phase", "primary_artifact_ref", "complete_status", "error_code", "error_message")
        )
        times = {"last_heartbeat_at": last_heartbeat_at, "lease_expires_at": lease_expires_at}
        where = {"project_id": who.project_id, "seq": row["seq"]}
        await fetch(connection, "note_foreign_lease", {**where, **said, **times})
        return row
