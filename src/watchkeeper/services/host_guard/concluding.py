"""The end of an act: its repair's state, its breaker, and the five assets of its incident, in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from watchkeeper.domain.host_guard.after import Outcome
from watchkeeper.domain.host_guard.telling import Told, assets_of
from watchkeeper.domain.host_guard.trust import Trust
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.repairs import RepairState
from watchkeeper.services.host_guard.write_back import Of, write_assets
from watchkeeper.services.repairs.incident_moves import follow
from watchkeeper.services.repairs.records import Change, RepairRecords
from watchkeeper.storage.database import Connection, Row, fetch

NOTES = {
    Outcome.VERIFIED: "the targets are gone, every bystander lives, and the CPU is free",
    Outcome.INEFFECTIVE: "it did not help: a target is left, came back, or the CPU is still taken",
    Outcome.HARMFUL: "a bystander is gone: nobody trusts this playbook until a person has looked",
    Outcome.NO_DATA: "nobody could look in time, and no data is failure",
    Outcome.SUPERSEDED: "nothing was sent: what was planned did not stand any more",
}


class Concluding:
    """Ends acts, each in the caller's transaction, on a row that the caller has locked."""

    def __init__(self, records: RepairRecords, policy: Callable[[], Policy]) -> None:
        self._records = records
        self._policy = policy

    async def conclude(self, connection: Connection, row: Row, outcome: Outcome) -> None:
        """Write down what a locked act came to, with everything that it leaves."""
        where = {"project_id": row["project_id"], "id": row["id"]}
        if not await fetch(connection, "end_host_remediation", {**where, "outcome": outcome.value}):
            return
        to = RepairState.SUCCEEDED if outcome is Outcome.VERIFIED else RepairState.FAILED
        change = Change(note=NOTES[outcome], reason=NOTES[outcome], new_state={"outcome": outcome.value})
        ended = await self._records.move(connection, row, to, change)
        await follow(connection, ended, self._policy())
        if outcome in (Outcome.HARMFUL, Outcome.INEFFECTIVE, Outcome.NO_DATA):
            brake = {name: row[name] for name in ("project_id", "host", "trigger")}
            await fetch(connection, "trip_host_breaker", brake)
        if row["incident_id"] is not None:
            assets = assets_of(await self._told(connection, row, outcome))
            of = Of(row["project_id"], row["incident_id"], row["id"])
            await write_assets(connection, of, assets, actor="system", reason=NOTES[outcome])

    async def _told(self, connection: Connection, row: Row, outcome: Outcome) -> Told:
        about = {"project_id": row["project_id"], "remediation_id": row["id"]}
        trust = await fetch(connection, "host_playbook_trust", {"project_id": row["project_id"]})
        words = await fetch(connection, "words_on_plan", {"project_id": row["project_id"], "id": row["id"]})
        found = next((Trust(**each) for each in trust if each["playbook"] == row["playbook"]), None)
        return Told(
            incident_id=str(row["incident_id"]),
            rule=row["incident_rule"] or row["trigger"],
            incident_state=row["incident_state"] or "unknown",
            owner=row["incident_owner"] or "owner",
            remediation_id=str(row["id"]),
            packet=row["packet"],
            evidence_ref=row["evidence_ref"] or "",
            playbook=row["playbook"],
            fingerprint=row["fingerprint"],
            outcome=outcome,
            note=NOTES[outcome],
            asked_by=row["actor"],
            approved_by=[word["actor"] for word in words if word["is_used"]],
            window_id=str(row["window_id"]),
            results=row["results"] or [],
            checks=await fetch(connection, "post_checks_of", about),
            trust=found or Trust(row["playbook"], 0, 0, 0, 0),
            now=row["now"],
            guarded_until=row["now"] + timedelta(days=self._policy().thresholds.recurrence_days),
        )
