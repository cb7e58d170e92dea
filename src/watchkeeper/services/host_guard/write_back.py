"""The five assets of a host incident: written together or not at all, and asked for before it is closed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from watchkeeper.domain.host_guard.assets import REQUIRED, Asset, demand_all
from watchkeeper.domain.host_guard.lanes import NEED_ASSETS
from watchkeeper.storage.database import Connection, fetch


@dataclass(frozen=True, slots=True)
class Of:
    """Whose assets are written: an incident's, by an act or without one."""

    project_id: str
    incident_id: UUID
    remediation_id: UUID | None = None


async def write_assets(
    connection: Connection, of: Of, assets: Mapping[Asset, Mapping[str, Any]], *, actor: str, reason: str
) -> None:
    """Write the assets of an incident in the caller's transaction; raise UsageError unless they are whole."""
    demand_all(assets)
    written = {
        "project_id": of.project_id,
        "incident_id": of.incident_id,
        "remediation_id": of.remediation_id,
        "assets": json.dumps({asset.value: dict(fields) for asset, fields in assets.items()}, default=str),
        "actor": actor,
        "reason": reason,
    }
    await fetch(connection, "write_host_assets", written)


async def missing_assets(connection: Connection, project_id: str, incident_id: UUID, rule: str) -> list[str]:
    """Name what a host incident lacks to be closed; of the other rules nothing."""
    if rule not in NEED_ASSETS:
        return []
    where = {"project_id": project_id, "incident_id": incident_id}
    there = {row["asset"] for row in await fetch(connection, "host_assets_of", where)}
    return [asset.value for asset in REQUIRED if asset.value not in there]
