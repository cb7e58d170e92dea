"""What people ask of the host guard: an act on one packet's targets, which another person approves as any repair.

A server answers this: nothing here looks at processes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from watchkeeper.domain.errors import NotFound, UsageError
from watchkeeper.domain.host_guard.limits import Limits
from watchkeeper.domain.host_guard.plan import PLAYBOOK, digest, fingerprint, plan_of, rule_of
from watchkeeper.domain.host_guard.trust import Trust
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.principals import Principal, Right
from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.repairs import Plan
from watchkeeper.services.host_guard.gathering import gathered
from watchkeeper.services.repairs.records import Asked, RepairRecords
from watchkeeper.storage.database import Connection, Database, Row, fetch, fetch_one

MOST_PACKET_BYTES = 64 * 1024
WAITS = "waits for the word of another owner, then for the host itself"


class HostRemediations:
    """The acts of the host guard, for those who have a say in them; a host carries them out (acting.py)."""

    def __init__(
        self,
        database: Database,
        redactor: Redactor,
        records: RepairRecords,
        policy: Callable[[], Policy],
        limits: Limits,
    ) -> None:
        self._database = database
        self._redactor = redactor
        self._records = records
        self._policy = policy
        self._limits = limits

    async def ask(
        self,
        project_id: str,
        packet: Mapping[str, Any],
        by: Principal,
        *,
        reason: str,
        evidence_ref: str | None = None,
    ) -> dict[str, Any]:
        """Plan the act that a packet leads to, and let it wait for another owner's word.

        Raises UsageError for a packet that leads to none: of another lane, unproven, or without a target.
        """
        by.demand(Right.OPERATE)
        packet = self._redactor.redact_data(packet)
        if len(json.dumps(packet).encode()) > MOST_PACKET_BYTES:
            raise UsageError(f"a packet has at most {MOST_PACKET_BYTES // 1024} KiB")
        evidence = self._records.kept(evidence_ref) if evidence_ref else f"packet:{digest(packet)}"
        plan = plan_of(packet, evidence_ref=evidence, post_checks=self._limits.post_checks)
        async with self._database.transaction() as connection:
            return await self._propose(connection, project_id, packet, plan, by, reason)

    async def _propose(
        self,
        connection: Connection,
        project_id: str,
        packet: Mapping[str, Any],
        plan: Plan,
        by: Principal,
        reason: str,
    ) -> dict[str, Any]:
        rule, host = rule_of(packet), plan.target.id
        where = {"project_id": project_id, "rule": rule, "host": host}
        incident = None if rule is None else await fetch_one(connection, "host_incident_for", where)
        asked = Asked(
            project_id,
            rule or "asked",
            reason,
            actor=by.actor,
            asker=by.id,
            asker_minted_by=by.minted_by,
            incident_id=None if incident is None else incident["id"],
            pool=host,
            note=WAITS,
        )
        row = await self._records.propose(connection, asked, plan, self._policy())
        kept = {
            "project_id": project_id,
            "id": row["id"],
            "host": host,
            "playbook": PLAYBOOK,
            "fingerprint": fingerprint(packet),
            "evidence_ref": plan.arguments["evidence_ref"],
            "packet": json.dumps(packet),
        }
        await fetch(connection, "keep_host_remediation", kept)
        return await self._shown(connection, project_id, row["id"])

    async def show(self, project_id: str, remediation_id: UUID) -> dict[str, Any]:
        """Give one act with every gate, met or not, its looks and its assets; raise NotFound."""
        async with self._database.transaction() as connection:
            return await self._shown(connection, project_id, remediation_id)

    async def _shown(self, connection: Connection, project_id: str, remediation_id: UUID) -> dict[str, Any]:
        where = {"project_id": project_id, "id": remediation_id}
        row = await fetch_one(connection, "show_host_remediation", where)
        if row is None:
            raise NotFound("there is no such act of the host guard here")
        about = {"project_id": project_id, "remediation_id": remediation_id}
        row["post_checks"] = await fetch(connection, "post_checks_of", about)
        if row["began_at"] is None:
            judged = await gathered(connection, {**row, "trigger": rule_of(row["packet"]) or "asked"}, None)
            row["gates"] = [verdict.to_json() for verdict in judged.verdicts(self._limits)]
        assets: list[Row] = []
        if row["incident_id"] is not None:
            of = {"project_id": project_id, "incident_id": row["incident_id"]}
            assets = await fetch(connection, "host_assets_of", of)
        return {**{name: value for name, value in row.items() if name not in _HIDDEN}, "assets": assets}

    async def trust(self, project_id: str) -> list[dict[str, object]]:
        """Say how far each playbook of a project is trusted, by what its acts came to."""
        rows = await self._database.fetch("host_playbook_trust", {"project_id": project_id})
        return [Trust(**row).to_json() for row in rows] or [Trust(PLAYBOOK, 0, 0, 0, 0).to_json()]

    async def list(
        self, project_id: str, *, before: UUID | None = None, limit: int = 100
    ) -> tuple[list[Row], UUID | None]:
        """Give a page, the newest first, and the cursor of the next page."""
        asked = {"project_id": project_id, "before": before, "limit": limit + 1}
        rows = await self._database.fetch("list_host_remediations", asked)
        return rows[:limit], rows[limit - 1]["id"] if len(rows) > limit else None


_HIDDEN = frozenset({"watched", "asked_by_id", "project_id"})
