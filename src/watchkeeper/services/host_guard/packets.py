"""Event packets in the database: as a host's guard sent them, each with the open incident that it belongs to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from watchkeeper.domain.errors import NotFound, UsageError
from watchkeeper.domain.host_guard.card import card
from watchkeeper.domain.host_guard.packet import MOST_BYTES, SCHEMA
from watchkeeper.domain.redaction import Redactor
from watchkeeper.storage.database import Database, Row

AGAIN_SECONDS = 3600.0
"""A packet of the same group that nobody asked for is kept once in so long."""

MOST_WANTED = 20
_PARTS: dict[str, type | tuple[type, ...]] = {
    "facts": dict,
    "unknowns": list,
    "processes": list,
    "gates": list,
    "processes_left_out": int,
    "next_action": str,
    "generated_at": (int, float),
}
_TEXTS = ("packet_id", "host", "lane", "classification", "action_policy")


@dataclass(frozen=True, slots=True)
class Wanted:
    """An incident that waits for a packet of a machine."""

    project_id: str
    incident_id: UUID
    host: str
    lane: str


class HostPackets:
    """The packets of one database."""

    def __init__(self, database: Database, redactor: Redactor) -> None:
        self._database = database
        self._redactor = redactor

    async def keep(
        self,
        project_id: str,
        packet: Mapping[str, Any],
        *,
        actor: str,
        names: Sequence[str] = (),
        wanted: Wanted | None = None,
    ) -> Row | None:
        """Keep a packet; None where one of that group was kept a moment ago, and nobody asked again.

        `names` are those by which alerts may call its machine beside its own. Raises UsageError for what is no packet.
        """
        told = self._redactor.redact_data(dict(packet))
        _check(told)
        host = told["host"].lower()
        return await self._database.fetch_one(
            "keep_host_packet",
            {
                "project_id": project_id,
                "host_id": host,
                "names": sorted(
                    {host, *(name.lower() for name in names), *([wanted.host] if wanted else ())}
                ),
                "incident_id": wanted and wanted.incident_id,
                "packet_key": told["packet_id"],
                "lane": told["lane"],
                "classification": told["classification"],
                "action_policy": told["action_policy"],
                "plan_digest": told["dry_run"]["digest"],
                "packet": json.dumps(told, ensure_ascii=False).encode("utf-8", "replace").decode(),
                "generated_at": told["generated_at"],
                "again_seconds": 0.0 if wanted else AGAIN_SECONDS,
                "actor": actor,
            },
        )

    async def wanted(self, names: Sequence[str]) -> list[Wanted]:
        """Give the incidents that wait for a packet of a machine of these names."""
        asked = {"names": sorted({name.lower() for name in names}), "limit": MOST_WANTED}
        rows = await self._database.fetch("packets_wanted", asked)
        return [Wanted(row["project_id"], row["incident_id"], row["host_id"], row["lane"]) for row in rows]

    async def list(
        self,
        project_id: str,
        *,
        host: str | None = None,
        incident_id: UUID | None = None,
        before: UUID | None = None,
        limit: int = 100,
    ) -> tuple[list[Row], UUID | None]:
        """List packets without their bodies, the newest first."""
        only = {"host": host, "incident_id": incident_id, "before": before}
        rows = await self._database.fetch(
            "list_host_packets", {"project_id": project_id, **only, "limit": limit + 1}
        )
        return rows[:limit], rows[limit - 1]["id"] if len(rows) > limit else None

    async def show(self, project_id: str, packet_id: UUID) -> Row:
        """Give one packet with its card; raise NotFound."""
        row = await self._database.fetch_one("find_host_packet", {"project_id": project_id, "id": packet_id})
        if row is None:
            raise NotFound(f"there is no packet {packet_id} here")
        return {**row, "card": card(row["packet"])}


def _check(told: Mapping[str, Any]) -> None:
    """Raise UsageError for what is no packet of this version, or too large for one."""
    plan = told.get("dry_run")
    is_whole = (
        told.get("schema_version") == SCHEMA
        and all(isinstance(told.get(name), str) and told[name] for name in _TEXTS)
        and isinstance(plan, dict)
        and isinstance(plan.get("digest"), str)
        and all(isinstance(told.get(name), kind) for name, kind in _PARTS.items())
    )
    if not is_whole:
        raise UsageError(f"this is no {SCHEMA}", hint="Send what 'watchkeeper host triage --json' prints.")
    if len(json.dumps(told, ensure_ascii=False).encode("utf-8", "replace")) > MOST_BYTES:
        raise UsageError(f"a packet has at most {MOST_BYTES:,} bytes")
